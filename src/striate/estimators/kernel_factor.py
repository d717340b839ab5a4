"""Kernel ridge regression on all rows, from a Cholesky factor in tiles of float32.

With all n rows as centres, the coefficients are β = A⁻¹ T, where A = K + α W⁻¹, and the error of a
row that is left out is β_i / (A⁻¹)_ii. A = L Lᵀ takes n³ / 3 multiplications. The lower half of A
is stored as panels of rows, each as long as its last diagonal tile, and L replaces it: 2 n² bytes.
One call of LAPACK would take twice as much, and its 32-bit indices end at 46,341 rows.

References
----------
G. H. Golub and C. F. Van Loan, "Matrix computations" (2013), section 4.2.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import gen_batches

from striate.native.lapack import cholesky, triangular_solution
from striate.native.threads import share

Array = npt.NDArray[Any]

#: Rows of a panel.
TILE = 1024
#: Least ridge of a diagonal, for each row of A: rounding in float32 perturbs eigenvalues by less.
_SAFE_RIDGE = 8 * float(np.finfo(np.float32).eps)


def safe_alpha(alpha: float, weights: Array) -> float:
    """Return α, or the least one for which a factor in float32 exists."""
    return max(alpha, _SAFE_RIDGE * len(weights) * float(weights.max()))


class KernelFactor(NamedTuple):
    """L, as panels of rows.

    Attributes
    ----------
    panels : list of ndarray of float32
        Panel p holds the rows `parts[p]` of L, and their columns up to its last row.
    parts : list of slice
    """

    panels: list[Array]
    parts: list[slice]

    @classmethod
    def of(cls, kernel: Callable[[slice, slice], Array], ridge: Array, run: Any) -> Self:
        """Factor a kernel with a ridge on its diagonal.

        Parameters
        ----------
        kernel : callable
            kernel(rows, columns) is the part of K in two ranges, float32.
        ridge : ndarray of shape (n,)
        run : team
            Threads share the panels.

        Returns
        -------
        KernelFactor
        """
        parts = list(gen_batches(len(ridge), TILE))
        factor = cls([np.empty(0)] * len(parts), parts)

        def compute(p: int) -> None:
            rows = parts[p]
            panel = factor.panels[p] = kernel(rows, slice(0, rows.stop))
            panel[:, rows].flat[:: rows.stop - rows.start + 1] += ridge[rows]

        share(run, compute, reversed(range(len(parts))))
        for k in range(len(parts)):
            factor._take_diagonal(k)
            share(run, partial(factor._take_column, k), range(k + 1, len(parts)))
        return factor

    def _take_diagonal(self, k: int) -> None:
        """Replace tile (k, k) of A by that of L; the panels before are done."""
        rows = self.parts[k]
        left, tile = self.panels[k][:, : rows.start], self.panels[k][:, rows]
        tile[...] = cholesky(tile - left @ left.T)

    def _take_column(self, k: int, p: int) -> None:
        """Replace tile (p, k) of A by that of L; those to its left and tile (k, k) are done."""
        columns = self.parts[k]
        left, tile = self.panels[p][:, : columns.start], self.panels[p][:, columns]
        tile -= left @ self.panels[k][:, : columns.start].T
        tile[...] = triangular_solution(self.panels[k][:, columns], tile.T).T

    def solve(self, T: Array) -> Array:
        """Return A⁻¹ T, float32 of shape (n_centers, n_targets)."""
        Z = self.forward(T)
        for panel, rows in zip(reversed(self.panels), reversed(self.parts), strict=True):
            Z[rows] = triangular_solution(panel[:, rows], Z[rows], transposed=True)
            Z[: rows.start] -= panel[:, : rows.start].T @ Z[rows]
        return Z

    def forward(self, T: Array) -> Array:
        """Return L⁻¹ T, float32."""
        Z = np.array(T, dtype=np.float32)
        for panel, rows in zip(self.panels, self.parts, strict=True):
            rest = Z[rows] - panel[:, : rows.start] @ Z[: rows.start]
            Z[rows] = triangular_solution(panel[:, rows], rest)
        return Z

    def inverse_diagonal(self, rows: Array, run: Any) -> Array:
        """Return (A⁻¹)_ii for some rows i, float64."""
        found = np.empty(len(rows))
        parts = list(gen_batches(len(rows), _COLUMNS))

        def compute(p: int) -> None:
            columns = rows[parts[p]]
            one = np.zeros((self.parts[-1].stop, len(columns)), np.float32)
            one[columns, np.arange(len(columns))] = 1
            found[parts[p]] = np.einsum("ij,ij->j", Z := self.forward(one), Z, dtype=np.float64)

        share(run, compute, range(len(parts)))
        return found


# Columns of the inverse that a thread computes at a time.
_COLUMNS = 128
