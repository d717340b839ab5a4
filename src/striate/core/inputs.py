"""Inputs X: dense rows, or sparse ones that are never made dense.

To compiled code a sparse X is a tuple (values, columns, begins, ends): row i has `values[k]` in
`columns[k]`, in increasing order, for k from begins[i] to ends[i]. Rows of it are chosen by
choosing begins and ends. Every function here does the same for both kinds.
"""

import numpy as np
from numba import types
from scipy import sparse

from .blas import product
from .compile import jit_sum, like, specialize, writable


def as_input(X):
    """What compiled code takes for X, a C-contiguous ndarray or a CSR matrix, without a copy."""
    if not sparse.issparse(X):
        return writable(X)
    if not X.has_sorted_indices:
        X = X.sorted_indices()
    at = X.indptr.astype(np.int64)
    columns = X.indices.astype(np.int32, copy=False)
    return writable(X.data), writable(columns), at[:-1], at[1:]


def n_rows(X):
    """Number of rows of an input."""
    return len(X[2] if isinstance(X, tuple) else X)


def empty_rows(X, n, n_columns):
    """Room for n rows of X."""
    if isinstance(X, tuple):
        return (*X[:2], np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    return np.empty((n, n_columns), dtype=X.dtype)


def block(X, lo, hi):
    """Rows lo to hi of X."""


def copy_rows(X, chosen, target):
    """Rows X[chosen] into `target`."""


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


@specialize(block)
def _(X, lo, hi):
    if isinstance(X, types.Array):
        return lambda X, lo, hi: X[lo:hi]
    return lambda X, lo, hi: (X[0], X[1], X[2][lo:hi], X[3][lo:hi])


@specialize(copy_rows)
def _(X, chosen, target):
    def dense(X, chosen, target):
        for i in range(len(chosen)):
            row = chosen[i]
            for j in range(X.shape[1]):  # faster than a copy of slices for short rows
                target[i, j] = X[row, j]

    def csr(X, chosen, target):
        for i in range(len(chosen)):
            target[2][i], target[3][i] = X[2][chosen[i]], X[3][chosen[i]]

    return dense if isinstance(X, types.Array) else csr


@jit_sum
def is_finite_row(x):
    total = like(0, x[0])
    for j in range(x.size):
        total += x[j] * like(0, x[j])  # 0 for a number, NaN for the others
    return total == like(0, total)


@specialize(times)
def _(X, W, Z):
    if isinstance(X, types.Array):
        return lambda X, W, Z: product(X, False, W, False, Z, 0.0)

    def csr(X, W, Z):
        values, columns, begins, ends = X
        Z[:] = 0
        for i in range(len(Z)):
            for k in range(begins[i], ends[i]):
                value, row = values[k], columns[k]
                for j in range(Z.shape[1]):
                    Z[i, j] += value * W[row, j]

    return csr


@specialize(add_transposed_times)
def _(X, first, end, D, G):
    if isinstance(X, types.Array):
        return lambda X, first, end, D, G: product(X[:, first:end], True, D, False, G, 1.0)

    def csr(X, first, end, D, G):
        values, columns, begins, ends = X
        for i in range(len(D)):
            for k in range(
                begins[i] + np.searchsorted(columns[begins[i] : ends[i]], first), ends[i]
            ):
                if columns[k] >= end:
                    break
                value, row = values[k], columns[k] - first
                for j in range(D.shape[1]):
                    G[row, j] += value * D[i, j]

    return csr
