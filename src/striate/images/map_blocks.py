"""Features at the pixels of a block of an image, the same for any division into blocks."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.files.large_image import LargeImage
from striate.native.compile import as_kernel_input
from striate.native.threads import CALL_WORK, team

from .complete_patches import complete_patches
from .convolution import BLOCK_POSITIONS, TILE, Patches, convolve_tiles, gather_patches, workspace
from .image_levels import Span, read_level
from .layer_pooling import LayerPooling
from .map_features import Block, MapFeatures, MapView
from .map_grid import Between, Grid, pixels_of_patches
from .map_resampling import CELL_GROUP, pool_cells, project_cells, resample
from .operator_fusion import Folded
from .patch_encoder import PatchEncoder
from .pooling import MEAN
from .smoothed_derivatives import SMOOTHINGS, with_derivatives

Array = npt.NDArray[Any]
#: Grids of cells, down and across.
Grids = tuple[Grid, Grid]


class _Window(NamedTuple):
    """How positions are pooled to the cells of a map."""

    size: int
    stride: int
    pooling: int
    skips_missing: bool

    def positions(self, cells: Span) -> Span:
        """Return the positions that some cells are pooled from."""
        pitch = self.size * self.stride
        return Span(pitch * cells.first, pitch * cells.last - self.stride + 1)


@dataclass(frozen=True, eq=False)
class _Codes:
    """Codes (n_y, n_x, k) of a layer at a block of positions."""

    values: Array
    block: Block

    @property
    def origin(self) -> tuple[int, int]:
        """The first position, down and across."""
        return self.block[0].first, self.block[1].first


@dataclass(frozen=True, eq=False)
class MapComputation:
    """The features at the pixels of one image, by a team of threads.

    All products are of whole tiles at places that do not depend on the blocks, and what lies
    between the centres of cells is computed pixel by pixel: so each number is the same for any
    blocks and any number of threads.

    Attributes
    ----------
    features : MapFeatures
    image : LargeImage
    run : team
    folded : list of Folded or None
        As `features.folded` returns for the type of the image.
    """

    features: MapFeatures
    image: LargeImage
    run: team
    folded: list[Folded | None]

    def write(self, block: Block, output: Any) -> None:
        """Write the features of a block into maps of the whole image."""
        rows, columns = block
        in_place = isinstance(output, np.ndarray) and output.flags.c_contiguous
        if self.features.is_plain and in_place and output.dtype == self.image.dtype:
            self._write_plain(block, (np.asarray(output), (rows.first, columns.first)))
        else:
            output[slice(*rows), slice(*columns)] = self.block(block)

    def block(self, block: Block) -> Array:
        """Return the features (n_rows, n_columns, n_features) of a block."""
        rows, columns = block
        n_features = self.features.n_features(self.image.n_channels)
        maps = np.empty((rows.size, columns.size, n_features), dtype=self.image.dtype)
        if self.features.is_plain:
            self._write_plain(block, (maps, (0, 0)))
            return maps
        for scale in dict.fromkeys(view.scale for view in self.features.views):
            self._write_level(scale, block, maps)
        if self.features.with_pixels:
            self._write_values(block, maps)
        return maps

    def _between(self, grid: Grid, span: Span) -> Between:
        """Return where the outputs of a span lie between the cells of a grid."""
        pixels = self.features.stride * np.arange(span.first, span.last)
        return grid.between(pixels, self.image.dtype)

    def _write_values(self, block: Block, maps: Array) -> None:
        """Write the smoothed values of the pixels, and their derivatives."""
        axes = [
            [self._between(Grid().of_windows(each.pitch), span) for span in block]
            for each in SMOOTHINGS
        ]

        def share(t: int, T: int) -> list[Array]:
            found = []
            for smoothing, between in list(zip(SMOOTHINGS, axes, strict=True))[t::T]:
                spans = [each.needed.widened(smoothing.border) for each in between]
                level = read_level(self.image, spans[0], spans[1], smoothing.pitch)
                found.append(with_derivatives(level, smoothing))
            return found

        shares, begin = self.run(share), self.features.n_codes
        for i, between in enumerate(axes):
            cells = shares[i % len(shares)][i // len(shares)]
            places = [each.places(each.needed.first) for each in between]
            self.run(resample, cells, places[0], places[1], begin, maps)
            begin += cells.shape[2]

    def _write_plain(self, block: Block, target: tuple[Array, tuple[int, int]]) -> None:
        pixels, tiles = self._pixels(block, 0, self.features.stride)
        level = read_level(self.image, *pixels, 1)
        self._write_codes(level, 0, self.features.stride, (block, tiles, target))

    def _write_level(self, scale: int, block: Block, maps: Array) -> None:
        """Write what is taken of one level of the image, of all layers."""
        grids = self._grids(scale)
        blocks = self._needed_codes(grids, block)
        pixels, tiles = self._pixels(blocks[0], 0, 1)
        level = read_level(self.image, *pixels, scale)
        for number, layer in enumerate(self.features.layers):
            rows, columns = blocks[number]
            values = np.empty((rows.size, columns.size, layer.n_codes), dtype=maps.dtype)
            place = blocks[number], tiles, (values, (0, 0))
            self._write_codes(level, number, 1, place)
            codes = _Codes(values, blocks[number])
            self._write_views(scale, codes, (number, grids[number]), block, maps)
            if number + 1 < len(blocks):
                pixels, tiles = self._pixels(blocks[number + 1], number + 1, 1)
                level = self._map(codes, layer, pixels)

    def _grids(self, scale: int) -> list[Grids]:
        """Return the centres of the patches of each layer, on a level of the image."""
        level, found = [Grid().of_windows(scale)] * 2, []
        for layer in self.features.layers:
            sides = layer.patches[:2]
            down, across = (g.of_patches(n) for g, n in zip(level, sides, strict=True))
            found.append((down, across))
            if layer.map_step is not None:
                window = _map_window(layer)
                level = [g.of_windows(window.size, window.stride) for g in (down, across)]
        return found

    def _needed_codes(self, grids: list[Grids], block: Block) -> list[Block]:
        """Return the positions of each layer whose codes are needed, in whole tiles."""
        needed: list[Block] = []
        for number, layer in reversed(list(enumerate(self.features.layers))):
            rows, columns = map(self._needed_by_views, grids[number], block)
            if needed:  # by the layer above
                (down, across), _ = self._pixels(needed[0], number + 1, 1)
                window = _map_window(layer)
                rows = _union(rows, window.positions(down))
                columns = _union(columns, window.positions(across.aligned(CELL_GROUP)))
            needed.insert(0, (rows.aligned(TILE[0]), columns.aligned(TILE[1])))
        return needed

    def _needed_by_views(self, grid: Grid, span: Span) -> Span:
        """Return the positions that the outputs of a span are computed from, along an axis."""
        needed = [
            (self._between(grid.of_windows(window), span).needed, window)
            for _, window in self.features.views
        ]
        firsts, lasts = zip(*((s.first * n, s.last * n) for s, n in needed), strict=True)
        return Span(min(firsts), max(lasts))

    def _pixels(self, block: Block, number: int, stride: int) -> tuple[Block, list[int]]:
        """Return the pixels that the tiles of a block are computed from, and the tiles' number."""
        sides = self.features.layers[number].patches[:2]
        tiles = [-(-span.size // n) for span, n in zip(block, TILE, strict=True)]
        rows, columns = (
            pixels_of_patches(span.first, n * size, stride, side)
            for span, n, size, side in zip(block, tiles, TILE, sides, strict=True)
        )
        return (rows, columns), tiles

    def _write_views(
        self, scale: int, codes: _Codes, layer: tuple[int, Grids], block: Block, maps: Array
    ) -> None:
        """Write the codes of a layer, averaged over each window, at the outputs of a block."""
        (number, grids), k = layer, codes.values.shape[2]
        first = len(self.features.views) * sum(
            each.n_codes for each in self.features.layers[:number]
        )
        for i, view in enumerate(self.features.views):
            if view.scale != scale:
                continue
            window = _Window(view.window, 1, MEAN, False)
            down, across = (
                self._between(grid.of_windows(view.window), span)
                for grid, span in zip(grids, block, strict=True)
            )
            cells, origin = codes.values, codes.origin
            if view != MapView(scale):
                needed = down.needed, across.needed
                cells = self._pooled(codes, window, needed)
                origin = needed[0].first, needed[1].first
            places = down.places(origin[0]), across.places(origin[1])
            self.run(resample, cells, *places, first + i * k, maps)

    def _pooled(self, codes: _Codes, window: _Window, cells: Block) -> Array:
        """Return the windows of a block of cells."""
        rows, columns = cells
        pooled = np.empty((rows.size, columns.size, codes.values.shape[2]), codes.values.dtype)
        pitch = window.size * window.stride
        first = rows.first * pitch - codes.origin[0], columns.first * pitch - codes.origin[1]
        how = window.pooling, window.skips_missing
        places = first, window.size, window.stride
        self.run(pool_cells, codes.values, places, how, pooled)
        return pooled

    def _map(self, codes: _Codes, layer: LayerPooling, cells: Block) -> Array:
        """Return a block of the map that a layer makes of codes, as the next one takes it."""
        step, dtype = layer.map_step, codes.values.dtype
        assert step is not None
        whole = cells[0], cells[1].aligned(CELL_GROUP)
        pooled = layer.rooted(self._pooled(codes, _map_window(layer), whole))
        if step.weights is None or step.shift is None:
            channels = pooled
        else:
            weights = as_kernel_input(step.weights.astype(dtype)), step.shift.astype(dtype)
            channels = np.empty((*pooled.shape[:2], weights[0].shape[1]), dtype=dtype)
            self.run(project_cells, pooled, weights, channels)
        begin = cells[1].first - whole[1].first
        return as_kernel_input(channels[:, begin : begin + cells[1].size])

    def _write_codes(
        self,
        level: Array,
        number: int,
        stride: int,
        place: tuple[Block, list[int], tuple[Array, tuple[int, int]]],
    ) -> None:
        """Write the codes of a block of positions, which begins with a tile, into a target."""
        (rows, columns), tiles, (maps, (y, x)) = place
        layer = self.features.layers[number]
        patches = layer.patches._replace(stride=stride)
        target = maps, (y, x), (y + rows.size, x + columns.size)
        if self.folded[number] is None:
            encode_tiles(level, patches, layer.encoder, tiles, target)
        else:
            self._convolve(level, patches, number, tiles, target)
        complete = complete_patches(level, patches[:2], stride)
        if complete is not None:
            written = maps[y : target[2][0], x : target[2][1]]
            written[~complete[: written.shape[0], : written.shape[1]]] = np.nan

    def _convolve(
        self,
        level: Array,
        patches: Patches,
        number: int,
        tiles: list[int],
        target: tuple[Array, Any, Any],
    ) -> None:
        """Write the codes of tiles of a level to their place, in compiled code."""
        folded = self.folded[number]
        assert folded is not None
        limits, project, encoding = folded
        patches = patches._replace(lowest=float(limits[0]), highest=float(limits[1]))
        n_pixels = self.features.layers[number].encoder.n_pixels
        works = workspace(project, encoding, n_pixels, (self.run.n_threads,))
        work = n_pixels * encoding.b.size * BLOCK_POSITIONS
        n_each = max(1, CALL_WORK // work) * self.run.n_threads
        for begin in range(0, tiles[0] * tiles[1], n_each):
            some = begin, min(begin + n_each, tiles[0] * tiles[1]), tiles[1]
            self.run(convolve_tiles, level, patches, some, (project, encoding), works, target)


def _map_window(layer: LayerPooling) -> _Window:
    """Return how the codes at all positions are pooled to the map of a layer."""
    assert layer.map_step is not None
    return _Window(layer.map_step.window[0], layer.patches.stride, layer.pooling, True)


def _union(one: Span, other: Span) -> Span:
    return Span(min(one.first, other.first), max(one.last, other.last))


def encode_tiles(
    level: Array, patches: Patches, encoder: PatchEncoder, tiles: list[int], target: Any
) -> None:
    """Do the same as `convolve_tiles`, with any encoder."""
    maps, first, last = target
    for top in range(0, tiles[0] * TILE[0], TILE[0]):
        for left in range(0, tiles[1] * TILE[1], TILE[1]):
            P = np.empty((BLOCK_POSITIONS, encoder.n_pixels), dtype=level.dtype)
            gather_patches(level[np.newaxis], patches, (top, left, TILE[1]), 0, P)
            codes = np.asarray(encoder.encode(P)).reshape(*TILE, -1)
            y, x = first[0] + top, first[1] + left
            n_y, n_x = min(TILE[0], last[0] - y), min(TILE[1], last[1] - x)
            if n_y > 0 and n_x > 0:
                maps[y : y + n_y, x : x + n_x] = codes[:n_y, :n_x]
