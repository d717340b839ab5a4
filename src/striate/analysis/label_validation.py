"""Several labels per image: how well each is predicted for images that were held out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cross_validation import cross_validate, is_measurable
from .held_out_predictions import HeldOutPredictions
from .progress_protocol import Progress, no_progress


def cross_validate_label(
    classifier: Any,
    X: NDArray[Any],
    y: NDArray[np.intp],
    progress: Progress = no_progress,
    *,
    groups: NDArray[Any] | None = None,
) -> tuple[HeldOutPredictions | None, NDArray[np.bool_]]:
    """Predict whether images have a label, by classifiers trained on other folds.

    Parameters
    ----------
    classifier : classifier with predict_proba
        Cloned for each fold.
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    y : ndarray of int of shape (n_images,)
        1 for images that have the label, 0 for others.
    progress : callable
        Shows progress over the folds.
    groups : ndarray of shape (n_images,), default=None
        Groups of images that are in one fold.

    Returns
    -------
    HeldOutPredictions or None
        None if there are not two images, or groups of them, with the label and without.
    ndarray of bool of shape (n_images,)
        The images that were predicted.
    """
    used = is_measurable(y, groups)
    if len(np.unique(y[used])) < 2:
        return None, np.zeros(len(y), dtype=bool)
    of_used = None if groups is None else groups[used]
    return cross_validate(classifier, X[used], y[used], progress, groups=of_used), used
