"""MNIST with a tenth of a dense network's weights: local receptive fields, and L1."""

import time
import warnings
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from striate import LocalReceptiveFields, MLPClassifier

from .data import mnist
from .exercise import Checks
from .report import Report, Table
from .timing import Contender, take_turns

#: Share of the dense network's weights that the others may have, and points that they may lose.
FEW, NEAR = 0.1, 0.003
#: Settings were chosen on the last 10,000 training images, with the others to train on.
NETWORKS = {
    "784-500-10, dense": {"hidden_layer_sizes": (500,), "max_iter": 20},
    "local: 8 maps of 7×7 fields, stride 3": {
        "connectivity": LocalReceptiveFields((28, 28), 7, stride=3, n_maps=8),
        "max_iter": 20,
    },
    "784-500-10, L1": {
        "hidden_layer_sizes": (500,),
        "l1_weight": 7e-5,
        "batch_size": 1000,
        "learning_rate_init": 0.002,
        "max_iter": 40,
    },
}


def measure(rounds=5, seeds=3):
    warnings.simplefilter("ignore", ConvergenceWarning)
    columns = ("", "weights that are not 0", "share", "test accuracy", "training")
    table, checks = Table(columns), Checks()
    report = Report("MNIST with few weights", [table, checks], [])
    data = mnist()
    if data is None:
        report.remarks.append("MNIST is not there.")
        return report
    models, counts, right = {}, {}, {}
    for name, settings in NETWORKS.items():
        models[name], counts[name], right[name], seconds = _fits(settings, data, seeds)
        share = counts[name] / next(iter(counts.values()))
        spread = f"{right[name].mean():.2%} ± {100 * right[name].std(ddof=1):.2f}"
        table.add(name, f"{counts[name]:,.0f}", f"{share:.1%}", spread, f"{seconds:.0f} s")
    dense, *others = NETWORKS
    for name in others:
        checks.at_most(f"{name}: share of the weights", counts[name] / counts[dense], FEW, "{:.1%}")
        lost = (right[dense] - right[name]).mean()
        checks.at_most(f"{name}: test accuracy below the dense network's", lost, NEAR, "{:.2%}")
    report.remarks.append(f"Means and standard deviations of {seeds} fits, seeds from 0 on.")
    _predictions(report, checks, models, data[2], rounds)
    return report


def _fits(settings, data, seeds):
    """The last model; the mean of weights that are not 0; each accuracy; seconds of a fit."""
    counts, right, began = [], [], time.perf_counter()
    for seed in range(seeds):
        model = MLPClassifier(alpha=0.0, tol=0.0, n_iter_no_change=np.inf, random_state=seed)
        model.set_params(**settings).fit(*data[:2]).sparsify()
        counts.append(sum(W.nnz for W in model.coefs_))
        right.append(model.score(*data[2:]))
    return model, np.mean(counts), np.array(right), (time.perf_counter() - began) / seeds


def _predictions(report, checks, models, X, rounds):
    """How much sooner the sparse networks predict 10,000 digits."""
    dense, *others = models
    models[dense].densify()
    contenders = [Contender(name, partial(m.predict, X)) for name, m in models.items()]
    seconds = take_turns(contenders, rounds)
    for name in others:
        ratio = (seconds[dense] / seconds[name]).median
        checks.for_the_record(f"{name}: predicts in 1 thread so many times as fast", ratio)
