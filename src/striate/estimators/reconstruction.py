"""Encoding, decoding and the reconstruction error of an autoencoder with any number of layers."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from striate.core.block_sums import through_blocks
from striate.core.inference import network_output
from striate.core.row_blocks import RowBlocks, parts_of

from .validated_input import FLOATS, in_native_order, validated

#: W (n_in, n_out), an array or a sparse matrix; b (n_out,); and the name of the activation.
Layer = tuple[Any, npt.NDArray[Any], str]

# Number of rows that are reconstructed at a time.
_BLOCK_ROWS = 4096


class Reconstruction(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Base class of autoencoders: what follows from the layers of the encoder and the decoder."""

    @abstractmethod
    def encoder_layers(self) -> list[Layer]:
        """Return W (n_in, n_out), b (n_out,) and f of each hidden layer, from the input upwards.

        Returns
        -------
        list of tuple
        """

    @abstractmethod
    def decoder_layers(self) -> list[Layer]:
        """Return W (n_in, n_out), b (n_out,) and f of the layers that reproduce the input.

        Returns
        -------
        list of tuple
            In order of application: the output of the last layer is the reconstruction.
        """

    def transform(self, X: Any) -> npt.NDArray[Any]:
        """Return the activations of the last hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        return network_output(self._validated(X), self.encoder_layers())

    def inverse_transform(self, X: Any) -> npt.NDArray[Any]:
        """Reconstruct the input from the output of `transform`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = check_array(in_native_order(X), dtype=FLOATS)
        if X.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {X.shape[1]} columns, but this autoencoder has {self._n_features_out} "
                "hidden units: pass the output of transform."
            )
        return network_output(X, self.decoder_layers())

    def reconstruction_error(self, X: Any) -> npt.NDArray[Any]:
        """Return ½ (x̂ − x)² of each feature of each row: which features make a row unusual.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The sum of each row is minus its score in `score_samples`.

        Examples
        --------
        The feature that was tampered with has the largest error:

        >>> from sklearn.datasets import load_digits
        >>> from striate import SparseAutoencoder
        >>> X = load_digits().data / 16
        >>> autoencoder = SparseAutoencoder(25, sparsity_weight=0, tol=0.003, random_state=0)
        >>> autoencoder.fit(X[1:])
        SparseAutoencoder(n_components=25, random_state=0, sparsity_weight=0, tol=0.003)
        >>> strange = X[:1].copy()
        >>> strange[0, 8] = 2.0
        >>> int(autoencoder.reconstruction_error(strange).argmax())
        8
        """
        check_is_fitted(self)
        X = self._validated(X)
        errors = np.empty(X.shape, dtype=X.dtype)
        for part, rows in parts_of(X, _BLOCK_ROWS):
            errors[part] = _errors_of(rows, self._all_layers())
        return errors

    def score_samples(self, X: Any) -> npt.NDArray[Any]:
        """Return −½ ‖x̂ − x‖² of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            0 for a perfect reconstruction, lower for more unusual rows.
        """
        check_is_fitted(self)
        return self._scores(self._validated(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples`: minus the data term of J.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return float(np.mean(self.score_samples(X), dtype=np.float64))

    def _scores(self, X: Any) -> npt.NDArray[Any]:
        """Return the score of each row of a validated X; rows of a cluster stay on its workers."""
        layers = self._all_layers()
        if isinstance(X, RowBlocks):
            return through_blocks(X, partial(_scores_of, layers=layers), 1)[:, 0]
        scores = np.empty(X.shape[0], dtype=X.dtype)
        for part, rows in parts_of(X, _BLOCK_ROWS):
            scores[part] = _scores_of(rows, layers)[:, 0]
        return scores

    def _all_layers(self) -> list[Layer]:
        return [*self.encoder_layers(), *self.decoder_layers()]

    def _validated(self, X: Any, reset: bool = False) -> Any:
        """Return X as floats: a C-contiguous array, a CSR matrix or a `RowBlocks`."""
        return validated(
            self,
            X,
            by_blocks=True,
            accept_sparse=("csr", "csc"),
            dtype=FLOATS,
            order="C",
            reset=reset,
        )

    @property
    def _n_features_out(self) -> int:
        return len(self.encoder_layers()[-1][1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _errors_of(X: Any, layers: list[Layer]) -> npt.NDArray[Any]:
    """Return the data term of J for each element; `striate.core.losses` has only its sum."""
    errors: npt.NDArray[Any] = network_output(X, layers)
    errors -= X.toarray() if sparse.issparse(X) else X
    np.square(errors, out=errors)
    errors *= errors.dtype.type(0.5)
    return errors


def _scores_of(X: Any, layers: list[Layer]) -> npt.NDArray[Any]:
    """Return minus the data term of J for each row, (n_rows, 1)."""
    return -_errors_of(X, layers).sum(axis=1, keepdims=True)
