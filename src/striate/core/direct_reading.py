"""Rows of stored arrays, read straight into given memory, without a copy on the way.

Nothing here imports a library of arrays: what a kind of array can do is asked of the array.
"""

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

#: read(lo, hi, target) writes the rows lo to hi, at least one, into a C-contiguous array.
Reader = Callable[[int, int, Any], object]


@contextmanager
def reading_into(data: Any, dtype: np.dtype[Any]) -> Iterator[Reader | None]:
    """Yield what reads rows of an array into arrays of a type; None if the array cannot do that.

    Parameters
    ----------
    data : array-like of shape (n_samples, n_features)
        A memory map, whose file is read; a data set of h5py; an array of Zarr.
    dtype : dtype
        That of the numbers, which are not converted.
    """
    if data.dtype != dtype:
        yield None
    elif isinstance(data, np.memmap):
        with _file_of(data) as read:
            yield read
    elif hasattr(data, "read_direct"):  # h5py
        yield lambda lo, hi, target: data.read_direct(target, np.s_[lo:hi])
    elif hasattr(data, "get_basic_selection") and hasattr(data, "store"):  # Zarr
        yield _reader_of_zarr(data)
    else:
        yield None


@contextmanager
def _file_of(mapped: Any) -> Iterator[Reader | None]:
    """Yield what reads the file of a memory map, if its numbers are those of the map.

    Unlike a map, reading needs no pages in the table of the process, and a file that has become
    shorter is an error, and not the end of the process.
    """
    position = _position(mapped)
    if position is None:
        yield None
        return
    try:
        file = os.open(mapped.filename, os.O_RDONLY)
    except OSError:  # removed, or renamed
        yield None
        return
    row_bytes = mapped.shape[1] * mapped.itemsize

    def read(lo: int, hi: int, target: Any) -> None:
        at = position + lo * row_bytes
        done, wanted = os.preadv(file, [target], at), (hi - lo) * row_bytes
        while done < wanted:  # interrupted by a signal, or longer than 2 GiB
            rest = target.reshape(-1).view(np.uint8)[done:]
            n = os.preadv(file, [rest], at + done)
            if n == 0:
                raise ValueError(f"{mapped.filename}: has become shorter than X")
            done += n

    try:
        yield read if _is_mapped_at(mapped.ctypes.data, file) else None
    finally:
        os.close(file)


def _position(mapped: Any) -> int | None:
    """Return where in its file a memory map of rows begins; None if it cannot be said."""
    mapping = getattr(mapped, "_mmap", None)
    if (
        not hasattr(os, "preadv")
        or not isinstance(mapping, mmap.mmap)
        or mapped.mode == "c"  # what was written is not in the file
        or mapped.filename is None
        or not mapped.flags.c_contiguous
        or mapped.size == 0
    ):
        return None
    begin = mapped.offset - mapped.offset % mmap.ALLOCATIONGRANULARITY
    # A part of a map has the offset of the whole.
    return int(begin + mapped.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data)


def _is_mapped_at(address: int, file: int) -> bool:
    """Return whether an open file is the one that is mapped: another may have its name now."""
    found = os.fstat(file)
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # another system than Linux
        return False
    of_file = [device, str(found.st_ino)]
    for line in lines:
        if of_file[1] in line:  # there are thousands of lines, which take milliseconds to split
            place, _, _, *of_line = line.split(maxsplit=5)[:5]
            lo, hi = (int(edge, 16) for edge in place.split("-"))
            if lo <= address < hi:
                return of_line == of_file
    return False


def _reader_of_zarr(data: Any) -> Reader | None:
    try:
        from zarr.core.buffer import default_buffer_prototype
    except ImportError:  # an earlier version
        return None
    buffer = default_buffer_prototype().nd_buffer

    def read(lo: int, hi: int, target: Any) -> None:
        data.get_basic_selection(np.s_[lo:hi], out=buffer.from_ndarray_like(target))

    return read
