"""k-means over rows that are read by blocks: Lloyd's iterations, one pass over the rows each."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.metrics import pairwise_distances_argmin

from striate.core.block_sums import sums_over
from striate.core.row_blocks import RowBlocks
from striate.core.tree_sum import Term

# The iterations end when the centres move by less than this share of the patches' variance, as
# those of scikit-learn's KMeans do.
_TOLERANCE = 1e-4


def block_clusters(
    X: RowBlocks, n_clusters: int, max_iter: int, random_state: np.random.RandomState
) -> tuple[npt.NDArray[Any], int]:
    """Return centres of clusters and the number of iterations, from random rows on.

    scikit-learn's KMeans needs all rows in memory, and its MiniBatchKMeans finds other centres. A
    cluster that has lost its rows begins again at a random row.
    """
    centres = rows_at(X, random_state.permutation(len(X))[:n_clusters])
    limit = _TOLERANCE * float(np.mean(centres.var(axis=0, dtype=np.float64)))
    sums_of, n_iter, moved = sums_over(X), 0, np.inf
    while n_iter < max_iter and moved > limit:
        sums, counts = sums_of(_sums_of_clusters, centres)
        empty = np.flatnonzero(counts == 0)
        if empty.size:
            sums[empty], counts[empty] = (
                rows_at(X, random_state.randint(len(X), size=empty.size)),
                1,
            )
        following = (sums / counts[:, np.newaxis]).astype(X.dtype)
        moved = float(np.sum(np.square(following - centres, dtype=np.float64)))
        centres, n_iter = following, n_iter + 1
    return centres, n_iter


def _sums_of_clusters(x: Any, first: int, run: Any, centres: npt.NDArray[Any]) -> Term:
    """Return the sum of the rows nearest to each centre, in float64, and their numbers."""
    n, nearest = len(x), pairwise_distances_argmin(x, centres)
    members = sparse.csc_array((np.ones(n), nearest, np.arange(n + 1)), shape=(len(centres), n))
    return members @ x, np.bincount(nearest, minlength=len(centres))


def rows_at(X: Any, indices: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the rows of an array or a `RowBlocks` with these indices, in their order."""
    if not isinstance(X, RowBlocks):
        return np.asarray(X[indices])
    ascending, places = np.unique(indices, return_inverse=True)
    return np.asarray(X[ascending][places])
