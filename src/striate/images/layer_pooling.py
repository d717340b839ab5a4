"""One layer of features: from views of an image to pooled codes, and to the maps of the next layer.

The positions of a map are cut into parts for two reductions at once: those of the cells, and the
windows that become the pixels of the next map. Each position is in one part, each part is in one
part of the cells and in one window. So codes are computed once, and never stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from striate.native.compile import as_kernel_input

from .cell_sums import CellSums
from .complete_patches import Bools, complete_patches, rectangles
from .convolution import Patches
from .patch_encoder import PatchEncoder
from .pool_layout import PoolLayout
from .pooling import MAX, merge_pools, pool

Array = npt.NDArray[Any]
#: The part that each position lies in, as in `Cells`.
PartOf = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
# Codes of windows that are held at a time, in bytes: large images are computed in bands.
_BAND_BYTES = 2**25


class EncodeAndPool(Protocol):
    """A pass over an image: encode every patch, and pool the codes into parts."""

    def __call__(self, view: Array, part_of: PartOf, parts: Array) -> None:
        """Add the codes of the view (h, w, c) to its parts (n_parts, n_codes)."""


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
        """Return the channels (n_y, n_x, n_channels) of pooled codes (n_y, n_x, n_codes)."""
        if self.weights is None:
            return pooled
        projected = pooled.reshape(-1, pooled.shape[2]) @ self.weights
        projected += self.shift
        return projected.reshape(*pooled.shape[:2], -1)


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

    @classmethod
    def of(cls, part_of: npt.NDArray[np.intp], window: int) -> "_Cuts":
        """Cut the positions, given the part of the cells that each lies in."""
        window_of = np.arange(len(part_of)) // window
        begin = np.union1d(_starts(part_of), _starts(window_of))
        of_position = np.searchsorted(begin, np.arange(len(part_of)), "right") - 1
        return cls(of_position, part_of[begin], window_of[begin])

    def sizes(self) -> npt.NDArray[np.intp]:
        """Return the number of positions in each window."""
        return np.bincount(self.window[self.of_position])

    def between(self, first: int, last: int) -> "_Cuts":
        """Return the same for the positions first, …, last − 1, which are whole windows."""
        begin, end = self.of_position[first], self.of_position[last - 1] + 1
        of_position = self.of_position[first:last] - begin
        return _Cuts(of_position, self.part[begin:end], self.window[begin:end] - self.window[begin])


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
        maps = []
        for view in map(as_kernel_input, views):
            shape = self.patches.map_shape(view)
            if shape not in sums:
                cells = self.layout.cells(shape, self.n_cells, name)
                sums[shape] = CellSums(cells, self.pooling, self.n_codes, pooled.dtype)
            complete = complete_patches(view, self.patches[:2], self.patches.stride)
            sums[shape].count(complete)
            if self.map_step is None:
                cells, parts = sums[shape].cells, sums[shape].parts
                self._encode(view, complete, cells.part_of, encode_and_pool, parts)
            else:
                maps.append(self._map(view, complete, encode_and_pool, sums[shape]))
        # A group has as many copies of each shape.
        pools = [each.finish(name) for each in sums.values()]
        pooled[:] = self.rooted(merge_pools(pools, self.pooling))
        return maps

    def map(self, view: Array, encode_and_pool: EncodeAndPool) -> Array:
        """Return the map of a view for the next layer, without the features of this one."""
        complete = complete_patches(view, self.patches[:2], self.patches.stride)
        return self._map(view, complete, encode_and_pool, None)

    def _encode(
        self,
        view: Array,
        complete: Bools | None,
        part_of: PartOf,
        encode_and_pool: EncodeAndPool,
        parts: Array,
    ) -> None:
        """Add the codes of a view to parts, without the patches that are not complete."""
        if complete is None:
            encode_and_pool(view, part_of, parts)
            return
        height, width, stride = self.patches[:3]
        for rows, columns in rectangles(complete):
            y = slice(rows.start * stride, (rows.stop - 1) * stride + height)
            x = slice(columns.start * stride, (columns.stop - 1) * stride + width)
            piece = np.ascontiguousarray(view[y, x])
            encode_and_pool(piece, (part_of[0][rows], part_of[1][columns]), parts)

    def _map(
        self,
        view: Array,
        complete: Bools | None,
        encode_and_pool: EncodeAndPool,
        features: CellSums | None,
    ) -> Array:
        """Return the map of a view, and add its codes to the parts of the features, if any.

        Where a window has no complete patch, the map is NaN.
        """
        step, shape = self.map_step, self.patches.map_shape(view)
        assert step is not None
        part_of = _part_of(shape, features)
        down, across = map(_Cuts.of, part_of, step.window)
        n_across, bands = len(across.part), []
        for first, last in self._bands(shape, step.window, across, view.dtype.itemsize):
            some, top = down.between(first, last), first * self.patches.stride
            n_rows = (last - first - 1) * self.patches.stride + self.patches.height
            pieces = self._room(len(some.part), n_across, view.dtype)
            of_position = some.of_position * n_across, across.of_position
            whole = None if complete is None else complete[first:last]
            self._encode(view[top : top + n_rows], whole, of_position, encode_and_pool, pieces)
            if features is not None:
                in_cells = some.part * features.cells.shape[1], across.part
                self._gather(pieces, in_cells, features.parts)
            bands.append(step.channels(self._of_windows(pieces, some, across, whole)))
        return np.concatenate(bands) if len(bands) > 1 else np.ascontiguousarray(bands[0])

    def _bands(
        self, shape: tuple[int, int], window: tuple[int, int], across: _Cuts, itemsize: int
    ) -> Iterator[tuple[int, int]]:
        """Divide the rows of positions into bands of whole windows that fit into memory."""
        row_bytes = len(across.part) * self.n_codes * itemsize
        # The parts of the cells may cut a window once more, or twice.
        n_each = max(1, _BAND_BYTES // (2 * row_bytes)) * window[0]
        for first in range(0, shape[0], n_each):
            yield first, min(first + n_each, shape[0])

    def _room(self, n_down: int, n_across: int, dtype: npt.DTypeLike) -> Array:
        start = -np.inf if self.pooling == MAX else 0
        return np.full((n_down * n_across, self.n_codes), start, dtype=dtype)

    def _gather(self, pieces: Array, part_of: PartOf, parts: Array) -> None:
        """Add the codes of pieces, as if they were positions, to the parts that they lie in."""
        none = np.empty(0, dtype=pieces.dtype)  # neither signs nor thresholds
        pool(pieces, 0, part_of, self.pooling, none, none, parts)

    def _of_windows(
        self, pieces: Array, down: _Cuts, across: _Cuts, complete: Bools | None
    ) -> Array:
        """Return pieces as pooled codes of the windows (n_y, n_x, n_codes)."""
        sizes = np.outer(down.sizes(), across.sizes())
        if complete is not None:
            rows, columns = (each.window[each.of_position] for each in (down, across))
            of_window = rows[:, np.newaxis] * sizes.shape[1] + columns
            n_complete = np.bincount(of_window[complete], minlength=sizes.size)
            sizes = n_complete.reshape(sizes.shape)
        windows = pieces
        if len(pieces) > sizes.size:
            windows = self._room(*sizes.shape, pieces.dtype)
            self._gather(pieces, (down.window * sizes.shape[1], across.window), windows)
        if self.pooling != MAX:  # a sum as a mean, since the last windows may be smaller
            windows = windows / np.maximum(sizes, 1).reshape(-1, 1).astype(pieces.dtype)
        if complete is not None:
            windows[sizes.ravel() == 0] = np.nan
        return self.rooted(windows).reshape(*sizes.shape, -1)

    def rooted(self, pooled: Array) -> Array:
        """Return pooled codes, or their signed square roots if the layer takes them."""
        if not self.signed_sqrt:
            return pooled
        root = np.abs(pooled)
        np.sqrt(root, out=root)
        return np.copysign(root, pooled, out=root)


def _part_of(shape: tuple[int, int], features: CellSums | None) -> PartOf:
    """Return which row and column of parts of the cells each position lies in."""
    if features is None:
        return np.zeros(shape[0], dtype=np.intp), np.zeros(shape[1], dtype=np.intp)
    cells = features.cells
    return cells.part_of[0] // cells.shape[1], cells.part_of[1]


def _starts(of: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return where numbers that never fall change: the first of each."""
    return np.flatnonzero(np.diff(of, prepend=-1))
