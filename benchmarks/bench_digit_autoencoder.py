"""The self-taught autoencoder: 784-200-784 on MNIST's digits 5 to 9, by L-BFGS and by Adam."""

import time

import numpy as np

from striate import SparseAutoencoder
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.lbfgs import lbfgs
from striate.solvers.minibatch import Minibatch
from striate.solvers.update_rules import Adam

from . import peak_memory, sgemm
from .environment import HAS_TORCH, WITHOUT_TORCH
from .fixed_iterations import fixed_iterations
from .image_datasets import has_mnist, mnist
from .result_tables import Report, SpreadTargets, Table, Times
from .speed_figures import loss_against_seconds
from .timing import THREADS, Contender, check_same, take_turns

N_INPUTS, N_UNITS, N_ROWS = 784, 200, 29_404
TERMS = {"weight_decay": 3e-3, "sparsity_target": 0.1, "sparsity_weight": 3.0}
STRIATE, TORCH = "Striate", "PyTorch autograd under SciPy's L-BFGS"
#: Adam: rows per batch, and initial and final learning rate (cosine decay).
BATCH, RATES = 100, (5e-3, 5e-6)
#: Factor of the final J of L-BFGS that Adam should reach.
NEAR = 1.02


def digits(n_rows=N_ROWS):
    """Return digits 5 to 9, float32 (n_rows, 784), or random numbers without MNIST."""
    data = mnist()
    if data is None:
        return np.random.default_rng(0).random((n_rows, N_INPUTS), dtype=np.float32)
    return data[0][data[1] >= 5][:n_rows]


def ours(X, max_iter):
    """Return the final J."""
    autoencoder = SparseAutoencoder(
        N_UNITS,
        output_activation="logistic",
        max_iter=max_iter,
        tol=0.0,
        random_state=0,
        **TERMS,
    )
    return autoencoder.fit(X).loss_


@fixed_iterations()
def measure(n_rows=N_ROWS, n_iter=20, rounds=3, max_iter=400, n_epochs=200):
    X = digits(n_rows)
    network, theta = _start()
    title = f"784-200-784 on {len(X):,} digits, {n_iter} iterations of L-BFGS, and {max_iter}"
    report = Report(title, [], [])
    if not has_mnist():
        report.remarks.append("MNIST is not available: random numbers are used instead.")
    ours(X[:500], 1)  # compiles
    evaluations = _count(network, X, theta, n_iter, report.remarks)
    seconds = _take_turns(network, X, theta, n_iter, rounds, report.remarks)
    report.tables += _tables(seconds, evaluations, len(X))
    if peak_memory.CAN_BE_MEASURED:
        share = peak_memory.in_new_processes(memory_of_fit, len(X), 30) / (X.nbytes / 1e6)
        report.tables[1].at_most("extra memory of the fit, relative to the data",
                                 share, 1.5)  # fmt: skip
    curves = {
        "L-BFGS": by_lbfgs(network, X, theta, max_iter),
        "Adam": by_adam(network, X, theta, n_epochs),
    }
    report.tables.append(_reached(curves))
    report.pictures["adam.png"] = loss_against_seconds(curves, NEAR)
    return report


def memory_of_fit(n_rows, max_iter):
    """Return the megabytes that the fit needs besides the data."""
    X = digits(n_rows)
    ours(X[:500], 1)
    return peak_memory.additional_megabytes(lambda: ours(X, max_iter))[0]


def _start():
    """Return the network and the initial weights of `SparseAutoencoder(random_state=0)`."""
    network = Network((N_INPUTS, N_UNITS, N_INPUTS), ("logistic", "logistic"))
    return network, network.initial_theta(np.random.RandomState(0), dtype=np.float32)


def _count(network, X, theta, n_iter, remarks):
    """Count the evaluations of J and its gradient in n_iter iterations."""
    calls = []
    with team() as run:
        J = Objective(Problem(network, "squared_error", X, X, **TERMS), run)

        def counted(theta):
            calls.append(None)
            return J(theta)

        found = lbfgs(counted, theta, max_iter=n_iter, ftol=0.0)
    remarks.append(f"{n_iter} iterations take {len(calls)} evaluations of J and ∇J")
    remarks.append(check_same("J of the estimator vs. its components", ours(X, n_iter), found.value,
                              1e-12))  # fmt: skip
    return len(calls)


def _take_turns(network, X, theta, n_iter, rounds, remarks):
    results = {}

    def run(name, train):
        results[name] = train()

    trainings = {STRIATE: lambda: ours(X, n_iter)}
    if HAS_TORCH:
        from .pytorch_networks import autoencoder_objective

        evaluate = autoencoder_objective(network, X, **TERMS)
        limits = {"max_iter": n_iter, "ftol": 0.0}
        trainings[TORCH] = lambda: lbfgs(evaluate, theta, **limits).value
    contenders = [
        Contender(f"{name}, {THREADS[n]}", lambda name=name, train=train: run(name, train), n)
        for name, train in trainings.items()
        for n in (1, 2)
    ]
    seconds = take_turns([*contenders, *sgemm.contenders(1), *sgemm.contenders(2)], rounds)
    if HAS_TORCH:
        remarks.append(check_same(f"J after {n_iter} iterations", *results.values(), 1e-4))
    else:
        remarks.append(WITHOUT_TORCH)
    return seconds


def _tables(seconds, evaluations, n_rows):
    """Count five products per evaluation: two forward, one backward, two for the gradients."""
    times, targets = Times("GFLOP/s", "relative to one-thread sgemm"), SpreadTargets()
    flops = evaluations * 5 * 2 * n_rows * N_INPUTS * N_UNITS
    sgemm.add_times(times, seconds, flops)
    mine = {n: seconds[f"{STRIATE}, {THREADS[n]}"] for n in (1, 2)}
    for n in (1, 2):
        share = 1e-9 * flops / mine[n] / sgemm.best(seconds, n)[0]
        targets.at_least(f"throughput relative to sgemm, {THREADS[n]} each", share, 0.7, "{:.0%}")
    for n in (1, 2) if HAS_TORCH else ():
        ratio = seconds[f"{TORCH}, {THREADS[n]}"] / mine[n]
        targets.at_least(f"speedup over {TORCH}, {THREADS[n]} each", ratio, 3)
    return [times, targets]


def by_lbfgs(network, X, theta, max_iter):
    """Return arrays of seconds and J after each iteration."""
    seconds, values = [], []
    with team() as run:
        J = Objective(Problem(network, "squared_error", X, X, **TERMS), run)
        began = time.perf_counter()

        def after_iteration(theta, value):
            seconds.append(time.perf_counter() - began)
            values.append(value)

        lbfgs(J, theta, max_iter=max_iter, ftol=0.0, callback=after_iteration)
    return np.array(seconds), np.array(values)


def by_adam(network, X, theta, n_epochs, batch_size=BATCH, rates=RATES):
    """Return seconds and J on all rows after each epoch; the time to compute that J is excluded."""
    seconds, values = [], []
    order, rng = np.arange(len(X)), np.random.default_rng(0)
    with team() as run:
        problem = Problem(network, "squared_error", X, X, **TERMS)
        J = Objective(problem, run)
        batches = Minibatch(problem, run, theta.copy(), batch_size=batch_size, rule=Adam())
        for epoch in range(n_epochs):
            began = time.perf_counter()
            share = (1 + np.cos(np.pi * epoch / n_epochs)) / 2
            rng.shuffle(order)
            batches.epoch(order, rates[1] + share * (rates[0] - rates[1]))
            seconds.append(time.perf_counter() - began)
            values.append(J(batches.theta)[0])
    return np.cumsum(seconds), np.array(values)


def _reached(curves):
    """Return the final J of each curve, and the time at which it is near that of L-BFGS."""
    final = curves["L-BFGS"][1][-1]
    near = f"seconds to J within {NEAR - 1:.0%} of L-BFGS's final J"
    table = Table(("2 threads", "steps", "final J", "seconds", near))
    for name, (seconds, values) in curves.items():
        there = np.flatnonzero(values <= NEAR * final)
        when = f"{seconds[there[0]]:.1f}" if there.size else "not reached"
        table.add(name, len(values), f"{values[-1]:.3f}", f"{seconds[-1]:.1f}", when)
    return table
