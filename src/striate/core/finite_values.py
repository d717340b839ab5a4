"""Whether all numbers of an array are finite, in one pass at the speed of memory."""

from typing import Any

import numpy as np
import numpy.typing as npt

from striate.native.compile import kernel

# All bits of the exponent are 1 in NaN and infinity, and in no other number.
_EXPONENT = {4: np.uint32(0x7F800000), 8: np.uint64(0x7FF0000000000000)}


def all_finite(x: npt.NDArray[Any]) -> bool:
    """Return whether no number is NaN or infinity.

    Parameters
    ----------
    x : ndarray of float32 or float64
        C-contiguous.

    Examples
    --------
    >>> all_finite(np.array([1.0, 1e308])), all_finite(np.array([1.0, -np.inf]))
    (True, False)
    """
    bits = x.reshape(-1).view(f"u{x.itemsize}")
    if not bits.flags.writeable:  # which Numba has no compiled code for
        return bool(np.isfinite(x).all())
    return not _any_with(bits, _EXPONENT[x.itemsize])


@kernel
def _any_with(values, mask):  # (n,)
    """Return whether any number has all bits of a mask."""
    found = False
    for i in range(values.size):
        found |= (values[i] & mask) == mask
    return found
