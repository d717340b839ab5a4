"""Atomic writing of files: whole or not at all, under a temporary name that is then renamed.

A process that is killed leaves its temporary file behind. The lock on it ends with the process, and
so the next `check_writable` in the same folder can tell it from a file in use, and removes it.
"""

import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .disk_space import naming_full_disk, write_whole

if sys.platform != "win32":
    import fcntl

_TEMPORARY = re.compile(r"\.striate-[0-9a-f]{16}(\..*)?")
# Younger files may not be locked yet. On Windows they never are, and may take long to write.
_SECONDS_UNTIL_ABANDONED = 1 if sys.platform != "win32" else 86_400


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check, before any work is done, that a file can be written.

    Temporary files that killed processes left in its folder are removed.

    Raises
    ------
    OSError
        If `path` is a folder or a device, or its folder is missing or cannot be written to.
    """
    target = Path(path)
    _check_link(target)
    if target.is_dir():
        raise IsADirectoryError(f"{target}: is a folder; give the name of a file")
    if target.exists() and not target.is_file():
        raise OSError(f"{target}: is not a regular file; choose another name")
    _check_folder_of(target)


def check_folder_writable(path: str | os.PathLike[str], marks: Sequence[str]) -> None:
    """Check, before any work is done, that a folder can be written, as `replacing_folder` does.

    Parameters
    ----------
    path : path
    marks : sequence of str
        Names of files. A folder that contains one of them may be replaced.

    Raises
    ------
    OSError
        If `path` is something else than such a folder, or cannot be written.
    """
    target = Path(path)
    _check_link(target)
    if target.exists() and not any((target / mark).is_file() for mark in marks):
        raise FileExistsError(f"{target}: exists, and is something else; choose another name")
    _check_folder_of(target)


def _check_link(target: Path) -> None:
    if Path(os.path.realpath(target)).is_symlink():
        raise OSError(f"{target}: is a link that leads to itself; choose another name")


def _check_folder_of(target: Path) -> None:
    """Check that the folder of a target can be written to, and remove what was abandoned there."""
    folder = Path(os.path.realpath(target)).parent  # resolve() may raise a RuntimeError
    if not folder.is_dir():
        raise FileNotFoundError(f"{target}: there is no folder {folder}; make it first")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{target}: is write-protected; choose another name")
    try:
        with _temporary(target):
            pass
    except OSError as error:
        raise type(error)(
            f"{target}: the folder {folder} cannot be written to ({error.strerror})"
        ) from error
    _remove_abandoned(folder)


def write_file(path: str | os.PathLike[str], content: bytes, *, durable: bool = False) -> None:
    """Write a file, or leave an existing one as it is.

    A durable one is on the disk before it replaces the other: a power failure leaves one of both.

    Raises
    ------
    OSError
        If it cannot be written. If the disk is full, the message says how much is needed.
    """
    with replacing(path) as temporary:
        write_whole(temporary, content)
        if durable:
            _flush(temporary, os.O_RDWR)
    if durable and sys.platform != "win32":  # where a folder cannot be opened
        _flush(Path(os.path.realpath(path)).parent, os.O_RDONLY)


def _flush(path: Path, mode: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    file = os.open(path, mode)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the name of a new file that replaces `path` when the block succeeds.

    If the block raises or is interrupted, `path` stays as it was. If the disk is full, the error
    names `path`.
    """
    target = Path(os.path.realpath(path))  # a link is kept, the file it points to is replaced
    with naming_full_disk(path), _temporary(target) as temporary:
        yield temporary
        os.replace(temporary, target)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the name of a new folder that replaces `path` when the block succeeds.

    As `replacing` does; but a folder that is replaced is moved away first, and then removed.
    """
    target = Path(os.path.realpath(path))
    temporary = _temporary_name(target)
    temporary.mkdir()
    try:
        with naming_full_disk(path), _locked(_opened(temporary)):
            yield temporary
            if target.exists():
                former = _temporary_name(target)
                os.replace(target, former)
                os.replace(temporary, target)
                shutil.rmtree(former, ignore_errors=True)
            else:
                os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary_name(target: Path) -> Path:
    # Without tempfile, whose files only the owner may read.
    name = f".striate-{secrets.token_hex(8)}{target.suffix}"
    return Path(os.path.realpath(target)).parent / name


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Create an empty file in the target's folder, with its suffix; remove it afterwards."""
    temporary = _temporary_name(target)
    lock = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        with _locked(lock):
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _opened(path: Path) -> int | None:
    """Return a file or folder that is open for a lock; None on Windows, where there is none."""
    if sys.platform == "win32":
        return None
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)


@contextmanager
def _locked(file: int | None) -> Iterator[bool]:
    """Lock an open file for a while, then close it; yield whether nobody else has locked it."""
    free = True
    if sys.platform == "win32" or file is None:
        if file is not None:
            os.close(file)  # an open file cannot be renamed
        yield free
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # in use, or on a file system without locks
        free = False
    try:
        yield free
    finally:
        os.close(file)


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders of processes that were killed."""
    latest = time.time() - _SECONDS_UNTIL_ABANDONED
    with suppress(OSError), os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries if _TEMPORARY.fullmatch(entry.name)]
        for path in found:
            with suppress(OSError):  # another process was quicker, or owns it
                ours = not path.is_symlink() and (path.is_file() or path.is_dir())
                if not ours or path.stat().st_mtime >= latest:
                    continue
                with _locked(_opened(path)) as free:
                    if free and path.is_dir():
                        shutil.rmtree(path)
                    elif free:
                        path.unlink()
