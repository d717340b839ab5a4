"""400 iterations of L-BFGS on 10,000 8×8 patches, 64-25-64: the exercise of the UFLDL tutorial."""

from functools import partial

import numpy as np
from sklearn.datasets import load_sample_images

from striate import ImageWhitening, PatchScaler, SparseAutoencoder
from striate.core.network import Network

from . import textbook_autoencoder
from .fixed_iterations import fixed_iterations
from .result_tables import Report, SpreadTargets, Table, Times
from .timing import THREADS, Contender, check_same, take_turns

PATCH, N_UNITS = 8, 25
WEIGHT_DECAY, SPARSITY_TARGET, SPARSITY_WEIGHT = TERMS = (1e-4, 0.01, 3.0)
TEXTBOOK = "NumPy and SciPy, float64"
FLOAT32, FLOAT64 = "Striate, float32", "Striate, float64"


@fixed_iterations()
def measure(n_patches=10_000, max_iter=400, rounds=3):
    patches = grey_patches(n_patches)
    results = {}

    def run(name, train):
        results[name] = train()

    learn = {
        FLOAT32: partial(ours, patches.astype(np.float32), max_iter),
        FLOAT64: partial(ours, patches, max_iter),
        TEXTBOOK: partial(theirs, patches, max_iter),
    }
    remarks = [_same_at_the_start(patches)]
    ours(patches[:100].astype(np.float32), 1)  # compiles
    contenders = [
        Contender(f"{name}, {THREADS[n]}", partial(run, name, train), n)
        for name, train in learn.items()
        for n in (1, 2)
    ]
    seconds = take_turns(contenders, rounds)
    times, targets = Times(), SpreadTargets()
    for name, spread in seconds.items():
        times.add_time(name, spread)
    for mine in (FLOAT32, FLOAT64):
        for n in (1, 2):
            ratio = seconds[f"{TEXTBOOK}, {THREADS[n]}"] / seconds[f"{mine}, {THREADS[n]}"]
            targets.for_the_record(f"{mine}: speedup over {TEXTBOOK}, {THREADS[n]} each", ratio)
    reached = Table(("", "final J", "iterations"))
    for name, (value, n_iter) in results.items():
        reached.add(name, f"{value:.5f}", n_iter)
    final = (results[FLOAT64][0], results[TEXTBOOK][0])
    remarks.append(check_same("final J, both in float64", *final, 0.01))
    title = f"{max_iter} iterations of L-BFGS, 64-{N_UNITS}-64, {n_patches:,} patches"
    return Report(title, [times, targets, reached], remarks)


def grey_patches(n):
    """Return patches (n, 64) of scikit-learn's two photographs, whitened as in the exercise."""
    rng = np.random.default_rng(0)
    greys = [photograph.mean(axis=2) / 255 for photograph in load_sample_images().images]
    whitened = ImageWhitening().fit_transform(greys)
    patches = np.empty((n, PATCH * PATCH))
    for i in range(n):
        image = np.squeeze(whitened[i % len(whitened)])
        y, x = (rng.integers(size - PATCH + 1) for size in image.shape)
        patches[i] = image[y : y + PATCH, x : x + PATCH].ravel()
    patches -= patches.mean(axis=1, keepdims=True)
    return PatchScaler().fit_transform(patches)


def ours(patches, max_iter):
    """Return the final J and the number of iterations."""
    autoencoder = SparseAutoencoder(
        N_UNITS,
        output_activation="logistic",
        weight_decay=WEIGHT_DECAY,
        sparsity_target=SPARSITY_TARGET,
        sparsity_weight=SPARSITY_WEIGHT,
        max_iter=max_iter,
        tol=0.0,
        random_state=0,
    ).fit(patches)
    return autoencoder.loss_, autoencoder.n_iter_


def theirs(patches, max_iter):
    found = textbook_autoencoder.train(first_theta(patches), patches, N_UNITS, TERMS, max_iter)
    return found.fun, found.nit


def first_theta(patches):
    """Return our initial weights in the textbook's layout: W is (n_out, n_in) there."""
    d = patches.shape[1]
    network = Network((d, N_UNITS, d), ("logistic", "logistic"))
    W, b = network.unpack(network.initial_theta(np.random.RandomState(0)))
    return np.concatenate([*(w.T.ravel() for w in W), *b])


def _same_at_the_start(patches):
    """Compare J after one iteration."""
    mine, other = ours(patches, 1)[0], theirs(patches, 1)[0]
    return check_same("J after one iteration, both in float64", mine, other, 1e-9)
