"""Exercises on small colour pictures: a linear decoder, its features convolved and pooled."""

import functools
import time

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from benchmarks.exercise import Exercise, Picture, Results
from benchmarks.image_datasets import cifar10
from benchmarks.result_tables import Table
from striate import PatchFeatures, SparseAutoencoder, ZCAWhitening
from striate.demo.learned_features import with_random_filters

from . import exercise_figures
from .digit_exercises import percent, softmax

CLASSES = {0: "airplane", 1: "car", 3: "cat", 5: "dog"}
N_PATCHES = 100_000
N_TRAIN, N_TEST = 500, 800  # of each class
DECAYS = (1e-5, 1e-4, 1e-3, 1e-2)
RANDOM_SEEDS = range(3)
LEARNING = "Learning 400 features from 100,000 colour patches"


@functools.cache
def learned(max_iter, n_patches):
    """Fit `PatchFeatures` to CIFAR-10's training images; return it and the seconds it took."""
    encoder = SparseAutoencoder(
        400,
        weight_decay=3e-3,
        sparsity_target=0.035,
        sparsity_weight=5.0,
        max_iter=max_iter,
        tol=0.0,
        random_state=0,
    )
    # The exercise whitens pixels without contrast normalization, minus the mean over all patches.
    features = PatchFeatures(
        encoder, normalize=False, whitening=ZCAWhitening(0.1), n_patches=n_patches, random_state=0
    )
    images = cifar10()[0]
    began = time.perf_counter()
    print(f"  {LEARNING} …", flush=True)
    features.fit(images)
    return features, time.perf_counter() - began


def linear_decoder(work, n_patches=N_PATCHES):
    if cifar10() is None:
        return None
    features, seconds = learned(work.at_most(400), n_patches)
    work.add(LEARNING, seconds)
    encoder = features.encoder_
    facts = Table(("", "ours", "published, STL-10"))
    for n, published in ((100, "4.089"), (200, "3.880"), (400, "3.848")):
        if len(encoder.loss_curve_) >= n:
            facts.add(f"J after {n} iterations", f"{encoder.loss_curve_[n - 1]:.3f}", published)
    facts.add(f"final J, {encoder.n_iter_} iterations", f"{encoder.loss_:.3f}", "")
    picture = Picture(
        "colour",
        exercise_figures.units(features.filters_, n_columns=20),
        "A grid of 400 small pictures: black and white edges, and soft edges between opponent "
        "colours",
        "Weights of each of the 400 units on 8×8 pixels, multiplied by the ZCA matrix.",
    )
    remark = (
        "The published J was measured on different patches, those of STL-10, so it is not a target."
    )
    return Results(f"edges and colours; J = {encoder.loss_:.3f}", [facts], [picture], [remark])


def convolution(work, n_patches=N_PATCHES):
    if cifar10() is None:
        return None
    features, seconds = learned(work.at_most(400), n_patches)
    work.add(LEARNING, seconds)
    (X, y), (X_test, y_test) = _subsets()
    model = make_pipeline(features)
    kinds = {
        "learned features": [model],
        "random filters": [with_random_filters(model, seed) for seed in RANDOM_SEEDS],
        "raw pixels": [None],
    }
    table = Table(("", "λ = 0.0001", "λ by cross-validation", "chosen λ"))
    accuracy = {}
    for kind, models in kinds.items():
        scores, chosen = [], []
        for each in models:
            with work.step(f"Convolution and pooling, {kind}"):
                inputs = [_inputs(each, images) for images in (X, X_test)]
            with work.step(f"Softmax, {kind}"):
                found, decay = _accuracies(*inputs, y, y_test, work)
            scores.append(found)
            chosen.append(decay)
        accuracy[kind] = np.mean(scores, axis=0)
        decays = ", ".join(f"{decay:g}" for decay in sorted(set(chosen)))
        table.add(kind, *(f"{score:.1f}%" for score in accuracy[kind]), decays)
    learned_filters, random_filters, pixels = (accuracy[kind][0] for kind in kinds)
    ours = (
        f"{learned_filters:.1f}%, against {random_filters:.1f}% with random filters and "
        f"{pixels:.1f}% on raw pixels"
    )
    remarks = [
        f"The first {N_TRAIN} training and {N_TEST} test images of each class, as many as in the "
        "exercise.",
        "λ is chosen by cross-validation on the training images. Random filters have Gaussian "
        "weights with the norms and biases of the learned ones, after the same whitening; "
        f"accuracies are means over {len(RANDOM_SEEDS)} draws.",
    ]
    return Results(ours, [table], [], remarks)


def _subsets():
    """Return (images, labels) for training and for testing."""
    X, y, X_test, y_test = cifar10()
    parts = []
    for images, labels, n in ((X, y, N_TRAIN), (X_test, y_test, N_TEST)):
        rows = np.sort(np.concatenate([np.flatnonzero(labels == c)[:n] for c in CLASSES]))
        parts.append((images[rows], labels[rows]))
    return parts


def _inputs(model, images):
    """Return pooled features, or pixels in [0, 1]: (n_images, n_features), float32."""
    if model is None:
        return images.reshape(len(images), -1) / np.float32(255)
    return model.transform(images)


def _accuracies(X, X_test, y, y_test, work):
    """Return the accuracies (%) with the exercise's λ and with the chosen λ, and the latter."""
    max_iter = work.at_most(200)
    n_search = len(X) * 2 // 3  # rows of each fit in 3-fold cross-validation: λ counts per row
    grid = {"alpha": [decay * n_search for decay in DECAYS]}
    search = GridSearchCV(softmax(0.0, 1, max_iter), grid, cv=3, refit=False).fit(X, y)
    best = DECAYS[search.best_index_]
    scores = [
        percent(softmax(decay, len(X), max_iter).fit(X, y), X_test, y_test)
        for decay in (1e-4, best)
    ]
    return scores, best


EXERCISES = (
    Exercise(
        "linear-decoder",
        "Linear decoder on colour patches",
        "100,000 8×8×3 patches of CIFAR-10 (instead of STL-10), 400 sigmoid units, linear output, "
        "ρ = 0.035, λ = 0.003, β = 5, ZCA ε = 0.1, 400 iterations",
        "edges and opponent colours; J = 3.848; about 45 minutes in MATLAB",
        linear_decoder,
    ),
    Exercise(
        "convolution",
        "Convolution and pooling",
        "the features above at 25×25 positions of CIFAR-10's airplanes, cars, cats and dogs "
        "(instead of STL-10's), mean over 3×3 cells, softmax with λ = 0.0001; 2,000 training and "
        "3,200 test images",
        "80.4% on STL-10",
        convolution,
    ),
)
