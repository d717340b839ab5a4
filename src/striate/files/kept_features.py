"""Features of image files that are computed once, and kept by the content of the files.

The folder of what is kept holds tables of some rows each. A table is written once, atomically, and
never changed, so that several processes can use the folder at a time. Whatever goes wrong with a
table costs its rows, which are computed again.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from striate.estimators.training_identity import text_of

from .atomic_writing import check_writable, write_file
from .block_features import checked_rows, transformed
from .cache_folder import FOLDER_VARIABLE, cache_folder, cache_size
from .regular_files import is_endless

Rows = npt.NDArray[Any]

_SUFFIX = ".rows"
# A checksum of the row, and of the digest of the image that it belongs to.
_KEY = np.dtype([("image", "V32"), ("checksum", "<u4")])
_DIGEST_BYTES = 32
# Rows per table: the most that a crash can lose.
_ROWS = 256
# More are slow to list.
_MOST_TABLES = 4000
_PROBE_SIZE = 64


class KeptFeatures:
    """A transformer of image files that keeps what it computes for later runs.

    Use it in a ``with`` block: the last rows are written when the block ends.

    Parameters
    ----------
    features : fitted transformer of images
        The features.
    channels : {1, 3} or None
        Channels that the images are converted to.
    version : str, default=""
        Version of Striate: another one may read files in another way.

    Notes
    -----
    Rows are found by the content of a file, wherever it is, and by the features: their parameters,
    fitted attributes and results for an image of noise, which depend on the processor's rounding,
    too. Rows have checksums. The least recently used tables are removed if there is no room.
    """

    def __init__(self, features: Any, channels: int | None, version: str = "") -> None:
        self._features, self._channels = features, channels
        self._folder, self._size = cache_folder(), cache_size()
        self._where: dict[bytes, tuple[_Table, int]] = {}
        self._new: dict[bytes, Rows] = {}
        self._written = 0
        self._used: set[Path] = set()
        if self._folder is not None:
            self._name = _identity(features, channels, version)
            self._find_tables(self._folder)

    def __enter__(self) -> Self:
        """Return the transformer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write the last rows, also if the block was interrupted."""
        if self._folder is None:
            return
        self._write()
        for path in self._used:
            with suppress(OSError):
                os.utime(path)
        if self._written:
            _make_room(self._folder, self._size)

    def transform(self, files: Sequence[Path]) -> Rows:
        """Return the features (n_files, n_features) of some files.

        Raises
        ------
        ValueError
            If an image cannot be used.
        """
        stamps = [_stamp(file) for file in files]
        keys = [self._key(file) for file in files]
        found = [None if key is None else self._row(key) for key in keys]
        missing = [i for i, row in enumerate(found) if row is None]
        if missing:
            rows = transformed(self._features, [files[i] for i in missing], self._channels)
            for i, row in zip(missing, rows, strict=True):
                key, found[i] = keys[i], row
                # A file that changes meanwhile may not be what its digest says.
                if key is not None and stamps[i] == _stamp(files[i]):
                    self._new[key] = row
        if len(self._new) >= _ROWS:
            self._write()
        return np.stack([row for row in found if row is not None])

    def _key(self, file: Path) -> bytes | None:
        """Return a digest of the content of a file, or None if it cannot be read."""
        if self._folder is None:
            return None
        try:
            if is_endless(file):
                return None
            with open(file, "rb") as content:
                return hashlib.file_digest(content, "sha256").digest()
        except OSError:
            return None

    def _row(self, key: bytes) -> Rows | None:
        """Return what is kept of an image, or None."""
        if key in self._new:
            return self._new[key]
        if key not in self._where:
            return None
        table, i = self._where[key]
        row = table.row(key, i)
        if row is None:
            del self._where[key]
            _remove(table.path)
        else:
            self._used.add(table.path)
        return row

    def _find_tables(self, folder: Path) -> None:
        kind = None
        for path in sorted(folder.glob(f"{self._name}-*{_SUFFIX}")):
            try:
                with open(path, "rb") as file:
                    table, keys = _read_table(path, file, os.fstat(file.fileno()).st_size)
            except Exception:  # damaged bytes make the reader raise anything
                _remove(path)
                continue
            kind = kind or (table.dtype, table.n_columns)
            if kind == (table.dtype, table.n_columns):
                self._where |= {key: (table, i) for i, key in enumerate(keys)}

    def _write(self) -> None:
        """Write a table of the new rows; if that fails, they are computed again next time."""
        if self._folder is None or not self._new:
            return
        rows, path = self._new, self._folder / f"{self._name}-{secrets.token_hex(8)}{_SUFFIX}"
        self._new = {}
        content = _content(rows)
        # More than there is room for would push itself out.
        if self._written + len(content) > self._size:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self._written:
                check_writable(path)  # removes what killed processes left
            write_file(path, content)
        except OSError as error:
            warnings.warn(
                f"features are not kept for the next run ({error}); {FOLDER_VARIABLE} may name "
                "another folder, or nothing, to keep none",
                stacklevel=3,
            )
            self._folder = None
            return
        self._written += len(content)
        table, keys = _read_table(path, io.BytesIO(content), len(content))
        self._where |= {key: (table, i) for i, key in enumerate(keys)}


class _Table(NamedTuple):
    """Where the rows of a table are in its file."""

    path: Path
    start: int
    n_columns: int
    dtype: np.dtype[Any]
    checksums: npt.NDArray[np.uint32]

    def row(self, key: bytes, i: int) -> Rows | None:
        """Return a row, or None if it cannot be read or is damaged."""
        n_bytes = self.n_columns * self.dtype.itemsize
        try:
            with open(self.path, "rb") as file:
                file.seek(self.start + i * n_bytes)
                content = file.read(n_bytes)
        except OSError:
            return None
        if zlib.crc32(content, zlib.crc32(key)) != self.checksums[i] or len(content) != n_bytes:
            return None
        return np.frombuffer(content, self.dtype)


def _content(rows: dict[bytes, Rows]) -> bytes:
    """Return the content of a table: keys, then rows, as two arrays of NumPy's format."""
    table = np.stack(list(rows.values()))
    keys = np.empty(len(rows), _KEY)
    for i, (key, row) in enumerate(zip(rows, table, strict=True)):
        keys[i] = key, zlib.crc32(row.tobytes(), zlib.crc32(key))
    file = io.BytesIO()
    np.save(file, keys, allow_pickle=False)
    np.save(file, table, allow_pickle=False)
    return file.getvalue()


def _read_table(path: Path, file: IO[bytes], size: int) -> tuple[_Table, list[bytes]]:
    """Return where the rows of a table are, and its keys.

    Raises
    ------
    Exception
        Of any kind, if the table is damaged.
    """
    keys = np.load(file, allow_pickle=False)
    np.lib.format.read_magic(file)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    start = file.tell()
    if keys.dtype != _KEY or len(shape) != 2 or shape[0] != len(keys) or is_fortran:
        raise ValueError("is not a table of features")
    if dtype.kind != "f" or size != start + shape[0] * shape[1] * dtype.itemsize:
        raise ValueError("is truncated")
    digests = keys["image"].tobytes()
    parts = range(0, len(digests), _DIGEST_BYTES)
    table = _Table(path, start, shape[1], dtype, keys["checksum"])
    return table, [digests[k : k + _DIGEST_BYTES] for k in parts]


def _make_room(folder: Path, size: int) -> None:
    """Remove the tables that were not used for longest, until the others take `size` bytes."""
    room, n_tables = size, 0
    for path, n_bytes in _latest_first(folder):
        room, n_tables = room - n_bytes, n_tables + 1
        if room < 0 or n_tables > _MOST_TABLES:
            _remove(path)


def _latest_first(folder: Path) -> Iterator[tuple[Path, int]]:
    found = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_SUFFIX) and entry.name[0] != ".":  # or it is being written
                with suppress(OSError):  # another process was quicker
                    stat = entry.stat()
                    found.append((-stat.st_mtime_ns, entry.path, stat.st_size))
    yield from ((Path(path), n_bytes) for _, path, n_bytes in sorted(found))


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _identity(features: Any, channels: int | None, version: str) -> str:
    """Return a digest of the features and of how their images are read."""
    text = f"{version} {channels} {_state_text(features)}"
    digest = hashlib.sha256(text.encode())
    height, width = getattr(features, "min_image_size_", (1, 1))
    n_bands = getattr(features, "patch_shape_", (1, 1, channels or 1))[2]
    shape = (1, max(height, _PROBE_SIZE), max(width, _PROBE_SIZE), n_bands)
    noise = np.random.RandomState(0).random_sample(shape).astype(np.float32)
    with suppress(ValueError):  # of another size or of more channels
        digest.update(checked_rows(features.transform(noise)).tobytes())
    return digest.hexdigest()[:32]


def _state_text(value: Any) -> str:
    """Return a text that is the same for equal parameters and fitted attributes."""
    if isinstance(value, BaseEstimator):
        state = sorted(value.__getstate__().items())
        inside = [f"{name}={_state_text(each)}" for name, each in state if name[0] != "_"]
        return f"{type(value).__name__}({', '.join(inside)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_state_text, value))}]"
    return text_of(value)
