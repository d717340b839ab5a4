"""Columns that give the target away, as no column of new rows will."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from .table_columns import NUMBER, Column, numbers_of
from .table_encoder import TableEncoder

Array = npt.NDArray[Any]

# Fewer rows may fit by chance, and a rank correlation from which on rows count as sorted.
_ENOUGH_ROWS, _SORTED = 20, 0.95


def warn_of_leaks(encoder: TableEncoder, columns: Sequence[Column], y: Array) -> None:
    """Warn of columns that equal y, and of row numbers of data that are sorted by y.

    Warns
    -----
    UserWarning
        For each such column.
    """
    if len(y) < _ENOUGH_ROWS or y.ndim > 1:
        return
    ranks = rankdata(np.unique(y, return_inverse=True)[1])
    for kind, column in zip(encoder.kinds_, columns, strict=True):
        if kind != NUMBER:
            continue
        x, what = numbers_of(column), None
        if y.dtype.kind in "biuf" and np.array_equal(x, y) and len(np.unique(x)) > 1:
            what = "equals the target"
        elif _are_row_numbers(x) and abs(np.corrcoef(rankdata(x), ranks)[0, 1]) > _SORTED:
            what = "numbers the rows, which are sorted by the target"
        if what:
            warnings.warn(
                f"column {column.name!r} {what}: does it give it away? Drop it, unless new rows "
                "have it, too.",
                stacklevel=6,
            )


def _are_row_numbers(x: Array) -> bool:
    """Return whether x are consecutive whole numbers, in any order."""
    if not np.isfinite(x).all() or x.max() - x.min() != len(x) - 1:
        return False
    return bool(np.array_equal(np.sort(x) - x.min(), np.arange(len(x))))
