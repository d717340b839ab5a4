"""Atomic writing of files: whole or not at all, under a temporary name that is then renamed."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check, before any work is done, that a file can be written.

    Raises
    ------
    OSError
        If `path` is a folder or a device, or its folder is missing or cannot be written to.
    """
    target = Path(path)
    folder = target.resolve().parent
    if target.is_dir():
        raise IsADirectoryError(f"{target}: is a folder; give the name of a file")
    if target.exists() and not target.is_file():
        raise OSError(f"{target}: is not a regular file; choose another name")
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


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the name of a new file that replaces `path` when the block succeeds.

    If the block raises or is interrupted, `path` stays as it was.
    """
    target = Path(path).resolve()  # a link is kept, the file it points to is replaced
    with _temporary(target) as temporary:
        yield temporary
        os.replace(temporary, target)


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Create an empty file in the target's folder, with its suffix; remove it afterwards."""
    # Without tempfile, whose files only the owner may read.
    temporary = target.resolve().parent / f".striate-{secrets.token_hex(8)}{target.suffix}"
    temporary.touch(exist_ok=False)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
