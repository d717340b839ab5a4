"""One layer of features: from views of an image to pooled codes, and to the maps of the next layer.

The positions of a map are cut into parts for two reductions at once: those of the cells, and the
windows that become the pixels of the next map. Each position is in one part, each part is in one
part of the cells and in one window. So codes are computed once, and never stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from striate.native.compile import as_kernel_input

from .cell_sums import CellSums
from .complete_patches import Bools, complete_patches, rectangles
from .convolution import BLOCK_POSITIONS, Patches
from .patch_encoder import PatchEncoder
from .pool_layout import PoolLayout
from .pooling import MAX, means_and_roots, merge_pools, pool

Array = npt.NDArray[Any]
#: The part that each position lies in, as in `Cells`.
PartOf = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
# Codes of windows that are held at a time, in bytes: large images are computed in bands.
_BAND_BYTES = 2**25
# Positions of a map below which the copies of an image are encoded together.
_SMALL_MAP = 4 * BLOCK_POSITIONS


class EncodeAndPool(Protocol):
    """A pass over images: encode every patch, and pool the codes into parts."""

    def __call__(self, views: Array, part_of: PartOf, parts: Array) -> None:
        """Add the codes of views (n, h, w, c) to their parts (n_parts, n_codes).

        `part_of` is for their maps, one below the other.
        """


class MapStep(NamedTuple):
    """From the codes at all positions to a map: pooled over windows, then x W + shift.

    Attributes
    ----------
    window : (int, int)
        Height and width of a window, in positions; the last windows may be smaller.
    weights : ndarray of shape (n_codes, n_channels) or None
        W; None leaves the pooled codes as they are.
    shift : ndarray of shape (n_channels,) or None
    """

    window: tuple[int, int]
    weights: Array | None = None
    shift: Array | None = None

    def channels(self, pooled: Array) -> Array:
        """Return the channels (…, n_channels) of pooled codes (…, n_codes)."""
        if self.weights is None:
            return pooled
        projected = pooled.reshape(-1, pooled.shape[-1]) @ self.weights
        projected += self.shift
        return projected.reshape(*pooled.shape[:-1], -1)


class _Cuts(NamedTuple):
    """An axis of a map, cut wherever a part of the cells or a window begins.

    Attributes
    ----------
    of_position : ndarray of int of shape (n,)
        Which piece each position lies in.
    part, window : ndarray of int of shape (n_pieces,)
        The part of the cells, and the window, that each piece lies in.
    """

    of_position: npt.NDArray[np.intp]
    part: npt.NDArray[np.intp]
    window: npt.NDArray[np.intp]

    def sizes(self) -> npt.NDArray[np.intp]:
        """Return the number of positions in each window."""
        return np.bincount(self.window[self.of_position])

    def between(self, first: int, last: int) -> "_Cuts":
        """Return the same for the positions first, …, last − 1, which are whole windows."""
        begin, end = self.of_position[first], self.of_position[last - 1] + 1
        of_position = self.of_position[first:last] - begin
        return _Cuts(of_position, self.part[begin:end], self.window[begin:end] - self.window[begin])


@lru_cache(maxsize=64)
def _cuts(part_of: tuple[int, ...], window: int) -> _Cuts:
    """Cut the positions of an axis, given the part of the cells that each lies in."""
    parts, positions = np.array(part_of), np.arange(len(part_of))
    window_of = positions // window
    begin = np.union1d(_starts(parts), _starts(window_of))
    of_position = np.searchsorted(begin, positions, "right") - 1
    return _Cuts(of_position, parts[begin], window_of[begin])


@dataclass(frozen=True, eq=False)
class LayerPooling:
    """One layer of features.

    Attributes
    ----------
    encoder : PatchEncoder
    patches : Patches
    layout : PoolLayout
    pooling : int
        One of `POOLINGS`.
    signed_sqrt : bool
        As in `PatchFeatures`.
    n_cells : int
    map_step : MapStep or None
        What makes the maps of the next layer; None for the last layer.
    """

    encoder: PatchEncoder
    patches: Patches
    layout: PoolLayout
    pooling: int
    signed_sqrt: bool
    n_cells: int
    map_step: MapStep | None = None

    @cached_property
    def n_codes(self) -> int:
        """Number of features of one patch."""
        return self.encoder.n_codes

    @property
    def n_features(self) -> int:
        """Number of features of an image."""
        return self.n_cells * self.n_codes

    def pool(
        self, views: list[Array], name: str, encode_and_pool: EncodeAndPool, pooled: Array
    ) -> list[Array]:
        """Write the features of an image, and return its views for the next layer.

        Parameters
        ----------
        views : list of ndarray of shape (h, w, c)
            The image or copies of it, which the same features describe together.
        name : str
            For messages.
        encode_and_pool : EncodeAndPool
        pooled : ndarray of shape (n_cells, n_codes)
        """
        sums: dict[tuple[int, int], CellSums] = {}
        maps: list[Array] = []
        for same, complete in self._stacks(views):
            shape = self.patches.map_shape(same[0])
            if shape not in sums:
                cells = self.layout.cells(shape, self.n_cells, name)
                sums[shape] = CellSums(cells, self.pooling, self.n_codes, pooled.dtype)
            for _ in same:
                sums[shape].count(complete)
            if self.map_step is None:
                rows, columns = sums[shape].cells.part_of
                part_of = np.tile(rows, len(same)), columns
                self._encode(same, complete, part_of, encode_and_pool, sums[shape].parts)
            else:
                maps.extend(self._maps(same, complete, encode_and_pool, sums[shape]))
        # A group has as many copies of each shape.
        pools = [each.finish(name) for each in sums.values()]
        pooled[:] = self.rooted(merge_pools(pools, self.pooling))
        return maps

    def _stacks(self, views: list[Array]) -> Iterator[tuple[Array, Bools | None]]:
        """Yield views of one shape (n, h, w, c), and which of their patches are complete.

        Small ones are together: one large product takes less time than several small ones.
        """
        by_shape: dict[tuple[int, ...], list[Array]] = {}
        for view in map(as_kernel_input, views):
            by_shape.setdefault(view.shape, []).append(view)
        for same in by_shape.values():
            patches = self.patches
            complete = [complete_patches(view, patches[:2], patches.stride) for view in same]
            is_small = np.prod(patches.map_shape(same[0])) < _SMALL_MAP
            if is_small and all(each is None for each in complete):
                yield np.stack(same), None
            else:
                yield from zip((view[np.newaxis] for view in same), complete, strict=True)

    def map(self, view: Array, encode_and_pool: EncodeAndPool) -> Array:
        """Return the map of a view for the next layer, without the features of this one."""
        [(same, complete)] = self._stacks([view])
        return self._maps(same, complete, encode_and_pool, None)[0]

    def _encode(
        self,
        views: Array,
        complete: Bools | None,
        part_of: PartOf,
        encode_and_pool: EncodeAndPool,
        parts: Array,
    ) -> None:
        """Add the codes of views to parts, or of one view without its patches that lack data."""
        if complete is None:
            encode_and_pool(np.ascontiguousarray(views), part_of, parts)
            return
        height, width, stride = self.patches[:3]
        for rows, columns in rectangles(complete):
            y = slice(rows.start * stride, (rows.stop - 1) * stride + height)
            x = slice(columns.start * stride, (columns.stop - 1) * stride + width)
            piece = np.ascontiguousarray(views[:, y, x])
            encode_and_pool(piece, (part_of[0][rows], part_of[1][columns]), parts)

    def _maps(
        self,
        views: Array,
        complete: Bools | None,
        encode_and_pool: EncodeAndPool,
        features: CellSums | None,
    ) -> Array:
        """Return the maps of views (n, n_y, n_x, n_channels).

        Their codes are added to those of the features, if any. Where a window has no complete
        patch, a map is NaN.
        """
        step, shape = self.map_step, self.patches.map_shape(views[0])
        assert step is not None
        rows, columns = _part_of(shape, features)
        down = _cuts(tuple(rows.tolist()), step.window[0])
        across = _cuts(tuple(columns.tolist()), step.window[1])
        bands = []
        for first, last in self._bands(shape, step.window, across, views.dtype.itemsize):
            some, top = down.between(first, last), first * self.patches.stride
            n_rows = (last - first - 1) * self.patches.stride + self.patches.height
            n_pieces = len(some.part) * len(across.part)
            pieces = self._room(len(views) * n_pieces, views.dtype)
            whole = None if complete is None else complete[first:last]
            of_position = _below(some.of_position * len(across.part), n_pieces, len(views))
            band = views[:, top : top + n_rows]
            self._encode(band, whole, (of_position, across.of_position), encode_and_pool, pieces)
            if features is not None:
                in_cells = _below(some.part * features.cells.shape[1], 0, len(views)), across.part
                self._gather(pieces, in_cells, features.parts)
            pooled = self._of_windows(pieces, len(views), some, across, whole)
            bands.append(step.channels(pooled))
        return np.concatenate(bands, axis=1) if len(bands) > 1 else np.ascontiguousarray(bands[0])

    def _bands(
        self, shape: tuple[int, int], window: tuple[int, int], across: _Cuts, itemsize: int
    ) -> Iterator[tuple[int, int]]:
        """Divide the rows of positions into bands of whole windows that fit into memory."""
        row_bytes = len(across.part) * self.n_codes * itemsize
        # The parts of the cells may cut a window once more, or twice.
        n_each = max(1, _BAND_BYTES // (2 * row_bytes)) * window[0]
        for first in range(0, shape[0], n_each):
            yield first, min(first + n_each, shape[0])

    def _room(self, n: int, dtype: npt.DTypeLike) -> Array:
        return np.full((n, self.n_codes), -np.inf if self.pooling == MAX else 0, dtype=dtype)

    def _gather(self, pieces: Array, part_of: PartOf, parts: Array) -> None:
        """Add the codes of pieces, as if they were positions, to the parts that they lie in."""
        none = np.empty(0, dtype=pieces.dtype)  # neither signs nor thresholds
        pool(pieces, 0, part_of, self.pooling, none, none, parts)

    def _of_windows(
        self, pieces: Array, n_views: int, down: _Cuts, across: _Cuts, complete: Bools | None
    ) -> Array:
        """Return pieces as pooled codes of the windows (n_views, n_y, n_x, n_codes)."""
        sizes = np.outer(down.sizes(), across.sizes())
        if complete is not None:
            rows, columns = (each.window[each.of_position] for each in (down, across))
            of_window = rows[:, np.newaxis] * sizes.shape[1] + columns
            n_complete = np.bincount(of_window[complete], minlength=sizes.size)
            sizes = n_complete.reshape(sizes.shape)
        windows = pieces
        if len(pieces) > n_views * sizes.size:
            windows = self._room(n_views * sizes.size, pieces.dtype)
            of_piece = _below(down.window * sizes.shape[1], sizes.size, n_views)
            self._gather(pieces, (of_piece, across.window), windows)
        if self.pooling == MAX:
            windows = self.rooted(windows)
        else:  # a sum as a mean, since the last windows may be smaller
            means_and_roots(
                windows, np.tile(np.maximum(sizes.ravel(), 1), n_views), self.signed_sqrt
            )
        windows = windows.reshape(n_views, *sizes.shape, -1)
        if complete is not None:
            windows[:, sizes == 0] = np.nan
        return windows

    def rooted(self, pooled: Array) -> Array:
        """Return pooled codes, or their signed square roots if the layer takes them, in place."""
        if self.signed_sqrt:
            rows = pooled.reshape(-1, pooled.shape[-1])
            means_and_roots(rows, np.ones(len(rows), dtype=np.intp), True)
        return pooled


def _below(rows: npt.NDArray[np.intp], size: int, n: int) -> npt.NDArray[np.intp]:
    """Return the parts of n maps one below the other, given those of one map, which has `size`."""
    return (rows + size * np.arange(n)[:, np.newaxis]).ravel()


def _part_of(shape: tuple[int, int], features: CellSums | None) -> PartOf:
    """Return which row and column of parts of the cells each position lies in."""
    if features is None:
        return np.zeros(shape[0], dtype=np.intp), np.zeros(shape[1], dtype=np.intp)
    cells = features.cells
    return cells.part_of[0] // cells.shape[1], cells.part_of[1]


def _starts(of: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return where numbers that never fall change: the first of each."""
    return np.flatnonzero(np.diff(of, prepend=-1))
