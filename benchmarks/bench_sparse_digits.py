"""MNIST with a tenth of the weights of a dense network: local receptive fields, and L1."""

import time
from functools import partial

import numpy as np

from striate import LocalReceptiveFields, MLPClassifier

from .fixed_iterations import fixed_iterations
from .image_datasets import mnist
from .result_tables import Report, Table, ValueTargets
from .timing import Contender, take_turns

#: Share of the dense network's weights allowed for the others, and accuracy that they may lose.
FEW, NEAR = 0.1, 0.003
#: Settings were chosen on the last 10,000 training images, after training on the others.
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


@fixed_iterations()
def measure(rounds=5, seeds=3):
    columns = ("", "nonzero weights", "relative to dense", "test accuracy", "training time")
    table, targets = Table(columns), ValueTargets()
    report = Report("MNIST with few weights", [table, targets], [])
    data = mnist()
    if data is None:
        report.remarks.append("MNIST is not available.")
        return report
    models, counts, accuracy = {}, {}, {}
    for name, settings in NETWORKS.items():
        models[name], counts[name], accuracy[name], seconds = _fits(settings, data, seeds)
        share = counts[name] / next(iter(counts.values()))
        spread = f"{accuracy[name].mean():.2%} ± {100 * accuracy[name].std(ddof=1):.2f}"
        table.add(name, f"{counts[name]:,.0f}", f"{share:.1%}", spread, f"{seconds:.0f} s")
    dense, *others = NETWORKS
    for name in others:
        targets.at_most(
            f"{name}: weights relative to dense", counts[name] / counts[dense], FEW, "{:.1%}"
        )
        lost = (accuracy[dense] - accuracy[name]).mean()
        targets.at_most(f"{name}: drop in test accuracy", lost, NEAR, "{:.2%}")
    report.remarks.append(f"Mean and standard deviation over {seeds} fits, with seeds from 0.")
    _predictions(report, targets, models, data[2], rounds)
    return report


def _fits(settings, data, seeds):
    """Return the last model, mean number of nonzero weights, accuracies, and seconds per fit."""
    counts, accuracy, began = [], [], time.perf_counter()
    for seed in range(seeds):
        model = MLPClassifier(alpha=0.0, tol=0.0, n_iter_no_change=np.inf, random_state=seed)
        model.set_params(**settings).fit(*data[:2]).sparsify()
        counts.append(sum(W.nnz for W in model.coefs_))
        accuracy.append(model.score(*data[2:]))
    return model, np.mean(counts), np.array(accuracy), (time.perf_counter() - began) / seeds


def _predictions(report, targets, models, X, rounds):
    """Time the prediction of 10,000 digits by the sparse networks."""
    dense, *others = models
    models[dense].densify()
    contenders = [Contender(name, partial(m.predict, X)) for name, m in models.items()]
    seconds = take_turns(contenders, rounds)
    for name in others:
        ratio = (seconds[dense] / seconds[name]).median
        targets.for_the_record(f"{name}: speedup of predict, 1 thread", ratio)
