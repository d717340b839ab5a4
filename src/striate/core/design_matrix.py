"""The rows X of a problem: dense, sparse (never made dense as a whole), noisy, or chosen.

For compiled code X is an array or one of the tuples below. Blocks of noisy and of chosen rows are
made dense, so gradients know two kinds only: arrays and `Sparse`.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from scipy import sparse

from striate.native.blas import product
from striate.native.compile import as_kernel_input, generic, jit, jit_reassociating, specialize
from striate.native.intrinsics import like

from .noise import corrupt
from .row_blocks import RowBlocks
from .sparse_matrices import canonical_rows


class Sparse(NamedTuple):
    """Rows of a CSR matrix: row i has values[k] in columns[k], begins[i] ≤ k < ends[i].

    Columns increase within a row, without duplicates. Other `begins` and `ends` choose other rows
    without a copy.
    """

    values: np.ndarray
    columns: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    n_columns: int


class Noisy(NamedTuple):
    """Rows with noise added on every read: the same noise for the same `seed`."""

    clean: Any
    n_columns: int
    kind: int
    level: float
    seed: int


class Chosen(NamedTuple):
    """Rows of another X, by their indices."""

    rows: Any
    indices: np.ndarray
    n_columns: int


def as_input(X: Any) -> Any:
    """Return an array or a CSR matrix as compiled code takes it, copied only if it must be.

    A `RowBlocks` stays one: its blocks are taken one after the other.
    """
    if isinstance(X, RowBlocks):
        return X
    if not sparse.issparse(X):
        return as_kernel_input(X)
    X = canonical_rows(X)
    at = X.indptr.astype(np.int64)
    columns = X.indices.astype(np.int32, copy=False)
    return Sparse(as_kernel_input(X.data), as_kernel_input(columns), at[:-1], at[1:], X.shape[1])


def with_noise(X: Any, kind: Any, level: Any, seed: Any) -> Any:
    """Return X with noise of a kind from `striate.core.noise.NOISE`."""
    return Noisy(X, n_columns_of(X), kind, float(level), int(seed))


def with_seed(X: Any, seed: int) -> Any:
    """Return X with the noise of this seed, if it has any."""
    return X._replace(seed=seed) if isinstance(X, Noisy) else X


def n_rows(X: Any) -> Any:
    """Return the number of rows."""
    if isinstance(X, Noisy):
        return n_rows(X.clean)
    if isinstance(X, Chosen):
        return len(X.indices)
    return len(X.begins if isinstance(X, Sparse) else X)


def n_columns_of(X: Any) -> Any:
    """Return the number of columns."""
    return X.n_columns if isinstance(X, Sparse | Noisy | Chosen) else X.shape[1]


def dtype_of(X: Any) -> Any:
    """Return the type of the numbers."""
    while isinstance(X, Noisy | Chosen):
        X = X[0]
    return (X.values if isinstance(X, Sparse) else X).dtype


def empty_rows(X: Any, n: Any) -> Any:
    """Return room for n rows of X, to which `copy_rows` copies: dense unless X is `Sparse`."""
    if isinstance(X, Sparse):
        begins, ends = np.zeros((2, n), dtype=np.int64)
        return X._replace(begins=begins, ends=ends)
    return np.empty((n, n_columns_of(X)), dtype=dtype_of(X))


def _is(X: Any, kind: Any) -> Any:
    return getattr(X, "instance_class", None) is kind


@generic
def block_rows(X: Any, lo: Any, hi: Any) -> Any:
    """Return the rows lo to hi of X, (hi − lo, n_columns), as an array or `Sparse`."""


@generic
def dense_rows(X: Any, lo: Any, hi: Any) -> Any:
    """Return the rows lo to hi of X as an array (hi − lo, n_columns)."""


@generic
def copy_rows(X: Any, chosen: Any, target: Any) -> None:
    """Copy the rows X[chosen] to `target` (n, n_columns), which `empty_rows` made."""


@generic
def dense_row(X: Any, row: Any, target: Any, i: Any) -> None:
    """Copy one row of X to row i of `target` (n, n_columns)."""


@generic
def times(X: Any, W: Any, Z: Any) -> None:
    """Z = X W, with X (m, n_in), W (n_in, n_out) and Z (m, n_out)."""


@generic
def add_transposed_times(X: Any, lo: Any, hi: Any, D: Any, G: Any) -> None:
    """G += X[:, lo:hi]ᵀ D, with X (m, n_in), D (m, n_out) and G (hi − lo, n_out)."""


@generic
def all_finite(X: Any) -> Any:
    """Return whether a dense X has neither NaN nor infinity; a sparse X is not checked."""


@specialize(all_finite)
def _all_finite(X):
    def dense(X):
        finite = True
        for i in range(X.shape[0]):
            finite &= is_finite_row(X[i])
        return finite

    return dense if isinstance(X, types.Array) else lambda X: True


@jit_reassociating
def is_finite_row(x):  # (n,)
    total = like(0, x[0])
    for j in range(x.size):
        total += x[j] * like(0, x[j])  # 0 for a number, NaN for the others
    return total == like(0, total)


@specialize(block_rows)
def _block_rows(X, lo, hi):
    def csr(X, lo, hi):
        return Sparse(X.values, X.columns, X.begins[lo:hi], X.ends[lo:hi], X.n_columns)

    return csr if _is(X, Sparse) else lambda X, lo, hi: dense_rows(X, lo, hi)


@specialize(dense_rows)
def _dense_rows(X, lo, hi):
    if isinstance(X, types.Array):
        return lambda X, lo, hi: X[lo:hi]
    values = X
    while not isinstance(values, types.Array):
        values = values[0]
    dtype = np.dtype(str(values.dtype))

    def made(X, lo, hi):
        target = np.empty((hi - lo, X.n_columns), dtype=dtype)
        for i in range(hi - lo):
            dense_row(X, lo + i, target, i)
        return target

    return made


@specialize(dense_row)
def _dense_row(X, row, target, i):
    def dense(X, row, target, i):
        for j in range(X.shape[1]):  # faster than a copy of slices for short rows
            target[i, j] = X[row, j]

    def csr(X, row, target, i):
        for j in range(X.n_columns):
            target[i, j] = 0
        for k in range(X.begins[row], X.ends[row]):
            target[i, X.columns[k]] = X.values[k]

    def noisy(X, row, target, i):
        dense_row(X.clean, row, target, i)
        corrupt(X.kind, X.level, X.seed, row, target, i)

    def chosen(X, row, target, i):
        dense_row(X.rows, X.indices[row], target, i)

    if isinstance(X, types.Array):
        return dense
    return csr if _is(X, Sparse) else noisy if _is(X, Noisy) else chosen


@specialize(copy_rows)
def _copy_rows(X, chosen, target):
    def dense(X, chosen, target):
        for i in range(len(chosen)):
            dense_row(X, chosen[i], target, i)

    def csr(X, chosen, target):
        for i in range(len(chosen)):
            target.begins[i], target.ends[i] = X.begins[chosen[i]], X.ends[chosen[i]]

    return dense if isinstance(target, types.Array) else csr


@specialize(times)
def _times(X, W, Z):
    def dense(X, W, Z):
        product(X, False, W, False, Z, 0.0)

    def csr(X, W, Z):
        values, columns = X.values, X.columns
        Z[:] = 0
        for i in range(len(Z)):
            for k in range(X.begins[i], X.ends[i]):
                value, row = values[k], columns[k]
                for j in range(Z.shape[1]):
                    Z[i, j] += value * W[row, j]

    def made_dense(X, W, Z):
        product(dense_rows(X, 0, Z.shape[0]), False, W, False, Z, 0.0)

    if isinstance(X, types.Array):
        return dense
    return csr if _is(X, Sparse) else made_dense


@specialize(add_transposed_times)
def _add_transposed_times(X, lo, hi, D, G):
    if isinstance(X, types.Array):
        return lambda X, lo, hi, D, G: product(X[:, lo:hi], True, D, False, G, 1.0)

    def csr(X, lo, hi, D, G):
        values, columns = X.values, X.columns
        for i in range(len(D)):
            begin, beyond = X.begins[i], X.ends[i]
            for k in range(begin + np.searchsorted(columns[begin:beyond], lo), beyond):
                if columns[k] >= hi:
                    break
                value, row = values[k], columns[k] - lo
                for j in range(D.shape[1]):
                    G[row, j] += value * D[i, j]

    return csr


@jit
def chosen_rows(X, indices):
    """Return the rows X[indices] without a copy."""
    return Chosen(X, indices, n_columns(X))


@generic
def n_columns(X: Any) -> Any:
    """Return the number of columns, in compiled code."""


@specialize(n_columns)
def _n_columns(X):
    return (lambda X: X.shape[1]) if isinstance(X, types.Array) else (lambda X: X.n_columns)
