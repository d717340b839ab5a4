"""Size of the contents that a zip archive of arrays declares, found without unpacking them."""

import io
import json
import zipfile
from collections import Counter
from typing import IO, Any

from numpy.lib import format as npy

#: Memory of a parsed description, as a multiple of its length.
_PARSED = 10
_SCHEMA = "schema.json"


class TooLargeError(ValueError):
    """An archive declares more than the limit."""


def check_declared_size(data: bytes, limit: int) -> None:
    """Raise if the parts of an archive, as often as its schema refers to them, exceed a limit.

    A part that is an array counts with the size in its header, and an archive in an archive with
    its own parts.

    Raises
    ------
    TooLargeError
        If the archive declares more than `limit` bytes.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sizes = {part.filename: part.file_size for part in archive.infolist()}
        _check(max(sum(sizes.values()), _PARSED * sizes.get(_SCHEMA, 0)), limit)
        uses = _references(json.loads(archive.read(_SCHEMA)) if _SCHEMA in sizes else {})
        total = 0
        for part in archive.infolist():
            with archive.open(part) as file:
                total += _declared(file, part.file_size) * max(1, uses[part.filename])
            _check(total, limit)


def _check(total: int, limit: int) -> None:
    if total > limit:
        raise TooLargeError(f"it declares {total / 1e6:,.0f} MB of contents")


def _references(schema: Any) -> Counter[str]:
    """Count how often a schema refers to each file."""
    counts: Counter[str] = Counter()
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("file"), str):
                counts[value["file"]] += 1
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return counts


def _declared(file: IO[bytes], size: int) -> int:
    """Return the bytes that a part takes in memory."""
    start = file.read(len(npy.MAGIC_PREFIX))
    if start == npy.MAGIC_PREFIX:
        return max(size, _array_bytes(io.BytesIO(start + file.read(2**16))))
    if start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(start + file.read())) as archive:
            total = 0
            for part in archive.infolist():
                with archive.open(part) as inner:
                    header = io.BytesIO(inner.read(2**16))
                is_array = header.getvalue().startswith(npy.MAGIC_PREFIX)
                total += max(part.file_size, _array_bytes(header) if is_array else 0)
            return total
    return size


def _array_bytes(header: IO[bytes]) -> int:
    """Return the size of the array that a .npy header declares."""
    version = npy.read_magic(header)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(header)
    total = int(dtype.itemsize)
    for n in shape:
        total *= int(n)
    return total
