"""Where maps of an image are written: a new array, one that is given, or a .npy file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .atomic_writing import check_writable, replacing
from .disk_space import naming_full_disk, reserve, size_text
from .given_images import is_path

Shape = tuple[int, ...]


class NpyBlocks:
    """An array (n_y, n_x, …) in a .npy file, written block by block by ordinary writes.

    A memory map would end the process when the disk is full.
    """

    def __init__(self, file: IO[bytes], shape: Shape, dtype: npt.DTypeLike) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        self._file, self._start = file, file.tell()
        self._pixel_bytes = prod(shape[2:]) * self.dtype.itemsize
        size = self._start + prod(shape) * self.dtype.itemsize
        with naming_full_disk(file.name, size):
            reserve(file, size)

    def __setitem__(self, place: tuple[slice, slice], block: npt.NDArray[Any]) -> None:
        rows, columns = place
        for y, row in zip(range(rows.start, rows.stop), block, strict=True):
            self._file.seek(self._start + (y * self.shape[1] + columns.start) * self._pixel_bytes)
            self._file.write(np.ascontiguousarray(row, self.dtype).tobytes())


@contextmanager
def map_output(out: Any, shape: Shape, dtype: npt.DTypeLike) -> Iterator[Any]:
    """Yield what blocks are written to by ``output[rows, columns] = block``.

    Parameters
    ----------
    out : None, array or path
        None for a new array; an array of this shape, of NumPy, h5py or Zarr; or the path of a .npy
        file, which appears when the block of code ends without an error.
    shape : tuple of int
        Height, width and what a pixel has.
    dtype : dtype
        Type of a new array or file.

    Raises
    ------
    ValueError
        If `out` is an array of another shape, or of integers.
    OSError
        If the file cannot be written, or the disk is full.
    MemoryError
        If a new array does not fit in memory.
    """
    if is_path(out):
        with _npy_file(Path(out), shape, dtype) as blocks:
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
    """Return the result once all is written: the array, or a read-only memory map of the file."""
    return np.load(out, mmap_mode="r") if is_path(out) else output


@contextmanager
def _npy_file(path: Path, shape: Shape, dtype: npt.DTypeLike) -> Iterator[NpyBlocks]:
    if path.suffix.lower() != ".npy":
        raise ValueError(f"out: {os.fspath(path)} must end in .npy, or be an array, as of Zarr")
    check_writable(path)
    with replacing(path) as temporary, open(temporary, "r+b") as file:
        yield NpyBlocks(file, shape, dtype)


def _new_array(shape: Shape, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    try:
        return np.empty(shape, dtype)
    except MemoryError:
        needed = size_text(prod(shape) * np.dtype(dtype).itemsize)
        raise MemoryError(
            f"the maps, of shape {shape}, take {needed}, more than there is memory; give the path "
            "of a .npy file, or an array on the disk, as out"
        ) from None
