"""Reduced images: each pixel is the mean of a square of pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError

Array = npt.NDArray[Any]


def area_means(values: Array, n: int) -> Array:
    """Return the means of squares of n × n pixels of an image (h, w, c).

    Rows and columns that are left over, at the bottom and on the right, are left out. Pixels
    without data (NaN) do not count; the mean of a square that has no other is NaN.

    Raises
    ------
    ImageError
        If the image is smaller than a square.
    """
    height, width = values.shape[:2]
    if min(height, width) < n:
        raise ImageError(f"is of {height} x {width} pixels, too small to be reduced {n} times")
    values = values[: height - height % n, : width - width % n]
    missing = np.isnan(values)
    if not missing.any():
        return _sums(values, n) / values.dtype.type(n * n)
    counts = _sums((~missing).astype(values.dtype), n)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        return _sums(np.where(missing, 0, values), n) / counts


def _sums(values: Array, n: int) -> Array:
    """Return the sums of squares, added in a fixed order."""
    rows = sum((values[i::n] for i in range(1, n)), values[::n])
    return sum((rows[:, i::n] for i in range(1, n)), rows[:, ::n])
