"""Compiled code on disk: it is read where it is sound, and written where that is possible.

Each compiled function has one file for each of its types, whose name is a digest of all that the
code depends on. A file holds its own checksum and is written under another name first, so processes
that write at once, crashes and full disks leave no wrong code behind.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numba.core.compiler
import numba.core.serialize

#: Length of the checksum with which a file begins, in bytes.
_CHECKSUM = 32


class CodeCache:
    """The compiled code of one function on disk, as Numba's dispatchers use a cache.

    Parameters
    ----------
    function : function
        Its module gives the folder, and its name the beginning of the files' names.
    name : str, default=None
        A name that no other function of this module has; by default that of the function and its
        line. Functions made inside another need one.

    Notes
    -----
    Files are looked for in all of `folders`, and written into the first one where that succeeds.
    Where it succeeds nowhere, there is one warning, and code is compiled in memory.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        source = Path(function.__code__.co_filename)
        self._folders = functools.partial(folders, source.parent)
        self._stamp = functools.partial(_stamp, source.parent)
        name = name or f"{function.__qualname__}-{function.__code__.co_firstlineno}"
        name = name.replace("<locals>.", "").replace("<lambda>", "lambda")
        tag = sys.implementation.cache_tag  # such as cpython-313
        self._name = f"{source.stem}.{name}.{tag}"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled code for these types; None if there is none that is sound."""
        target_context.refresh()
        name = self._file_name(signature, target_context.codegen())
        for folder in self._folders():
            try:
                content = (folder / name).read_bytes()
                if hashlib.sha256(content[_CHECKSUM:]).digest() == content[:_CHECKSUM]:
                    payload = pickle.loads(content[_CHECKSUM:])
                    return numba.core.compiler.CompileResult._rebuild(target_context, *payload)
            except FileNotFoundError:
                continue
            except Exception:
                continue
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Write compiled code, unless it holds addresses of this process."""
        if result.library.has_dynamic_globals:
            return
        # What a later Numba lacks costs the cache, and nothing else.
        with contextlib.suppress(AttributeError, ImportError, TypeError):
            name = self._file_name(signature, result.codegen)
            payload = numba.core.serialize.dumps(result._reduce())
            content = hashlib.sha256(payload).digest() + payload
            for folder in self._folders():
                with contextlib.suppress(OSError):
                    _write(folder / name, content)
                    self._remove_stale(folder)
                    return
        _warn()

    def _file_name(self, signature: Any, codegen: Any) -> str:
        types = getattr(signature, "args", signature)
        key = repr((str(tuple(types)), codegen.magic_tuple()))
        return f"{self._name}-{self._stamp()}-{_digest(key.encode())}.nbc"

    def _remove_stale(self, folder: Path) -> None:
        """Remove what earlier versions of the source or of Numba have left in a folder."""
        beginning, stamp = f"{self._name}-", self._stamp()
        for path in folder.glob(f"{self._name}-*.nbc"):
            if not path.name.startswith(beginning + stamp):
                path.unlink(missing_ok=True)

    # What else Numba's dispatchers call.
    cache_path = property(lambda self: str(next(self._folders(), "")))

    def enable(self) -> None:
        """Do nothing: the cache is always enabled."""

    disable = flush = enable


def folders(source: Path) -> Iterator[Path]:
    """Return the folders that may hold the compiled code of modules in the folder `source`."""
    part = f"striate-{_digest(str(source).encode())}"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        yield Path(chosen) / part
        return
    yield source / "__pycache__"
    with contextlib.suppress(RuntimeError):  # there may be no home
        yield Path.home() / ".cache" / "numba" / part


@functools.cache
def _stamp(folder: Path) -> str:
    """Return a digest of Numba's version and the source that code of a folder may depend on.

    Compiled code calls functions of its own folder, of core and of this one.
    """
    here, digest = Path(__file__).parent, hashlib.sha256(numba.__version__.encode())
    for each in sorted({folder, here, here.parent / "core"}):
        for path in sorted(each.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _write(path: Path, content: bytes) -> None:
    """Write a file under another name, then rename it; leave nothing behind if that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@functools.cache
def _warn() -> None:
    """Warn once in a process."""
    warnings.warn(
        "Compiled code cannot be kept on disk: each process compiles it again, which takes some "
        "seconds. Set NUMBA_CACHE_DIR to a folder that can be written.",
        RuntimeWarning,
        stacklevel=2,
    )
