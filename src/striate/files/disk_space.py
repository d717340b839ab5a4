"""Errors for a full disk: they name the file, and say how much is needed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

#: The disk is full, or the file is larger than the user may write.
NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; if the disk is full, the error says how much is needed."""
    with naming_full_disk(path, len(content)):
        path.write_bytes(content)


@contextmanager
def naming_full_disk(path: str | os.PathLike[str], size: int | None = None) -> Iterator[None]:
    """Add the name of a file, and its size in bytes, to the error for a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        needed = "" if size is None else f": {size_text(size)} needed"
        reason = f"{error.strerror}{needed}"
        raise OSError(error.errno, reason, os.fspath(path)) from error


def reserve(file: IO[bytes], size: int) -> None:
    """Make a file as long as it will be, so that a full disk is found now and not after hours.

    Raises
    ------
    OSError
        If there is not enough room.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise
            # Not every file system can reserve; then writing finds a full disk.
    if os.fstat(file.fileno()).st_size < size:
        file.truncate(size)


def size_text(n_bytes: float) -> str:
    """Return a size in words: "120 bytes", "3.4 MB"."""
    units = iter(("bytes", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while n_bytes >= 999.5 and unit != "TB":
        n_bytes, unit = n_bytes / 1000, next(units)
    return f"{n_bytes:.3g} {unit}"
