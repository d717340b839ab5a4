"""Odd y and odd weights of rows: legal in odd forms, each with its plain twin, or bad."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse

# Of y with the classes 0, 1 and 2, to y in an odd form. The classes keep their order.
CLASSES: dict[str, Callable[[Any], Any]] = {
    **{
        f"dtype {dtype}": lambda y, dtype=dtype: y.astype(dtype)
        for dtype in ("i1", "u1", "i8", "u8", "f4", "f8", ">i4", ">i8", ">f8", "f2", "g", ">u2")
    },
    "text": lambda y: np.array(["a", "b", "c"])[y],
    "text of objects": lambda y: np.array(["a", "b", "c"], object)[y],
    "text of many lengths": lambda y: np.array(["", "b" * 300, "ü\N{SNOWMAN}"])[y],
    "big-endian text": lambda y: np.array(["a", "b", "c"])[y].astype(">U1"),
    "huge numbers": lambda y: np.array([-(2**62), 0, 2**62])[y],
    "huge unsigned numbers": lambda y: np.array([0, 1, 2**64 - 1], np.uint64)[y],
    "list": lambda y: y.tolist(),
    "list of text": lambda y: np.array(["a", "b", "c"])[y].tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "column": lambda y: y[:, np.newaxis],
    "every second": lambda y: np.repeat(y, 2)[::2],
    "pandas": pd.Series,
    "pandas with another index": lambda y: pd.Series(y, index=y[::-1] * 7),
    "pandas with nullable integers": lambda y: pd.Series(y, dtype="Int64"),
    "pandas with text": lambda y: pd.Series(np.array(["a", "b", "c"])[y]),
    "pandas with strings": lambda y: pd.Series(np.array(["a", "b", "c"])[y], dtype="string"),
    "pandas with categories": lambda y: pd.Series(np.array(["a", "b", "c"])[y], dtype="category"),
    "polars": pl.Series,
}
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "dtype >f8": lambda y: y.astype(">f8"),
    "list": lambda y: y.tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "column": lambda y: y[:, np.newaxis],
    "every second": lambda y: np.repeat(y, 2)[::2],
    "objects": lambda y: y.astype(object),
    "pandas": pd.Series,
    "pandas with nullable floats": lambda y: pd.Series(y).convert_dtypes(),
    "polars": pl.Series,
    "frame of one column": lambda y: pd.DataFrame({"y": y}),
}
# Legal weights, and whether their twin is no weights at all.
WEIGHTS: dict[str, Callable[[Any, int], Any]] = {
    "list": lambda w, n: w.tolist(),
    "dtype i8": lambda w, n: w.astype("i8"),
    "dtype u1": lambda w, n: w.astype("u1"),
    "dtype >f8": lambda w, n: w.astype(">f8"),
    "dtype f4": lambda w, n: w.astype("f4"),
    "dtype >f4": lambda w, n: w.astype(">f4"),
    "dtype f2": lambda w, n: w.astype("f2"),
    "pandas": lambda w, n: pd.Series(w, index=range(n, 2 * n)),
    "read-only": lambda w, n: np.broadcast_to(w, (1, n))[0],
    "every second": lambda w, n: np.repeat(w, 2)[::2],
    "objects": lambda w, n: w.astype(object),
}

BAD_ANY: dict[str, Callable[[Any, Any], Any]] = {
    "one too few": lambda y, rng: y[:-1],
    "one too many": lambda y, rng: np.append(y, y[-1]),
    "empty": lambda y, rng: y[:0],
    "a number": lambda y, rng: 1,
    "NaN inside": lambda y, rng: _with(y, np.nan, rng, float),
    "infinity inside": lambda y, rng: _with(y, np.inf, rng, float),
    "None inside": lambda y, rng: _with(y, None, rng, object),
    "a list inside": lambda y, rng: _with(y, [1], rng, object),
    "a dict inside": lambda y, rng: _with(y, {}, rng, object),
    "pandas' NA inside": lambda y, rng: pd.Series(_with(y, pd.NA, rng, object)),
    "complex": lambda y, rng: y + 1j,
    "dates and numbers": lambda y, rng: _with(y, np.datetime64("2020-01-01"), rng, object),
    "three axes": lambda y, rng: y[:, np.newaxis, np.newaxis],
    "ragged": lambda y, rng: [[1], [1, 2]] * (len(y) // 2),
    "a dict": lambda y, rng: {"y": y},
    "a set": lambda y, rng: set(y.tolist()),
    "a generator": lambda y, rng: (each for each in y),
    "an object": lambda y, rng: object(),
    "a word": lambda y, rng: "y",
    "records": lambda y, rng: np.zeros(len(y), [("a", "f8")]),
    "without axes": lambda y, rng: np.array(1),
}
BAD_CLASSES: dict[str, Callable[[Any, Any], Any]] = {
    **BAD_ANY,
    "None": lambda y, rng: None,
    "text and numbers": lambda y, rng: _with(y, "a", rng, object),
    "continuous": lambda y, rng: y + 0.5 * rng.random(len(y)),
    "several columns of numbers": lambda y, rng: rng.random((len(y), 2)),
}
BAD_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    **BAD_ANY,
    "text": lambda y, rng: np.full(len(y), "a"),
    "no columns": lambda y, rng: np.empty((len(y), 0)),
    "dates": lambda y, rng: np.zeros(len(y), "M8[s]"),
}
# Legal or not, as the estimator decides: a clear message or finite results.
EITHER: dict[str, Callable[[Any, Any], Any]] = {
    "one class": lambda y, rng: np.zeros(len(y), int),
    "a class of its own for each row": lambda y, rng: np.arange(len(y)),
    "a class with one row": lambda y, rng: np.arange(len(y)) // (len(y) - 1),
    "booleans": lambda y, rng: y > 0,
    "indicators": lambda y, rng: np.eye(3, dtype=int)[np.abs(y.astype(int)) % 3],
    "indicators, sparse": lambda y, rng: sparse.csr_array(
        np.eye(3, dtype=int)[np.arange(len(y)) % 3]
    ),
    "bytes": lambda y, rng: np.array([b"a", b"b"])[np.arange(len(y)) % 2],
    "dates": lambda y, rng: np.arange(len(y)).astype("M8[D]"),
    "differences of time": lambda y, rng: np.arange(len(y)).astype("m8[s]"),
    "enough -1": lambda y, rng: np.full(len(y), -1),
    "huge": lambda y, rng: y * 1e200,
    "denormal": lambda y, rng: y * 1e-310,
    "numbers as text": lambda y, rng: np.arange(len(y)).astype(str),
    "objects of integers": lambda y, rng: y.astype(object),
    "objects of booleans": lambda y, rng: (y > 0).astype(object),
    "variable-length strings": lambda y, rng: np.array(["a", "b"])[np.arange(len(y)) % 2].astype(
        np.dtypes.StringDType()
    ),
    "objects of tuples": lambda y, rng: _tuples(len(y)),
}
BAD_WEIGHTS: dict[str, Callable[[Any, Any], Any]] = {
    "one too few": lambda w, rng: w[:-1],
    "one too many": lambda w, rng: np.append(w, 1.0),
    "empty": lambda w, rng: w[:0],
    "NaN": lambda w, rng: _with(w, np.nan, rng, float),
    "infinity": lambda w, rng: _with(w, np.inf, rng, float),
    "text": lambda w, rng: np.full(len(w), "a"),
    "a word": lambda w, rng: "balanced",
    "None inside": lambda w, rng: _with(w, None, rng, object),
    "two axes": lambda w, rng: w[:, np.newaxis],
    "complex": lambda w, rng: w + 1j,
    "a dict": lambda w, rng: {0: 1.0},
    "an object": lambda w, rng: object(),
    "ragged": lambda w, rng: [[1], [1, 2]] * (len(w) // 2),
    "sparse": lambda w, rng: sparse.csr_array(w[np.newaxis]),
}
EITHER_WEIGHTS: dict[str, Callable[[Any, Any], Any]] = {
    "zeros": lambda w, rng: np.zeros(len(w)),
    "all but one zero": lambda w, rng: np.eye(1, len(w))[0],
    "negative": lambda w, rng: -w,
    "one negative": lambda w, rng: _with(w, -1.0, rng, float),
    "huge": lambda w, rng: w * 1e300,
    "denormal": lambda w, rng: w * 1e-310,
    "a number": lambda w, rng: 2.0,
    "booleans": lambda w, rng: np.arange(len(w)) % 2 == 0,
    "dates": lambda w, rng: np.ones(len(w), "M8[s]"),
}


def _with(y: Any, value: Any, rng: np.random.Generator, dtype: Any) -> Any:
    y = y.astype(dtype)
    y[int(rng.integers(len(y)))] = value
    return y


def _tuples(n: int) -> Any:
    y = np.empty(n, object)
    y[:] = [(i % 2,) for i in range(n)]
    return y
