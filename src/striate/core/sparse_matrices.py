"""Sparse matrices in canonical form: CSC with sorted, checked indices."""

from typing import Any

import numpy as np
from scipy import sparse


def canonical(W: Any) -> Any:
    """Return a sparse matrix as CSC with sorted indices: the order of its weights in θ.

    Raises
    ------
    ValueError
        If an index is out of bounds (in a damaged file, say): compiled code would read beyond an
        array.
    """
    check_sound(W)
    W = sparse.csc_array(W)
    return W if W.has_sorted_indices else W.sorted_indices()


def canonical_rows(X: Any) -> Any:
    """Return a sparse matrix as CSR with sorted indices and no duplicates; X stays as it is.

    Raises
    ------
    ValueError
        If an index is out of bounds.
    """
    check_sound(X)
    X = X.tocsr()
    # A new matrix on the same numbers: SciPy trusts flags that may be out of date, and sets new
    # ones in the caller's matrix.
    rows = type(X)((X.data, X.indices, X.indptr), shape=X.shape)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def check_sound(W: Any) -> None:
    """Raise a ValueError if an index is out of bounds; SciPy's conversions would write there."""
    if not is_sound(W):
        raise ValueError(f"the indices of a sparse matrix {W.shape} do not fit its shape")


def is_sound(W: Any) -> Any:
    """Return whether the indices of a sparse matrix are in bounds; SciPy checks other formats."""
    if W.format == "coo":
        return all(
            len(each) == len(W.data) and each.min(initial=0) >= 0 and each.max(initial=-1) < n
            for each, n in zip(W.coords, W.shape, strict=True)
        )
    if W.format not in ("csc", "csr", "bsr") or W.ndim != 2:
        return True
    size = W.blocksize if W.format == "bsr" else (1, 1)
    n_rows, n_columns = (n // each for n, each in zip(W.shape, size, strict=True))
    n_major, n_minor = (n_columns, n_rows) if W.format == "csc" else (n_rows, n_columns)
    starts, indices = W.indptr, W.indices
    return bool(
        len(starts) == n_major + 1
        and starts[0] == 0
        and starts[-1] == len(indices) == len(W.data)
        and (np.diff(starts) >= 0).all()
        and indices.min(initial=0) >= 0
        and indices.max(initial=-1) < n_minor
    )


def stored(W: Any) -> Any:
    """Return the numbers that an array or a sparse matrix stores, as an array."""
    return W.data if sparse.issparse(W) else W


def dense(W: Any) -> Any:
    """Return an array or a sparse matrix as a dense array."""
    return canonical(W).toarray() if sparse.issparse(W) else np.asarray(W)


def with_values(C: Any, values: Any, transposed: Any = False) -> Any:
    """Return a CSC matrix with other values, not copied; if transposed, a CSR matrix."""
    if transposed:
        W = sparse.csr_array(C.shape[::-1], dtype=values.dtype)
    else:
        W = sparse.csc_array(C.shape, dtype=values.dtype)
    # The constructor would copy a small part of a large array.
    W.indptr, W.indices, W.data = C.indptr, C.indices, values
    return W
