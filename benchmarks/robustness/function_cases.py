"""Cases of functions and displays: odd arguments."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy import sparse
from sklearn.preprocessing import FunctionTransformer

from striate import (
    ConnectivityDisplay,
    FeatureDisplay,
    LocalReceptiveFields,
    LossCurveDisplay,
    MLPClassifier,
    ReceptiveFieldsDisplay,
    ShiftDisplay,
    SparseAutoencoder,
    UnitsDisplay,
    check_gradient,
    inspect_units,
    labeled_scorer,
    maximal_inputs,
    shift_sensitivity,
)

from .case import Case
from .odd_matrices import BAD, EXTREME
from .odd_values import VALUES
from .subjects import SUBJECTS, fitted, pick, plain_rows

_IMAGES = np.random.default_rng(2).random((3, 14, 14))


@cache
def _local() -> Any:
    X = np.random.default_rng(3).random((20, 16))
    fields = LocalReceptiveFields((4, 4), 2, stride=2)
    return SparseAutoencoder(connectivity=fields, max_iter=2, random_state=0).fit(X)


def _square(theta: Any) -> Any:
    return float(np.sum(theta * theta)), 2 * theta


def _scored(**values: Any) -> Any:
    scorer = labeled_scorer(values["scoring"])
    return float(scorer(fitted("MLPClassifier"), plain_rows(), np.arange(30) % 3))


def _moved(**values: Any) -> Any:
    found = shift_sensitivity(FunctionTransformer(), _IMAGES, **values)
    return found.mean


_FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "LocalReceptiveFields": (
        lambda **values: LocalReceptiveFields(**values).mask(),
        {"image_shape": (4, 4), "field_size": 2, "stride": 1, "n_maps": 1, "periodic": False},
    ),
    "connectivity of MLPClassifier": (
        lambda mask: MLPClassifier(connectivity=mask, max_iter=1).fit(plain_rows(), [0, 1] * 15),
        {"mask": np.ones((5, 3))},
    ),
    "connectivity of SparseAutoencoder": (
        lambda mask: SparseAutoencoder(connectivity=mask, max_iter=1).fit(plain_rows()),
        {"mask": np.ones((5, 3))},
    ),
    "maximal_inputs": (maximal_inputs, {"components": np.ones((3, 4))}),
    "check_gradient": (
        check_gradient,
        {"fun": _square, "theta": np.ones(3), "epsilon": 1e-4},
    ),
    "labeled_scorer": (_scored, {"scoring": "accuracy"}),
    "inspect_units": (
        lambda **values: inspect_units(**values).table(),
        {"estimator": fitted, "X": plain_rows(), "n_rows": 2},
    ),
    "shift_sensitivity": (
        _moved,
        {"shifts": (1, 2), "window_size": None, "n_windows": 1, "random_state": 0},
    ),
}
_ODD = BAD | EXTREME
_SENSITIVITY = shift_sensitivity(FunctionTransformer(), _IMAGES, (1, 2))
_DISPLAYS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "FeatureDisplay": (
        lambda components, image_shape, **how: FeatureDisplay(
            components, image_shape=image_shape
        ).plot(**how),
        {
            "components": np.arange(12.0).reshape(3, 4),
            "image_shape": (2, 2),
            "units": None,
            "ax": None,
            "n_columns": None,
            "scale": "tile",
            "sort": "none",
            "title": None,
            "cmap": "gray",
        },
    ),
    "ConnectivityDisplay": (
        lambda mask, **how: ConnectivityDisplay.from_mask(mask, **how),
        {
            "mask": np.eye(4, 3),
            "image_shape": (2, 2),
            "feature_names": None,
            "figure": None,
            "title": None,
        },
    ),
    "LossCurveDisplay": (
        lambda loss_curves, names, **how: LossCurveDisplay(loss_curves, names=names).plot(**how),
        {"loss_curves": [[3.0, 2.0]], "names": ["a"], "ax": None, "log": False, "ylabel": "J"},
    ),
    "ShiftDisplay": (
        lambda sensitivities, **how: ShiftDisplay(sensitivities).plot(**how),
        {"sensitivities": _SENSITIVITY, "ax": None, "by_direction": False, "title": None},
    ),
    "UnitsDisplay": (
        lambda **how: UnitsDisplay.from_estimator(fitted("SparseAutoencoder"), plain_rows(), **how),
        {
            "n_rows": 2,
            "image_shape": None,
            "feature_names": None,
            "units": None,
            "n_units": 2,
            "figure": None,
            "title": None,
            "cmap": "gray",
        },
    ),
    "ReceptiveFieldsDisplay": (
        lambda **how: ReceptiveFieldsDisplay.from_estimator(_local(), **how),
        {
            "fields": None,
            "layer": 0,
            "maps": None,
            "n_maps": 1,
            "bands": None,
            "scale": "map",
            "figure": None,
            "title": None,
            "cmap": "gray",
        },
    ),
}


@cache
def _matrices() -> dict[str, Any]:
    made = {name: make(plain_rows(), np.random.default_rng(0)) for name, make in _ODD.items()}
    return made | {"sparse matrix": sparse.csr_array(np.eye(4, 5)), "not fitted": MLPClassifier()}


def functions(rng: np.random.Generator) -> Case:
    """Call a function with one odd argument: a message, or finite results."""
    return _odd_argument(rng, "functions", _FUNCTIONS)


def displays(rng: np.random.Generator) -> Case:
    """Draw with one odd argument: a message, or a picture that can be drawn."""
    case = _odd_argument(rng, "displays", _DISPLAYS)

    def attempt() -> None:
        try:
            case.attempt()
            for number in plt.get_fignums():
                plt.figure(number).canvas.draw()
        finally:
            plt.close("all")

    return Case(case.family, case.text, attempt)


def not_fitted(rng: np.random.Generator) -> Case:
    """Use an estimator that is not fitted: it must say so."""
    name = pick(rng, SUBJECTS)
    methods = [m for m in ("transform", "predict") if hasattr(fitted(name), m)]
    method = pick(rng, methods)
    model = SUBJECTS[name].make()
    return Case(
        "functions",
        f"{name}.{method} without fit",
        lambda: getattr(model, method)(plain_rows()),
        refused=True,
    )


def _odd_argument(rng: np.random.Generator, family: str, table: Any) -> Case:
    name = pick(rng, table)
    function, values = table[name]
    values = {k: fitted("SparseAutoencoder") if v is fitted else v for k, v in values.items()}
    argument = pick(rng, values)
    odd = _matrices() if _is_data(values[argument]) and rng.random() < 0.5 else VALUES | _OBJECTS
    # Functions of the caller may do anything.
    what = pick(rng, [each for each in odd if argument not in _CALLED or each not in _CALLABLE])
    text = f"{name}({argument}: {what})"
    return Case(family, text, lambda: _shown(function(**(values | {argument: odd[what]}))))


_CALLED = {"fun", "scoring"}
_CALLABLE = ("a function", "a class")


def _is_data(value: Any) -> bool:
    return isinstance(value, np.ndarray | list) or hasattr(value, "fit")


_OBJECTS = {
    "an array of another size": np.ones((7, 3, 2)),
    "a figure": Figure(),
    "an axis number": np.int64(10**9),
}


def _shown(result: Any) -> Any:
    return result if isinstance(result, float | np.ndarray | dict) else None


FAMILIES = ((functions, 7), (displays, 4), (not_fitted, 1))
