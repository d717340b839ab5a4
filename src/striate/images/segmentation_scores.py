"""Intersection over union of classes of pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix


def confusion_of(
    y: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: npt.NDArray[Any]
) -> npt.NDArray[np.intp]:
    """Return the numbers of pixels of each true class (rows) and predicted class (columns)."""
    counts: npt.NDArray[np.intp] = confusion_matrix(y, predicted, labels=classes)
    return counts


def intersections_over_unions(confusion: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return, for each class, the pixels that are rightly in it over all that are or should be.

    NaN for classes that have no pixels and are not predicted.

    Examples
    --------
    >>> intersections_over_unions(np.array([[3, 1], [0, 2]]))
    array([0.75      , 0.66666667])
    """
    right = np.diag(confusion).astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - right
    return np.divide(right, union, out=np.full(right.shape, np.nan), where=union > 0)
