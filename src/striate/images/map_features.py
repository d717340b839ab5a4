"""Features at every pixel of an image, block by block: which ones, and how blocks are chosen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy.typing as npt

from striate.files.large_image import LargeImage

from .image_levels import Span
from .layer_pooling import LayerPooling
from .operator_fusion import Folded
from .smoothed_derivatives import N_MEASURES, SMOOTHINGS

#: Rows and columns of a block.
Block = tuple[Span, Span]
#: Sides of blocks are multiples of this: of both sides of a tile.
BLOCK_STEP = 64
# Codes and features of a block, in bytes, and its longest side.
_BLOCK_BYTES, _LONGEST_SIDE = 80 * 2**20, 512


class MapView(NamedTuple):
    """Codes at level `scale` of the image, averaged over `window` × `window` positions."""

    scale: int = 1
    window: int = 1


@dataclass(frozen=True, eq=False)
class MapFeatures:
    """Features at every pixel.

    Attributes
    ----------
    layers : sequence of LayerPooling
        Each but the last makes the maps that the next one takes as images.
    views : tuple of MapView
        What is taken of each layer.
    with_pixels : bool
        Whether the pixels' smoothed values and their derivatives are features, too.
    stride : int
        Pixels from one output to the next.
    """

    layers: Sequence[LayerPooling]
    views: tuple[MapView, ...]
    with_pixels: bool = False
    stride: int = 1

    @property
    def n_codes(self) -> int:
        """Number of features at a pixel that are codes; the values of pixels come after them."""
        return len(self.views) * sum(layer.n_codes for layer in self.layers)

    def n_features(self, n_channels: int) -> int:
        """Return the number of features at a pixel."""
        n_values = len(SMOOTHINGS) * N_MEASURES * n_channels
        return self.n_codes + (n_values if self.with_pixels else 0)

    @property
    def is_plain(self) -> bool:
        """Whether the codes at each position of the image are the features."""
        return len(self.layers) == 1 and self.views == (MapView(),) and not self.with_pixels

    def folded(self, dtype: npt.DTypeLike) -> list[Folded | None]:
        """Fold the steps of each layer, which takes a while."""
        return [layer.encoder.folded(dtype) for layer in self.layers]

    def map_shape(self, image: LargeImage) -> tuple[int, int]:
        """Return the height and width of the maps of an image."""
        height, width = (-(-n // self.stride) for n in image.shape)
        return height, width

    def blocks(self, map_shape: tuple[int, int], side: int) -> Iterator[Block]:
        """Yield blocks that cover maps, their sides a multiple of BLOCK_STEP."""
        height, width = map_shape
        for y in range(0, height, side):
            for x in range(0, width, side):
                yield Span(y, min(y + side, height)), Span(x, min(x + side, width))

    def block_side(self, given: int | None, image: LargeImage) -> int:
        """Return the side of a block: one that is given, rounded up, or what memory allows."""
        if given is None:
            # Of all pixels, for windows.
            n_codes = sum(layer.n_codes for layer in self.layers) * self.stride**2
            n_numbers = n_codes + self.n_features(image.n_channels)
            side = int((_BLOCK_BYTES / (image.dtype.itemsize * n_numbers)) ** 0.5)
            given = min(side // BLOCK_STEP * BLOCK_STEP, _LONGEST_SIDE)
        return max(-(-given // BLOCK_STEP), 1) * BLOCK_STEP
