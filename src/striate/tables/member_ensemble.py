"""What fitted members compute: their outputs, and how these change with the columns of a table."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.inference import Layer, network_output
from striate.core.input_gradient import output_jacobian

from .table_columns import read_columns
from .table_encoder import TableEncoder

Array = npt.NDArray[Any]


class MemberEnsemble(BaseEstimator, ABC):
    """Networks of the same form behind one encoder."""

    encoder_: TableEncoder
    n_members_: int
    coefs_: list[Array]
    intercepts_: list[Array]
    #: Those of the hidden layers, and of the outputs: of classes, the logits.
    _activations: list[str]

    def input_gradients(self, X: Any) -> Array:
        """Return the derivatives of the prediction by the columns of numbers, which are exact.

        They are those of predicted numbers, or of the probability of the second of two classes or
        of each of several classes: by how much the prediction changes with a small change of the
        number, in its own unit.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features) or (n_samples, n_features, n_outputs)
            0 where a number is missing, NaN for columns of categories.
        """
        check_is_fitted(self)
        columns = read_columns(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        derivatives, at = self.encoder_.derivatives(columns)
        Z = self.encoder_.encode(columns)
        total = np.mean(
            [
                self._gradients(*output_jacobian(Z, layers)).astype(np.float64)
                for layers in self._member_layers()
            ],
            axis=0,
        )
        gradients = derivatives[:, :, np.newaxis] * np.moveaxis(total[:, :, at], 1, 2)
        return gradients[:, :, 0] if gradients.shape[2] == 1 else gradients

    @abstractmethod
    def _gradients(self, z: Array, jacobian: Array) -> Array:
        """Return the derivatives of the prediction of one member by its inputs.

        z are its outputs before their activation, and `jacobian` their derivatives, (n_samples,
        n_outputs, n_encoded).
        """

    def _outputs(self, Z: Array) -> Iterator[Array]:
        """Yield the outputs of each member for encoded rows, (n_samples, n_outputs)."""
        for layers in self._member_layers():
            yield network_output(Z, layers)

    def _member_layers(self) -> Iterator[list[Layer]]:
        """Yield W, b and activation of each layer, for each member."""
        for k in range(self.n_members_):
            layers = zip(self.coefs_, self.intercepts_, self._activations, strict=True)
            yield [(W[k], b[k], f) for W, b, f in layers]

    def _encoded(self, X: Any) -> Array:
        """Check the user's X, and return it as the networks' input."""
        columns = read_columns(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        return self.encoder_.encode(columns)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
