"""Accuracy of a classifier of pixels on images that it was not trained on."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from striate.images.labelled_pixels import LabelledPixels
from striate.images.segmentation_scores import confusion_of, intersections_over_unions

from .progress_protocol import Progress, no_progress

_MOST_FOLDS = 5


@dataclass(frozen=True, eq=False)
class SegmentationScores:
    """How labelled pixels were classified in images that were held out.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels.
    confusion : ndarray of int of shape (n_classes, n_classes)
        Numbers of pixels: true classes in rows, predicted classes in columns.
    n_images, n_folds : int
        Number of images that were held out, and of parts into which they were divided.
    only_in_one_image : list
        Classes with labels in a single image: when it is held out, nothing is known of them.
    """

    classes: NDArray[Any]
    confusion: NDArray[np.intp]
    n_images: int
    n_folds: int
    only_in_one_image: list[Any]

    @property
    def intersections_over_unions(self) -> NDArray[np.float64]:
        """Intersection over union of each class; NaN for those of `only_in_one_image`."""
        scores = intersections_over_unions(self.confusion)
        scores[np.isin(self.classes, self.only_in_one_image)] = np.nan
        return scores


def cross_validate_images(
    classifier: Any, pixels: LabelledPixels, progress: Progress = no_progress
) -> SegmentationScores | None:
    """Predict the labelled pixels of each image by a classifier trained on those of others.

    Images are divided into five parts at most, whole: pixels of one image resemble each other, so
    that a classifier that knows some of them would seem to be better than it is.

    Parameters
    ----------
    classifier : classifier
        Classifier of pixels; cloned for each part.
    pixels : LabelledPixels
        Pixels of all images with labels.
    progress : callable
        Shows progress over the parts.

    Returns
    -------
    SegmentationScores or None
        None if no part can be held out: labels are in one image only, or those of the others are
        of one class.
    """
    X, y, of_image = pixels
    images, classes = np.unique(of_image), np.unique(y)
    part_of = np.zeros(int(images.max()) + 1, dtype=np.intp)
    part_of[images] = np.arange(images.size) % _MOST_FOLDS
    parts = part_of[of_image]
    # Held out alone would be one class: nothing to train on.
    folds = [k for k in np.unique(parts) if np.unique(y[parts != k]).size > 1]
    if not folds:
        return None
    confusion = np.zeros((classes.size, classes.size), dtype=np.intp)
    for k in progress(folds, "Cross-validating"):
        train, test = parts != k, parts == k
        with warnings.catch_warnings():  # the score is valid even if a solver stopped early
            warnings.simplefilter("ignore", ConvergenceWarning)
            predicted = clone(classifier).fit(X[train], y[train]).predict(X[test])
        confusion += confusion_of(y[test], predicted, classes)
    n_images = int(np.isin(part_of[images], folds).sum())
    alone = [label for label in classes if np.unique(of_image[y == label]).size == 1]
    return SegmentationScores(classes, confusion, n_images, len(folds), alone)
