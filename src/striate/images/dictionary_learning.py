"""Ways to find the atoms of a dictionary: k-means, OMP-1, patches themselves, random numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from striate.core.block_sums import sums_over
from striate.core.row_blocks import RowBlocks
from striate.core.tree_sum import Term
from striate.estimators.training_record import TrainingRecord
from striate.native.blas import product
from striate.native.compile import jit, kernel
from striate.native.interruptible import interruptible
from striate.native.intrinsics import larger, like
from striate.native.threads import CALL_WORK, team
from striate.solvers.result import Result, Status
from striate.solvers.saved_state import RandomNumbers

from .block_clusters import block_clusters, rows_at

# Rows whose products are computed at once, and groups of rows whose sums are added in a fixed
# order.
_BLOCK_ROWS = 1024
_N_GROUPS = 8

#: learn(X, n_atoms, max_iter, random_state, record) → the atoms, and the number of passes over X,
#: an array or a `RowBlocks`.
Learner = Callable[
    [Any, int, int, np.random.RandomState, TrainingRecord],
    tuple[npt.NDArray[Any], int],
]


def kmeans(
    X: Any,
    n_atoms: int,
    max_iter: int,
    random_state: np.random.RandomState,
    record: TrainingRecord,
) -> tuple[npt.NDArray[Any], int]:
    """Return the centres of clusters of patches."""
    if isinstance(X, RowBlocks):
        return block_clusters(X, n_atoms, max_iter, random_state)
    # From random patches: the k-means++ start takes longer than the iterations.
    model = KMeans(n_atoms, init="random", n_init=1, max_iter=max_iter, random_state=random_state)
    interruptible(model.fit, X)
    return model.cluster_centers_, model.n_iter_


def omp1(
    X: Any,
    n_atoms: int,
    max_iter: int,
    random_state: np.random.RandomState,
    record: TrainingRecord,
) -> tuple[npt.NDArray[Any], int]:
    """Repeat w_j ← Σ (w_j·x) x over the patches x whose best atom is w_j, scaled to unit length."""
    W = unit_rows(drawn_patches(X, n_atoms, max_iter, random_state, record)[0])
    changing = {"random_state": RandomNumbers(random_state)}
    result = record.resume(Result(W, np.nan, 0, Status.LIMIT), changing)
    with team() as run:
        sums = sums_over(X, run=run)
        while result.n_iter < max_iter:
            (W,) = sums(_sums_of_atoms, result.theta)
            unused = np.flatnonzero(~W.any(axis=1))
            W[unused] = rows_at(X, random_state.randint(len(X), size=len(unused)))
            result = result._replace(theta=unit_rows(W), n_iter=result.n_iter + 1)
            record.keep(result, changing)
    record.finish(result, changing)
    return result.theta, max_iter


def drawn_patches(
    X: Any,
    n_atoms: int,
    max_iter: int,
    random_state: np.random.RandomState,
    record: TrainingRecord,
) -> tuple[npt.NDArray[Any], int]:
    """Draw patches at random, each at most once."""
    return rows_at(X, random_state.permutation(len(X))[:n_atoms]), 1


def random_directions(
    X: Any,
    n_atoms: int,
    max_iter: int,
    random_state: np.random.RandomState,
    record: TrainingRecord,
) -> tuple[npt.NDArray[Any], int]:
    """Draw unit vectors in random directions."""
    return unit_rows(random_state.normal(size=(n_atoms, X.shape[1]))), 1


LEARNERS: dict[str, Learner] = {
    "kmeans": kmeans,
    "omp1": omp1,
    "patches": drawn_patches,
    "random": random_directions,
}


def unit_rows(W: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Scale each row to unit length; rows of zeros stay."""
    lengths = np.sqrt(np.einsum("ij,ij->i", W, W))
    scaled: npt.NDArray[Any] = W / np.where(lengths > 0, lengths, 1)[:, np.newaxis]
    return scaled


def _sums_of_atoms(X: Any, first: int, run: Any, W: npt.NDArray[Any]) -> Term:
    """Return Σ (w_j·x) x over the rows whose best atom is w_j."""
    bounds = np.linspace(0, len(X), _N_GROUPS + 1).astype(np.int64)
    sums, longest = np.empty((_N_GROUPS, *W.shape), dtype=X.dtype), int(np.diff(bounds).max())
    n_rows = max(1, CALL_WORK // (W.size * _BLOCK_ROWS * _N_GROUPS)) * _BLOCK_ROWS  # per group
    for begin in range(0, longest, n_rows):
        run(_sum_of_best, X, W, bounds, (begin, begin + n_rows), sums)
    return (np.add.reduce(sums, axis=0),)


@kernel
def _sum_of_best(t, T, X, W, bounds, part, sums):  # X (m, n), W (k, n), sums (n_groups, k, n)
    """Sum (w_j·x) x over the rows whose largest |w_j·x| is that of atom j, for groups of rows.

    `part` says which rows of each group, from its first one, this call adds.
    """
    Z = np.empty((_BLOCK_ROWS, len(W)), dtype=X.dtype)
    for g in range(t, len(sums), T):
        if part[0] == 0:
            sums[g] = 0
        end = min(bounds[g] + part[1], bounds[g + 1])
        for lo in range(bounds[g] + part[0], end, _BLOCK_ROWS):
            n = min(_BLOCK_ROWS, end - lo)
            product(X[lo : lo + n], False, W, True, Z[:n], 0.0)
            for i in range(n):
                best = _largest(Z, i)
                for j in range(X.shape[1]):
                    sums[g, best, j] += Z[i, best] * X[lo + i, j]


@jit
def _largest(Z, i):  # Z (m, k)
    """Return the index of the largest |z| of row i: first how large it is, then where."""
    top = like(0, Z[0, 0])
    for j in range(Z.shape[1]):
        top = larger(abs(Z[i, j]), top)
    for j in range(Z.shape[1]):
        if abs(Z[i, j]) == top:
            return j
    return 0
