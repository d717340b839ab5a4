"""What is made of stored rows when they are read: some of them, or a function of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .stored_arrays import ranges

Array = npt.NDArray[Any]


class ChosenRows:
    """Some rows of a `RowBlocks`, as an array that is read by slices.

    Parameters
    ----------
    rows : RowBlocks
    indices : ndarray of int of shape (n,)
        Ascending.
    """

    def __init__(self, rows: Any, indices: npt.NDArray[Any]) -> None:
        self._rows, self._indices = rows, indices
        self.shape, self.dtype = (len(indices), rows.shape[1]), rows.dtype
        edges = np.searchsorted(indices, rows.piece_edges)
        self.chunks = (tuple(np.diff(edges).tolist()), (rows.shape[1],))

    def __getitem__(self, part: slice) -> Any:
        wanted, found = self._indices[part], []
        # No more is read at a time than a piece, however far apart the rows are.
        for lo, hi in ranges(np.searchsorted(wanted, self._rows.piece_edges)):
            first = int(wanted[lo])
            x = self._rows.read(first, int(wanted[hi - 1]) + 1)
            found.append(x[wanted[lo:hi] - first])
        if not found:
            return self._rows.read(0, 0)
        return sparse.vstack(found, format="csr") if sparse.issparse(x) else np.concatenate(found)


class MappedRows:
    """What a function makes of the rows of a `RowBlocks`, as an array that is read by slices."""

    def __init__(self, rows: Any, function: Callable[[Any], Array], n_columns: int) -> None:
        self._rows, self._function = rows, function
        self.shape, self.dtype = (len(rows), n_columns), rows.dtype
        self.chunks = (tuple(np.diff(rows.piece_edges).tolist()), (n_columns,))

    def __getitem__(self, part: slice) -> Array:
        return self._function(self._rows[part])


class LazyTargets:
    """Targets that are made of y for the rows that are asked for: all of them may be too many.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n)
    function : callable
        function(y[rows]) are the targets (len(rows), n_outputs) of some rows.
    dtype : dtype
    """

    def __init__(self, y: Array, function: Callable[[Array], Array], dtype: Any) -> None:
        self._y, self._function, self.dtype = y, function, np.dtype(dtype)

    def __len__(self) -> int:
        return len(self._y)

    def __getitem__(self, rows: Any) -> Array:
        return np.ascontiguousarray(self._function(self._y[rows]), dtype=self.dtype)
