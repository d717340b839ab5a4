"""Which pixels of an image a pixel, or a patch, of a map is computed from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .convolution import Patches

Pair = tuple[int, int]


class MapExtent(NamedTuple):
    """Pixel (i, j) of a map sees the image from (i, j) · step on: `size` pixels down and across.

    The default is the image itself.
    """

    step: Pair = (1, 1)
    size: Pair = (1, 1)

    def of_patch(self, shape: Pair) -> Pair:
        """Return how many pixels of the image a patch of the map sees, down and across."""
        return (
            self.size[0] + self.step[0] * (shape[0] - 1),
            self.size[1] + self.step[1] * (shape[1] - 1),
        )

    def after(self, patches: Patches, window: Pair) -> "MapExtent":
        """Return the extent of the next map: of patches, pooled over windows."""
        step = self.step[0] * patches.stride, self.step[1] * patches.stride
        seen = MapExtent(step, self.of_patch(patches[:2]))
        return MapExtent((step[0] * window[0], step[1] * window[1]), seen.of_patch(window))

    def piece(
        self, image: npt.NDArray[Any], corner: tuple[int, int], shape: Pair
    ) -> npt.NDArray[Any]:
        """Cut out what a patch of the map sees, given the patch's corner and shape.

        The last windows of a map may be smaller than the others. What would lie beyond the image is
        then filled with the pixels at its border.
        """
        rows, columns = (
            np.minimum(step * first + np.arange(size), n - 1)
            for step, first, size, n in zip(
                self.step, corner, self.of_patch(shape), image.shape[:2], strict=True
            )
        )
        return image[rows[:, np.newaxis], columns]


def smallest_image(
    patches: Sequence[Patches], pool_sizes: Sequence[int], positions: Sequence[Pair]
) -> Pair:
    """Return the smallest image whose map has at least some positions of patches in each layer.

    `pool_sizes` are the sides of the windows of each layer but the last.
    """
    shape = 1, 1
    last_first = zip(patches, [*pool_sizes, 1], positions, strict=True)
    for each, window, least in reversed(list(last_first)):
        # The last window may have a single position.
        needed = [max(m, (n - 1) * window + 1) for m, n in zip(least, shape, strict=True)]
        shape = (
            each.height + each.stride * (needed[0] - 1),
            each.width + each.stride * (needed[1] - 1),
        )
    return shape
