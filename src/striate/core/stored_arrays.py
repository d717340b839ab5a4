"""Arrays that are not in memory: memory maps, and those of h5py, Zarr and Dask; as they are.

Nothing here imports a library of arrays: what has `shape`, `dtype` and slices of rows is one.
"""

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse


def described(item: Any) -> tuple[tuple[Any, ...], np.dtype[Any]] | None:
    """Return shape and dtype of an array, without reading its values; None if it is not one."""
    shape, dtype = getattr(item, "shape", None), getattr(item, "dtype", None)
    if not isinstance(shape, tuple) or dtype is None or not hasattr(item, "__getitem__"):
        return None
    try:
        return shape, np.dtype(dtype)
    except TypeError:  # PyTorch's and TensorFlow's
        return None


def is_lazy(data: Any) -> bool:
    """Return whether an array is one of Dask, whose values are computed when they are needed."""
    return hasattr(data, "__dask_graph__") and hasattr(data, "chunks")


def is_frame(data: Any) -> bool:
    """Return whether data are a frame of Dask."""
    return hasattr(data, "__dask_graph__") and hasattr(data, "to_dask_array")


def is_memory_map(data: Any) -> bool:
    """Return whether an array is a file that the user has mapped.

    joblib maps arrays, too, to hand them to its worker processes. They are arrays in memory of the
    user, and trainings on them have the same results in workers.
    """
    if not isinstance(data, np.memmap):
        return False
    return "joblib_memmapping_folder" not in os.fspath(getattr(data, "filename", None) or "")


def loaded(rows: Any) -> Any:
    """Return rows of a stored array in memory, as an array or a sparse matrix."""
    if hasattr(rows, "compute"):
        rows = rows.compute()
    return rows if sparse.issparse(rows) else np.asarray(rows)


def chunk_edges(data: Any, otherwise: int | None = None) -> npt.NDArray[np.int64]:
    """Return where the chunks of rows of an array begin and end.

    If it has none, there is one of all rows, or there are some with `otherwise` rows each.

    Raises
    ------
    ValueError
        If Dask does not know how many rows there are.
    """
    chunks, n = getattr(data, "chunks", None), data.shape[0]
    by_rows = chunks[0] if chunks else otherwise or n
    if isinstance(by_rows, tuple):  # Dask's, of any lengths
        edges = np.cumsum([0, *by_rows], dtype=np.float64)
    else:  # those of h5py and Zarr
        edges = np.append(np.arange(0, n, max(1, by_rows), dtype=np.float64), n)
    if np.isnan(edges).any():
        raise ValueError(
            "X has chunks of unknown sizes: call X.compute_chunk_sizes() first, or make X by "
            "frame.to_dask_array(lengths=True)"
        )
    return np.unique(np.append(edges, 0)).astype(np.int64)


def name_of_block(data: Any, edges: npt.NDArray[np.int64], row: int) -> str:
    """Return which chunk of an array a row is in, for a message."""
    if getattr(data, "chunks", None):
        edges = chunk_edges(data)
    block = int(np.searchsorted(edges, row, side="right")) - 1
    return f"row {row - int(edges[block])} of chunk {block}"


def ranges(edges: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield (lo, hi) between the edges, but no empty ones."""
    for lo, hi in pairwise(edges.tolist()):
        if lo < hi:
            yield lo, hi


def divided(edges: npt.NDArray[np.int64], wanted: int, most: int) -> npt.NDArray[np.int64]:
    """Join neighbours until they have the wanted number of rows, and divide what has too many."""
    made = [0]
    for lo, hi in ranges(edges):
        if hi - made[-1] > most and lo > made[-1]:
            made.append(lo)
        if hi - made[-1] > most:
            n = -(-(hi - made[-1]) // most)
            made += np.linspace(made[-1], hi, n + 1).astype(int)[1:].tolist()
        elif hi - made[-1] >= wanted:
            made.append(hi)
    if made[-1] < edges[-1]:
        made.append(int(edges[-1]))
    return np.array(made, dtype=np.int64)
