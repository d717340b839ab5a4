"""Accuracy of a classifier on images that it was not trained on."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from .progress_protocol import Progress, no_progress

Rows = NDArray[np.intp]

_MOST_FOLDS = 5
# Candidate numbers of labels per class.
_STEPS = tuple(step * 10**k for k in range(6) for step in (1, 2, 5))


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """Predictions of classifiers on images that they were not trained on.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels.
    labels : ndarray of int of shape (n_images,)
        Index of the true class.
    probabilities : ndarray of shape (n_images, n_classes)
        Predicted probabilities.
    folds : ndarray of int of shape (n_images,)
        Fold that each image was held out in; all 0 if one classifier predicted all of them.
    """

    classes: NDArray[Any]
    labels: Rows
    probabilities: NDArray[np.floating]
    folds: Rows

    @property
    def predicted(self) -> Rows:
        """Index of the most probable class, of shape (n_images,)."""
        predicted: Rows = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """Accuracy in each fold."""
        correct = self.predicted == self.labels
        return np.bincount(self.folds, correct) / np.bincount(self.folds)

    @property
    def baseline(self) -> float:
        """Accuracy of always predicting the most frequent class."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def confusion(self) -> Rows:
        """Confusion matrix: true classes in rows, predicted classes in columns."""
        indices = np.arange(len(self.classes))
        counts: Rows = confusion_matrix(self.labels, self.predicted, labels=indices)
        return counts

    @property
    def n_mistakes(self) -> int:
        """Number of misclassified images."""
        return int((self.predicted != self.labels).sum())

    def most_confident_mistakes(self, n: int) -> Rows:
        """Return at most `n` misclassified images, the most confident predictions first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        order = np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")
        return wrong[order[:n]]

    def sentence(self) -> str:
        """Return the accuracy with its spread and the baseline, in one line."""
        scores = self.accuracies
        return (
            f"{scores.mean():.1%} ± {scores.std():.1%} over {len(scores)} folds "
            f"(always the most frequent class: {self.baseline:.1%})"
        )

    def summary(self) -> dict[str, Any]:
        """Return what a model file keeps, as plain numbers and arrays."""
        return {
            "accuracies": self.accuracies,
            "baseline": self.baseline,
            "confusion": self.confusion,
        }


def single_image_classes(labels: ArrayLike) -> list[str]:
    """Return the names of classes with a single image, which cannot be cross-validated."""
    classes, counts = np.unique(labels, return_counts=True)
    return [str(each) for each in classes[counts < 2]]


def cross_validate(
    classifier: Any, X: NDArray[Any], labels: ArrayLike, progress: Progress = no_progress
) -> HeldOutPredictions:
    """Predict each image by a classifier trained on the other folds, at most five, stratified.

    Parameters
    ----------
    classifier : classifier with predict_proba
        Cloned for each fold.
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    labels : array-like of shape (n_images,)
        At least two of each class.
    progress : callable
        Shows progress over the folds.
    """
    classes, y = np.unique(labels, return_inverse=True)
    probabilities = np.empty((len(y), len(classes)))
    folds = np.empty(len(y), dtype=np.intp)
    for k, (train, test) in enumerate(progress(_splits(X, y), "Cross-validating")):
        probabilities[test] = _fit_clone(classifier, X[train], y[train]).predict_proba(X[test])
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
    classifier: Any, X: NDArray[Any], labels: ArrayLike, progress: Progress = no_progress
) -> LearningCurve:
    """Train on 1, 2, 5, … labels of each class, and test on the held-out fold.

    The parameters are those of `cross_validate`.
    """
    y = np.unique(labels, return_inverse=True)[1]
    splits = _splits(X, y)
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


def _splits(X: NDArray[Any], y: Rows) -> list[tuple[Rows, Rows]]:
    n_splits = min(_MOST_FOLDS, int(np.bincount(y).min()))
    return list(StratifiedKFold(n_splits, shuffle=True, random_state=0).split(X, y))


def _sizes(most: int) -> list[int]:
    """Return 1, 2, 5, 10, … up to 80% of the largest number, and that number."""
    return [*(n for n in _STEPS if n <= 0.8 * most), most]


def _fit_clone(classifier: Any, X: NDArray[Any], y: Rows) -> Any:
    # Products are small here: BLAS threads would only wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # The held-out accuracy is valid even if the solver stopped early.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Few labels per class are intended, not a regression target.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return clone(classifier).fit(X, y)
