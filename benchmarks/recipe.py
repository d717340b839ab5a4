"""What each part of the recipe for image features is worth: CIFAR-10 with one part changed each.

Features and a linear classifier are trained on the first 5,000 of the training images, and measured
on the next 5,000 of them. The test images are not looked at. Writes docs/image_features.md.
"""

import argparse
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from striate import DictionaryEncoder, PatchFeatures, SparseAutoencoder, ZCAWhitening

from .data import cifar10
from .environment import KERNEL_VARIABLES, description, restart_without
from .page import PAGE, write
from .report import Report, Table

#: λ of the ridge, as a share of the number of images.
LAMBDAS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)


class Change(NamedTuple):
    """A part of the recipe and what is in its place: parameters of the whole recipe, changed."""

    part: str
    instead: str
    parameters: dict
    standardize: bool = True


def recipe(n_units, n_patches):
    """All parts."""
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
    """One line of the table each."""
    autoencoder = SparseAutoencoder(
        n_units,
        weight_decay=0.01,
        sparsity_target=0.035,
        sparsity_weight=5.0,
        max_iter=max_iter,
        random_state=0,
    )
    triangle = {"encoder__encoding": "triangle"}
    return (
        Change("contrast", "the mean taken out only", {"normalize": "mean"}),
        Change("contrast", "no normalization", {"normalize": False}),
        Change("contrast", "no floor", {"contrast_floor": 1e-12}),
        Change("whitening", "none", {"whitening": None}),
        Change("whitening", "ε = 0.01", {"whitening__epsilon": 0.01}),
        Change("whitening", "ε = 1", {"whitening__epsilon": 1.0}),
        Change("encoder", "random patches", {"encoder__dictionary": "patches"}),
        Change("encoder", "random filters", {"encoder__dictionary": "random"}),
        Change("encoder", "k-means, soft threshold", {"encoder__dictionary": "kmeans"}),
        Change("encoder", "k-means, triangle", {"encoder__dictionary": "kmeans", **triangle}),
        Change(
            "encoder",
            "k-means, hard",
            {"encoder__dictionary": "kmeans", "encoder__encoding": "hard"},
        ),
        Change(
            "encoder",
            "sparse autoencoder, ε = 1",
            {"encoder": autoencoder, "whitening__epsilon": 1.0},
        ),
        Change("threshold", "0", {"encoder__threshold": 0.0}),
        Change("threshold", "1", {"encoder__threshold": 1.0}),
        Change("atoms", f"{n_units // 4}", {"encoder__n_components": n_units // 4}),
        Change("atoms", f"{n_units * 2}", {"encoder__n_components": n_units * 2}),
        Change("patch size", "4", {"patch_size": 4}),
        Change("patch size", "8", {"patch_size": 8}),
        Change("stride", "2", {"stride": 2}),
        Change("pooling", "maximum", {"pooling": "max"}),
        Change("grid", "1 × 1", {"pool_grid": (1, 1)}),
        Change("grid", "3 × 3", {"pool_grid": (3, 3)}),
        Change("grid", "1 × 1 and 2 × 2", {"pool_grid": [(1, 1), (2, 2)]}),
        Change("flips", "none", {"flips": False}),
        Change("square root", "none", {"signed_sqrt": False}),
        Change("standardizing", "one scale for all features", {}, standardize=False),
    )


def measure(n_images=5000, n_units=400, n_patches=50_000, max_iter=150):
    """The table as a `Report`; None without CIFAR-10."""
    data = cifar10()
    if data is None:
        return None
    X, y = (part[: 2 * n_images] for part in data[:2])
    table = Table(("part", "in its place", "right, %", "difference", "features"))
    recipe(2, 50).fit(X[:2]).transform(X[:2])  # compiling is no part's time
    whole = _tell(table, Change("all parts", "", {}), recipe(n_units, n_patches), X, y, None)
    for change in changes(n_units, max_iter):
        model = recipe(n_units, n_patches).set_params(**change.parameters)
        _tell(table, change, model, X, y, whole)
    _tell(table, Change("all features", "raw pixels", {}), None, X, y, whole)
    error = 100 * np.sqrt(whole.mean() * (1 - whole.mean()) / n_images)
    remarks = [
        f"Learned on {n_images:,} training images of CIFAR-10 and measured on {n_images:,} others "
        f"of them, with {n_units} atoms where nothing else is said. The standard error of an "
        f"accuracy is {error:.1f} points; that of a difference, over the same images, stands "
        "beside it.",
        "The classifier is scikit-learn's `RidgeClassifier`; its λ is chosen for each line on a "
        "fifth of the images it learns from.",
    ]
    return Report("What each part of the recipe is worth", [table], remarks)


def _tell(table, change, model, X, y, whole):
    """Adds a line; returns which images are classified rightly, ndarray of bool."""
    n = len(X) // 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # to stop after max_iter is the plan
        F = X.reshape(len(X), -1) / np.float32(255) if model is None else _features(model, X, n)
    right = _classified(F, y, n, change.standardize)
    difference = ""
    if whole is not None:
        d = 100 * (right.astype(float) - whole)
        difference = f"{d.mean():+.1f} ± {d.std() / np.sqrt(n):.1f}".replace("-", "−")
    row = (change.part, change.instead, f"{100 * right.mean():.1f}", difference)
    table.add(*row, f"{F.shape[1]:,}")
    print(*row, sep="  ", flush=True)
    return right


def _features(model, X, n):
    return model.fit(X[:n]).transform(X)


def _classified(F, y, n, standardize):
    """Which of the rows from n on a ridge that is trained on the others classifies rightly."""
    F = F - F[:n].mean(axis=0)
    deviation = F[:n].std(axis=0)
    if not standardize:
        deviation = np.full_like(deviation, np.sqrt(np.mean(deviation**2)))
    F /= np.where(deviation > 0, deviation, 1)
    alphas = [share * n for share in LAMBDAS]
    held_out = ShuffleSplit(1, test_size=0.2, random_state=0)
    ridge = RidgeClassifier(solver="cholesky", copy_X=True)
    search = GridSearchCV(ridge, {"alpha": alphas}, cv=held_out).fit(F[:n], y[:n])
    return search.predict(F[n:]) == y[n:]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipe", description=__doc__)
    parser.add_argument("--no-page", action="store_true", help="show the table, write no file")
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
