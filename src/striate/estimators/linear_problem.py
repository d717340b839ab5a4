"""The problem that `LinearClassifier` solves: rows, their Gram matrix, and W for an α."""

from functools import partial

import numpy as np
from scipy import linalg
from sklearn.utils import gen_batches

from striate.core import problem as core_problem
from striate.core.design_matrix import as_input
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.threads import team
from striate.solvers.lbfgs import lbfgs

from .training import threads_for

# Rows that are standardized at a time.
_BLOCK_ROWS = 4096


def mean_and_scale(X, standardize):
    """Mean and deviation of each column; deviations are 1 without `standardize`.

    Columns are centered all the same: the intercept is free, so nothing changes.
    """
    sums = squares = 0.0
    mean = X.mean(axis=0, dtype=np.float64).astype(X.dtype)
    if not standardize:
        return mean, np.ones_like(mean)
    for rows in gen_batches(len(X), _BLOCK_ROWS):
        centered = X[rows] - mean
        sums = sums + centered.sum(axis=0, dtype=np.float64)
        squares = squares + np.einsum("ij,ij->j", centered, centered, dtype=np.float64)
    variance = squares / len(X) - np.square(sums / len(X))
    scale = np.sqrt(np.maximum(variance, 0))
    constant = scale <= 10 * np.finfo(X.dtype).eps * np.abs(mean)
    return mean, np.where(constant, 1, scale).astype(X.dtype)


class FewRows:
    """Few rows of many features, as if they had but n_samples features.

    The best W is made of the rows, so it is found in the space which they span. With the
    standardized rows S = L Q, Q of orthonormal rows, those of L have the same products with each
    other; W of S is Qᵀ times W of L, and as large.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        With n_samples below n_features.
    standardize : bool

    Attributes
    ----------
    rows : ndarray of shape (n_samples, n_samples)
        L.
    """

    def __init__(self, X, standardize):
        self.mean, self.scale = mean_and_scale(X, standardize)
        S = (X - self.mean) / self.scale
        self.basis, R = linalg.qr(S.T, mode="economic", overwrite_a=True, check_finite=False)
        self.rows = np.ascontiguousarray(R.T)

    def in_units_of_x(self, coef, intercept):
        """coef_ (k, n_features) and intercept_ out of those of `rows`."""
        coef = (coef @ self.basis.T) / self.scale
        return coef, intercept - coef @ self.mean


class Problem:
    """The rows, their Gram matrix and targets, and the weights that minimise J for an α.

    Weights W (n_features, k) are of features (x − mean) / scale.

    Parameters
    ----------
    settings : LinearClassifier
    X : ndarray of shape (n_samples, n_features)
    T : ndarray of shape (n_samples, k)
        Targets −1 and 1.
    standardize : bool
    """

    def __init__(self, settings, X, T, standardize):
        self.settings, self.X, self.T = settings, X, T
        self.weight = np.ones(len(X))
        self.mean, self.scale = mean_and_scale(X, standardize)
        self._sum_up()

    def _sum_up(self):
        """The Gram matrix of all rows, and their products with the targets."""
        d = self.X.shape[1]
        self.gram = np.zeros((d, d), self.X.dtype, order="F")
        self.products = np.zeros((d, self.T.shape[1]))
        self._add(np.arange(len(self.X)), 1.0)

    def _add(self, rows, sign):
        """Adds the rows to the lower half of the Gram matrix, or takes them away."""
        syrk = linalg.get_blas_funcs("syrk", (self.gram,))
        for part in gen_batches(len(rows), _BLOCK_ROWS):
            S = (self.X[rows[part]] - self.mean) / self.scale
            self.gram = syrk(sign, S.T, beta=1.0, c=self.gram, lower=1, overwrite_c=1)
            self.products += sign * (S.T @ self.T[rows[part]])

    def hold_out(self, rows):
        """Leaves rows out, until `put_back`."""
        self.held_out = rows
        self._add(rows, -1.0)
        self.weight[rows] = 0

    def put_back(self):
        """Ends `hold_out`."""
        self._add(self.held_out, 1.0)
        self.weight[:] = 1

    def solve(self, alpha, last=False):
        """W, b and the number of iterations that they took.

        The last one writes the factor over the Gram matrix, which may be most of the memory.
        """
        m = self.weight.sum()
        L = self._factor(alpha, m, last)
        b = np.average(self.T, axis=0, weights=self.weight)
        W = linalg.cho_solve((L, True), (self.products / m).astype(L.dtype), check_finite=False)
        if self.settings.loss == "squared_error":
            return W, b, 1
        return self._by_lbfgs(alpha, L, W, b)

    def _factor(self, alpha, m, last):
        """L, lower, with L Lᵀ = G/m + α I; in float64 where float32 is too coarse for it."""
        for dtype in (self.gram.dtype, np.dtype(np.float64)):
            in_place = last and dtype == self.gram.dtype
            A = self.gram if in_place else np.array(self.gram, dtype=dtype, order="F")
            A /= A.dtype.type(m)
            A[np.diag_indices(len(A))] += alpha
            try:
                return linalg.cholesky(A, lower=True, overwrite_a=True, check_finite=False)
            except linalg.LinAlgError:
                if in_place:
                    self._sum_up()
        raise ValueError(f"alpha={alpha:g} is too small for these features; choose a larger one.")

    def _by_lbfgs(self, alpha, L, W, b):
        """L-BFGS on V, where W = L⁻ᵀ V."""
        d, k = W.shape
        softmax = self.settings.loss == "log_loss" and k > 1
        loss, output = self.settings.loss, "identity"
        if self.settings.loss == "log_loss":
            loss, output = ("cross_entropy", "softmax") if softmax else ("log_loss", "logistic")
        Y = self.T if loss == "squared_hinge" else (self.T + 1) / 2
        network = Network((d, k), (output,))
        triangular = partial(linalg.solve_triangular, lower=True, check_finite=False)

        def weights(theta):
            V, b = theta[: d * k].reshape(d, k), theta[d * k :]
            return triangular(L, V.astype(L.dtype), trans="T"), b

        with team(threads_for(network, len(self.X))) as run:
            X, Y = as_input(self.X), Y.astype(self.X.dtype)
            J = Objective(core_problem.Problem(network, loss, X, Y, self.weight), run)

            def objective(theta):
                W, b = weights(theta)
                raw_W, raw_b = self.in_units_of_x(W, b)
                value, gradient = J(np.concatenate([raw_W.T.ravel(), raw_b]))
                by_W, by_b = gradient[: d * k].reshape(d, k), gradient[d * k :]
                by_W = (by_W - np.outer(self.mean, by_b)) / self.scale[:, np.newaxis] + alpha * W
                by_V = triangular(L, by_W.astype(L.dtype))
                value += alpha / 2 * float(np.einsum("ij,ij->", W, W, dtype=np.float64))
                return value, np.concatenate([by_V.ravel(), by_b])

            start = np.concatenate([(L.T @ W).ravel(), b])
            settings = self.settings
            found = lbfgs(objective, start, max_iter=settings.max_iter, ftol=settings.tol)
        return *weights(found.theta), found.n_iter

    def in_units_of_x(self, W, b):
        """coef_ (k, n_features) and intercept_ for features that are not standardized."""
        coef = (W / self.scale[:, np.newaxis]).T
        intercept = b - coef @ self.mean
        return np.ascontiguousarray(coef, self.X.dtype), intercept.astype(self.X.dtype)
