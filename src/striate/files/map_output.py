"""Where maps of an image are written: a new array, one that is given, or a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .disk_space import size_text
from .given_images import is_path
from .map_files import Shape, map_file, opened_map


@contextmanager
def map_output(out: Any, shape: Shape, dtype: npt.DTypeLike, side: int) -> Iterator[Any]:
    """Yield what blocks are written to by ``output[rows, columns] = block``.

    Parameters
    ----------
    out : None, array or path
        None for a new array; an array of this shape, of NumPy, h5py or Zarr; or a path, as in
        `map_file`.
    shape : tuple of int
        Height, width and what a pixel has.
    dtype : dtype
        Type of a new array or file.
    side : int
        Side of the blocks.

    Raises
    ------
    ValueError
        If `out` is an array of another shape, or of integers; or as from `map_file`.
    OSError
        If the file cannot be written, or the disk is full.
    MemoryError
        If a new array does not fit in memory.
    """
    if is_path(out):
        with map_file(out, shape, dtype, side) as blocks:
            yield blocks
        return
    if out is None:
        yield _new_array(shape, dtype)
        return
    if tuple(getattr(out, "shape", ())) != shape:
        found = getattr(out, "shape", type(out).__name__)
        raise ValueError(f"out must be a path or an array of shape {shape}, got {found}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise ValueError(f"out must be of a type that holds {np.dtype(dtype)}, got {out.dtype}")
    yield out


def finished(out: Any, output: Any) -> Any:
    """Return the result once all is written: the array, or that of the file, read-only."""
    return opened_map(out, output.shape) if is_path(out) else output


def _new_array(shape: Shape, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    try:
        return np.empty(shape, dtype)
    except MemoryError:
        needed = size_text(prod(shape) * np.dtype(dtype).itemsize)
        raise MemoryError(
            f"the maps, of shape {shape}, take {needed}, more than there is memory; give the path "
            "of a .npy file, or an array on the disk, as out"
        ) from None
