"""Memory for rows that are read, used again: new pages cost more than what is copied to them."""

import sys
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

#: Number of buffers that are kept: one is read into while another is computed with.
_MOST = 2


class ReusedBuffers:
    """Arrays in memory that is used again once nothing refers to an earlier array in it.

    The values of an array do not change as long as the array, or a view of it, is referred to.

    Examples
    --------
    >>> import numpy as np
    >>> buffers = ReusedBuffers()
    >>> x = buffers.array((3, 2), np.dtype(float))
    >>> address = x.ctypes.data
    >>> del x
    >>> buffers.array((2, 2), np.dtype(float)).ctypes.data == address
    True
    """

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[np.uint8]] = []

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return an array whose values are not set."""
        n_bytes = prod(shape) * dtype.itemsize
        used = [count > _UNUSED for count in _references(self._kept)]
        fitting = None
        for i in np.flatnonzero(np.logical_not(used)).tolist():
            if self._kept[i].size >= n_bytes:
                fitting = self._kept[i]
                break
        if fitting is None:
            # Those that are too small go before there is a larger one.
            self._kept = [raw for raw, busy in zip(self._kept, used, strict=True) if busy]
            fitting = np.empty(n_bytes, np.uint8)
            if len(self._kept) < _MOST:
                self._kept.append(fitting)
        return fitting[:n_bytes].view(dtype).reshape(shape)


def _references(kept: list[npt.NDArray[np.uint8]]) -> list[int]:
    """Return how many references each array has: a view of it, and one of that, are two more."""
    return [sys.getrefcount(raw) for raw in kept]


# References of an array that only the list has.
_UNUSED = _references([np.empty(0, np.uint8)])[0]
