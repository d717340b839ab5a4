"""The recipes: an encoder of 6×6 patches, pooled over a grid, and a linear classifier."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.data import cifar10
from benchmarks.exercise import Checks, Exercise, Found
from striate import (
    DictionaryEncoder,
    LinearClassifier,
    PatchFeatures,
    SparseAutoencoder,
    ZCAWhitening,
)

ALPHAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
PATCHES = {"patch_size": 6, "n_patches": 400_000, "pool_grid": (2, 2), "pooling": "sum"}
PATCHES |= {"whitening": ZCAWhitening(0.1), "random_state": 0}
SOFT = {"encoding": "soft_threshold", "threshold": 0.25, "random_state": 0}
#: Chosen on 5,000 training images held out, with 300 and 800 atoms, as is the α of an `svm`.
BEST = {"flips": True, "signed_sqrt": True, "pool_grid": (3, 3), "pool_overlap": 0.6}


@dataclass(frozen=True)
class Recipe(Exercise):
    """A row: `features()` makes the `PatchFeatures`, or is None for raw pixels."""

    features: Callable


def features_of(name):
    """The features of the row of that name, as yet to be learned."""
    return next(row for row in EXERCISES if row.name == name).features()


def percent(share):
    return f"{share:.1%}"


def accuracy(work, features, classifier):
    """Share of the test images that are right; the classifier is trained on all others."""
    X_train, y_train, X_test, y_test = cifar10()
    train, test = (flat(X) for X in (X_train, X_test))
    if features is not None:
        with work.step("Learning the features"):
            features.fit(X_train)
        with work.step("Features of 50,000 training images"):
            train = features.transform(X_train)
    with work.step("Linear classifier, α chosen on training images held out"):
        classifier.fit(train, y_train)
    del train
    with work.step("10,000 test images"):
        test = test if features is None else features.transform(X_test)
        right = np.mean(classifier.predict(test) == y_test)
    return float(right)


def flat(X):
    return X.reshape(len(X), -1).astype(np.float32) / 255


def exercise(name, title, settings, published, features, aim=None, minutes=None, svm=None):
    """A row: `features` makes the `PatchFeatures`, or None for raw pixels.

    `svm` is the α of a support vector machine, in place of ridge regression.
    """

    def run(work):
        if cifar10() is None:
            return None
        began = time.perf_counter()
        loss, alphas = ("squared_error", ALPHAS) if svm is None else ("squared_hinge", svm)
        classifier = LinearClassifier(loss, alphas=alphas, random_state=0)
        right = accuracy(work, features(), classifier)
        seconds = time.perf_counter() - began
        checks = Checks()
        if aim is None:
            checks.for_the_record("test accuracy", right, "{:.1%}")
        else:
            checks.at_least("test accuracy", right, aim, "{:.1%}")
        if minutes is not None:
            checks.at_most("minutes", seconds / 60, minutes, "{:.1f}")
        scores = ", ".join(f"{a:g}: {s:.1%}" for a, s in classifier.validation_scores_.items())
        remark = f"α = {classifier.alpha_:g}"
        if scores:
            remark += f"; on the training images held out, {scores}"
        return Found(percent(right), [checks], remarks=[remark])

    return Recipe(name, title, settings, published, run, features)


def raw_pixels():
    return None


def dictionary(n_components, dictionary, parts=(), **settings):
    """Maker of features by a dictionary, with `parts` of the recipe that differ from `PATCHES`."""

    def make():
        encoder = DictionaryEncoder(n_components, dictionary=dictionary, **settings)
        return PatchFeatures(encoder, **{**PATCHES, **dict(parts)})

    return make


def autoencoder():
    encoder = SparseAutoencoder(
        1600,
        weight_decay=0.01,
        sparsity_target=0.035,
        sparsity_weight=5.0,
        solver="adam",
        batch_size=500,
        max_iter=10,
        random_state=0,
    )
    return PatchFeatures(encoder, signed_sqrt=True, **PATCHES)


TRIANGLE = {"encoding": "triangle", "random_state": 0}
EXERCISES = (
    exercise("pixels", "Raw pixels", "32×32×3 values", "", raw_pixels),
    exercise(
        "random-filters", "Random filters",
        "1,600 normal random filters, soft threshold", "", dictionary(1600, "random", **SOFT),
    ),
    exercise(
        "autoencoder", "Sparse autoencoder", "1,600 sigmoid units", "73.4%", autoencoder, 0.734
    ),
    exercise(
        "kmeans", "K-means, 1,600", "1,600 centres, triangle", "77.9%",
        dictionary(1600, "kmeans", **TRIANGLE), 0.775, 3,
    ),
    exercise(
        "kmeans-4000", "K-means, 4,000", "4,000 centres, triangle", "79.6%",
        dictionary(4000, "kmeans", **TRIANGLE), 0.793, 8,
    ),
    exercise(
        "omp1", "OMP-1", "1,600 atoms, soft threshold 0.25, both signs", "79.4%",
        dictionary(1600, "omp1", **SOFT), 0.788, 5,
    ),
    exercise(
        "random-patches", "Random patches", "1,600 patches, soft threshold 0.25, both signs",
        "79.1%", dictionary(1600, "patches", **SOFT), 0.788, 5,
    ),
    exercise(
        "two-minutes", "The best within two minutes",
        "700 OMP-1 atoms, mirror images, 3×3 cells that share 60%, signed square root", "",
        dictionary(700, "omp1", BEST | {"n_patches": 200_000}, **SOFT), 0.815, 2, svm=3e-3,
    ),
    exercise(
        "best", "The best single layer",
        "2,400 OMP-1 atoms, mirror images, 3×3 cells that share 60%, signed square root", "",
        dictionary(2400, "omp1", BEST, **SOFT), 0.845, 20, svm=6e-3,
    ),
)  # fmt: skip
