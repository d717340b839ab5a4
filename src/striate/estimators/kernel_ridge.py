"""Ridge regression with a Gaussian kernel: every α, and the errors of every row left out.

With centres c_1 … c_m among the rows, f(x) = Σ_j β_j k(x, c_j) minimizes
Σ_i w_i (f(x_i) − t_i)² + α βᵀ K β, where K holds k(c_i, c_j), and k(x, c) = 1 + exp(−γ ‖x − c‖²):
the 1 stands for a constant, so that targets need no centring. With all rows as centres this is
kernel ridge regression; with some of them, its approximation by the subset of regressors.

With L Lᵀ = K, f is linear in φ(x) = L⁻¹ k(x), and the problem is ridge regression on φ. With the
eigenvectors Q and eigenvalues λ of Σ_i w_i φ_i φ_iᵀ and z = Qᵀ φ, every α costs one product more:
the error of row i, if f is fitted without it, is (t_i − f(x_i)) / (1 − w_i Σ_j z_ij² / (λ_j + α)).

References
----------
C. E. Rasmussen and C. K. I. Williams, "Gaussian processes for machine learning" (2006), chapters 2
and 8. R. Rifkin and R. Lippert, "Notes on regularized least squares", MIT (2007).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils import gen_batches

from striate.native import lapack
from striate.native.threads import share, team

from .kernel_factor import KernelFactor, safe_alpha

Array = npt.NDArray[Any]

#: Rows for which one eigendecomposition serves all α and all rows that are left out: with more, it
#: takes too long.
SPECTRAL_ROWS = 4000
# Memory of the kernel between a block of rows and the centres, and of the part of a block that one
# thread computes.
_BLOCK_BYTES, _PART_BYTES = 2**24, 2**22
# Multiplications for a block of rows, some tenths of a second: Ctrl-C waits for them.
_BLOCK_WORK = 10_000_000_000
# Rows of the sums over a block that one thread adds.
_PANEL = 256
# What is added to the diagonal of K, relative to it, so that equal rows do no harm.
_JITTER = 1e-12
# Rows that are left out of a fit with many centres.
_LEFT_OUT = 1000
# Shares of a row's target that its own prediction may take on, at most: 1 − 1e-10 leaves digits.
_LEAST_REST = 1e-10


class GaussianKernel:
    """k(x, c) = 1 + exp(−γ ‖x − c‖²), for some centres c.

    Parameters
    ----------
    centers : ndarray of shape (n_centers, n_features)
    gamma : float
    """

    @np.errstate(over="ignore", invalid="ignore")
    def __init__(self, centers: Array, gamma: float) -> None:
        self.gamma = gamma
        # In float64, since L⁻¹ multiplies errors by up to 10⁶.
        self._shift = centers.mean(axis=0, dtype=np.float64)
        self._centers = centers - self._shift

    def __len__(self) -> int:
        return len(self._centers)

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, X: Array) -> Array:
        """Return k of rows and centres, float64 of shape (n_samples, n_centers)."""
        return _gaussian(X - self._shift, self._centers, self.gamma)

    def of_centers(self) -> Array:
        """Return K, float64 of shape (n_centers, n_centers).

        Raises
        ------
        ValueError
            If distances overflow.
        """
        self._check_finite()
        return _gaussian(self._centers, self._centers, self.gamma)

    def parts_of_centers(self) -> Callable[[slice, slice], Array]:
        """Return a function that computes K of two ranges of centres, in float32."""
        self._check_finite()
        C = self._centers.astype(np.float32)
        return lambda rows, columns: _gaussian(C[rows], C[columns], self.gamma)

    @np.errstate(over="ignore", invalid="ignore")
    def _check_finite(self) -> None:
        _check_finite(_squares(self._centers).sum())


def _gaussian(X: Array, C: Array, gamma: float) -> Array:
    """Return 1 + exp(−γ ‖x − c‖²) for rows of X and C, in their type."""
    # In place: exp(−γ (‖x‖² + ‖c‖² − 2 xᵀ c)) + 1
    K = X @ C.T
    K *= -2
    squares = _squares(X)
    K += squares[:, np.newaxis]
    K += _squares(C)
    K[~np.isfinite(squares)] = np.inf  # too far for the sum above, which may be ∞ − ∞
    np.maximum(K, 0, out=K)
    K *= -gamma
    np.exp(K, out=K)
    K += 1
    return K


class KernelSolution(NamedTuple):
    """What ridge regression with a kernel found for one α.

    Attributes
    ----------
    alpha : float
    dual_coef : ndarray of float64 of shape (n_centers, n_targets)
        β.
    rows : ndarray of int of shape (n_left_out,)
        Rows that were left out, one after the other.
    left_out : ndarray of float64 of shape (n_left_out, n_targets)
        Prediction of each of these rows by the fit without it.
    errors : dict of float to float
        Weighted mean squared error of rows that are left out, for each α.
    """

    alpha: float
    dual_coef: Array
    rows: npt.NDArray[np.intp]
    left_out: Array
    errors: dict[float, float]


def scale_of(X: Array, weights: Array) -> float:
    """Return γ = 1 / (mean squared distance of two rows); 1 if all rows are equal."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(X, axis=0, weights=weights)
        variance = float(np.average((X - mean) ** 2, axis=0, weights=weights).sum())
    _check_finite(variance)
    return 1 / (2 * variance) if variance > 0 else 1.0


def solve(
    kernel: GaussianKernel, X: Array, T: Array, weights: Array, alphas: list[float]
) -> KernelSolution:
    """Return the solution for the α with the smallest error of rows that are left out.

    With one thread of BLAS: the same bits for any number of threads.

    Parameters
    ----------
    kernel : GaussianKernel
    X : ndarray of shape (n_samples, n_features)
    T : ndarray of float64 of shape (n_samples, n_targets)
    weights : ndarray of float64 of shape (n_samples,)
    alphas : list of float

    Returns
    -------
    KernelSolution

    Raises
    ------
    ValueError
        If distances overflow.
    """
    with team() as run:
        K = kernel.of_centers()
        K.flat[:: len(K) + 1] *= 1 + _JITTER * len(K)
        L = lapack.cholesky(K)
        gram, products = _sums(kernel, L, X, T, weights, run)
        eigenvalues, Q = lapack.eigh_by_division(gram)
        np.maximum(eigenvalues, 0, out=eigenvalues)
        # z = Pᵀ k(x)
        P = lapack.triangular_solution(L, Q, transposed=True)
        shrinkage = 1 / np.add.outer(eigenvalues, alphas)
        coefficients = shrinkage[:, :, np.newaxis] * (Q.T @ products)[:, np.newaxis]
        left_out = _left_out(kernel, P, X, T, weights, shrinkage, coefficients, run)
        squares = [weights @ ((T - each) ** 2).sum(axis=1) for each in left_out]
        errors = [float(each) / (weights.sum() * T.shape[1]) for each in squares]
        best = int(np.argmin(errors))
        dual_coef = P @ coefficients[:, best]
    by_alpha = dict(zip(alphas, errors, strict=True))
    return KernelSolution(alphas[best], dual_coef, np.arange(len(X)), left_out[best], by_alpha)


def _sums(
    kernel: GaussianKernel, L: Array, X: Array, T: Array, weights: Array, run: Any
) -> tuple[Array, Array]:
    """Return the lower half of Σ_i w_i φ_i φ_iᵀ, and Σ_i w_i φ_i t_iᵀ.

    Threads share the rows of a block to compute φ, and then the rows of the sums.
    """
    m = len(L)
    gram, products = np.zeros((m, m)), np.zeros((m, T.shape[1]))
    roots = np.sqrt(weights)[:, np.newaxis]
    panels = list(gen_batches(m, _PANEL))
    for rows in gen_batches(len(X), max(1, _BLOCK_BYTES // (8 * m))):
        S = _weighted_phi(kernel, L, X[rows], roots[rows], run)
        add = partial(_add_panel, panels, gram, products, S, roots[rows] * T[rows])
        share(run, add, reversed(range(len(panels))))
    return gram, products


def _weighted_phi(kernel: GaussianKernel, L: Array, X: Array, roots: Array, run: Any) -> Array:
    """Return √w φ of some rows, (n_samples, n_centers)."""
    S = np.empty((len(X), len(L)))
    parts = _parts(len(X), len(L))

    def compute(p: int) -> None:
        rows = parts[p]
        phi = lapack.triangular_solution(L, kernel(X[rows]).T)
        np.multiply(phi.T, roots[rows], out=S[rows])

    share(run, compute, range(len(parts)))
    return S


def _add_panel(
    panels: list[slice], gram: Array, products: Array, S: Array, T: Array, p: int
) -> None:
    """Add some rows of Sᵀ S, up to the diagonal, and of Sᵀ T."""
    panel = panels[p]
    gram[panel, : panel.stop] += S[:, panel].T @ S[:, : panel.stop]
    products[panel] += S[:, panel].T @ T


def _left_out(
    kernel: GaussianKernel,
    P: Array,
    X: Array,
    T: Array,
    weights: Array,
    shrinkage: Array,
    coefficients: Array,
    run: Any,
) -> Array:
    """Return the predictions of left-out rows for each α, (n_alphas, n_samples, n_targets)."""
    _, n_alphas, n_targets = coefficients.shape
    coefficients = coefficients.reshape(len(P), -1)
    left_out = np.empty((n_alphas, *T.shape))
    parts = _parts(len(X), len(P))

    def compute(p: int) -> None:
        rows = parts[p]
        z = kernel(X[rows]) @ P
        fitted = (z @ coefficients).reshape(-1, n_alphas, n_targets).swapaxes(0, 1)
        leverage = weights[rows] * (z**2 @ shrinkage).T
        rest = np.maximum(1 - leverage, _LEAST_REST)
        left_out[:, rows] = T[rows] - (T[rows] - fitted) / rest[:, :, np.newaxis]

    share(run, compute, range(len(parts)))
    return left_out


def solve_for_all(
    X: Array,
    T: Array,
    weights: Array,
    gamma: float,
    alphas: list[float],
    random_state: np.random.RandomState,
) -> KernelSolution:
    """Return the solution with all rows as centres, which may be more than `SPECTRAL_ROWS`.

    α is the best one for `SPECTRAL_ROWS` rows drawn at random. Some of these are left out.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    T : ndarray of float64 of shape (n_samples, n_targets)
    weights : ndarray of float64 of shape (n_samples,)
        Positive.
    gamma : float
    alphas : list of float
    random_state : RandomState instance

    Returns
    -------
    KernelSolution

    Raises
    ------
    ValueError
        If distances overflow.
    """
    some = random_state.permutation(len(X))[:SPECTRAL_ROWS]
    alpha, errors = alphas[0], {}
    if len(alphas) > 1:
        found = solve(GaussianKernel(X[some], gamma), X[some], T[some], weights[some], alphas)
        alpha, errors = found.alpha, found.errors
    alpha = safe_alpha(alpha, weights)
    with team() as run:
        factor = KernelFactor.of(GaussianKernel(X, gamma).parts_of_centers(), alpha / weights, run)
        beta = factor.solve(T)
        rows = some[:_LEFT_OUT]
        residuals = beta[rows] / factor.inverse_diagonal(rows, run)[:, np.newaxis]
    errors = errors or {
        alpha: float(np.average((residuals**2).mean(axis=1), weights=weights[rows]))
    }
    return KernelSolution(alpha, beta.astype(np.float64), rows, T[rows] - residuals, errors)


def predict(kernel: GaussianKernel, dual_coef: Array, X: Array) -> Array:
    """Return f of the rows of X, float64 of shape (n_samples, n_targets)."""
    outputs = np.empty((len(X), dual_coef.shape[1]))
    work = len(dual_coef) * (X.shape[1] + dual_coef.shape[1])
    n_rows = max(1, min(_BLOCK_BYTES // (8 * len(dual_coef)), _BLOCK_WORK // work))
    blocks = list(gen_batches(len(X), n_rows))

    def compute(b: int) -> None:
        outputs[blocks[b]] = kernel(X[blocks[b]]) @ dual_coef

    with team() as run:
        share(run, compute, range(len(blocks)))
    return outputs


def _parts(n_rows: int, n_centers: int) -> list[slice]:
    """Return the ranges of rows that threads take one after the other."""
    return list(gen_batches(n_rows, max(1, _PART_BYTES // (8 * n_centers))))


def _squares(X: Array) -> npt.NDArray[np.float64]:
    squares: npt.NDArray[np.float64] = np.einsum("ij,ij->i", X, X)
    return squares


def _check_finite(squares: float) -> None:
    if not np.isfinite(squares):
        raise ValueError(
            "Values of X are so large that squared distances of its rows overflow: scale the "
            "columns first, with StandardScaler, for instance."
        )
