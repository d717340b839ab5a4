"""What features are worth when labels are few: learned ones, random ones, and raw pixels."""

from collections.abc import Callable, Iterable
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

from striate import PatchFeatures, SparseAutoencoder

from .demo_settings import Settings
from .learned_features import fit, pooled, with_random_filters
from .photographs import Image, tiles

METHODS = ("learned features", "random filters", "raw pixels")
TILE_SIZE = 32
DIGITS_PATCH_SIZE = 5
#: Of the logistic regression, the same for all methods and tasks.
C = 0.1

Rows = NDArray[np.intp]


@dataclass
class Task:
    """Images with labels, and features learned on the first of them without labels.

    Attributes
    ----------
    images : ndarray of shape (n, h, w, 1)
    labels : ndarray of shape (n,)
    n_first : int
        Features were learned, and labels are drawn, from so many images; the others are the test.
    features : Pipeline
    """

    images: Image
    labels: Rows
    n_first: int
    features: Pipeline

    @property
    def n_classes(self) -> int:
        """How many classes there are: guessing is right once in so many times."""
        return len(np.unique(self.labels))


def photographs_task(left: list[Image], right: list[Image], features: Pipeline) -> Task:
    """Which photograph is a tile from? Learned on the left halves, tested on the right ones."""
    (first, of_first), (second, of_second) = tiles(left, TILE_SIZE), tiles(right, TILE_SIZE)
    images, source = np.concatenate([first, second]), np.concatenate([of_first, of_second])
    # What is in a tile matters, and where it is does not: one cell.
    candidates = [pooled(features, pooling=how, pool_grid=(1, 1)) for how in ("mean", "max")]
    with threadpool_limits(1, user_api="blas"):
        scores = [_cross_validated(model.transform(first), of_first) for model in candidates]
    return Task(images, source, len(first), candidates[int(np.argmax(scores))])


def _cross_validated(X: NDArray[np.float32], y: Rows) -> float:
    """Accuracy on rows that labels are drawn from: what settings may be chosen by."""
    return cross_val_score(_classifier(), X, y, scoring="balanced_accuracy").mean()


def _classifier() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))


def digits_task(settings: Settings, *, show_progress: bool) -> Task:
    """Which digit is it? Learned on the first half of them, tested on the second."""
    X, y = load_digits(return_X_y=True)
    images = (X.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    n_first = len(X) // 2
    features = PatchFeatures(
        SparseAutoencoder(
            settings.n_features,
            weight_decay=0.01,
            sparsity_target=0.035,
            sparsity_weight=5.0,
            max_iter=settings.max_iter,
            random_state=settings.seed,
        ),
        patch_size=DIGITS_PATCH_SIZE,
        n_patches=settings.n_patches // 2,
        pool_grid=(2, 2),
        random_state=settings.seed,
    )
    fit(features, images[:n_first], show_progress=show_progress)
    return Task(images, y, n_first, make_pipeline(features))


def accuracies(
    task: Task,
    settings: Settings,
    watched: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> dict[str, NDArray[np.float64]]:
    """Measure the accuracy (mean over classes) of logistic regression on each kind of features.

    Parameters
    ----------
    task : Task
    settings : Settings
    watched : callable
        Shows progress through the splits.

    Returns
    -------
    dict
        For each of `METHODS` an array of shape (len(n_labels), n_splits), in percent.
    """
    test = np.arange(task.n_first, len(task.images))
    raw = task.images.reshape(len(task.images), -1)
    learned = task.features.transform(task.images)
    result = {name: np.empty((len(settings.n_labels), settings.n_splits)) for name in METHODS}
    for split in watched(range(settings.n_splits)):
        seed = settings.seed + split
        random = with_random_filters(task.features, seed).transform(task.images)
        order = np.random.default_rng(seed).permutation(task.n_first)
        # Products are small here: threads would only wait for each other.
        with threadpool_limits(1, user_api="blas"):
            for row, n in enumerate(settings.n_labels):
                train = _first_of_each_class(order, task.labels, n)
                for name, X in zip(METHODS, (learned, random, raw), strict=True):
                    result[name][row, split] = _accuracy(X, task.labels, train, test)
    return result


def _first_of_each_class(order: Rows, labels: Rows, n: int) -> Rows:
    of_class = [order[labels[order] == k][:n] for k in np.unique(labels)]
    return np.concatenate(of_class)


def _accuracy(X: NDArray[np.float32], y: Rows, train: Rows, test: Rows) -> float:
    predicted = _classifier().fit(X[train], y[train]).predict(X[test])
    return 100 * balanced_accuracy_score(y[test], predicted)
