"""Accuracy with few labels on learned features, on random filters and on raw pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from striate import PatchFeatures
from striate.analysis.cross_validation import few_label_accuracy
from striate.analysis.progress_protocol import Progress, no_progress
from striate.images.edge_autoencoder import edge_autoencoder

from .demo_settings import Settings
from .learned_features import fit, pooled, with_random_filters
from .photographs import Image, tiles

METHODS = ("learned features", "random filters", "raw pixels")
TILE_SIZE = 32
DIGITS_PATCH_SIZE = 5
#: Inverse regularization strength of the logistic regression, for all methods and tasks.
C = 0.1

Rows = NDArray[np.intp]


@dataclass
class Task:
    """Images with labels, and features learned from the first of them without labels.

    Attributes
    ----------
    images : ndarray of shape (n, h, w, 1)
        Grey images.
    labels : ndarray of shape (n,)
        Class of each image.
    n_first : int
        Number of images that features were learned, and labels are drawn, from; the other images
        are the test set.
    features : Pipeline
        Fitted features.
    """

    images: Image
    labels: Rows
    n_first: int
    features: Pipeline

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(np.unique(self.labels))


def photographs_task(left: list[Image], right: list[Image], features: Pipeline) -> Task:
    """Return the task to tell which photograph a tile is from: right halves are the test set."""
    (first, of_first), (second, of_second) = tiles(left, TILE_SIZE), tiles(right, TILE_SIZE)
    images, source = np.concatenate([first, second]), np.concatenate([of_first, of_second])
    # A single cell: the content of a tile matters, not its position.
    candidates = [pooled(features, pooling=how, pool_grid=(1, 1)) for how in ("mean", "max")]
    with threadpool_limits(1, user_api="blas"):
        scores = [_cross_validated(model.transform(first), of_first) for model in candidates]
    return Task(images, source, len(first), candidates[int(np.argmax(scores))])


def _cross_validated(X: NDArray[np.float32], y: Rows) -> float:
    """Return the accuracy on the rows that labels are drawn from, to choose settings by."""
    return float(cross_val_score(_classifier(), X, y, scoring="balanced_accuracy").mean())


def _classifier() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))


def digits_task(settings: Settings, *, show_progress: bool) -> Task:
    """Return the task to classify handwritten digits: the second half is the test set."""
    X, y = load_digits(return_X_y=True)
    images = (X.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    n_first = len(X) // 2
    features = PatchFeatures(
        edge_autoencoder(
            settings.n_features, max_iter=settings.max_iter, random_state=settings.seed
        ),
        patch_size=DIGITS_PATCH_SIZE,
        n_patches=settings.n_patches // 2,
        pool_grid=(2, 2),
        random_state=settings.seed,
    )
    fit(features, images[:n_first], show_progress=show_progress)
    return Task(images, y, n_first, make_pipeline(features))


def accuracies(
    task: Task, settings: Settings, progress: Progress = no_progress
) -> dict[str, NDArray[np.float64]]:
    """Measure the accuracy (mean over classes) of logistic regression on each kind of features.

    Parameters
    ----------
    task : Task
        Images, labels and learned features.
    settings : Settings
        Numbers of labels and of draws.
    progress : callable
        Shows progress through the draws.

    Returns
    -------
    dict
        An array of shape (len(n_labels), n_splits), in percent, for each of `METHODS`.
    """
    test = np.arange(task.n_first, len(task.images))
    raw = task.images.reshape(len(task.images), -1)
    learned = task.features.transform(task.images)
    result = {name: np.empty((len(settings.n_labels), settings.n_splits)) for name in METHODS}
    for split in progress(range(settings.n_splits), "Classifying with few labels"):
        seed = settings.seed + split
        random = with_random_filters(task.features, seed).transform(task.images)
        order = np.random.default_rng(seed).permutation(task.n_first)
        for row, n in enumerate(settings.n_labels):
            for name, X in zip(METHODS, (learned, random, raw), strict=True):
                result[name][row, split] = 100 * few_label_accuracy(
                    _classifier(), X, task.labels, order, test, n=n, score=balanced_accuracy_score
                )
    return result
