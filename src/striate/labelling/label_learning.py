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
    """

    classes: list[str]
    n_labels: int
    probabilities: NDArray[np.floating[Any]]
    accuracy: float | None
    disputed: list[int]


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
        accuracy, disputed = _look_again(labelled, y, rows)
    return Knowledge(classes.tolist(), len(rows), np.concatenate(blocks), accuracy, disputed)


def _look_again(X: NDArray[Any], y: NDArray[Any], rows: Rows) -> tuple[float | None, list[int]]:
    """Return the accuracy on held-out labels, and the labels that are improbable."""
    used = is_measurable(y)
    if used.sum() < _ENOUGH_LABELS or len(np.unique(y[used])) < 2:
        return None, []
    held_out = cross_validate(new_image_classifier(len(y)), X[used], y[used])
    p = held_out.probabilities
    excess = p.max(axis=1) - p[np.arange(len(p)), held_out.labels]
    order = np.argsort(-excess, kind="stable")
    disputed = rows[used][order[excess[order] > _DISPUTED]]
    return float(held_out.accuracies.mean()), disputed.tolist()
