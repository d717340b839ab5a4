"""Cases of estimators that take arrays: odd X, y, weights and parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from .case import BrokenPromiseError, Case
from .odd_matrices import BAD, EXTREME, LEGAL_IN_TABLES, legal_matrix, legal_sparse
from .odd_targets import (
    BAD_CLASSES,
    BAD_NUMBERS,
    BAD_WEIGHTS,
    CLASSES,
    EITHER,
    EITHER_WEIGHTS,
    NUMBERS,
    WEIGHTS,
)
from .odd_values import VALUES, as_numpy
from .subjects import (
    N_ROWS,
    SUBJECTS,
    Subject,
    fitted,
    outputs,
    pick,
    plain_rows,
    plain_target,
)

# Differences to the twin, relative to the largest value: training enlarges those of rounding.
_ROUNDING = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 2e-3}
_TARGETS = [name for name, each in SUBJECTS.items() if each.target]
_CLASSES = [name for name, each in SUBJECTS.items() if each.target == "classes"]
_PEERS = [name for name, each in SUBJECTS.items() if each.peer]
_WEIGHTS = [name for name, each in SUBJECTS.items() if each.weights]


def legal_x(rng: np.random.Generator) -> Case:
    """X in an odd form gives the same numbers as a plain array."""
    name = pick(rng, SUBJECTS)
    sparse = SUBJECTS[name].sparse and rng.random() < 0.5
    what, odd, plain = (legal_sparse if sparse else legal_matrix)(rng, plain_rows())
    # Sums have another order over sparse rows, and over columns that come first in memory.
    single = plain.dtype == np.float32 or what.endswith("of float32")
    tolerance = _ROUNDING[plain.dtype] if sparse else 1e-5 if single else 1e-12
    text, attempt, twin = _on(rng, name, odd, plain)
    family = "X: sparse formats" if sparse else "X: dtypes, byte orders, containers"
    return Case(family, f"{text}, X: {what}", attempt, twin, tolerance)


def bad_x(rng: np.random.Generator) -> Case:
    """X that is bad must be refused; what is data in a table gives finite results, or a message."""
    name, what = pick(rng, SUBJECTS), pick(rng, BAD)
    odd = BAD[what](plain_rows(), rng)
    text, attempt, _ = _on(rng, name, odd, odd)
    refused = not (SUBJECTS[name].table and what in LEGAL_IN_TABLES)
    return Case("X: bad", f"{text}, X: {what}", attempt, refused=refused)


def extreme_x(rng: np.random.Generator) -> Case:
    """X of extreme values or sizes gives finite results, or a message."""
    name, what = pick(rng, SUBJECTS), pick(rng, [*EXTREME, "one row", "one column", "two rows"])
    X, y = plain_rows(), SUBJECTS[name].target and plain_target(SUBJECTS[name].target)
    rows = {"one row": 1, "two rows": 2}.get(what, N_ROWS)
    odd = EXTREME[what](X, rng) if what in EXTREME else X[:rows, : 1 if "column" in what else None]
    subject = SUBJECTS[name]

    def attempt() -> Any:
        model = _unchanged(odd, lambda: _fit(subject, odd, y[:rows] if subject.target else None))
        return outputs(model, odd)

    return Case("X: extreme values and sizes", f"{name}.fit, X: {what}", attempt)


def legal_y(rng: np.random.Generator) -> Case:
    """Targets y in an odd form give the same numbers as plain ones."""
    name = pick(rng, _TARGETS)
    subject, y = SUBJECTS[name], plain_target(SUBJECTS[name].target)
    if subject.target == "numbers":
        what = pick(rng, NUMBERS)
        odd = NUMBERS[what](y)
    elif subject.target == "classes":
        what = pick(rng, CLASSES)
        odd = CLASSES[what](y)
    else:  # -1 must stay a number
        what = pick(rng, ["dtype i1", "dtype f4", "dtype >i4", "list", "pandas", "polars", "tuple"])
        odd = CLASSES[what](y)
    X = plain_rows()

    def codes(y: Any) -> Any:
        model = _unchanged(odd, lambda: _fit(subject, X, y))
        found = outputs(model, X)
        if hasattr(model, "classes_"):
            found["predict"] = np.searchsorted(model.classes_, found["predict"])
        return found

    return Case(
        "y: labels and numbers", f"{name}.fit, y: {what}", lambda: codes(odd), lambda: codes(y)
    )


def bad_y(rng: np.random.Generator) -> Case:
    """Targets y that are bad must be refused; odd ones give finite results, or a message."""
    name = pick(rng, _TARGETS)
    subject, y = SUBJECTS[name], plain_target(SUBJECTS[name].target)
    bad = BAD_NUMBERS if subject.target == "numbers" else BAD_CLASSES
    refused = rng.random() < 0.7
    table = bad if refused else EITHER
    what = pick(rng, table)
    odd = table[what](y, rng)
    X = plain_rows()

    def attempt() -> Any:
        model = _unchanged(odd, lambda: _fit(subject, X, _NoDefault(odd)))
        found = outputs(model, X)
        return {key: value for key, value in found.items() if key != "predict" or refused}

    return Case("y: labels and numbers", f"{name}.fit, y: {what}", attempt, refused=refused)


def weights(rng: np.random.Generator) -> Case:
    """Weights of rows: legal, bad, or as the estimator decides."""
    name = pick(rng, _WEIGHTS)
    subject, X = SUBJECTS[name], plain_rows()
    w = np.arange(N_ROWS) % 4.0
    kind = rng.integers(3)
    table = (WEIGHTS, BAD_WEIGHTS, EITHER_WEIGHTS)[kind]
    what = pick(rng, table)
    odd = table[what](w, N_ROWS if kind == 0 else rng)

    def attempt() -> Any:
        return outputs(_unchanged(odd, lambda: _fit(subject, X, weights=odd)), X)

    def twin() -> Any:
        return outputs(subject.fit(X, weights=w), X)

    text = f"{name}.fit, sample_weight: {what}"
    return Case("sample_weight", text, attempt, twin if kind == 0 else None, refused=kind == 1)


def parameters(rng: np.random.Generator) -> Case:
    """Parameters of a wrong type or range are refused or do their work; NumPy's scalars count."""
    name = pick(rng, SUBJECTS)
    subject, X = SUBJECTS[name], plain_rows()
    model = subject.make()
    given = model.get_params(deep=False)
    parameter = pick(rng, given)
    equal = as_numpy(rng, given[parameter])
    if equal is not None and rng.random() < 0.25:
        text = f"{name}({parameter}={equal!r}).fit"
        attempt = lambda: outputs(_fit(subject, X, **{parameter: equal}), X)  # noqa: E731
        return Case("parameters", text, attempt, lambda: outputs(subject.fit(X), X))
    what = pick(rng, VALUES)
    text = f"{name}({parameter}: {what}).fit"
    return Case(
        "parameters", text, lambda: _finite_part(_fit(subject, X, **{parameter: VALUES[what]}))
    )


def beside_sklearn(rng: np.random.Generator) -> Case:
    """Perceptrons give scikit-learn's numbers for X in odd forms, and refuse what it refuses."""
    name = pick(rng, _PEERS)
    subject = SUBJECTS[name]
    sparse = rng.random() < 0.4
    what, odd, plain = (legal_sparse if sparse else legal_matrix)(rng, plain_rows())
    dtype = plain.dtype
    activation = pick(rng, ["relu", "tanh", "logistic", "identity"])
    target = plain_target(subject.target)
    text = f"{name}(activation={activation!r}).fit, X: {what}"

    def attempt() -> Any:
        return _predictions(subject.fit(odd, activation=activation), plain)

    def twin() -> Any:
        peer = subject.peer().set_params(activation=activation)
        return _predictions(peer.fit(plain, target), plain)

    return Case("beside scikit-learn", text, attempt, twin, _ROUNDING[dtype])


def _predictions(model: Any, X: Any) -> Any:
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def _on(
    rng: np.random.Generator, name: str, odd: Any, plain: Any
) -> tuple[str, Callable[[], Any], Callable[[], Any]]:
    """Return what is done with X in words: a fit, or the use of a fitted model; and its twin."""
    subject = SUBJECTS[name]
    if rng.random() < 0.5:

        def fit(X: Any) -> Any:
            model = _unchanged(X, lambda: _fit(subject, X))
            return outputs(model, plain_rows()), outputs(model, plain)

        return f"{name}.fit", lambda: fit(odd), lambda: fit(plain)
    model = fitted(name)
    method = pick(rng, outputs(model, plain_rows()))
    use = getattr(model, method)
    return (
        f"{name}.{method}",
        lambda: _unchanged(odd, lambda: use(odd)),
        lambda: use(plain),
    )


class _NoDefault:
    """A y that may be None."""

    def __init__(self, y: Any) -> None:
        self.y = y


def _fit(subject: Subject, X: Any, y: Any = None, weights: Any = None, **params: Any) -> Any:
    """Fit; a fit that fails must leave the estimator as it was."""
    model = subject.make().set_params(**params)
    before = dict(vars(model))
    try:
        if isinstance(y, _NoDefault):
            return model.fit(X, y.y)
        return subject.fit_model(model, X, y, weights)
    except BaseException as error:
        changed = {k for k in {*before, *vars(model)} if before.get(k) is not vars(model).get(k)}
        changed = {k for k in changed if "callback" not in k}
        if changed and isinstance(error, Exception):
            raise BrokenPromiseError(
                f"{sorted(changed)} changed in a fit that failed: {error}"
            ) from error
        raise


def _unchanged(given: Any, action: Callable[[], Any]) -> Any:
    """Do something with a given X or y, which must not change it."""
    before = _bytes(given)
    try:
        return action()
    finally:
        if _bytes(given) != before:
            raise BrokenPromiseError("the caller's data were changed")


def _bytes(given: Any) -> Any:
    if isinstance(given, np.ndarray):
        return given.tobytes() if given.dtype.kind != "O" else repr(given)
    parts = [getattr(given, name, None) for name in ("data", "indices", "indptr")]
    return [part.tobytes() for part in parts if isinstance(part, np.ndarray)]


def _finite_part(model: Any) -> Any:
    """Return the outputs of a model; the size of a parameter may let them overflow, not crash."""
    clone(model)
    found = outputs(model, plain_rows())
    return [each.shape for each in found.values()]


FAMILIES = (
    (legal_x, 22),
    (bad_x, 16),
    (extreme_x, 7),
    (legal_y, 5),
    (bad_y, 8),
    (weights, 6),
    (parameters, 20),
    (beside_sklearn, 6),
)
