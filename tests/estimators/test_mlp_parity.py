"""The same data and seed give scikit-learn's numbers."""

import inspect
import warnings
from itertools import product

import numpy as np
import pytest
import sklearn.neural_network as peer
from all_pairs import all_pairs
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import striate

SOLVERS = {
    "sgd constant": {"solver": "sgd", "momentum": 0.0},
    "sgd invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "sgd adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05,
                     "n_iter_no_change": 2},
    "sgd momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "sgd nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}  # fmt: skip
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
KINDS = [np.asarray, sparse.csr_array, sparse.csc_matrix]
WEIGHTED = [False, True]
TASKS = ["binary", "multiclass", "multilabel", "regression", "multioutput", "poisson"]


def data(task, seed=0, n=130):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 12)) * (rng.random((n, 12)) < 0.4)
    signal = X @ rng.normal(size=(12, 3)) + 0.1 * rng.normal(size=(n, 3))
    y = {
        "binary": np.array(["no", "yes"])[(signal[:, 0] > 0).astype(int)],
        "multiclass": signal.argmax(axis=1),
        "multilabel": (signal > 0).astype(int),
        "regression": signal[:, 0],
        "multioutput": signal,
        "poisson": rng.poisson(np.exp(np.clip(signal[:, 0] / 3, -2, 2))).astype(float),
    }[task]
    return X, y, rng.uniform(0.1, 3, size=n)


def both(task, X, y, weights, **settings):
    if task in ("regression", "multioutput", "poisson"):
        loss = "poisson" if task == "poisson" else "squared_error"
        classes = (
            striate.MLPRegressor(loss, **settings),
            peer.MLPRegressor(loss, **settings),
        )
    else:
        classes = striate.MLPClassifier(**settings), peer.MLPClassifier(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [model.fit(X, y, sample_weight=weights) for model in classes]


@pytest.mark.parametrize(
    ("activation", "solver", "task", "kind", "weighted"),
    all_pairs(product(ACTIVATIONS, SOLVERS, TASKS, KINDS, WEIGHTED)),
)
def test_loss_curve_of_minibatch_solvers(activation, solver, task, kind, weighted):
    X, y, weights = data(task)
    settings = {"hidden_layer_sizes": (9, 7), "batch_size": 32, "max_iter": 20, "random_state": 3,
                "tol": 0, "alpha": 0.01, "learning_rate_init": 0.01}  # fmt: skip
    settings |= {"activation": activation} | SOLVERS[solver]
    ours, theirs = both(task, kind(X), y, weights if weighted else None, **settings)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_


@pytest.mark.parametrize(
    ("activation", "task", "kind", "weighted"),
    all_pairs(
        (*row, weighted)
        for row in product(ACTIVATIONS, TASKS, KINDS[:2])
        for weighted in WEIGHTED
        if row[1] != "multioutput"
    ),
)
def test_loss_of_lbfgs(activation, task, kind, weighted):
    X, y, weights = data(task)
    # The kinks of relu let rounding decide, after some dozens of steps, which minimum is found.
    max_iter = 25 if activation == "relu" else 2000
    settings = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "random_state": 1, "alpha": 1.0,
                "activation": activation, "max_iter": max_iter, "tol": 1e-7}  # fmt: skip
    ours, theirs = both(task, kind(X), y, weights if weighted else None, **settings)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
def test_early_stopping(task, weighted):
    X, y, weights = data(task, n=300)
    settings = {"hidden_layer_sizes": (20,), "early_stopping": True, "random_state": 0, "tol": 1e-3,
                "learning_rate_init": 0.01, "max_iter": 60, "n_iter_no_change": 5}  # fmt: skip
    ours, theirs = both(task, X, y, weights if weighted else None, **settings)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-6)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("task", TASKS)
def test_partial_fit_and_warm_start(task, solver):
    X, y, _ = data(task)
    options = {"classes": np.unique(y)} if task in ("binary", "multiclass") else {}
    if task == "multilabel":
        options = {"classes": [0, 1, 2]}
    ours, theirs = both(task, X, y, None, solver=solver, random_state=2, max_iter=3,
                        warm_start=True, shuffle=False)  # fmt: skip
    for model in (ours, theirs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.partial_fit(X, y, **options).fit(X, y).partial_fit(X[:60], y[:60])
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("task", "kind", "dtype"),
    [
        *all_pairs((task, kind, np.float64) for task, kind in product(TASKS, KINDS)),
        *((task, np.asarray, np.float32) for task in TASKS),
        pytest.param("binary", sparse.csr_array, np.float32, marks=pytest.mark.long),
    ],
)
def test_predictions(task, kind, dtype):
    X, y, _ = data(task)
    X = kind(X.astype(dtype))
    ours, theirs = both(task, X, y, None, max_iter=20, random_state=0, hidden_layer_sizes=(8, 6))
    rtol = 1e-9 if dtype == np.float64 else 1e-3
    if hasattr(ours, "predict_proba"):
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        ours, theirs = ours.predict_proba(X), theirs.predict_proba(X)
    else:
        ours, theirs = ours.predict(X), theirs.predict(X)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("task", TASKS)
def test_no_hidden_layer(task):
    X, y, _ = data(task)
    ours, theirs = both(task, X, y, None, hidden_layer_sizes=(), max_iter=20, random_state=0)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_constructor(name):
    """Parameters in name, order and default; ours come after theirs and by keyword only."""
    ours = getattr(striate, name)().get_params(deep=False)
    theirs = getattr(peer, name)().get_params(deep=False)
    assert theirs.items() <= ours.items()
    ours, theirs = (
        list(inspect.signature(getattr(module, name)).parameters.values())
        for module in (striate, peer)
    )
    unannotated = [p.replace(annotation=p.empty) for p in ours[: len(theirs)]]
    assert unannotated == theirs
    assert all(p.kind == p.KEYWORD_ONLY for p in ours[len(theirs) :])


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_public_attributes(name, solver):
    task = "multiclass" if name == "MLPClassifier" else "regression"
    X, y, _ = data(task)
    ours, theirs = both(task, X, y, None, solver=solver, random_state=0, max_iter=30)
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public - {"partial_fit"} <= set(dir(ours))
    assert hasattr(ours, "partial_fit") == (solver != "lbfgs")
