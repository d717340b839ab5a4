"""Weights of a perceptron as sparse matrices, where few are not zero."""

from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from striate.core.sparse_matrices import dense

from .connectivity_masks import without_zeros


class SparseWeights:
    """Methods that store `coefs_` as sparse or dense matrices."""

    coefs_: list[Any]
    _optimizer: dict[str, Any]

    def sparsify(self) -> Self:
        """Keep only the nonzero weights, so that predictions cost in proportion to them.

        It pays off if few are left, as after training with `l1_weight`. A later `partial_fit`, or
        `fit` with `warm_start`, trains these weights and adds no others.

        Returns
        -------
        self
            With a sparse matrix for each array of `coefs_`.
        """
        check_is_fitted(self)
        return self._with_coefs([without_zeros(W) for W in self.coefs_])

    def densify(self) -> Self:
        """Undo `sparsify`: store the zero weights, too.

        This includes those that `connectivity` excluded: a later `partial_fit`, or `fit` with
        `warm_start`, trains all of them.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        return self._with_coefs([dense(W) for W in self.coefs_])

    def _with_coefs(self, coefs: list[Any]) -> Self:
        self.coefs_ = coefs
        self._optimizer = {}  # it holds moments for each old weight
        return self
