"""Pixels without data that take the values of the nearest ones with data."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from striate.native.interruptible import interruptible

Array = npt.NDArray[Any]


def filled(image: Array) -> tuple[Array, npt.NDArray[np.bool_] | None]:
    """Return an image without missing pixels, and which of them were.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        NaN where there are no data. A pixel is missing if one of its bands is.

    Returns
    -------
    ndarray
        The same image, if no pixel is missing.
    ndarray of bool of shape (h, w), or None
        None if no pixel is missing.
    """
    if image.dtype.kind != "f":
        return image, None
    missing = np.any(np.isnan(image).reshape(*image.shape[:2], -1), axis=2)
    if not missing.any() or missing.all():
        return image, None
    nearest = interruptible(
        distance_transform_edt, missing, return_distances=False, return_indices=True
    )
    return image[tuple(nearest)], missing
