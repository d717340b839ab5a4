"""Rows that were read, as the arithmetic takes them: of its type, and finite."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .finite_values import all_finite
from .sparse_matrices import canonical_rows
from .stored_arrays import loaded

Array = npt.NDArray[Any]


def prepared(rows: Any, shape: tuple[int, int], dtype: Any, target: Array | None = None) -> Any:
    """Return rows in memory, as an array, perhaps `target`, or a CSR matrix, of a type."""
    x = loaded(rows)
    if x.shape != shape:
        raise ValueError(f"X: rows have shape {x.shape}, and not {shape}, as X promised")
    with np.errstate(over="ignore", invalid="ignore"):
        if sparse.issparse(x):
            return canonical_rows(x).astype(dtype, copy=False)
        if target is None:
            return np.ascontiguousarray(x, dtype=dtype)
        target[:] = x
        return target


def check_finite(x: Any, first: int, place: Callable[[int], str]) -> None:
    """Raise a ValueError that says where NaN or infinity is, if there is any."""
    if all_finite(x.data if sparse.issparse(x) else x):
        return
    if sparse.issparse(x):
        entries = x.tocoo()
        wrong = np.flatnonzero(~np.isfinite(entries.data))[0]
        row, column = int(entries.coords[0][wrong]), int(entries.coords[1][wrong])
    else:
        row, column = map(int, np.argwhere(~np.isfinite(x))[0])
    raise ValueError(
        f"X has NaN or infinity in row {first + row}, column {column} ({place(first + row)}). "
        "Remove or replace such values."
    )


def as_rows_of_block(chunk: Any, first: int, k: int, dtype: Any, n_columns: int) -> Any:
    """Return chunk k of X, whose first row has this index, as `RowBlocks.read` does."""
    x = prepared(chunk, (chunk.shape[0], n_columns), dtype)
    check_finite(x, first, lambda row: f"row {row - first} of chunk {k}")
    return x
