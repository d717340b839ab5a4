"""Sums over the blocks of stored rows: computed here, or where a cluster has the rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .reused_buffers import ReusedBuffers
from .row_blocks import RowBlocks
from .tree_sum import Term, tree_sum

#: function(x, first, run, *by_row, *shared) of a block: its rows, the index of the first one, a
#: team of threads, its part of each array by row, and what is the same for all blocks.
BlockFunction = Callable[..., Any]


class BlockSums(Protocol):
    """What is computed of each block, and added in the order of the blocks."""

    def __call__(self, function: BlockFunction, *shared: Any) -> Term:
        """Return the sum of function(…) over all blocks; see `tree_sum`."""

    def each(self, function: BlockFunction, *shared: Any) -> Iterator[tuple[slice, Any]]:
        """Yield the rows of each block and function(…), in order."""


class SumOfArray:
    """What is computed of an array in memory, as a single block."""

    def __init__(self, X: Any, by_row: Sequence[Any], run: Any) -> None:
        self._X, self._by_row, self._run = X, by_row, run

    def __call__(self, function: BlockFunction, *shared: Any) -> Term:
        """Return function(…) of all rows."""
        term: Term = function(self._X, 0, self._run, *self._by_row, *shared)
        return term

    def each(self, function: BlockFunction, *shared: Any) -> Iterator[tuple[slice, Any]]:
        """Yield all rows and function(…)."""
        yield slice(0, self._X.shape[0]), self(function, *shared)


class SumsHere:
    """Sums over blocks that are read one after the other.

    Parameters
    ----------
    X : RowBlocks
    by_row : sequence of array or None
        One row for each row of X.
    run : team
    """

    def __init__(self, X: RowBlocks, by_row: Sequence[Any], run: Any) -> None:
        self._X, self._by_row, self._run = X, by_row, run
        self._buffers = ReusedBuffers()

    def __call__(self, function: BlockFunction, *shared: Any) -> Term:
        """Return the sum of function(…) over all blocks."""
        return tree_sum(term for _, term in self.each(function, *shared))

    def each(self, function: BlockFunction, *shared: Any) -> Iterator[tuple[slice, Any]]:
        """Yield the rows of each block and function(…)."""
        with closing(self._X.parts(self._buffers)) as parts:
            for rows, x in parts:
                by_row = (None if each is None else each[rows] for each in self._by_row)
                found = function(x, rows.start, self._run, *by_row, *shared)
                del x  # so that its memory is used again
                yield rows, found


def sums_over(X: Any, by_row: Sequence[Any] = (), run: Any = None) -> BlockSums:
    """Return what sums over X: here, or on the workers of Dask if they have X.

    Parameters
    ----------
    X : {ndarray, CSR matrix, RowBlocks}
        An array is a single block.
    by_row : sequence of array or None, default=()
        One row for each row of X.
    run : team, default=None
        Threads for the blocks that are computed here.
    """
    if not isinstance(X, RowBlocks):
        return SumOfArray(X, by_row, run)
    if X.client is not None:
        from .worker_sums import SumsOnWorkers

        return SumsOnWorkers(X, by_row, X.client)
    return SumsHere(X, by_row, run)


def value_range(X: Any) -> tuple[float, float]:
    """Return the smallest and the largest value of an array, a CSR matrix or a `RowBlocks`."""
    found = [values for _, values in sums_over(X).each(_range)]
    return min(low for low, _ in found), max(high for _, high in found)


def _range(x: Any, first: int, run: Any) -> tuple[Any, Any]:
    return x.min(), x.max()


def through_blocks(
    X: RowBlocks, function: Callable[[Any], Any], n_columns: int, dtype: npt.DTypeLike | None = None
) -> npt.NDArray[Any]:
    """Return function(rows) of all rows, (n_samples, n_columns)."""
    made = np.empty((len(X), n_columns), dtype=dtype or X.dtype)
    for rows, part in sums_over(X).each(_applied, function):
        made[rows] = part
    return made


def _applied(x: Any, first: int, run: Any, function: Callable[[Any], Any]) -> Any:
    return function(x)
