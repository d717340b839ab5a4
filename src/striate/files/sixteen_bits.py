"""The part of the range of 16-bit integers that images use: cameras of 10 or 12 bits fill little.

Divided by 65,535, the pixels of such a camera are nearly black, and their contrast is below what
`PatchFeatures` takes for noise.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_WHITE = 65535
_LARGEST_PART = 2**14
_FEWEST_BITS = 8
# Brighter and darker pixels are few: defects of a sensor, or a scale drawn into the picture.
_PERCENTILES = (1, 99)
# Values that percentiles are computed of, at most.
_MOST_VALUES = 1_000_000


class UsedRange(NamedTuple):
    """Values of black and white, as parts of the range of 16-bit integers."""

    black: float = 0.0
    white: float = 1.0

    def scaled(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values such that black is 0 and white is 1."""
        if self == WHOLE_RANGE:
            return values
        black, width = (values.dtype.type(x) for x in (self.black, self.white - self.black))
        scaled: npt.NDArray[Any] = (values - black) / width
        return scaled


WHOLE_RANGE = UsedRange()


def used_range(values: npt.NDArray[Any]) -> UsedRange:
    """Return the range of 8, 10, 12, 14 or 16 bits in which nearly all values lie.

    Parameters
    ----------
    values : ndarray
        Pixels of 16 bits, divided by 65,535.
    """
    flat = values.ravel()
    some = flat[:: max(flat.size // _MOST_VALUES, 1)]
    low, high = (np.percentile(some, _PERCENTILES) * _WHITE).round()
    size = _power_of_two(high)
    if size <= _LARGEST_PART:
        return _part(0, size)
    size = _power_of_two(high - low)
    while size <= _LARGEST_PART:  # behind a bit that is always set, as that of signed integers
        if low // size == high // size:
            return _part(low - low % size, size)
        size *= 4
    size = _power_of_two(high - low)
    return WHOLE_RANGE if size > _LARGEST_PART else _part(low, size)


def _power_of_two(largest: float) -> int:
    """Return how many values an even number of bits has, at least 8, that reach the largest."""
    return int(2 ** max(2 * math.ceil(math.log2(largest + 1) / 2), _FEWEST_BITS))


def _part(black: float, size: int) -> UsedRange:
    return UsedRange(float(black) / _WHITE, float(black + size - 1) / _WHITE)
