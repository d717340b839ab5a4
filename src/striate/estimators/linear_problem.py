"""The problem that `LinearClassifier` solves: rows, their Gram matrix, and W for each α."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import linalg

from striate.core.block_sums import sums_over
from striate.core.design_matrix import as_input
from striate.core.inference import layer_output
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.penalties import Terms, penalize
from striate.core.problem import Problem
from striate.core.row_blocks import RowBlocks, parts_of
from striate.core.tree_sum import Term
from striate.native.interruptible import interruptible
from striate.native.lapack import cholesky, cholesky_solution
from striate.solvers.lbfgs import lbfgs
from striate.solvers.result import Status

from .held_out_rows import Rows
from .linear_maps import Array, Precondition, Standardize, rows_of_product
from .training import team_for


class TooSmallAlphaError(ValueError):
    """The rounding errors of the Gram matrix are larger than α."""


class GramProblem:
    """Rows, their Gram matrix, their products with the targets, and the minimum of J for each α.

    J is 1/m Σ_i w_i loss(z_i, t_i) + α/2 Σ W², with m = Σ_i w_i, z = W x + b and x standardized.

    Parameters
    ----------
    X : {ndarray, RowBlocks} of shape (n_samples, n_features)
    T : ndarray of shape (n_samples, k)
        Targets −1 and 1.
    scale : bool
        Whether features are scaled to unit variance; they are always centered.
    loss : {"squared_error", "squared_hinge", "log_loss"}
    max_iter, tol : int, float
        Limits of L-BFGS, for the losses that need it.
    sample_weight : ndarray of float64 of shape (n_samples,) or None
        w; None for 1.
    """

    def __init__(
        self,
        X: Any,
        T: Array,
        *,
        scale: bool,
        loss: str,
        max_iter: int,
        tol: float,
        sample_weight: Array | None,
    ) -> None:
        self.X, self.T = X, T
        self.loss, self.max_iter, self.tol = loss, max_iter, tol
        self._given = sample_weight
        self.weight = np.ones(len(X)) if sample_weight is None else sample_weight.copy()
        self.standardize = Standardize.of(X, scale, sample_weight)
        self._sum_up()

    def _sum_up(self) -> None:
        """Compute the Gram matrix of all rows, and their products with the targets."""
        d = self.X.shape[1]
        self.gram = np.zeros((d, d), self.X.dtype, order="F")
        self.products = np.zeros((d, self.T.shape[1]))
        self._add(None, 1.0)

    def _add(self, rows: Rows | None, sign: float) -> None:
        """Add rows to the lower half of the Gram matrix, or subtract them; None for all."""
        if isinstance(self.X, RowBlocks) and self.X.client is not None:
            sums = sums_over(self.X, (self.T, self._given, self._mask(rows)))
            gram, products = sums(_gram_of_block, self.standardize)
            self.gram += self.gram.dtype.type(sign) * gram
            self.products += sign * products
            return
        for part, x in parts_of(self.X, rows_of_product(self.X.shape[1]), rows):
            some = part if rows is None else rows[part]
            w = None if self._given is None else self._given[some]
            S, T = _weighted(self.standardize.rows(x), self.T[some], w)
            self.gram = _with_squares(self.gram, S, sign)
            self.products += sign * (S.T @ T)

    def _mask(self, rows: Rows | None) -> Array | None:
        """Return whether each row is one of the given ones; None if all are."""
        if rows is None:
            return None
        mask = np.zeros(len(self.X), dtype=bool)
        mask[rows] = True
        return mask

    @contextmanager
    def excluding(self, rows: Rows) -> Iterator[None]:
        """Leave out the given rows within a `with` block."""
        self._add(rows, -1.0)
        self.weight[rows] = 0
        yield
        self._add(rows, 1.0)
        self.weight[rows] = 1 if self._given is None else self._given[rows]

    def scores(self, rows: Rows, solutions: Sequence[tuple[Array, Array]]) -> Iterator[Array]:
        """Yield z of the given rows, (len(rows), k), for each W and b; blocks are read once."""
        layers = [self.standardize.apply(W, b) for W, b in solutions]
        if isinstance(self.X, RowBlocks):
            W, b = np.hstack([W for W, _ in layers]), np.concatenate([b for _, b in layers])
            z = sums_over(self.X, (self._mask(rows),)).each(_z_of_block, W, b)
            yield from np.split(np.concatenate([each for _, each in z]), len(layers), axis=1)
            return
        x = self.X[rows]
        for W, b in layers:
            yield _z_of_block(x, 0, None, None, W, b)

    def solve(self, alpha: float, last: bool = False) -> tuple[Array, Array, int]:
        """Return W (n_features, k) and b (k,) for standardized features, and the iterations made.

        With `last` the factor overwrites the Gram matrix, which may be most of the memory.
        """
        m = self.weight.sum()
        L = self._factor(alpha, m, last)
        b = np.average(self.T, axis=0, weights=self.weight)
        products = (self.products / m).astype(L.dtype)
        W = interruptible(cholesky_solution, L, products)
        if self.loss == "squared_error":
            return W, b, 1
        return self._minimize(alpha, L, W, b)

    def _factor(self, alpha: float, m: float, last: bool) -> Array:
        """Return the lower L with L Lᵀ = G/m + α I; in float64 if float32 is not precise enough."""
        for dtype in dict.fromkeys([self.gram.dtype, np.dtype(np.float64)]):
            in_place = last and dtype == self.gram.dtype
            A = self.gram if in_place else np.array(self.gram, dtype=dtype, order="F")
            A /= A.dtype.type(m)
            A[np.diag_indices(len(A))] += alpha
            try:
                L: Array = interruptible(cholesky, A)
                return L
            except linalg.LinAlgError:
                if in_place:
                    self._sum_up()
        raise TooSmallAlphaError(
            f"alpha={alpha:g} is too small for these features; choose a larger one."
        )

    def _minimize(self, alpha: float, L: Array, W: Array, b: Array) -> tuple[Array, Array, int]:
        """Minimize J from W and b on by L-BFGS on V, where W = L⁻ᵀ V."""
        shape, precondition = W.shape, Precondition(L)
        loss, output, Y = self._as_network_loss()
        network = Network(shape, (output,))

        def unpack(theta: Array) -> tuple[Array, Array]:
            return theta[: W.size].reshape(shape), theta[W.size :]

        with team_for(network, len(self.X)) as run:
            X, Y = as_input(self.X), Y.astype(self.X.dtype)
            data_term = Objective(Problem(network, loss, X, Y, self.weight), run)

            def J(W: Array, b: Array) -> tuple[float, Array, Array]:
                data, gradient = data_term(_pack(*self.standardize.apply(W, b)))
                dW, db = self.standardize.adjoint(*unpack(gradient))
                penalty, slope = _ridge(alpha, W)
                return data + penalty, dW + slope, db

            def objective(theta: Array) -> tuple[float, Array]:
                value, dW, db = J(*precondition.apply(*unpack(theta)))
                return value, _pack(*precondition.adjoint(dW, db))

            start = _pack(precondition.inverse(W), b)
            found = lbfgs(objective, start, max_iter=self.max_iter, ftol=self.tol)
        if found.status is Status.DIVERGED:
            raise ValueError(found.message)
        return *precondition.apply(*unpack(found.theta)), found.n_iter

    def _as_network_loss(self) -> tuple[str, str, Array]:
        """Return the names of the loss and of the output activation, and the targets they take."""
        if self.loss == "squared_hinge":
            return "squared_hinge", "identity", self.T
        if self.T.shape[1] == 1:
            return "log_loss", "logistic", (self.T + 1) / 2
        return "cross_entropy", "softmax", (self.T + 1) / 2


def _gram_of_block(*arguments: Any) -> Term:
    """Return the lower half of the Gram matrix of a block, and its products with the targets."""
    x, _, _, T, w, chosen, standardize = arguments
    if chosen is not None:
        x, T, w = x[chosen], T[chosen], None if w is None else w[chosen]
    gram = np.zeros((x.shape[1], x.shape[1]), x.dtype, order="F")
    products = np.zeros((x.shape[1], T.shape[1]))
    for rows, some in parts_of(x, rows_of_product(x.shape[1])):
        S, part = _weighted(standardize.rows(some), T[rows], None if w is None else w[rows])
        gram = _with_squares(gram, S, 1.0)
        products += S.T @ part
    return gram, products


def _weighted(S: Array, T: Array, w: Array | None) -> tuple[Array, Array]:
    """Return rows and their targets times the roots of their weights."""
    if w is None:
        return S, T
    root = np.sqrt(w[:, np.newaxis])
    return (S * root).astype(S.dtype), T * root


def _with_squares(gram: Array, S: Array, sign: float) -> Array:
    """Return the lower half of gram ± Sᵀ S, in place."""
    syrk = linalg.get_blas_funcs("syrk", (gram,))
    total: Array = syrk(sign, S.T, beta=1.0, c=gram, lower=1, overwrite_c=1)
    return total


def _z_of_block(x: Any, first: int, run: Any, chosen: Array | None, W: Array, b: Array) -> Array:
    """Return z of the chosen rows of a block."""
    x = x if chosen is None else x[chosen]
    return layer_output(x, np.asfortranarray(W, x.dtype), b, "identity")


def _pack(W: Array, b: Array) -> Array:
    return np.concatenate([W.ravel(), b])


def _ridge(alpha: float, W: Array) -> tuple[float, Array]:
    """Return α/2 Σ W², summed in float64, and its gradient α W."""
    W = np.ascontiguousarray(W)
    gradient = np.zeros_like(W)
    value, *_ = penalize(Terms(ridge=float(alpha)), W.ravel(), gradient.ravel())
    return value, gradient
