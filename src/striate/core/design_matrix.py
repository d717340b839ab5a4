"""Inputs X: dense rows, sparse ones that are never made dense whole, and noisy ones.

To compiled code an X is an array, or one of the tuples below. Every function here does the same for
each kind.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from scipy import sparse

from .blas import product
from .compile import jit_sum, like, specialize, writable
from .noise import corrupt


class Sparse(NamedTuple):
    """Rows of a CSR matrix, chosen by choosing `begins` and `ends`.

    Row i has `values[k]` in `columns[k]`, in increasing order, for k from begins[i] to ends[i].
    """

    values: np.ndarray
    columns: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    n_columns: int


class Noisy(NamedTuple):
    """Rows that are corrupted whenever they are read: always alike, until `seed` is another."""

    clean: Any
    n_columns: int
    kind: int
    level: float
    seed: int


class Chosen(NamedTuple):
    """Rows of another input, by their numbers."""

    rows: Any
    numbers: np.ndarray


def as_input(X):
    """What compiled code takes for X, a C-contiguous ndarray or a CSR matrix, without a copy."""
    if not sparse.issparse(X):
        return writable(X)
    if not X.has_sorted_indices:
        X = X.sorted_indices()
    at = X.indptr.astype(np.int64)
    columns = X.indices.astype(np.int32, copy=False)
    return Sparse(writable(X.data), writable(columns), at[:-1], at[1:], X.shape[1])


def with_noise(X, kind, level, seed):
    """An input with noise of a kind out of `striate.core.noise.NOISE`."""
    n_columns = X.n_columns if isinstance(X, Sparse) else X.shape[1]
    return Noisy(X, n_columns, kind, float(level), int(seed))


def renewed(X):
    """The same input with other noise, if it has any."""
    return X._replace(seed=X.seed + 1) if isinstance(X, Noisy) else X


def n_rows(X):
    """Number of rows of an input."""
    if isinstance(X, Noisy):
        return n_rows(X.clean)
    return len(X.begins if isinstance(X, Sparse) else X)


def dtype_of(X):
    """Type of the numbers of an input."""
    if isinstance(X, Noisy):
        return dtype_of(X.clean)
    return (X.values if isinstance(X, Sparse) else X).dtype


def empty_rows(X, n, n_columns):
    """Room for n rows of X; noisy ones are dense."""
    if isinstance(X, Sparse):
        begins, ends = np.zeros((2, n), dtype=np.int64)
        return X._replace(begins=begins, ends=ends)
    return np.empty((n, n_columns), dtype=dtype_of(X))


def _is(X, kind):
    return getattr(X, "instance_class", None) is kind


def block(X, lo, hi):
    """Rows lo to hi of X."""


def dense_block(X, lo, hi):
    """Rows lo to hi of X as an array."""


def copy_rows(X, chosen, target):
    """Rows X[chosen] into `target`."""


def dense_row(X, row, target, i):
    """One row of X into row i of an array."""


def times(X, W, Z):
    """Z = X W."""


def add_transposed_times(X, first, end, D, G):
    """G += X[:, first:end]ᵀ D."""


def all_finite(X):
    """Whether a dense X has neither NaN nor infinity; a sparse one is not looked at."""


@specialize(all_finite)
def _(X):
    def dense(X):
        finite = True
        for i in range(X.shape[0]):
            finite &= is_finite_row(X[i])
        return finite

    return dense if isinstance(X, types.Array) else lambda X: True


@jit_sum
def is_finite_row(x):
    total = like(0, x[0])
    for j in range(x.size):
        total += x[j] * like(0, x[j])  # 0 for a number, NaN for the others
    return total == like(0, total)


@specialize(block)
def _(X, lo, hi):
    def csr(X, lo, hi):
        return Sparse(X.values, X.columns, X.begins[lo:hi], X.ends[lo:hi], X.n_columns)

    return csr if _is(X, Sparse) else lambda X, lo, hi: dense_block(X, lo, hi)


@specialize(dense_block)
def _(X, lo, hi):
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
def _(X, row, target, i):
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
        dense_row(X.rows, X.numbers[row], target, i)

    if isinstance(X, types.Array):
        return dense
    return csr if _is(X, Sparse) else noisy if _is(X, Noisy) else chosen


@specialize(copy_rows)
def _(X, chosen, target):
    def dense(X, chosen, target):
        for i in range(len(chosen)):
            dense_row(X, chosen[i], target, i)

    def csr(X, chosen, target):
        for i in range(len(chosen)):
            target.begins[i], target.ends[i] = X.begins[chosen[i]], X.ends[chosen[i]]

    return dense if isinstance(target, types.Array) else csr


@specialize(times)
def _(X, W, Z):
    if isinstance(X, types.Array):
        return lambda X, W, Z: product(X, False, W, False, Z, 0.0)

    def csr(X, W, Z):
        values, columns = X.values, X.columns
        Z[:] = 0
        for i in range(len(Z)):
            for k in range(X.begins[i], X.ends[i]):
                value, row = values[k], columns[k]
                for j in range(Z.shape[1]):
                    Z[i, j] += value * W[row, j]

    return csr


@specialize(add_transposed_times)
def _(X, first, end, D, G):
    if isinstance(X, types.Array):
        return lambda X, first, end, D, G: product(X[:, first:end], True, D, False, G, 1.0)

    def csr(X, first, end, D, G):
        values, columns = X.values, X.columns
        for i in range(len(D)):
            begin, beyond = X.begins[i], X.ends[i]
            for k in range(begin + np.searchsorted(columns[begin:beyond], first), beyond):
                if columns[k] >= end:
                    break
                value, row = values[k], columns[k] - first
                for j in range(D.shape[1]):
                    G[row, j] += value * D[i, j]

    return csr
