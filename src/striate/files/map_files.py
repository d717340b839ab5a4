"""Files of maps, written block by block: NumPy, OME-TIFF and Zarr, each whole or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .array_packages import imported
from .atomic_writing import check_folder_writable, check_writable, replacing, replacing_folder
from .disk_space import naming_full_disk, reserve
from .large_image import opened_array

Shape = tuple[int, ...]

# Types of pixels that OME knows, but for complex numbers.
_OF_OME = {np.dtype(name) for name in ("i1", "i2", "i4", "u1", "u2", "u4", "f4", "f8")}
# A larger file needs 64-bit offsets (BigTIFF), with room for what is not pixels.
_LARGEST_TIFF = 2**32 - 2**25


class RawBlocks:
    """An array (n_y, n_x, …) in an open file, written block by block by ordinary writes.

    A memory map would end the process when the disk is full.

    Parameters
    ----------
    file : file
    start : int
        Place of the first number, in bytes.
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, file: IO[bytes], start: int, shape: Shape, dtype: npt.DTypeLike) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._file, self._start = file, start
        self._pixel_bytes = prod(shape[2:]) * self.dtype.itemsize
        size = start + prod(shape) * self.dtype.itemsize
        with naming_full_disk(file.name, size):
            reserve(file, size)

    def __setitem__(self, place: tuple[slice, slice], block: npt.NDArray[Any]) -> None:
        rows, columns = place
        for y, row in zip(range(rows.start, rows.stop), block, strict=True):
            self._file.seek(self._start + (y * self.shape[1] + columns.start) * self._pixel_bytes)
            self._file.write(np.ascontiguousarray(row, self.dtype).tobytes())


@contextmanager
def _npy_file(path: Path, shape: Shape, dtype: np.dtype[Any], side: int) -> Iterator[Any]:
    check_writable(path)
    with replacing(path) as temporary, open(temporary, "r+b") as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        yield RawBlocks(file, file.tell(), shape, dtype)


@contextmanager
def _tiff_file(path: Path, shape: Shape, dtype: np.dtype[Any], side: int) -> Iterator[Any]:
    tifffile = imported("tifffile", "maps as OME-TIFF", "images")
    if dtype not in _OF_OME:
        raise ValueError(f"out: OME-TIFF has no pixels of {dtype}; choose a .npy or .zarr file")
    check_writable(path)
    stored = shape if prod(shape[2:]) > 1 else shape[:2]
    is_big = prod(shape) * dtype.itemsize > _LARGEST_TIFF
    with replacing(path) as temporary:
        with tifffile.TiffWriter(temporary, bigtiff=is_big, ome=True) as writer:
            start, _ = writer.write(
                shape=stored,
                dtype=dtype,
                photometric="minisblack",
                planarconfig="contig" if len(stored) > 2 else None,
                metadata={"axes": "YXS"[: len(stored)]},
                returnoffset=True,
            )
        with open(temporary, "r+b") as file:
            yield RawBlocks(file, start, shape, dtype)


@contextmanager
def _zarr_folder(path: Path, shape: Shape, dtype: np.dtype[Any], side: int) -> Iterator[Any]:
    zarr = imported("zarr", "maps as Zarr", "scale")
    check_folder_writable(path, ("zarr.json", ".zarray"))
    chunks = tuple(max(1, min(side, n)) for n in shape[:2])
    with replacing_folder(path) as temporary:
        yield zarr.create_array(temporary, shape=shape, dtype=dtype, chunks=(*chunks, *shape[2:]))


_Writer = Callable[[Path, Shape, np.dtype[Any], int], AbstractContextManager[Any]]
_WRITERS: dict[str, _Writer] = {
    ".npy": _npy_file,
    ".zarr": _zarr_folder,
    ".tif": _tiff_file,
    ".tiff": _tiff_file,
}


def map_file(
    path: str | os.PathLike[str], shape: Shape, dtype: npt.DTypeLike, side: int
) -> AbstractContextManager[Any]:
    """Return a context with what the blocks of a file are written to, by ``[rows, columns]``.

    The file appears when the block of code ends without an error.

    Parameters
    ----------
    path : path
        Its suffix says the format: .npy, .zarr, and .tif or .tiff for OME-TIFF.
    shape : tuple of int
        Height, width and what a pixel has.
    dtype : dtype
    side : int
        Side of the blocks.

    Raises
    ------
    ValueError
        If the format is none of these, or does not have the type.
    ModuleNotFoundError
        If a package for the format is missing.
    OSError
        If the file cannot be written, or the disk is full.
    """
    writer = _WRITERS.get(Path(path).suffix.lower())
    if writer is None:
        raise ValueError(
            f"out: {os.fspath(path)} must end in {', '.join(_WRITERS)}, or be an array, as of Zarr"
        )
    return writer(Path(path), shape, np.dtype(dtype), side)


def opened_map(path: str | os.PathLike[str], shape: Shape) -> Any:
    """Return the array of this shape in a file of maps, read-only, without reading it."""
    match Path(path).suffix.lower():
        case ".npy" | ".zarr":
            return opened_array(path)
        case _:
            tifffile = imported("tifffile", "maps as OME-TIFF", "images")
            return tifffile.memmap(path, mode="r").reshape(shape)
