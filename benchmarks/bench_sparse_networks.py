"""Sparse networks compared with the same networks as masked dense ones."""

from functools import partial

import numpy as np
from scipy import sparse

from striate import LocalReceptiveFields, MLPClassifier

from . import peak_memory
from .environment import HAS_TORCH
from .fixed_iterations import fixed_iterations
from .result_tables import Report, SpreadTargets, Times
from .speed_figures import seconds_against_connections
from .timing import THREADS, Contender, check_same, take_turns

OURS, DENSE = "Striate", "Striate, dense"
MASKED, UNFOLDED = "PyTorch, masked dense", "PyTorch, unfold and batched product"
#: 96×96 images, with 16 units for each of 23×23 windows.
FIELDS = LocalReceptiveFields((96, 96), 8, stride=4, n_maps=16)
#: Shares of connections in the picture.
DENSITIES = (0.001, 0.003, 0.01, 0.03, 0.1)
N_CLASSES, BATCH_SIZE = 10, 128
#: Tiny, since our Adam adds ε to √v, and PyTorch's to √v after the bias correction.
EPSILON = 1e-15


@fixed_iterations()
def measure(rounds=3, n_rows=1000, fields=FIELDS, shape=(10_000, 2000), densities=DENSITIES):
    report = Report("Sparse networks", [Times(), SpreadTargets()], [])
    _local(report, rounds, n_rows, fields)
    _irregular(report, rounds, n_rows, shape)
    _densities(report, rounds, n_rows, shape, densities)
    if peak_memory.CAN_BE_MEASURED and HAS_TORCH:
        ours, masked = (
            peak_memory.in_new_processes(measured, n_rows)
            for measured in (memory_of_our_fit, memory_of_masked_fit)
        )
        what = "96×96, local: extra memory of a fit, relative to the masked dense network"
        report.tables[1].at_most(what, ours / masked, 0.02, "{:.1%}")
        report.remarks.append(
            f"Extra memory: {ours.median:.0f} MB (Striate) and {masked.median:.0f} MB ({MASKED})"
        )
    return report


def rows(n_rows, n_inputs):
    """Return random rows and labels."""
    rng = np.random.default_rng(0)
    return rng.random((n_rows, n_inputs), dtype=np.float32), rng.integers(N_CLASSES, size=n_rows)


def random_mask(shape, density):
    """Return a random mask with equally many inputs per unit and about as many units per input."""
    rng, n_seen = np.random.default_rng(0), round(shape[0] * density)
    n_turns = -(-shape[1] * n_seen // shape[0])
    inputs = np.concatenate([rng.permutation(shape[0]) for _ in range(n_turns)])
    inputs = np.sort(inputs[: shape[1] * n_seen].reshape(shape[1], n_seen))
    starts = np.arange(0, inputs.size + 1, n_seen)
    return sparse.csc_array((np.ones(inputs.size), inputs.ravel(), starts), shape=shape)


def model(connectivity, max_iter=1, **settings):
    """Return a network that trains for exactly max_iter epochs, without shuffling."""
    return MLPClassifier(
        connectivity=connectivity,
        max_iter=max_iter,
        alpha=0.0,
        epsilon=EPSILON,
        shuffle=False,
        tol=0.0,
        n_iter_no_change=np.inf,
        batch_size=BATCH_SIZE,
        random_state=0,
        **settings,
    )


def first_weights(connectivity, X, y):
    """Return the initial weights, as the result of training with a negligible learning rate."""
    start = model(connectivity, solver="sgd", learning_rate_init=1e-30).fit(X, y)
    return start.coefs_, start.intercepts_


def memory_of_our_fit(n_rows):
    """Return the megabytes that our fit of the local network needs besides the data."""
    X, y = rows(n_rows, FIELDS.mask().shape[0])
    model(random_mask((X.shape[1], 2), 0.01)).fit(X[:200], y[:200])
    return peak_memory.additional_megabytes(lambda: model(FIELDS).fit(X, y))[0]


def memory_of_masked_fit(n_rows):
    """Return the megabytes that PyTorch's masked dense network needs besides the data."""
    from .pytorch_sparse import train_masked

    X, y = rows(n_rows, FIELDS.mask().shape[0])
    few = random_mask((X.shape[1], 2), 0.01)
    train_masked(first_weights(few, X[:200], y[:200]), X[:200], y[:200])
    start = first_weights(FIELDS, X, y)
    return peak_memory.additional_megabytes(lambda: train_masked(start, X, y))[0]


def _local(report, rounds, n_rows, fields):
    X, y = rows(n_rows, fields.mask().shape[0])
    work = "96×96, local, one epoch"
    contenders = {OURS: model(fields).fit, DENSE: _dense(fields.mask()).fit}
    if HAS_TORCH:
        from .pytorch_sparse import train_masked, train_unfolded

        start = first_weights(fields, X, y)
        contenders[MASKED] = partial(train_masked, start)
        contenders[UNFOLDED] = partial(train_unfolded, start, fields=fields)
        check = partial(check_losses, report, work, fields, X, y)
        check(MASKED, train_masked)
        check(UNFOLDED, partial(train_unfolded, fields=fields))
    seconds = _compare(report, work, contenders, (X, y), rounds)
    _ratios(report, work, seconds, {MASKED: 20, DENSE: None, UNFOLDED: 1.5})


def _irregular(report, rounds, n_rows, shape):
    mask, (X, y) = random_mask(shape, 0.01), rows(n_rows, shape[0])
    work = f"{shape[0]:,} × {shape[1]:,}, 1%, one epoch"
    contenders = {OURS: model(mask).fit, DENSE: _dense(mask).fit}
    if HAS_TORCH:
        from .pytorch_sparse import train_masked

        contenders[MASKED] = partial(train_masked, first_weights(mask, X, y))
        check_losses(report, work, mask, X, y, MASKED, train_masked)
    seconds = _compare(report, work, contenders, (X, y), rounds)
    _ratios(report, work, seconds, {MASKED: 10, DENSE: None})


def check_losses(report, work, connectivity, X, y, name, train):
    """Compare the losses of some epochs in float64: in float32 Adam amplifies rounding errors."""
    X, y, n_epochs = X[:400].astype(np.float64), y[:400], 3
    curve = model(connectivity, n_epochs).fit(X, y).loss_curve_
    theirs = train(first_weights(connectivity, X, y), X, y, n_epochs)
    what = f"{work}: losses of {n_epochs} epochs, float64, vs. {name}"
    report.remarks.append(check_same(what, curve, theirs, 1e-5))


def _dense(mask):
    """Return the same network with all connections, which is less work than masking them."""
    return model(None, hidden_layer_sizes=(mask.shape[1],))


def _compare(report, work, contenders, data, rounds):
    for run in contenders.values():
        run(*data)
    turns = [
        Contender(f"{work}: {name}, {THREADS[n]}", partial(run, *data), n)
        for name, run in contenders.items()
        for n in (1, 2)
    ]
    seconds = take_turns(turns, rounds)
    for name, spread in seconds.items():
        report.tables[0].add_time(name, spread)
    return seconds


def _ratios(report, work, seconds, targets):
    for other, target in targets.items():
        for n in (1, 2):
            name = f"{work}: {other}, {THREADS[n]}"
            if name not in seconds:
                continue
            ratio = seconds[name] / seconds[f"{work}: {OURS}, {THREADS[n]}"]
            what = f"{work}: speedup over {other}, {THREADS[n]}"
            if target is None:
                report.tables[1].for_the_record(what, ratio)
            else:
                report.tables[1].at_least(what, ratio, target)


def _densities(report, rounds, n_rows, shape, densities):
    """Time one epoch against the share of connections: rows, and a picture."""
    X, y = rows(n_rows, shape[0])
    models = {d: model(random_mask(shape, d)) for d in densities}
    names = {
        d: f"{shape[0]:,} × {shape[1]:,}, {d:.1%}, one epoch: {OURS}, 1 thread" for d in models
    }
    for each in models.values():
        each.fit(X, y)
    contenders = [Contender(names[d], partial(m.fit, X, y)) for d, m in models.items()]
    dense = _dense(random_mask(shape, densities[0]))
    contenders.append(Contender(DENSE, partial(dense.fit, X, y)))
    seconds = take_turns(contenders, rounds)
    for name in names.values():
        report.tables[0].add_time(name, seconds[name])
    medians = [seconds[name].median for name in names.values()]
    picture = seconds_against_connections(densities, medians, seconds[DENSE].median)
    report.pictures["sparse_networks.png"] = picture
