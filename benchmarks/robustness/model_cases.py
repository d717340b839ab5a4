"""Cases of saved models: truncated, damaged and forged files."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from striate.persistence import load, save

from .case import Case
from .odd_values import VALUES
from .subjects import SUBJECTS, fitted, outputs, pick, plain_rows


@cache
def _saved(name: str) -> bytes:
    path = Path(f"plain-{name.replace(' ', '-')}.skops").absolute()
    save(fitted(name), path)
    return path.read_bytes()


def _truncated(rng: np.random.Generator, data: bytes) -> tuple[str, bytes]:
    n = int(rng.integers(len(data)))
    return f"its first {n} bytes", data[:n]


def _bytes_changed(rng: np.random.Generator, data: bytes) -> tuple[str, bytes]:
    damaged = bytearray(data)
    at = rng.integers(len(data), size=int(rng.integers(1, 20)))
    for i in at:
        damaged[i] = int(rng.integers(256))
    return f"bytes {at.tolist()} changed", bytes(damaged)


def _array_replaced(rng: np.random.Generator, data: bytes) -> tuple[str, bytes]:
    parts = _parts(data)
    name = pick(rng, [each for each in parts if each.endswith(".npy")])
    array = np.load(io.BytesIO(parts[name]), allow_pickle=False)
    what = pick(rng, _ARRAYS)
    content = io.BytesIO()
    np.save(content, _ARRAYS[what](array), allow_pickle=False)
    return f"an array {array.shape} replaced: {what}", _zipped(parts | {name: content.getvalue()})


def _schema_changed(rng: np.random.Generator, data: bytes) -> tuple[str, bytes]:
    parts = _parts(data)
    schema = json.loads(parts["schema.json"])
    owner, key = pick(rng, list(_places(schema)))
    before = owner[key]
    what = pick(rng, _JSON)
    owner[key] = _JSON[what]
    parts["schema.json"] = json.dumps(schema).encode()
    return f"{key!r} of the schema, {str(before)[:60]!r}, replaced: {what}", _zipped(parts)


def _part_removed(rng: np.random.Generator, data: bytes) -> tuple[str, bytes]:
    parts = _parts(data)
    name = pick(rng, parts)
    del parts[name]
    return f"without its part {name}", _zipped(parts)


def _arrays_exchanged(rng: np.random.Generator, data: bytes) -> tuple[str, bytes]:
    """Exchange the references of two attributes, as a forger of shapes might."""
    parts = _parts(data)
    schema = json.loads(parts["schema.json"])
    files = [(owner, key) for owner, key in _places(schema) if key == "file"]
    a, b = (pick(rng, files) for _ in range(2))
    a[0]["file"], b[0]["file"] = b[0]["file"], a[0]["file"]
    parts["schema.json"] = json.dumps(schema).encode()
    return "two arrays exchanged", _zipped(parts)


_FORGERIES = (
    _truncated,
    _bytes_changed,
    _schema_changed,
    _schema_changed,
    _part_removed,
    _array_replaced,
    _array_replaced,
    _arrays_exchanged,
)
_ARRAYS: dict[str, Callable[[Any], Any]] = {
    "NaN": lambda a: np.full(a.shape, np.nan),
    "float32": lambda a: a.astype("f4"),
    "float16": lambda a: a.astype("f2"),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "columns first": np.asfortranarray,
    "integers": lambda a: a.astype("i8"),
    "text": lambda a: a.astype("U9"),
    "complex": lambda a: a.astype(complex),
    "one row too few": lambda a: a[:-1] if a.ndim else a,
    "one row too many": lambda a: np.concatenate([a, a[-1:]]) if a.ndim else a,
    "transposed": lambda a: a.T,
    "flat": lambda a: a.ravel(),
    "one more axis": lambda a: a[np.newaxis],
    "empty": lambda a: a.ravel()[:0],
    "a number": lambda a: np.array(1.0),
    "huge": lambda a: np.full(a.shape, 1e308),
    "negative": lambda a: -np.abs(a) if a.dtype.kind in "fi" else a,
}
_JSON: dict[str, Any] = {
    "null": None,
    "a number": 7,
    "a negative number": -1,
    "a huge number": 10**30,
    "a word": "odd",
    "no text": "",
    "a list": [],
    "a dict": {},
    "true": True,
    "os.system": "system",
    "numpy.ndarray": "ndarray",
    "1e999": float("inf"),
    "MLPClassifier": "MLPClassifier",
    "SparseAutoencoder": "SparseAutoencoder",
}


def forged(rng: np.random.Generator) -> Case:
    """Load a damaged or forged file: it is refused, or what it holds computes without harm."""
    name = pick(rng, SUBJECTS)
    without_arrays = name == "PatchScaler"
    forge = pick(rng, _FORGERIES[: 5 if without_arrays else None])
    what, data = forge(rng, _saved(name))

    def attempt() -> Any:
        path = Path("forged.skops").absolute()
        path.write_bytes(data)
        model = load(path)
        try:
            outputs(model, plain_rows())
        except (ValueError, AttributeError) as error:
            # A forger may change a parameter or the number of columns: the data do not fit then.
            if not str(error):
                raise
        return None

    return Case("models: damaged and forged", f"{name}, {what}", attempt)


def odd_parameters_saved(rng: np.random.Generator) -> Case:
    """Save and load a model with an odd parameter, or refuse it with a message."""
    name, what = pick(rng, SUBJECTS), pick(rng, VALUES)
    parameter = pick(rng, SUBJECTS[name].make().get_params(deep=False))

    def attempt() -> Any:
        path = Path("odd.skops").absolute()
        save(SUBJECTS[name].make().set_params(**{parameter: VALUES[what]}), path)
        load(path)

    text = f"save and load of {name}({parameter}: {what})"
    return Case("models: damaged and forged", text, attempt)


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return content.getvalue()


def _places(node: Any) -> Any:
    """Yield each dict or list of a schema with each of its keys."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


FAMILIES = ((forged, 7), (odd_parameters_saved, 2))
