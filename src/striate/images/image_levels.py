"""Levels of an image pyramid: means of squares of pixels, of an image that is mirrored endlessly.

Pixel (i, j) of level s is the mean of the pixels s i, …, s i + s − 1 down and s j, … across. The
image continues beyond its border as its mirror image (d c b a | a b c d | d c b a), so that every
i and j has a value, whatever is computed besides.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.files.large_image import LargeImage
from striate.native.compile import as_kernel_input


class Span(NamedTuple):
    """Places first, …, last − 1 along an axis."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """Number of places."""
        return self.last - self.first

    def widened(self, n: int) -> "Span":
        """Return the span with n more places at each end."""
        return Span(self.first - n, self.last + n)

    def aligned(self, step: int) -> "Span":
        """Return the smallest span around this one whose ends are multiples of `step`."""
        return Span(self.first // step * step, -(-self.last // step) * step)


def mirrored(span: Span, n: int) -> npt.NDArray[np.intp]:
    """Return which of n pixels stands at each place of an image that is mirrored endlessly."""
    places = np.arange(span.first, span.last) % (2 * n)
    return np.minimum(places, 2 * n - 1 - places)


def read_level(image: LargeImage, rows: Span, columns: Span, scale: int) -> npt.NDArray[Any]:
    """Return a block (rows, columns, c) of level `scale` of an image."""
    spans = [Span(scale * each.first, scale * each.last) for each in (rows, columns)]
    block = _read_mirrored(image, *spans)
    if scale > 1:
        block = _sums(_sums(block, scale).swapaxes(0, 1), scale).swapaxes(0, 1)
        block = block * block.dtype.type(1 / scale**2)
    return as_kernel_input(block)


def _read_mirrored(image: LargeImage, rows: Span, columns: Span) -> npt.NDArray[Any]:
    block: npt.NDArray[Any]
    places = [mirrored(span, n) for span, n in zip((rows, columns), image.shape, strict=True)]
    first, last = (tuple(int(f(each)) for each in places) for f in (np.min, np.max))
    block = image.read(slice(first[0], last[0] + 1), slice(first[1], last[1] + 1))
    for axis, place in enumerate(places):
        place = place - first[axis]
        if not np.array_equal(place, np.arange(block.shape[axis])):
            block = np.take(block, place, axis=axis)
    return block


def _sums(block: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
    """Add each n rows, in a fixed order: NumPy's own sums depend on the shape of the array."""
    total = block[::n].copy()
    for i in range(1, n):
        total += block[i::n]
    return total
