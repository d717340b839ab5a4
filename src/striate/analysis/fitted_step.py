"""The network inside pipelines, searches and scaled regressors, with the rows that it sees."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier, is_regressor

from striate.estimators.estimator_state import require_fitted
from striate.estimators.reconstruction import Layer
from striate.estimators.sparse_autoencoder import SparseAutoencoder


class NetworkRows(NamedTuple):
    """Rows as a network sees them.

    Attributes
    ----------
    X, y : array-like
        What the steps around the network make of the rows and targets, for its methods; y may be
        None.
    checked : ndarray or CSR matrix of shape (n_checked, n_features)
        X as floats.
    n_samples : int
        Number of rows from which these were chosen.
    """

    X: Any
    y: Any
    checked: Any
    n_samples: int


class FittedStep(NamedTuple):
    """A network, and what happens to X and y before it sees them.

    Attributes
    ----------
    estimator : fitted estimator
    transform_X, transform_y : callable
        What the steps around it make of X and y.
    hidden_layers, output_layers : list of tuple
        W, b and activation of each.
    """

    estimator: Any
    transform_X: Callable[[Any], Any]
    transform_y: Callable[[Any], Any]
    hidden_layers: list[Layer]
    output_layers: list[Layer]

    @property
    def layers(self) -> list[Layer]:
        """All layers."""
        return [*self.hidden_layers, *self.output_layers]

    @property
    def is_supervised(self) -> bool:
        """Whether it learns from targets."""
        return bool(is_classifier(self.estimator) or is_regressor(self.estimator))


def fitted_step(estimator: Any) -> FittedStep:
    """Find the network of a fitted estimator.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If it has no network that can be diagnosed.
    """
    whole = estimator
    to_X: list[Callable[[Any], Any]] = []
    to_y: list[Callable[[Any], Any]] = []
    if not hasattr(estimator, "fit"):
        raise TypeError(_message(whole))
    require_fitted(estimator)
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            if len(estimator.steps) > 1:
                to_X.append(estimator[:-1].transform)
            estimator = estimator[-1]
        elif hasattr(estimator, "regressor_") and hasattr(estimator, "transformer_"):
            to_y.append(_scaled_by(estimator.transformer_))
            estimator = estimator.regressor_
        else:
            break
    return FittedStep(estimator, _chained(to_X), _chained(to_y), *_layers_of(estimator, whole))


def _chained(functions: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def all_of_them(values: Any) -> Any:
        for function in functions:
            values = function(values)
        return values

    return all_of_them


def _scaled_by(transformer: Any) -> Callable[[Any], Any]:
    def scaled(y: Any) -> Any:
        y = np.asarray(y)
        result = transformer.transform(y.reshape(len(y), -1))
        return result.ravel() if y.ndim == 1 else result

    return scaled


def _layers_of(estimator: Any, whole: Any) -> tuple[list[Layer], list[Layer]]:
    if isinstance(estimator, SparseAutoencoder):
        return estimator.encoder_layers(), estimator.decoder_layers()
    if not hasattr(estimator, "coefs_") or not hasattr(estimator, "out_activation_"):
        raise TypeError(_message(whole))
    activations = getattr(estimator, "_activations", None)
    if activations is None:  # scikit-learn's perceptrons
        hidden = [estimator.activation] * (len(estimator.coefs_) - 1)
        activations = [*hidden, estimator.out_activation_]
    layers = list(zip(estimator.coefs_, estimator.intercepts_, activations, strict=True))
    return layers[:-1], layers[-1:]


def _message(estimator: Any) -> str:
    remedy = "Pass one, or a Pipeline that ends in one."
    if hasattr(estimator, "autoencoders_"):
        remedy = "Pass one of its autoencoders_, with the rows that it sees."
    elif hasattr(estimator, "encoder_"):
        remedy = "Pass its encoder_, and the patches from sample_patches(images)."
    return (
        "diagnose takes a fitted MLPClassifier, MLPRegressor or SparseAutoencoder, got "
        f"{type(estimator).__name__}. {remedy}"
    )
