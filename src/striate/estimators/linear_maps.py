"""Linear maps of weights from one basis of the features to another, and their adjoints.

`apply` maps W and b. Where J is a function of the result, `adjoint` maps its gradient back to one
by the original W and b.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import linalg
from sklearn.utils import gen_batches

from striate.core.block_sums import sums_over
from striate.core.tree_sum import Term
from striate.native.interruptible import interruptible
from striate.native.lapack import triangular_solution

Array = npt.NDArray[Any]

#: Number of rows that are centered at a time.
BLOCK_ROWS = 4096
# Multiplications in one product with a Gram matrix, some tenths of a second: Ctrl-C waits for it.
_PRODUCT_WORK = 25_000_000_000


def rows_of_product(n_features: int) -> int:
    """Return the number of rows whose products are added to a Gram matrix at a time."""
    return min(BLOCK_ROWS, _PRODUCT_WORK // n_features**2 + 1)


@dataclass(frozen=True)
class Standardize:
    """W and b for the features (x − mean) / scale ↦ those for x."""

    mean: Array  # (n_features,)
    scale: Array  # (n_features,)

    @classmethod
    def of(cls, X: Array, scale: bool, sample_weight: Array | None = None) -> Self:
        """Measure the mean and standard deviation of each column; without `scale`, the mean alone.

        Columns are always centered: the intercept is not penalized, so the solution is the same.
        `StandardScaler.partial_fit` finds the same numbers in twice the time.
        """
        mean = column_means(X, sample_weight).astype(X.dtype)
        if not scale:
            return cls(mean, np.ones_like(mean))
        sums, squares = sums_over(X, (sample_weight,))(_sums_and_squares, mean)
        total = len(X) if sample_weight is None else sample_weight.sum()
        deviation = np.sqrt(np.maximum(squares / total - np.square(sums / total), 0))
        constant = deviation <= 10 * np.finfo(X.dtype).eps * np.abs(mean)
        return cls(mean, np.where(constant, 1, deviation).astype(X.dtype))

    def rows(self, X: Array) -> Array:
        """Return the standardized rows of X."""
        return (X - self.mean) / self.scale

    def apply(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Return W / scale and b − mean · W / scale."""
        W = W / self.scale[:, np.newaxis]
        return W, b - self.mean @ W

    def adjoint(self, dW: Array, db: Array) -> tuple[Array, Array]:
        """Return the gradient by the weights of standardized features."""
        return (dW - np.outer(self.mean, db)) / self.scale[:, np.newaxis], db


@dataclass(frozen=True)
class Rotate:
    """W for the features Qᵀx ↦ W for x; Q (n_features, n) has orthonormal columns."""

    Q: Array

    def apply(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Return Q W and b."""
        return interruptible(np.matmul, self.Q, W), b


@dataclass(frozen=True)
class Precondition:
    """V ↦ W = L⁻ᵀ V, which makes a quadratic form with the Hessian L Lᵀ a sphere."""

    L: Array  # lower triangular

    def inverse(self, W: Array) -> Array:
        """Return V = Lᵀ W."""
        return self.L.T @ W

    def apply(self, V: Array, b: Array) -> tuple[Array, Array]:
        """Return L⁻ᵀ V and b."""
        return _solved(self.L, V, transposed=True), b

    def adjoint(self, dW: Array, db: Array) -> tuple[Array, Array]:
        """Return L⁻¹ ∂J/∂W, the gradient by V, and ∂J/∂b."""
        return _solved(self.L, dW), db


def _solved(L: Array, B: Array, transposed: bool = False) -> Array:
    """Return L⁻¹ B or L⁻ᵀ B."""
    arguments = (L, B.astype(L.dtype), transposed)
    if L.size * B.shape[1] < _PRODUCT_WORK:  # thousands of calls of L-BFGS, without a new thread
        return triangular_solution(*arguments)
    solution: Array = interruptible(triangular_solution, *arguments)
    return solution


def column_means(X: Any, sample_weight: Array | None = None) -> Array:
    """Return the mean of each column of an array or a `RowBlocks`, in float64."""
    (total,) = sums_over(X, (sample_weight,))(_sums)
    return np.asarray(total / (len(X) if sample_weight is None else sample_weight.sum()))


def _sums(X: Any, first: int, run: Any, w: Array | None) -> Term:
    """Return the weighted sum of each column, in float64."""
    if w is None:
        return (interruptible(np.sum, X, axis=0, dtype=np.float64),)
    total = np.zeros(X.shape[1])
    for rows in gen_batches(len(X), BLOCK_ROWS):
        total += w[rows] @ X[rows]
    return (total,)


def _sums_and_squares(X: Any, first: int, run: Any, w: Array | None, mean: Array) -> Term:
    """Return the weighted sums of x − mean and of its square in each column, in float64."""
    sums, squares = np.zeros(len(mean)), np.zeros(len(mean))
    for rows in gen_batches(len(X), BLOCK_ROWS):
        centered = X[rows] - mean
        weighted = centered if w is None else w[rows, np.newaxis] * centered
        sums += weighted.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", weighted, centered, dtype=np.float64)
    return sums, squares


def covariance_of(X: Any, mean: Array) -> Array:
    """Return the covariance (n_features, n_features) in float64, from blocks of centred rows."""
    (total,) = sums_over(X)(_scatter, mean)
    return np.asarray(total / len(X))


def _scatter(X: Any, first: int, run: Any, mean: Array) -> Term:
    """Return Σ (x − mean) (x − mean)ᵀ over the rows of X."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for rows in gen_batches(len(X), rows_of_product(X.shape[1])):
        centred = X[rows] - mean
        total += centred.T @ centred
    return (total,)


def row_space(
    X: Array, scale: bool, sample_weight: Array | None = None
) -> tuple[Array, list[Rotate | Standardize]]:
    """Reduce a problem with n_features > n_samples to n_samples dimensions (thin QR of Sᵀ).

    The minimizing W is a combination of the standardized rows S. With S = L Qᵀ, Q of orthonormal
    columns, the rows of L have the same inner products as those of S, and W for S is Q times W
    for L, with the same norm.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_samples)
        L.
    maps : list
        Maps that turn W and b for L into those for X, in the order of use.
    """
    standardize = Standardize.of(X, scale, sample_weight)
    S = standardize.rows(X)
    Q, R = interruptible(
        linalg.qr, S.T, mode="economic", overwrite_a=True, check_finite=False
    )  # fmt: skip
    return np.ascontiguousarray(R.T), [Rotate(Q), standardize]
