"""Features that are tried on labelled images: how accurate a classifier on them is, and how slow.

All are tried on the same images and the same folds.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from striate.analysis.cross_validation import cross_validate, is_measurable
from striate.analysis.features_choice import HeldOut, losses_of
from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.analysis.image_classifier import new_image_classifier
from striate.analysis.number_validation import (
    HeldOutNumbers,
    cross_validate_numbers,
    group_codes,
)
from striate.files.image_collection import ImageCollection
from striate.report.labelled_images import Labelled

from .progress_bar import progress

# Images that are timed, after one that compiles.
_TIMED_IMAGES = 16


class Trial(NamedTuple):
    """How features do.

    Attributes
    ----------
    name : str
        What they are called.
    n_values : int
        Number of values per image.
    held_out : HeldOutPredictions or HeldOutNumbers
        Predictions of images that the classifier, or the regression, was not trained on.
    learn_seconds : float or None
        How long they took to learn; None if nothing was learned.
    image_seconds : float or None
        How long they take for an image; None if they come from a table.
    """

    name: str
    n_values: int
    held_out: HeldOut
    learn_seconds: float | None = None
    image_seconds: float | None = None

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """Accuracy in each fold, or the mean absolute error."""
        if isinstance(self.held_out, HeldOutPredictions):
            return self.held_out.accuracies
        folds = self.held_out.folds
        return np.bincount(folds, losses_of(self.held_out)) / np.bincount(folds)


def measurable(labelled: Labelled) -> npt.NDArray[np.bool_]:
    """Return which images can be held out; none, if those of two classes cannot."""
    if labelled.has_numbers:
        n_groups = int(group_codes(labelled.groups, len(labelled.files)).max()) + 1
        return np.full(len(labelled.files), n_groups > 1)
    used = is_measurable(labelled.labels, labelled.groups)
    return used & (len(np.unique(labelled.labels[used])) > 1)


def hold_out(labelled: Labelled, X: npt.NDArray[Any], class_weight: str | None = None) -> HeldOut:
    """Predict classes or numbers of images that can be held out, as `striate train` does.

    Parameters
    ----------
    labelled : Labelled
        The images; some of them are `measurable`.
    X : ndarray of shape (n_images, n_features)
        Their features.
    class_weight : {"balanced"} or None
        Whether classes count equally.

    Raises
    ------
    ValueError
        If groups cannot be divided into folds.
    """
    if labelled.has_numbers:
        return hold_out_numbers(labelled, X)
    return hold_out_classes(labelled, X, class_weight)


def hold_out_classes(
    labelled: Labelled, X: npt.NDArray[Any], class_weight: str | None = None
) -> HeldOutPredictions:
    """Predict the class of each image that can be held out, by cross-validation."""
    used = measurable(labelled)
    groups = None if labelled.groups is None else labelled.groups[used]
    head = new_image_classifier(len(X), class_weight)
    return cross_validate(head, X[used], labelled.labels[used], progress, groups=groups)


def hold_out_numbers(labelled: Labelled, X: npt.NDArray[Any]) -> HeldOutNumbers:
    """Predict the number of each image by cross-validation."""
    with threadpool_limits(1, user_api="blas"):
        return cross_validate_numbers(X, labelled.labels, progress, groups=labelled.groups)


def seconds_per_image(features: Any, files: list[Path], channels: int | None) -> float:
    """Return how long features take for an image, with as many threads as there are."""
    some = files[:: max(1, len(files) // _TIMED_IMAGES)][:_TIMED_IMAGES]
    images = ImageCollection(some, channels=channels)
    features.transform(images[:1])
    start = time.perf_counter()
    features.transform(images)
    return (time.perf_counter() - start) / len(some)
