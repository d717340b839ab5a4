"""Features at every pixel of an image, block by block, the same for any division into blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.files.large_image import LargeImage
from striate.native.threads import CALL_WORK, team

from .complete_patches import complete_patches
from .convolution import BLOCK_POSITIONS, TILE, Patches, convolve_tiles, gather_patches, workspace
from .image_levels import Span, read_level
from .level_derivatives import BORDER, N_MEASURES, with_derivatives
from .map_resampling import Places, average_cells, resample
from .operator_fusion import Folded
from .patch_encoder import PatchEncoder

Array = npt.NDArray[Any]
#: Rows and columns of a block.
Block = tuple[Span, Span]
#: Sides of blocks are multiples of this: of both sides of a tile.
BLOCK_STEP = 64
# Codes and features of a block, in bytes, and its longest side.
_BLOCK_BYTES, _LONGEST_SIDE = 80 * 2**20, 512


class MapLayer(NamedTuple):
    """Codes at level `scale` of the image, averaged over `window` × `window` positions."""

    scale: int
    window: int

    @property
    def pitch(self) -> int:
        """Pixels from one cell to the next."""
        return self.scale * self.window

    def centre(self, patch_side: int) -> float:
        """Return the place, in pixels, of the centre of cell 0."""
        in_level = (self.window - 1) / 2 - before(patch_side) + (patch_side - 1) / 2
        return self.scale * in_level + (self.scale - 1) / 2


def before(patch_side: int) -> int:
    """Return how many pixels of a patch come before the pixel whose patch it is."""
    return (patch_side - 1) // 2


@dataclass(frozen=True, eq=False)
class MapFeatures:
    """What features at every pixel are computed from.

    Attributes
    ----------
    patches : Patches
    encoder : PatchEncoder
    layers : tuple of MapLayer
        Sorted by scale.
    with_pixels : bool
        Whether the pixels' values, averaged over each pitch of the layers, and their derivatives
        are features, too.
    stride : int
        Pixels from one output to the next.
    """

    patches: Patches
    encoder: PatchEncoder
    layers: tuple[MapLayer, ...]
    with_pixels: bool = False
    stride: int = 1

    @property
    def pitches(self) -> list[int]:
        """Sides of the squares over which the pixels' values are averaged."""
        return sorted({layer.pitch for layer in self.layers}) if self.with_pixels else []

    def n_features(self, n_channels: int) -> int:
        """Return the number of features at a pixel."""
        return len(self.layers) * self.encoder.n_codes + len(self.pitches) * N_MEASURES * n_channels

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
            n_codes = self.encoder.n_codes * self.stride**2  # of all pixels, for windows
            n_numbers = n_codes + self.n_features(image.n_channels)
            side = int((_BLOCK_BYTES / (image.dtype.itemsize * n_numbers)) ** 0.5)
            given = min(side // BLOCK_STEP * BLOCK_STEP, _LONGEST_SIDE)
        return max(-(-given // BLOCK_STEP), 1) * BLOCK_STEP

    def computation(self, image: LargeImage, run: team, folded: Folded | None) -> "MapComputation":
        """Return what computes the maps of an image by a team of threads.

        `folded` is ``encoder.folded(image.dtype)``, which takes a while.
        """
        return MapComputation(self, image, run, folded)


@dataclass(frozen=True, eq=False)
class MapComputation:
    """The features at the pixels of one image, by a team of threads.

    All products are of whole tiles at places that do not depend on the blocks, and what lies
    between the centres of cells is computed pixel by pixel: so each number is the same for any
    blocks and any number of threads.
    """

    features: MapFeatures
    image: LargeImage
    run: team
    folded: Folded | None

    def write(self, block: Block, output: Any) -> None:
        """Write the features of a block into maps of the whole image."""
        rows, columns = block
        in_place = isinstance(output, np.ndarray) and output.flags.c_contiguous
        if self._is_plain and in_place and output.dtype == self.image.dtype:
            first = rows.first, columns.first
            self._write_codes(block, 1, self.features.stride, (np.asarray(output), first))
        else:
            place = slice(*rows), slice(*columns)
            output[place] = self.block(block)

    def block(self, block: Block) -> Array:
        """Return the features (n_rows, n_columns, n_features) of a block."""
        rows, columns = block
        n_features = self.features.n_features(self.image.n_channels)
        maps = np.empty((rows.size, columns.size, n_features), dtype=self.image.dtype)
        if self._is_plain:
            self._write_codes(block, 1, self.features.stride, (maps, (0, 0)))
            return maps
        begin = 0
        for scale in dict.fromkeys(layer.scale for layer in self.features.layers):
            begin = self._write_level(scale, block, maps, begin)
        for pitch in self.features.pitches:
            down, across = (self._axis(MapLayer(pitch, 1), span, 1) for span in block)
            first = down.needed.first, across.needed.first
            y, x = (each.needed.widened(BORDER) for each in (down, across))
            cells = with_derivatives(read_level(self.image, y, x, pitch))
            self.run(resample, cells, down.places(first[0]), across.places(first[1]), begin, maps)
            begin += cells.shape[2]
        return maps

    @property
    def _is_plain(self) -> bool:
        """Whether the codes at each position are the features."""
        return self.features.layers == (MapLayer(1, 1),) and not self.features.with_pixels

    def _axis(self, layer: MapLayer, span: Span, patch_side: int) -> "_Axis":
        """Return where the outputs of a span lie between the cells of a layer."""
        pixels = self.features.stride * np.arange(span.first, span.last)
        if layer.pitch == 1:
            return _Axis(pixels, np.zeros(pixels.size, dtype=self.image.dtype))
        position = (pixels - layer.centre(patch_side)) / layer.pitch
        cell = np.floor(position)
        return _Axis(cell.astype(np.intp), (position - cell).astype(self.image.dtype))

    def _write_level(self, scale: int, block: Block, maps: Array, begin: int) -> int:
        """Write the layers of one level, from a channel on; return the channel after the last."""
        sides = self.features.patches[:2]
        needed = [
            (layer, [self._axis(layer, *each) for each in zip(block, sides, strict=True)])
            for layer in self.features.layers
            if layer.scale == scale
        ]
        rows, columns = (
            Span(
                min(axes[i].needed.first * layer.window for layer, axes in needed),
                max(axes[i].needed.last * layer.window for layer, axes in needed),
            ).aligned(TILE[i])
            for i in (0, 1)
        )
        k = self.features.encoder.n_codes
        codes = np.empty((rows.size, columns.size, k), dtype=maps.dtype)
        self._write_codes((rows, columns), scale, 1, (codes, (0, 0)))
        for layer, (down, across) in needed:
            cells, origin = codes, (rows.first, columns.first)
            if layer.window > 1:
                first = down.needed.first, across.needed.first
                begins = [layer.window * n - o for n, o in zip(first, origin, strict=True)]
                cells = np.empty((down.needed.size, across.needed.size, k), dtype=maps.dtype)
                self.run(average_cells, codes, tuple(begins), layer.window, cells)
                origin = first
            self.run(resample, cells, down.places(origin[0]), across.places(origin[1]), begin, maps)
            begin += k
        return begin

    def _write_codes(
        self, block: Block, scale: int, stride: int, target: tuple[Array, tuple[int, int]]
    ) -> None:
        """Write the codes of a block of positions, which begins with a tile, into a target."""
        patches = self.features.patches._replace(stride=stride)
        maps, (y, x) = target
        tiles = [-(-span.size // n) for span, n in zip(block, TILE, strict=True)]
        pixels = [
            _pixels(span.first, n * size, stride, side)
            for span, n, size, side in zip(block, tiles, TILE, patches[:2], strict=True)
        ]
        level = read_level(self.image, pixels[0], pixels[1], scale)
        place = maps, (y, x), (y + block[0].size, x + block[1].size)
        self._encode(level, patches, tiles, place)
        complete = complete_patches(level, patches[:2], stride)
        if complete is not None:
            written = maps[y : place[2][0], x : place[2][1]]
            written[~complete[: written.shape[0], : written.shape[1]]] = np.nan

    def _encode(
        self, level: Array, patches: Patches, tiles: list[int], place: tuple[Array, Any, Any]
    ) -> None:
        """Write the codes of tiles of a level to their place."""
        if self.folded is None:
            encode_tiles(level, patches, self.features.encoder, tiles, place)
            return
        limits, project, encoding = self.folded
        patches = patches._replace(lowest=float(limits[0]), highest=float(limits[1]))
        n_pixels = self.features.encoder.n_pixels
        works = workspace(project, encoding, n_pixels, (self.run.n_threads,))
        work = n_pixels * encoding.b.size * BLOCK_POSITIONS
        n_each = max(1, CALL_WORK // work) * self.run.n_threads
        for begin in range(0, tiles[0] * tiles[1], n_each):
            some = begin, min(begin + n_each, tiles[0] * tiles[1]), tiles[1]
            self.run(convolve_tiles, level, patches, some, (project, encoding), works, place)


class _Axis(NamedTuple):
    """The cell before each output along an axis, and how far it lies towards the next cell."""

    cell: npt.NDArray[np.intp]
    share: Array

    @property
    def needed(self) -> Span:
        """The cells between which the outputs lie."""
        return Span(int(self.cell[0]), int(self.cell[-1]) + 1 + bool(self.share.any()))

    def places(self, origin: int) -> Places:
        """Return the places in an array whose first cell is `origin`."""
        return Places(self.cell - origin, self.share)


def _pixels(first: int, n: int, stride: int, patch_side: int) -> Span:
    """Return the pixels in the patches of n positions."""
    begin = stride * first - before(patch_side)
    return Span(begin, begin + stride * (n - 1) + patch_side)


def encode_tiles(
    level: Array, patches: Patches, encoder: PatchEncoder, tiles: list[int], place: Any
) -> None:
    """Do the same as `convolve_tiles`, with any encoder."""
    maps, first, last = place
    for top in range(0, tiles[0] * TILE[0], TILE[0]):
        for left in range(0, tiles[1] * TILE[1], TILE[1]):
            P = np.empty((BLOCK_POSITIONS, encoder.n_pixels), dtype=level.dtype)
            gather_patches(level, patches, (top, left, TILE[1]), 0, P)
            codes = np.asarray(encoder.encode(P)).reshape(*TILE, -1)
            y, x = first[0] + top, first[1] + left
            n_y, n_x = min(TILE[0], last[0] - y), min(TILE[1], last[1] - x)
            if n_y > 0 and n_x > 0:
                maps[y : y + n_y, x : x + n_x] = codes[:n_y, :n_x]
