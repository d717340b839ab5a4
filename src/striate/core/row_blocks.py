"""Rows of X that do not fit in memory: read block by block, and shuffled within a buffer."""

import sys
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .block_views import ChosenRows, MappedRows
from .direct_reading import Reader, reading_into
from .prepared_rows import check_finite, prepared
from .read_ahead import read_ahead
from .reused_buffers import ReusedBuffers
from .stored_arrays import (
    chunk_edges,
    described,
    divided,
    is_frame,
    is_lazy,
    is_memory_map,
    loaded,
    name_of_block,
    ranges,
)

Array = npt.NDArray[Any]

#: Stored arrays up to this size, in bytes as numbers of the arithmetic, are loaded: they take the
#: same path as arrays in memory, and have the same results to the last bit.
LOADED_BYTES = 256 * 2**20
#: Bytes of rows among which minibatch solvers shuffle; twice as many are in memory.
BUFFER_BYTES = 256 * 2**20
#: Bytes of rows that are read at a time in a pass over all rows in their order.
BLOCK_BYTES = 32 * 2**20
#: Bytes that are worth one access to the disk: smaller chunks are read together. Without chunks,
#: minibatches mix pieces of this size, the more thoroughly the smaller they are.
PIECE_BYTES = 2**17


class Pool(NamedTuple):
    """Rows that were read into the shuffle buffer.

    Attributes
    ----------
    x : ndarray or CSR matrix of shape (n, n_features)
    rows : ndarray of int of shape (n,)
        Their indices in X.
    order : ndarray of int
        The order in which batches take the rows of x. Those that are missing, too few for a batch,
        come with the next pool.
    """

    x: Any
    rows: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]


class RowBlocks:
    """Rows of an array that stays where it is, and is read block by block.

    Estimators make one themselves of memory maps and of arrays of h5py, Zarr and Dask whose numbers
    take more than 256 MiB; smaller ones are loaded. Give a `RowBlocks` to choose the sizes, or to
    have a smaller array read by blocks.

    Parameters
    ----------
    data : array-like of shape (n_samples, n_features)
        Anything that has `shape`, `dtype` and slices of rows: a memory map, a data set of h5py, an
        array of Zarr or Dask, a frame of Dask. Slices may be sparse matrices. float32 is computed
        in float32, other numbers in float64.
    block_rows : int, default=None
        Number of rows that are read at a time. By default the chunks of the storage, several of
        them if they are small; without chunks, blocks of 128 KiB for minibatches and of 32 MiB for
        other passes.
    buffer_rows : int, default=None
        Number of rows among which minibatch solvers shuffle; twice as many are in memory. By
        default as many as take 256 MiB.

    Attributes
    ----------
    shape : tuple of two int
    dtype : dtype
        Type of the arithmetic, float32 or float64.
    piece_edges, block_edges : ndarray of int
        Where what is read at a time begins and ends: for minibatches, and in a pass in order.

    Raises
    ------
    ValueError
        If `data` has not two dimensions or does not hold numbers, if its number of rows is unknown,
        or if a size is below 1. When rows are read: if they have NaN or infinity.

    Notes
    -----
    An epoch of a minibatch solver reads the blocks in random order, as many as the buffer holds,
    and shuffles the rows of these blocks; each row is taken once in an epoch. The order depends on
    `random_state` alone. A background thread reads the next blocks while the cores compute.

    Examples
    --------
    >>> import numpy as np
    >>> from striate import MLPClassifier, RowBlocks
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 4))
    >>> y = X[:, 0] > 0
    >>> blocks = RowBlocks(X, block_rows=50, buffer_rows=400)  # instead of X, a file of any size
    >>> model = MLPClassifier((8,), tol=0.001, learning_rate_init=0.02, random_state=0)
    >>> model.fit(blocks, y).score(blocks, y) > 0.97
    True
    """

    def __init__(
        self, data: Any, *, block_rows: int | None = None, buffer_rows: int | None = None
    ) -> None:
        #: Names of the columns, if there are any.
        self.names: list[Any] | None = list(data.columns) if is_frame(data) else None
        self.data = data = data.to_dask_array(lengths=True) if is_frame(data) else data
        shape, dtype = tuple(data.shape), np.dtype(data.dtype)
        if len(shape) != 2:
            raise ValueError(f"X must have shape (n_samples, n_features), got {shape}")
        if dtype.kind not in "buif":
            raise ValueError(f"X must hold numbers, got dtype {dtype}")
        for name, given in (("block_rows", block_rows), ("buffer_rows", buffer_rows)):
            if given is not None and given < 1:
                raise ValueError(f"{name}={given} must be at least 1")
        if np.isnan(shape[0]):
            chunk_edges(data)  # which says what to do
        self.shape: tuple[int, int] = (int(shape[0]), int(shape[1]))
        self.dtype = np.dtype(np.float32 if dtype.newbyteorder("=") == np.float32 else np.float64)
        row_bytes = max(1, self.shape[1] * self.dtype.itemsize)
        wanted = -(-PIECE_BYTES // row_bytes)
        edges = chunk_edges(data, otherwise=wanted)
        self.block_rows = block_rows
        self.buffer_rows = buffer_rows or max(1, BUFFER_BYTES // row_bytes)
        if block_rows is not None:
            edges = np.append(np.arange(0, len(self), block_rows), len(self))
            self.piece_edges = self.block_edges = edges
        elif is_lazy(data):  # one task each, wherever the sum is computed
            self.piece_edges = self.block_edges = edges
        else:
            most = max(1, min(self.buffer_rows, BLOCK_BYTES // row_bytes))
            self.piece_edges = divided(edges, wanted, self.buffer_rows)
            self.block_edges = divided(self.piece_edges, most, most)
        #: Rows that were found finite.
        self._sound = np.zeros(len(self), dtype=bool)
        #: The array with these blocks as its chunks, once the workers of a cluster keep them.
        self.on_workers: Any = None

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def header(self) -> Any:
        """What has the shape of a row and the names of the columns, if there are any."""
        if self.names is None:
            return self
        from pandas import DataFrame  # which Dask's frames consist of

        return DataFrame(columns=self.names)

    def __getitem__(self, rows: Any) -> Any:
        """Return the rows of a slice, or of ascending indices, in memory."""
        if isinstance(rows, slice):
            lo, hi, step = rows.indices(len(self))
            if step == 1:
                return self.read(lo, max(lo, hi))
            rows = np.arange(len(self))[rows]
        chosen = self.chosen(np.asarray(rows))
        return chosen.read(0, len(chosen))

    @property
    def nbytes(self) -> int:
        """Number of bytes that all rows would take in memory, if they are dense."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def read(self, lo: int, hi: int) -> Any:
        """Return the rows lo to hi as an array, or as a CSR matrix.

        Raises
        ------
        ValueError
            If they have NaN or infinity; the message names the row and the block.
        """
        with reading_into(self.data, self.dtype) as reader:
            return self._read(lo, hi, reader, ReusedBuffers())

    def _read(self, lo: int, hi: int, reader: Reader | None, buffers: ReusedBuffers) -> Any:
        """Return the rows lo to hi; in memory of the buffers, if they would be copied anyway."""
        if reader is None and not isinstance(self.data, np.ndarray):
            return self._checked(self.data[lo:hi], lo, hi)
        x = buffers.array((hi - lo, self.shape[1]), self.dtype)
        if reader is None or lo == hi:
            return self._checked(self.data[lo:hi], lo, hi, x)
        reader(lo, hi, x)
        self._check(x, lo, hi)
        return x

    @property
    def client(self) -> Any:
        """The client of the cluster of Dask that has these rows; None if they are read here."""
        if not is_lazy(self.data) or "distributed" not in sys.modules:
            return None
        from distributed import default_client, get_worker

        try:
            get_worker()
        except ValueError:  # not within a task of the cluster, which would wait for others
            try:
                return default_client()
            except ValueError:
                return None
        return None

    def parts(
        self, buffers: ReusedBuffers | None = None
    ) -> Generator[tuple[slice, Any], None, None]:
        """Yield (slice, rows) for each block in order; the next one is read ahead."""
        return read_ahead(self._parts(buffers or ReusedBuffers()))

    def _parts(self, buffers: ReusedBuffers) -> Iterator[tuple[slice, Any]]:
        with reading_into(self.data, self.dtype) as reader:
            for lo, hi in ranges(self.block_edges):
                yield slice(lo, hi), self._read(lo, hi, reader, buffers)

    def pools(
        self, batch_size: int, seed: int | None = None, buffers: ReusedBuffers | None = None
    ) -> Generator[Pool, None, None]:
        """Yield all rows once, in pools for minibatches; the next pool is read ahead.

        Parameters
        ----------
        batch_size : int
            All pools but the last have a multiple of it.
        seed : int, default=None
            Decides the order; None for that of X.
        buffers : ReusedBuffers, default=None
            Memory for the pools: of earlier epochs, say.
        """
        return read_ahead(self._pools(batch_size, seed, buffers or ReusedBuffers()))

    def _pools(self, batch_size: int, seed: int | None, buffers: ReusedBuffers) -> Iterator[Pool]:
        pieces = np.array([*ranges(self.piece_edges)], dtype=np.int64).reshape(-1, 2)
        generator = np.random.default_rng(seed)
        if seed is not None:
            pieces = generator.permutation(pieces)
        rest, rows_of_rest, taken = None, np.empty(0, np.int64), 0
        with reading_into(self.data, self.dtype) as reader:
            while taken < len(pieces):
                n = self._n_taken(len(rows_of_rest), pieces[taken:], batch_size)
                some, taken = pieces[taken : taken + n], taken + n
                some = some[np.argsort(some[:, 0])]  # the disk likes them in their order
                rows = np.concatenate([rows_of_rest, _rows_of(some)])
                x = self._stacked(rest, some, reader, buffers)
                order = np.arange(len(rows)) if seed is None else generator.permutation(len(rows))
                n = len(rows) - len(rows) % batch_size if taken < len(pieces) else len(rows)
                rest, rows_of_rest = x[order[n:]], rows[order[n:]]
                yield Pool(x, rows, order[:n])
                del x

    def _n_taken(self, n_rest: int, pieces: Array, batch_size: int) -> int:
        """Return how many pieces the buffer takes beside the rows of the rest."""
        sizes = n_rest + np.cumsum(pieces[:, 1] - pieces[:, 0])
        # At least a batch, and at least one piece, however large it is.
        n = max(1, int(np.searchsorted(sizes, self.buffer_rows, side="right")))
        return max(n, int(np.searchsorted(sizes, batch_size)) + 1)

    def _stacked(
        self, first: Any, pieces: Array, reader: Reader | None, buffers: ReusedBuffers
    ) -> Any:
        """Return the rows `first`, if there are any, and those of the pieces."""
        at = 0 if first is None else first.shape[0]
        shape = at + int(np.diff(pieces).sum()), self.shape[1]
        if reader is not None:
            x = buffers.array(shape, self.dtype)
            self._read_pieces(pieces, reader, x[at:])
        else:
            parts = self._read_each(pieces)
            one = next(parts)
            if sparse.issparse(one[0]):
                some = [self._checked(*part) for part in chain([one], parts)]
                return sparse.vstack(some if first is None else [first, *some], format="csr")
            x, end = buffers.array(shape, self.dtype), at
            for rows, lo, hi in chain([one], parts):
                self._checked(rows, lo, hi, x[end : end + hi - lo])
                end += hi - lo
        if first is not None:
            x[:at] = first
        return x

    def _read_pieces(self, pieces: Array, reader: Reader, target: Array) -> None:
        """Read the pieces into an array, one after the other."""
        at, unknown = 0, not self._sound[_rows_of(pieces)].all()
        for lo, hi in pieces.tolist():
            x = target[at : at + hi - lo]
            reader(lo, hi, x)
            at += hi - lo
            if unknown:  # while the piece is in the cache
                self._check(x, lo, hi)

    def _read_each(self, pieces: Array) -> Iterator[tuple[Any, int, int]]:
        """Yield the rows, lo and hi of each piece; lazy ones are computed at the same time."""
        found: Any = (self.data[lo:hi] for lo, hi in pieces)
        if is_lazy(self.data):
            import dask

            found = dask.compute(*found)
        for (lo, hi), rows in zip(pieces.tolist(), found, strict=True):
            yield loaded(rows), lo, hi

    def _checked(self, rows: Any, lo: int, hi: int, target: Array | None = None) -> Any:
        """Return rows in memory, in the type of the arithmetic and without NaN."""
        x = prepared(rows, (hi - lo, self.shape[1]), self.dtype, target)
        self._check(x, lo, hi)
        return x

    def _check(self, x: Any, lo: int, hi: int) -> None:
        """Raise a ValueError if rows that were not read before have NaN or infinity."""
        if not self._sound[lo:hi].all():
            check_finite(x, lo, lambda row: name_of_block(self.data, self.piece_edges, row))
            self._sound[lo:hi] = True

    def chosen(self, rows: npt.NDArray[Any]) -> "RowBlocks":
        """Return the rows with these ascending indices, which stay where they are."""
        return RowBlocks(ChosenRows(self, rows), buffer_rows=self.buffer_rows)

    def mapped(self, function: Callable[[Any], Array], n_columns: int) -> "RowBlocks":
        """Return rows that a function computes of these, whenever they are read."""
        made: Any = MappedRows(self, function, n_columns)
        if is_lazy(self.data):  # so that it is computed where the rows are
            data = self.data.rechunk({1: -1})
            meta = np.empty((0, n_columns), self.dtype)
            made = data.map_blocks(
                function, dtype=self.dtype, chunks=(data.chunks[0], (n_columns,)), meta=meta
            )
        return RowBlocks(made, block_rows=self.block_rows, buffer_rows=self.buffer_rows)


def as_rows(X: Any) -> Any:
    """Return a large stored array as `RowBlocks`, a small one in memory, and others as they are.

    Examples
    --------
    >>> as_rows([[1.0, 2.0]])
    [[1.0, 2.0]]
    """
    if type(X) is np.ndarray or isinstance(X, RowBlocks) or sparse.issparse(X):
        return X
    if not is_frame(X):
        found = described(X)
        if found is None or len(found[0]) != 2 or found[1].kind not in "buif":
            return X
        if isinstance(X, np.ndarray) and not is_memory_map(X):
            return X
    rows = RowBlocks(X)
    if rows.nbytes > LOADED_BYTES:
        return rows
    if isinstance(X, np.ndarray):
        return X
    return X.compute() if is_frame(X) else loaded(X[:])


def _rows_of(pieces: Array) -> npt.NDArray[np.int64]:
    """Return the indices of the rows of pieces, one after the other."""
    sizes = pieces[:, 1] - pieces[:, 0]
    shifts = pieces[:, 0] - np.cumsum(sizes) + sizes
    return np.repeat(shifts, sizes) + np.arange(int(sizes.sum()))


def in_memory(X: Any) -> Any:
    """Return all rows of a `RowBlocks` in memory, and anything else as it is."""
    return X[:] if isinstance(X, RowBlocks) else X


def parts_of(
    X: Any, n_rows: int, rows: npt.NDArray[Any] | None = None
) -> Iterator[tuple[slice, Any]]:
    """Yield (part, X[part]) for blocks of n rows, or (part, X[rows[part]]) for ascending `rows`.

    The blocks of a `RowBlocks` are its own.
    """
    if isinstance(X, RowBlocks):
        yield from (X if rows is None else X.chosen(rows)).parts()
        return
    n = X.shape[0] if rows is None else len(rows)
    for lo in range(0, n, n_rows):
        part = slice(lo, min(lo + n_rows, n))
        yield part, X[part] if rows is None else X[rows[part]]
