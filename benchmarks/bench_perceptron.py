"""MLPClassifier compared with scikit-learn's, and with typical PyTorch code."""

from functools import partial

import numpy as np
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import striate

from .environment import HAS_TORCH
from .fixed_iterations import fixed_iterations
from .image_datasets import mnist
from .result_tables import Report, SpreadTargets, Times
from .timing import Contender, check_same, take_turns

OURS, THEIRS = "Striate", "scikit-learn"
CLASSES = {OURS: striate.MLPClassifier, THEIRS: sklearn.neural_network.MLPClassifier}
DTYPES = {"float32": np.float32, "float64": np.float64}
# Trains for exactly max_iter epochs.
FOREVER = {"tol": 0.0, "n_iter_no_change": np.inf, "random_state": 0}
# Losses of the first epochs are compared: rounding errors grow as training goes on.
COMPARED = 50


@fixed_iterations()
def measure(rounds=5):
    report = Report("MLPClassifier", [Times(), SpreadTargets()], [])
    images = mnist()
    if images is None:
        rng = np.random.default_rng(0)
        images = rng.random((60000, 784), dtype=np.float32), rng.integers(10, size=60000)
        report.remarks.append("MNIST is not available: random numbers are used instead.")
    X, y = images[:2]
    rng = np.random.default_rng(0)
    small = rng.normal(size=(1500, 64)), rng.integers(3, size=1500)
    some = X[:20000], y[:20000]
    time_fits(report, "64-32-3 relu, 1,500 rows, Adam, 200 epochs", small, rounds, (10, 6, 2),
              hidden_layer_sizes=(32,), max_iter=200, batch_size=200)  # fmt: skip
    time_fits(report, "784-100-10 relu, 20,000 rows, Adam, 2 epochs", some, rounds, (2.3, 1.6, 2),
              hidden_layer_sizes=(100,), max_iter=2, batch_size=200)  # fmt: skip
    time_fits(report, "784-512-512-10 tanh, 20,000 rows, Adam, 1 epoch", some, rounds,
              (2.3, 1.6, 1.5), hidden_layer_sizes=(512, 512), activation="tanh", max_iter=1,
              batch_size=256)  # fmt: skip
    time_fits(report, "784-100-10 relu, 60,000 rows, L-BFGS, 10 iterations", (X, y), rounds,
              (2, 1.5), hidden_layer_sizes=(100,), solver="lbfgs", max_iter=10)  # fmt: skip
    terms = sparse.random_array((20000, 10000), density=0.005, format="csr", rng=0)
    time_fits(report, "sparse 20,000 × 10,000 (0.5%), 100 hidden, Adam, 1 epoch",
              (terms, rng.integers(3, size=20000)), rounds, (2, 1.5),
              hidden_layer_sizes=(100,), max_iter=1)  # fmt: skip
    _predictions(report, X, y, rounds)
    _search(report, rounds)
    return report


def _compare(report, what, contenders, rounds, targets):
    """Time contenders named (library, dtype), and compute the speedups for each dtype."""
    times, ratios = report.tables
    runs = [Contender(f"{what}: {name}, {dtype}", run, 2) for (name, dtype), run in contenders]
    seconds = take_turns(runs, rounds)
    for name, spread in seconds.items():
        times.add_time(name, spread)
    for dtype, target in zip(DTYPES, targets, strict=False):
        ours, theirs = (seconds[f"{what}: {name}, {dtype}"] for name in (OURS, THEIRS))
        ratios.at_least(f"{what}, {dtype}: speedup over scikit-learn", theirs / ours, target)
    torch = seconds.get(f"{what}: PyTorch, float32")
    if torch is not None:
        ratio = torch / seconds[f"{what}: {OURS}, float32"]
        ratios.at_least(f"{what}, float32: speedup over PyTorch", ratio, targets[2])


def time_fits(report, what, data, rounds, targets, **settings):
    """Time both fits, after checking that the losses agree; and PyTorch if a target is given."""
    fitted, contenders = {}, []
    for dtype, type_ in DTYPES.items():
        X = data[0].astype(type_)
        for name, Class in CLASSES.items():
            model = Class(**FOREVER, **settings)
            fitted[name, dtype] = model.fit(X, data[1])
            contenders.append(((name, dtype), partial(model.fit, X, data[1])))
        limit = 1e-3 if type_ == np.float32 else 1e-5
        losses = (_losses(fitted[name, dtype]) for name in (OURS, THEIRS))
        report.remarks.append(check_same(f"{what}, {dtype}, losses", *losses, limit))
    if HAS_TORCH and len(targets) > 2:
        from .pytorch_networks import train_classifier

        start = CLASSES[OURS](**FOREVER, **{**settings, "max_iter": 1, "solver": "sgd",
                              "learning_rate_init": 1e-30})  # fmt: skip
        start.fit(data[0].astype(np.float32), data[1])
        weights = start.coefs_, start.intercepts_
        keys = {"max_iter", "batch_size"}
        train = partial(train_classifier, weights, settings.get("activation", "relu"),
                        data[0].astype(np.float32), data[1], 1e-4,
                        **{key: settings[key] for key in keys})  # fmt: skip
        pair = (train(), fitted[OURS, "float32"].loss_)
        report.remarks.append(check_same(f"{what}, loss vs. PyTorch, which shuffles "
                                         "differently", *pair, 0.1))  # fmt: skip
        contenders.append((("PyTorch", "float32"), train))
    _compare(report, what, contenders, rounds, targets)


def _losses(fitted):
    """Return the losses to compare; scikit-learn records no curve with L-BFGS."""
    return [fitted.loss_] if fitted.solver == "lbfgs" else fitted.loss_curve_[:COMPARED]


def _predictions(report, X, y, rounds):
    """Time `predict` of one row, 200 times, and of 60,000 rows."""
    for what, n_rows, times, targets in (
        ("predict one row, 200 times", 1, 200, (2, 2)),
        ("predict 60,000 rows of 784", 60000, 1, (1.4, 1.2)),
    ):
        contenders = []
        for dtype, type_ in DTYPES.items():
            rows = X[:n_rows].astype(type_)
            models = {}
            for name, Class in CLASSES.items():
                model = Class((100,), max_iter=1, random_state=0)
                models[name] = model.fit(X[:2000].astype(type_), y[:2000])
                contenders.append(((name, dtype), partial(_again, model.predict, rows, times)))
            same = np.mean(models[OURS].predict(rows) == models[THEIRS].predict(rows))
            report.remarks.append(f"{what}, {dtype}: {same:.3%} of the predicted labels agree")
        _compare(report, what, contenders, max(rounds, 7), targets)


def _again(function, argument, times):
    for _ in range(times):
        function(argument)


def _search(report, rounds):
    """Time a grid search over 12 candidates and 5 folds in two processes."""
    X, y = load_digits(return_X_y=True)
    grid = {
        "alpha": [1e-5, 1e-4, 1e-3, 1e-2],
        "hidden_layer_sizes": [(30,), (60,), (30, 30)],
    }
    what = "GridSearchCV, digits, 12 candidates × 5 folds, n_jobs=2"
    contenders = []
    for dtype, type_ in DTYPES.items():
        for name, Class in CLASSES.items():
            search = GridSearchCV(Class(max_iter=60, random_state=0), grid, cv=5, n_jobs=2)
            run = partial(search.fit, (X / 16).astype(type_), y)
            run()
            contenders.append(((name, dtype), run))
    _compare(report, what, contenders, min(rounds, 3), (4, 3))
