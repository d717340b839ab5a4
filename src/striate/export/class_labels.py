"""Labels of classes in forms that other languages have."""

from typing import Any

import numpy as np
import numpy.typing as npt


def portable_labels(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels as int64, bool, float or objects that are text.

    Raises
    ------
    ValueError
        If they are others, or beyond the range of int64.

    Examples
    --------
    >>> portable_labels(np.array(["cat", "dog"]))
    array(['cat', 'dog'], dtype=object)
    """
    kind = classes.dtype.kind
    if kind in "bf":
        return classes
    if kind in "iu":
        labels = classes.astype(np.int64)
        if (labels == classes).all():
            return labels
    elif kind in "UO" and all(isinstance(label, str) for label in classes):
        return np.array([str(label) for label in classes], dtype=object)
    raise ValueError(
        f"labels {classes.tolist()} cannot be exported: they must be text, or numbers of at most "
        "64 bits"
    )
