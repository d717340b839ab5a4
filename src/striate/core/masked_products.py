"""Rows of masked layers, to feature-major columns and back: one weight meets many rows at once.

Columns have shape (n_units, capacity): the values of one unit for all rows lie side by side.
`capacity` comes from `capacity_for`; columns beyond the last row are zero.
"""

from typing import Any

import numpy as np
from numba.core import types

from striate.native.compile import generic, jit, specialize
from striate.native.vectors import TILE, transpose

from .design_matrix import dense_row


@generic
def to_columns(X: Any, n: Any, columns: Any) -> None:
    """Write n rows of X as `columns` (n_columns, capacity), and zeros beyond them."""


@specialize(to_columns)
def _to_columns(X, n, columns):
    def dense(X, n, columns):
        transpose(X, n, columns.shape[0], columns)
        columns[:, n:] = 0

    def made_dense(X, n, columns):
        rows = np.empty((TILE, columns.shape[0]), dtype=columns.dtype)
        for lo in range(0, n, TILE):
            hi = min(lo + TILE, n)
            for i in range(lo, hi):
                dense_row(X, i, rows, i - lo)
            transpose(rows, hi - lo, columns.shape[0], columns[:, lo:])
        columns[:, n:] = 0

    return dense if isinstance(X, types.Array) else made_dense


@jit
def to_rows(columns, Z):  # columns (n, capacity), Z (m, n)
    """Write columns as the rows of Z."""
    transpose(columns, Z.shape[1], Z.shape[0], Z)
