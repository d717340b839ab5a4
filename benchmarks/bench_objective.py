"""J and ∇J of a 192-400-192 sparse autoencoder on 50,000 rows, float32."""

from functools import partial

import numpy as np

from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team

from . import sgemm
from .environment import HAS_TORCH, WITHOUT_TORCH
from .result_tables import Report, SpreadTargets, Times
from .timing import THREADS, Contender, check_same, take_turns

N_INPUTS, N_UNITS = 192, 400
TORCH = "PyTorch autograd"
TERMS = {"weight_decay": 3e-3, "sparsity_target": 0.035, "sparsity_weight": 5.0}


def measure(n_rows=50_000, rounds=21):
    X = np.random.default_rng(0).normal(size=(n_rows, N_INPUTS)).astype(np.float32)
    network = Network((N_INPUTS, N_UNITS, N_INPUTS), ("logistic", "identity"))
    theta = network.initial_theta(np.random.RandomState(0), dtype=np.float32)
    # Teams that have begun share the cores, so each begins when it is measured.
    problem = Problem(network, "squared_error", X, X, **TERMS)
    J_one, J_two = (partial(_within, t, Objective(problem, t)) for t in (team(1), team(2)))
    contenders = [
        Contender(f"Striate, {THREADS[1]}", partial(J_one, theta), None),
        Contender(f"Striate, {THREADS[2]}", partial(J_two, theta), None),
    ]
    remarks = [check_identical(J_one(theta), J_two(theta))]
    if HAS_TORCH:
        from .pytorch_networks import autoencoder_objective

        evaluate = partial(autoencoder_objective(network, X, **TERMS), theta)
        for name, mine, other in zip(("J", "∇J"), J_one(theta), evaluate(), strict=True):
            remarks.append(check_same(f"{name} vs. PyTorch", mine, other, 1e-5))
        contenders += [Contender(f"{TORCH}, {THREADS[n]}", evaluate, n) for n in (1, 2)]
    else:
        remarks.append(WITHOUT_TORCH)
    seconds = take_turns([*contenders, *sgemm.contenders()], rounds)
    flops = 5 * 2 * n_rows * N_INPUTS * N_UNITS
    title = f"J and ∇J, {N_INPUTS}-{N_UNITS}-{N_INPUTS} sparse autoencoder, {n_rows:,} rows"
    return Report(title, _tables(seconds, flops), remarks)


def _within(threads, J, theta):
    with threads:
        return J(theta)


def check_identical(one, two):
    if one[0] != two[0] or not np.array_equal(one[1], two[1]):
        raise RuntimeError("J or ∇J depends on the number of threads")
    return "J and ∇J with one and two threads: bit-identical"


def _tables(seconds, flops):
    times, targets = Times("GFLOP/s", "relative to one-thread sgemm"), SpreadTargets()
    sgemm.add_times(times, seconds, flops)
    one, two = (seconds[f"Striate, {THREADS[n]}"] for n in (1, 2))
    share = 1e-9 * flops / one / sgemm.best(seconds)[0]
    targets.at_least("throughput relative to one-thread sgemm, 1 thread", share, 0.75, "{:.0%}")
    targets.at_least("2 threads: speedup over 1 thread", one / two, 1.6)
    for n, mine in ((1, one), (2, two)) if HAS_TORCH else ():
        ratio = seconds[f"{TORCH}, {THREADS[n]}"] / mine
        targets.at_least(f"speedup over {TORCH}, {THREADS[n]} each", ratio, 2)
    return [times, targets]
