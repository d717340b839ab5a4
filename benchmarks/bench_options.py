"""Parameters that scikit-learn's perceptrons do not have: what they gain, and what they cost."""

from functools import partial

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import MLPClassifier, MLPRegressor

from .fixed_iterations import fixed_iterations
from .image_datasets import mnist
from .result_tables import Report, Table
from .table_datasets import table
from .timing import Contender, Spread, take_turns

#: What is timed beside the default.
OPTIONS = {
    "activation='gelu'": {"activation": "gelu"},
    "dropout=0.5": {"dropout": 0.5},
    "dropout=[0.2, 0.5]": {"dropout": [0.2, 0.5]},
    "class_weight='balanced'": {"class_weight": "balanced"},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "loss='focal'": {"loss": "focal"},
    "weight_decay=0.01 (AdamW)": {"weight_decay": 0.01},
    "max_grad_norm=1": {"max_grad_norm": 1.0},
    "weight_averaging=0.999": {"weight_averaging": 0.999},
    "learning_rate='one_cycle'": {"learning_rate": "one_cycle"},
}
#: For the accuracy of many-parameter networks on few images; chosen beforehand, not tuned.
REGULAR = {
    "default": {},
    "dropout=[0.2, 0.5]": {"dropout": [0.2, 0.5]},
    "weight_averaging=0.999": {"weight_averaging": 0.999},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "dropout, averaging and 'one_cycle'": {
        "dropout": [0.2, 0.5],
        "weight_averaging": 0.999,
        "learning_rate": "one_cycle",
    },
}
N_IMAGES, N_EPOCHS = 10_000, 40


@fixed_iterations()
def measure(rounds=7, n_splits=5, n_seeds=3):
    report = Report("Parameters beyond scikit-learn's", [], [])
    images = mnist()
    if images is not None:
        _costs(report, *images[:2], rounds)
        _regularization(report, images, n_seeds)
    _class_weights(report, n_splits)
    _coverage(report, n_splits)
    return report


def _costs(report, X, y, rounds):
    """Time each option beside the default, on the same rows and epochs."""
    fit = {"hidden_layer_sizes": (100,), "max_iter": 2, "tol": 0.0, "random_state": 0}
    X, y = X[:20_000], y[:20_000]
    contenders = {"default": MLPClassifier(**fit)}
    contenders |= {name: MLPClassifier(**fit, **each) for name, each in OPTIONS.items()}
    runs = [Contender(name, partial(each.fit, X, y)) for name, each in contenders.items()]
    validated = MLPClassifier(**fit)
    rows = {"X_val": X[:2000], "y_val": y[:2000]}
    runs.append(Contender("X_val of 2,000 rows", partial(validated.fit, X, y, **rows)))
    for run in runs:
        run.run()
    seconds = take_turns(runs, rounds)
    costs = Table(
        ("784-100-10, 20,000 images, 1 thread", "time relative to the default", "quartiles")
    )
    for name, spread in seconds.items():
        if name != "default":
            ratio = spread / seconds["default"]
            low, high = ratio.quartiles
            costs.add(name, f"{ratio.median:.2f}", f"{low:.2f} – {high:.2f}")
    report.tables.append(costs)


def _regularization(report, images, n_seeds):
    X, y, X_test, y_test = images
    gains = Table((f"MNIST, {N_IMAGES:,} images, 784-800-10", "test accuracy", "lowest – highest"))
    for name, options in REGULAR.items():
        accuracies = [
            MLPClassifier(
                (800,), max_iter=N_EPOCHS, n_iter_no_change=np.inf, random_state=seed, **options
            )
            .fit(X[:N_IMAGES], y[:N_IMAGES])
            .score(X_test, y_test)
            for seed in range(n_seeds)
        ]
        _add(gains, name, accuracies)
    report.tables.append(gains)


def _class_weights(report, n_splits):
    data = table("mammography")
    if data is None:
        return
    X, y = data
    gains = Table(("mammography, 2.3% positive", "balanced accuracy", "lowest – highest"))
    for class_weight in (None, "balanced"):
        splits = StratifiedShuffleSplit(n_splits, test_size=0.3, random_state=0).split(X, y)
        scores = []
        for seed, (train, test) in enumerate(splits):
            model = make_pipeline(
                StandardScaler(), MLPClassifier(class_weight=class_weight, random_state=seed)
            )
            model.fit(X[train], y[train])
            scores.append(balanced_accuracy_score(y[test], model.predict(X[test])))
        _add(gains, f"class_weight={class_weight!r}", scores)
    report.tables.append(gains)


def _coverage(report, n_splits):
    data = table("california")
    if data is None:
        return
    X, y = data
    keep = np.isfinite(X).all(axis=1)
    X, y = X[keep], ((y - y[keep].mean()) / y[keep].std())[keep]
    gains = Table(
        ("California housing, intervals of 90%", "coverage", "lowest – highest", "mean width")
    )
    losses = {
        "squared_error": {},
        "quantile": {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]},
    }
    for name, options in losses.items():
        coverages, widths = [], []
        for seed in range(n_splits):
            X_fit, X_rest, y_fit, y_rest = train_test_split(X, y, test_size=0.4, random_state=seed)
            X_cal, X_test, y_cal, y_test = train_test_split(
                X_rest, y_rest, test_size=0.5, random_state=seed
            )
            scaler = StandardScaler().fit(X_fit)
            regressor = MLPRegressor(
                hidden_layer_sizes=(100, 100), learning_rate="one_cycle", max_iter=40,
                random_state=seed, **options,
            )  # fmt: skip
            regressor.fit(scaler.transform(X_fit), y_fit)
            regressor.calibrate_intervals(scaler.transform(X_cal), y_cal)
            low, high = regressor.predict_interval(scaler.transform(X_test), 0.9).T
            coverages.append(float(((low <= y_test) & (y_test <= high)).mean()))
            widths.append(float((high - low).mean()))
        _add(gains, f"loss={name!r}", coverages, f"{np.mean(widths):.2f} σ")
    report.tables.append(gains)


def _add(gains, name, values, *more):
    spread = Spread(np.array(values))
    lowest, highest = spread.values.min(), spread.values.max()
    gains.add(name, f"{spread.values.mean():.2%}", f"{lowest:.2%} – {highest:.2%}", *more)
