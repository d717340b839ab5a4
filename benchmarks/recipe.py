"""Ablation study of the recipe for image features: CIFAR-10 with one part changed at a time.

Features and a linear classifier are trained on the first 5,000 of the training images, and measured
on the next 5,000 of them. The test images are not used. Write docs/image_features.md.
"""

import argparse
from typing import NamedTuple

import numpy as np

from striate import (
    DictionaryEncoder,
    LinearClassifier,
    PatchFeatures,
    SparseAutoencoder,
    ZCAWhitening,
)

from .environment import KERNEL_VARIABLES, description, restart_without
from .fixed_iterations import fixed_iterations
from .image_datasets import cifar10
from .page_sections import PAGE, write
from .result_tables import Report, Table

#: Candidate α of ridge regression.
ALPHAS = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)


class Change(NamedTuple):
    """A part of the recipe, its replacement, and the changed parameters of the recipe."""

    part: str
    instead: str
    parameters: dict
    standardize: bool = True


def recipe(n_units, n_patches):
    """Return the full recipe."""
    encoder = DictionaryEncoder(
        n_units, dictionary="omp1", encoding="soft_threshold", random_state=0
    )
    return PatchFeatures(
        encoder,
        patch_size=6,
        n_patches=n_patches,
        whitening=ZCAWhitening(0.1),
        pool_grid=(2, 2),
        flips=True,
        signed_sqrt=True,
        random_state=0,
    )


def changes(n_units, max_iter):
    """Return one change per row of the table."""
    autoencoder = SparseAutoencoder(
        n_units,
        weight_decay=0.01,
        sparsity_target=0.035,
        sparsity_weight=5.0,
        max_iter=max_iter,
        random_state=0,
    )
    kmeans, hard = {"encoder__dictionary": "kmeans"}, {"encoder__encoding": "hard"}
    return (
        Change("contrast", "no normalization", {"normalize": False}),
        Change("contrast", "mean subtraction only", {"normalize": "mean"}),
        Change("whitening", "none", {"whitening": None}),
        Change("whitening", "ε = 1", {"whitening__epsilon": 1.0}),
        Change("dictionary", "random patches", {"encoder__dictionary": "patches"}),
        Change("dictionary", "random filters", {"encoder__dictionary": "random"}),
        Change("encoder", "k-means, triangle", kmeans | {"encoder__encoding": "triangle"}),
        Change("encoder", "k-means, hard", kmeans | hard),
        Change("atoms", f"{n_units // 4}", {"encoder__n_components": n_units // 4}),
        Change("stride", "2", {"stride": 2}),
        Change("pooling", "maximum", {"pooling": "max"}),
        Change("grid", "1 × 1", {"pool_grid": (1, 1)}),
        Change("grid", "3 × 3", {"pool_grid": (3, 3)}),
        Change("grid", "3 × 3, 50% overlap", {"pool_grid": (3, 3), "pool_overlap": 0.5}),
        Change("flips", "none", {"flips": False}),
        Change("square root", "none", {"signed_sqrt": False}),
        Change("standardization", "a single scale for all features", {}, standardize=False),
        Change(
            "encoder",
            "sparse autoencoder, ε = 1",
            {"encoder": autoencoder, "whitening__epsilon": 1.0},
        ),
    )


def measure(n_images=5000, n_units=400, n_patches=50_000, max_iter=100):
    """Return the table as a `Report`; None without CIFAR-10."""
    data = cifar10()
    if data is None:
        return None
    X, y = (part[: 2 * n_images] for part in data[:2])
    table = Table(("part", "replaced by", "accuracy (%)", "difference", "features"))
    recipe(2, 50).fit(X[:2]).transform(X[:2])  # compile before anything is timed
    pixels = X.reshape(len(X), -1) / np.float32(255)
    all_parts = _features(recipe(n_units, n_patches), X)
    whole = _add_row(table, Change("full recipe", "", {}), all_parts, y, None)
    _add_row(table, Change("all features", "raw pixels", {}), pixels, y, whole)
    for change in changes(n_units, max_iter):
        model = recipe(n_units, n_patches).set_params(**change.parameters)
        _add_row(table, change, _features(model, X) if change.parameters else all_parts, y, whole)
    error = 100 * np.sqrt(whole.mean() * (1 - whole.mean()) / n_images)
    remarks = [
        f"Trained on {n_images:,} training images of CIFAR-10 and evaluated on {n_images:,} "
        f"others, with {n_units} atoms unless stated otherwise. The standard error of an accuracy "
        f"is {error:.1f} points; each difference is shown with its standard error, over the same "
        "images.",
        "The classifier is ridge regression on targets of ±1; α is chosen for each row of the "
        "table on a fifth of the training images.",
    ]
    return Report("Ablation study of the recipe", [table], remarks)


def _features(model, X):
    with fixed_iterations():  # the autoencoder stops at max_iter
        return model.fit(X[: len(X) // 2]).transform(X)


def _add_row(table, change, F, y, whole):
    """Add a row; return which images are classified correctly, ndarray of bool."""
    correct = _classified(F, y, len(F) // 2, change.standardize)
    difference = ""
    if whole is not None:
        d = 100 * (correct.astype(float) - whole)
        difference = f"{d.mean():+.1f} ± {d.std() / np.sqrt(len(d)):.1f}".replace("-", "−")
    row = (change.part, change.instead, f"{100 * correct.mean():.1f}", difference)
    table.add(*row, f"{F.shape[1]:,}")
    print(*row, sep="  ", flush=True)
    return correct


def _classified(F, y, n, standardize):
    """Return which rows from n on are classified correctly by a ridge trained on the others."""
    if not standardize:
        F = F / np.sqrt(F[:n].var(axis=0).mean())
    ridge = LinearClassifier(
        alphas=ALPHAS, standardize=standardize, validation_fraction=0.2, random_state=0
    )
    return ridge.fit(F[:n], y[:n]).predict(F[n:]) == y[n:]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipe", description=__doc__)
    parser.add_argument(
        "--no-page", action="store_true", help="print the table without writing a file"
    )
    options = parser.parse_args(arguments)
    restart_without(KERNEL_VARIABLES, "benchmarks.recipe")
    report = measure()
    if report is None:
        return
    report.remarks.append(f"Measured {description()}.")
    report.show()
    if not options.no_page:
        page = PAGE.parent / "image_features.md"
        write("recipe", report.markdown(), page)
        print(f"Written to {page}", flush=True)


if __name__ == "__main__":
    main()
