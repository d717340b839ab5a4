"""What the labels so far teach: guesses, the accuracy, and labels to look at again."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from striate.analysis.cross_validation import cross_validate, is_measurable
from striate.analysis.image_classifier import new_image_classifier

Rows = NDArray[np.intp]

# Labels from which on the accuracy is estimated; of fewer, it is mostly chance.
_ENOUGH_LABELS = 10
# By how much another class must be more probable than the label.
_DISPUTED = 0.3
_BLOCK = 4096


class Confusion(NamedTuple):
    """Confusion matrix of labels that were held out.

    Attributes
    ----------
    classes : list of str
        Classes of rows and columns.
    counts : list of list of int
        Labels in rows, predictions in columns.
    """

    classes: list[str]
    counts: list[list[int]]


class Knowledge(NamedTuple):
    """What a classifier learned from some labels.

    Attributes
    ----------
    classes : list of str
        Classes, sorted.
    n_labels : int
        Number of labels that it was trained on.
    probabilities : ndarray of shape (n_images, n_classes)
        Probabilities of all images.
    accuracy : float or None
        Accuracy on held-out labels; None if there are too few.
    disputed : list of int
        Images whose label a classifier that did not see it finds improbable, the worst first.
    confusion : Confusion or None
        Held-out labels and their predictions; None if there is no accuracy.
    """

    classes: list[str]
    n_labels: int
    probabilities: NDArray[np.floating[Any]]
    accuracy: float | None
    disputed: list[int]
    confusion: Confusion | None = None


def learn(X: NDArray[Any], labels: list[str]) -> Knowledge | None:
    """Train a classifier on the labels; return None if there are fewer than two classes.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    labels : list of str
        Label of each image; empty where there is none.
    """
    rows = np.flatnonzero([bool(label) for label in labels])
    y = np.array([labels[i] for i in rows])
    classes = np.unique(y)
    if len(classes) < 2:
        return None
    labelled = np.asarray(X[rows])
    head = new_image_classifier(len(rows))
    with threadpool_limits(1, user_api="blas"):  # the page answers meanwhile
        head.fit(labelled, y)
        parts = range(0, len(X), _BLOCK)
        blocks = [head.predict_proba(np.asarray(X[i : i + _BLOCK])) for i in parts]
        found = _look_again(labelled, y, rows)
    return Knowledge(classes.tolist(), len(rows), np.concatenate(blocks), *found)


def _look_again(
    X: NDArray[Any], y: NDArray[Any], rows: Rows
) -> tuple[float | None, list[int], Confusion | None]:
    """Return the accuracy on held-out labels, the improbable labels, and the confusion matrix."""
    used = is_measurable(y)
    if used.sum() < _ENOUGH_LABELS or len(np.unique(y[used])) < 2:
        return None, [], None
    held_out = cross_validate(new_image_classifier(len(y)), X[used], y[used])
    p = held_out.probabilities
    excess = p.max(axis=1) - p[np.arange(len(p)), held_out.labels]
    order = np.argsort(-excess, kind="stable")
    disputed = rows[used][order[excess[order] > _DISPUTED]]
    names = [str(each) for each in held_out.classes]
    confusion = Confusion(names, held_out.confusion.tolist())
    return float(held_out.accuracies.mean()), disputed.tolist(), confusion
