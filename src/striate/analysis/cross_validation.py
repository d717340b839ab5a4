"""Accuracy of a classifier on images that it was not trained on."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from striate.estimators.held_out_rows import grouped_folds

from .held_out_predictions import HeldOutPredictions, Rows
from .image_classifier import group_parameter
from .progress_protocol import Progress, no_progress
from .self_trained_images import unlabeled_parameter

_MOST_FOLDS = 5
_TRIES = 20
# Candidate numbers of labels per class.
_STEPS = tuple(step * 10**k for k in range(6) for step in (1, 2, 5))


def is_measurable(labels: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.bool_]:
    """Return which images can be held out: those whose class is in at least two groups.

    Parameters
    ----------
    labels : array-like of shape (n_images,)
        Classes.
    groups : array-like of shape (n_images,), default=None
        Groups that are held out together; None for single images.
    """
    classes, y = np.unique(labels, return_inverse=True)
    of_image = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    pairs = np.unique(np.column_stack([y, of_image]), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(classes))[y] > 1


def cross_validate(
    classifier: Any,
    X: NDArray[Any],
    labels: ArrayLike,
    progress: Progress = no_progress,
    *,
    groups: NDArray[Any] | None = None,
    unlabeled: NDArray[Any] | None = None,
) -> HeldOutPredictions:
    """Predict each image by a classifier trained on the other folds, at most five, stratified.

    Parameters
    ----------
    classifier : classifier with predict_proba
        Cloned for each fold.
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    labels : array-like of shape (n_images,)
        At least two of each class, in different groups.
    progress : callable
        Shows progress over the folds.
    groups : ndarray of shape (n_images,), default=None
        Groups of images, such as those of one patient, that are in one fold.
    unlabeled : ndarray of shape (n_unlabeled, n_features), default=None
        Other images, for a classifier that learns from images without labels.

    Raises
    ------
    ValueError
        If groups cannot be divided so that every class is trained on in each fold.
    """
    classes, y = np.unique(labels, return_inverse=True)
    probabilities = np.empty((len(y), len(classes)))
    folds = np.empty(len(y), dtype=np.intp)
    for k, (train, test) in enumerate(progress(_splits(X, y, groups), "Cross-validating")):
        of_train = _rows_of(groups, train)
        fitted = _fit_clone(classifier, X[train], y[train], of_train, unlabeled)
        probabilities[test] = fitted.predict_proba(X[test])
        folds[test] = k
    return HeldOutPredictions(classes, y, probabilities, folds)


def evaluate(model: Any, X: NDArray[Any], labels: NDArray[Any]) -> HeldOutPredictions:
    """Predict new images by a fitted classifier that was trained on none of them.

    Parameters
    ----------
    model : fitted classifier with predict_proba
        Used as it is.
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    labels : ndarray of shape (n_images,)
        True classes, each of them in ``model.classes_``.
    """
    y = np.searchsorted(model.classes_, labels)
    folds = np.zeros(len(y), dtype=np.intp)
    return HeldOutPredictions(model.classes_, y, model.predict_proba(X), folds)


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Accuracy against the number of labels.

    Attributes
    ----------
    n_labels : list of int
        Numbers of labels per class.
    accuracies : ndarray of shape (n_folds, n_sizes)
        Accuracy on the held-out fold.
    """

    n_labels: list[int]
    accuracies: NDArray[np.float64]


def learning_curve(
    classifier: Any,
    X: NDArray[Any],
    labels: ArrayLike,
    progress: Progress = no_progress,
    *,
    groups: NDArray[Any] | None = None,
) -> LearningCurve:
    """Train on 1, 2, 5, … labels of each class, and test on the held-out fold.

    The parameters are those of `cross_validate`.
    """
    y = np.unique(labels, return_inverse=True)[1]
    splits = _splits(X, y, groups)
    sizes = _sizes(min(int(np.bincount(y[train]).min()) for train, _ in splits))
    accuracies = np.empty((len(splits), len(sizes)))
    tasks = list(np.ndindex(accuracies.shape))
    for k, size in progress(tasks, "Training on fewer labels"):
        train, test = splits[k]
        order = np.random.default_rng(k).permutation(train)
        accuracies[k, size] = few_label_accuracy(classifier, X, y, order, test, n=sizes[size])
    return LearningCurve(sizes, accuracies)


def few_label_accuracy(
    classifier: Any,
    X: NDArray[Any],
    y: Rows,
    order: Rows,
    test: Rows,
    *,
    n: int,
    score: Callable[[Rows, Rows], float] = accuracy_score,
) -> float:
    """Train on the first `n` rows of each class, and return the score on the test rows.

    Parameters
    ----------
    classifier : classifier
        Cloned.
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    y : ndarray of int of shape (n_images,)
        Class of each image.
    order, test : ndarray of int
        Row indices: those to train on, in order of choice, and those to test on.
    n : int
        Number of labels per class.
    score : callable
        Function of the true and the predicted classes.
    """
    train = np.concatenate([order[y[order] == k][:n] for k in np.unique(y)])
    return float(score(y[test], _fit_clone(classifier, X[train], y[train]).predict(X[test])))


def _splits(
    X: NDArray[Any], y: Rows, groups: NDArray[Any] | None = None
) -> list[tuple[Rows, Rows]]:
    if groups is None:
        n_splits = min(_MOST_FOLDS, int(np.bincount(y).min()))
        return list(StratifiedKFold(n_splits, shuffle=True, random_state=0).split(X, y))
    rows = np.arange(len(y))
    # The random assignment of groups may put all of a class into one fold; the next may not.
    for seed in range(_TRIES):
        tests = grouped_folds(y, groups, _n_grouped_folds(y, groups), seed)
        if sum(map(len, tests)) == len(y):
            return [(np.setdiff1d(rows, test), test) for test in tests]
    raise ValueError(
        "the groups cannot be divided into folds that leave images of every class to train on; "
        "use groups that hold fewer images"
    )


def _n_grouped_folds(y: Rows, groups: NDArray[Any]) -> int:
    """Return the number of folds: five, or fewer if a class is in fewer groups."""
    pairs = np.unique(np.column_stack([y, np.unique(groups, return_inverse=True)[1]]), axis=0)
    return min(_MOST_FOLDS, int(np.bincount(pairs[:, 0]).min()))


def _rows_of(groups: NDArray[Any] | None, rows: Rows) -> NDArray[Any] | None:
    return None if groups is None else groups[rows]


def _sizes(most: int) -> list[int]:
    """Return 1, 2, 5, 10, … up to 80% of the largest number, and that number."""
    return [*(n for n in _STEPS if n <= 0.8 * most), most]


def _fit_clone(
    classifier: Any,
    X: NDArray[Any],
    y: Rows,
    groups: NDArray[Any] | None = None,
    unlabeled: NDArray[Any] | None = None,
) -> Any:
    # Products are small here: BLAS threads would only wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # The held-out accuracy is valid even if the solver stopped early.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Few labels per class are intended, not a regression target.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        params = group_parameter(classifier, groups) | unlabeled_parameter(unlabeled)
        return clone(classifier).fit(X, y, **params)
