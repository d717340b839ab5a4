"""How often a classifier is right on images that it was not trained on: cross-validation."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

#: Goes through items and shows progress under a title.
Watch = Callable[[Sequence[Any], str], Iterable[Any]]
Rows = NDArray[np.intp]
Split = tuple[Rows, Rows]

_MOST_FOLDS = 5
# Numbers of labels a class that are tried.
_STEPS = tuple(step * 10**k for k in range(6) for step in (1, 2, 5))


def unwatched(items: Sequence[Any], title: str) -> Iterable[Any]:
    """Show no progress."""
    return items


@dataclass(frozen=True, eq=False)
class Judgement:
    """What each image was taken for by a classifier that was trained on others.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    labels : ndarray of int of shape (n_images,)
        Index of the true class.
    probabilities : ndarray of shape (n_images, n_classes)
    folds : ndarray of int of shape (n_images,)
        With which others an image was judged; all are 0 where they were judged together.
    """

    classes: NDArray[Any]
    labels: Rows
    probabilities: NDArray[np.floating]
    folds: Rows

    @property
    def predicted(self) -> Rows:
        """Index of the most probable class, of shape (n_images,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracies(self) -> NDArray[np.floating]:
        """Share of right answers in each fold."""
        right = self.predicted == self.labels
        return np.bincount(self.folds, right) / np.bincount(self.folds)

    @property
    def baseline(self) -> float:
        """Accuracy of always naming the most frequent class."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def confusion(self) -> Rows:
        """Images of each class (rows) that were taken for each class (columns)."""
        n = len(self.classes)
        counts = np.bincount(self.labels * n + self.predicted, minlength=n * n)
        return counts.reshape(n, n)

    def most_wrong(self, n: int) -> Rows:
        """Return images with a wrong answer, at most `n`: those first whose answer was surest."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        surest = np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")
        return wrong[surest[:n]]

    def sentence(self) -> str:
        """Return the accuracy with its spread, and that of guessing, in a line."""
        scores = self.accuracies
        return (
            f"{scores.mean():.1%} ± {scores.std():.1%} over {len(scores)} folds "
            f"(always the most frequent class: {self.baseline:.1%})"
        )

    def facts(self) -> dict[str, Any]:
        """Return what is kept in a model file, as plain arrays."""
        return {
            "accuracies": self.accuracies,
            "baseline": self.baseline,
            "confusion": self.confusion,
        }


def alone(labels: ArrayLike) -> list[str]:
    """Name the classes that have a single image: nothing can be said of how they are judged."""
    classes, counts = np.unique(labels, return_counts=True)
    return [str(each) for each in classes[counts < 2]]


def judge(
    classifier: Any, X: NDArray[Any], labels: ArrayLike, watch: Watch = unwatched
) -> Judgement:
    """Cross-validate a classifier, stratified, in as many as five folds.

    Parameters
    ----------
    classifier : classifier with predict_proba
        Cloned for each fold.
    X : ndarray of shape (n_images, n_features)
    labels : array-like of shape (n_images,)
        At least two of each class.
    watch : callable
        Shows progress over the folds.
    """
    classes, y = np.unique(labels, return_inverse=True)
    probabilities = np.empty((len(y), len(classes)))
    folds = np.empty(len(y), dtype=np.intp)
    for k, (train, test) in enumerate(watch(_splits(X, y), "Cross-validating")):
        probabilities[test] = _fitted(classifier, X[train], y[train]).predict_proba(X[test])
        folds[test] = k
    return Judgement(classes, y, probabilities, folds)


def judge_new(model: Any, X: NDArray[Any], labels: NDArray[Any]) -> Judgement:
    """Judge images by a fitted classifier that was trained on none of them.

    Parameters
    ----------
    model : fitted classifier with predict_proba
    X : ndarray of shape (n_images, n_features)
    labels : ndarray of shape (n_images,)
        Out of its classes.
    """
    y = np.searchsorted(model.classes_, labels)
    return Judgement(model.classes_, y, model.predict_proba(X), np.zeros(len(y), dtype=np.intp))


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Accuracy against the number of labels.

    Attributes
    ----------
    n_labels : list of int
        Of each class.
    accuracies : ndarray of shape (n_folds, n_sizes)
    """

    n_labels: list[int]
    accuracies: NDArray[np.floating]


def learning_curve(
    classifier: Any, X: NDArray[Any], labels: ArrayLike, watch: Watch = unwatched
) -> LearningCurve:
    """Train on few labels of each class and on more, and test on the images of a fold.

    Parameters
    ----------
    classifier, X, labels, watch : as for `judge`
    """
    y = np.unique(labels, return_inverse=True)[1]
    splits = _splits(X, y)
    sizes = _sizes(min(int(np.bincount(y[train]).min()) for train, _ in splits))
    accuracies = np.empty((len(splits), len(sizes)))
    tasks = list(np.ndindex(accuracies.shape))
    for k, at in watch(tasks, "Training on fewer labels"):
        train, test = splits[k]
        rows = _first_of_each_class(np.random.default_rng(k).permutation(train), y, sizes[at])
        predicted = _fitted(classifier, X[rows], y[rows]).predict(X[test])
        accuracies[k, at] = (predicted == y[test]).mean()
    return LearningCurve(sizes, accuracies)


def _splits(X: NDArray[Any], y: Rows) -> list[Split]:
    n_splits = min(_MOST_FOLDS, int(np.bincount(y).min()))
    return list(StratifiedKFold(n_splits, shuffle=True, random_state=0).split(X, y))


def _sizes(most: int) -> list[int]:
    """1, 2, 5, 10, … and the largest number that there is; none too near to that."""
    return [*(n for n in _STEPS if n <= 0.8 * most), most]


def _first_of_each_class(order: Rows, y: Rows, n: int) -> Rows:
    return np.concatenate([order[y[order] == k][:n] for k in range(y.max() + 1)])


def _fitted(classifier: Any, X: NDArray[Any], y: Rows) -> Any:
    # Products are small here: threads of BLAS would only wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # The accuracy is measured anyhow: a solver that stopped early does not falsify it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(classifier).fit(X, y)
