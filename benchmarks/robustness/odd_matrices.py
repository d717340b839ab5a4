"""Odd X: legal in odd forms, each with its plain twin, bad, or extreme."""

import array
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse

_WHOLE = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">i2", ">i4", ">i8", ">u2", ">u4")
_FRACTIONS = ("f2", ">f2", ">f8", "g")


class _Convertible:
    """An object that NumPy can turn into an array."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.values, dtype=dtype)


def legal_matrix(rng: np.random.Generator, X: Any) -> tuple[str, Any, Any]:
    """Return a name, X in an odd form, and the same numbers as a plain array."""
    kind = int(rng.integers(3))
    if kind == 0:
        dtype = str(rng.choice(_WHOLE + _FRACTIONS))
        values = X if dtype in _FRACTIONS else np.round(np.abs(10 * X))
        odd = values.astype(dtype)
        return f"dtype {dtype}", odd, odd.astype(np.float64)
    if kind == 1:
        X32 = X.astype(np.float32)
        name = str(rng.choice([*_FORMS, *_FRAMES]))
        single = name in _FORMS and rng.random() < 0.3  # scikit-learn converts lists to float64
        X = X32 if single else X
        odd = {**_FORMS, **_FRAMES}[name](X)
        return f"{name}{' of float32' if single else ''}", odd, X.astype(np.float64)
    name = str(rng.choice(list(_LAYOUTS)))
    dtype = str(rng.choice(["<f8", "<f4", ">f8", ">f4"]))
    odd = _LAYOUTS[name](X.astype(dtype))
    return f"{name}, dtype {dtype}", odd, np.array(odd, dtype=dtype[1:], order="C")


def _on_disk(X: Any) -> Any:
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, X.dtype, shape=X.shape)
    mapped[:] = X
    return mapped


def _unaligned(X: Any) -> Any:
    odd = np.zeros(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(X.shape)
    odd[:] = X
    return odd


def _read_only(X: Any) -> Any:
    X = X.copy()
    X.flags.writeable = False
    return X


_LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "columns first": np.asfortranarray,
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every second column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "rows from last to first": lambda X: X[::-1].copy()[::-1],
    "columns from last to first": lambda X: X[:, ::-1].copy()[:, ::-1],
    "read-only": _read_only,
    "a file in memory": _on_disk,
    "not aligned": _unaligned,
    "part of records": lambda X: np.pad(X, ((0, 0), (3, 1)))[:, 3:-1],
    "masked array without masked values": np.ma.array,
}
_FORMS: dict[str, Callable[[Any], Any]] = {
    "array-like object": _Convertible,
    "list of arrays": list,
    "tuple of arrays": tuple,
}
_FRAMES: dict[str, Callable[[Any], Any]] = {
    "lists": lambda X: X.tolist(),
    "tuples": lambda X: tuple(map(tuple, X.tolist())),
    "array of objects": lambda X: X.astype(object),
    "list of arrays of the standard library": lambda X: [array.array("d", row) for row in X],
    "pandas": pd.DataFrame,
    "pandas with nullable types": lambda X: pd.DataFrame(X).convert_dtypes(convert_integer=False),
    "pandas of objects": lambda X: pd.DataFrame(X).astype(object),
    "polars": lambda X: pl.DataFrame(X, schema=[f"x{j}" for j in range(X.shape[1])]),
}


def _with(X: Any, value: Any, rng: np.random.Generator, dtype: Any = None) -> Any:
    X = X.astype(dtype or X.dtype)
    X[int(rng.integers(len(X))), int(rng.integers(X.shape[1]))] = value
    return X


BAD: dict[str, Callable[[Any, Any], Any]] = {
    "with NaN": lambda X, rng: _with(X, np.nan, rng),
    "with NaN, float32": lambda X, rng: _with(X, np.nan, rng, "f4"),
    "with NaN, big-endian": lambda X, rng: _with(X, np.nan, rng, ">f8"),
    "with infinity": lambda X, rng: _with(X, np.inf, rng),
    "with -infinity, float16": lambda X, rng: _with(X, -np.inf, rng, "f2"),
    "with None": lambda X, rng: _with(X, None, rng, object),
    "with text": lambda X, rng: _with(X, "a", rng, object),
    "with a list inside": lambda X, rng: _with(X, [1, 2], rng, object),
    "with a dict inside": lambda X, rng: _with(X, {}, rng, object),
    "with a huge integer": lambda X, rng: _with(X, 10**400, rng, object),
    "with pandas' NA": lambda X, rng: pd.DataFrame(_with(X, pd.NA, rng, object)),
    "pandas with NaN": lambda X, rng: pd.DataFrame(_with(X, np.nan, rng)).convert_dtypes(),
    "pandas with text": lambda X, rng: pd.DataFrame(_with(X, "a", rng, object)),
    "polars with null": lambda X, rng: pl.DataFrame({f"{j}": [None, 1.0] for j in range(5)}),
    "complex": lambda X, rng: X.astype(complex),
    "text": lambda X, rng: np.full(X.shape, "a"),
    "bytes": lambda X, rng: np.full(X.shape, b"\xff"),
    "dates": lambda X, rng: np.zeros(X.shape, "M8[s]"),
    "records": lambda X, rng: np.zeros(X.shape, [("a", "f8"), ("b", "i4")]),
    "one record dtype": lambda X, rng: np.zeros(len(X), [("a", "f8")]),
    "no rows": lambda X, rng: X[:0],
    "no columns": lambda X, rng: X[:, :0],
    "one axis": lambda X, rng: X[:, 0],
    "three axes": lambda X, rng: X[..., np.newaxis],
    "a number": lambda X, rng: 1.5,
    "an array without axes": lambda X, rng: np.array(1.0),
    "None": lambda X, rng: None,
    "a word": lambda X, rng: "X",
    "an empty list": lambda X, rng: [],
    "a list of empty lists": lambda X, rng: [[], []],
    "ragged": lambda X, rng: [[1.0, 2.0], [1.0]],
    "ragged arrays": lambda X, rng: [X[0], X[1, :2]],
    "a dict": lambda X, rng: {"a": X},
    "a set": lambda X, rng: {1.0, 2.0},
    "a generator": lambda X, rng: (row for row in X),
    "an object": lambda X, rng: object(),
    "a class": lambda X, rng: float,
    "numpy.matrix": lambda X, rng: np.asmatrix(X),
    "sparse with NaN": lambda X, rng: sparse.csr_array(_with(X, np.nan, rng)),
    "sparse, complex": lambda X, rng: sparse.csr_array(X.astype(complex)),
    "sparse without rows": lambda X, rng: sparse.csr_array((0, X.shape[1])),
    "sparse of one axis": lambda X, rng: sparse.coo_array(X[:, 0]),
    "sparse, index too large": lambda X, rng: _broken(X, rng, "indices", X.shape[1] + 3),
    "sparse, index far too large": lambda X, rng: _broken(X, rng, "indices", 2**31 - 1),
    "sparse, negative index": lambda X, rng: _broken(X, rng, "indices", -2),
    "sparse, row pointers too large": lambda X, rng: _broken(X, rng, "indptr", 10**6),
    "sparse, row pointers negative": lambda X, rng: _broken(X, rng, "indptr", -5),
    "sparse columns, index too large": lambda X, rng: _broken(X, rng, "indices", 10**6, "csc"),
}
#: What is bad for other estimators, and is data for those that take tables.
LEGAL_IN_TABLES = (
    *(name for name in BAD if "NaN" in name and not name.startswith("sparse")),
    *(name for name in BAD if "infinity" in name),
    "with None",
    "with text",
    "with pandas' NA",
    "pandas with text",
    "with a huge integer",
    "polars with null",
    "text",
    "bytes",
)
# Not for models that are fitted, whose number of columns they must have.
EXTREME: dict[str, Callable[[Any, Any], Any]] = {
    "huge": lambda X, rng: X * 10.0 ** int(rng.integers(20, 308)),
    "huge, float32": lambda X, rng: X.astype("f4") * np.float32(10.0 ** int(rng.integers(10, 38))),
    "one huge value": lambda X, rng: _with(X, 10.0 ** int(rng.integers(20, 308)), rng),
    "denormal": lambda X, rng: X * 1e-310,
    "denormal, float32": lambda X, rng: X.astype("f4") * np.float32(1e-40),
    "tiny": lambda X, rng: X * 10.0 ** -int(rng.integers(20, 300)),
    "zeros": lambda X, rng: np.zeros(X.shape),
    "constant": lambda X, rng: np.full(X.shape, 7.5),
    "constant column": lambda X, rng: np.column_stack([X[:, :-1], np.full(len(X), 1e9)]),
    "equal rows": lambda X, rng: np.broadcast_to(X[0], X.shape),
    "far from zero": lambda X, rng: X + 1e12,
    "negative zeros": lambda X, rng: np.full(X.shape, -0.0),
    "integers near the limit": lambda X, rng: np.full(X.shape, 2**63 - 1),
}


def _broken(X: Any, rng: np.random.Generator, part: str, value: int, kind: str = "csr") -> Any:
    """Return a sparse matrix one of whose indices was overwritten."""
    S = sparse.csr_array(np.where(X > 0, X, 0)).asformat(kind)
    values = getattr(S, part)
    values[int(rng.integers(1, len(values) - 1))] = value
    return S


def legal_sparse(rng: np.random.Generator, X: Any) -> tuple[str, Any, Any]:
    """Return a name, a sparse matrix in an odd form, and the same numbers as a plain array."""
    dtype = np.dtype(str(rng.choice(["f8", "f4", ">f8", ">f4", "i4", "u1", "?", "i8", ">i8", "g"])))
    X = np.where(X > 0.3, X, 0)
    X = (X if dtype.kind == "f" else np.round(5 * X)).astype(dtype)
    plain = X.astype(np.float32 if dtype.kind == "f" and dtype.itemsize == 4 else np.float64)
    name = str(rng.choice(list(_SPARSE)))
    if name.startswith("duplicates") and dtype.kind in "bu":
        name = "unsorted"
    odd = _SPARSE[name](X.astype(dtype.newbyteorder("=")), rng)
    if odd.format in ("csr", "csc", "coo", "bsr", "dia"):
        odd.data = odd.data.astype(dtype)
    return f"sparse, {name}, dtype {dtype.str}", odd, plain


def _halves(X: Any, rng: Any) -> Any:
    """Return each entry as two that add up to it."""
    rows, columns = np.nonzero(X)
    values = X[rows, columns]
    order = rng.permutation(2 * len(values))
    data = np.concatenate([values - 1, np.ones_like(values)])[order]
    at = (np.tile(rows, 2)[order], np.tile(columns, 2)[order])
    return sparse.coo_array((data, at), shape=X.shape)


def _uncanonical(X: Any, rng: Any) -> Any:
    """Return CSR whose duplicates were not added, and which is not sorted."""
    C = _halves(X, rng)
    order = np.argsort(C.coords[0], kind="stable")
    indptr = np.searchsorted(C.coords[0][order], np.arange(X.shape[0] + 1))
    return sparse.csr_array((C.data[order], C.coords[1][order], indptr), shape=X.shape)


def _reversed_rows(X: Any, rng: Any) -> Any:
    S = sparse.csr_array(X)
    for low, high in zip(S.indptr[:-1], S.indptr[1:], strict=True):
        S.indices[low:high] = S.indices[low:high][::-1].copy()
        S.data[low:high] = S.data[low:high][::-1].copy()
    S.has_sorted_indices = False
    return S


def _explicit_zeros(X: Any, rng: Any) -> Any:
    n, d = X.shape
    indptr = np.arange(n + 1) * d
    return sparse.csr_array((X.ravel(), np.tile(np.arange(d), n), indptr), shape=X.shape)


def _wide_indices(X: Any, rng: Any) -> Any:
    S = sparse.csr_array(X)
    S.indices, S.indptr = S.indices.astype(np.int64), S.indptr.astype(np.int64)
    return S


def _read_only_parts(X: Any, rng: Any) -> Any:
    S = sparse.csr_array(X)
    for part in (S.data, S.indices, S.indptr):
        part.flags.writeable = False
    return S


def _of(format: str, matrix: bool) -> Callable[[Any, Any], Any]:
    kind = getattr(sparse, f"{format}_{'matrix' if matrix else 'array'}")
    return lambda X, rng: kind(X)


_SPARSE: dict[str, Callable[[Any, Any], Any]] = {
    **{f"{f} array": _of(f, False) for f in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")},
    **{f"{f} matrix": _of(f, True) for f in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")},
    "duplicates in coo": _halves,
    "duplicates in csr": _uncanonical,
    "duplicates in csc": lambda X, rng: _uncanonical(X.T, rng).T,
    "unsorted": _reversed_rows,
    "zeros stored": _explicit_zeros,
    "indices of 64 bits": _wide_indices,
    "read-only": _read_only_parts,
}
