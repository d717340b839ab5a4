"""Where fitted estimators keep their weights: of each unit, of each layer, of the first layer."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from striate.core.activations import range_of
from striate.core.inference import layer_output

# What to pass instead of an estimator without a layer of its own, by an attribute it has.
_REMEDIES = {
    "steps": "Pass the step itself and the rows that it sees: pipeline[-1] and "
    "pipeline[:-1].transform(X).",
    "best_estimator_": "Pass its best_estimator_.",
    "encoder_": "Pass its encoder_ and the patches that it sees, from sample_patches(images).",
}


class FirstLayer(NamedTuple):
    """The layer between the input and the first hidden units."""

    components: Any  # W (n_units, n_features), an array or a sparse matrix
    activate: Callable[[Any], Any]  # from rows of X to activations (m, n_units)
    span: float | None  # range of the activations, None if unbounded


def unit_weights(estimator: Any) -> Any:
    """Return the weights (n_units, ...) of the units of a fitted estimator, or None.

    An array or a sparse matrix: `filters_`, `components_`, `cluster_centers_`, or the first of
    `coefs_`, transposed.
    """
    for name in ("filters_", "components_", "cluster_centers_"):
        weights = getattr(estimator, name, None)
        if weights is not None:
            return _array_or_sparse(weights)
    if hasattr(estimator, "coefs_"):
        return _array_or_sparse(estimator.coefs_[0]).T  # scikit-learn keeps (n_features, n_units)
    return None


def network_weights(estimator: Any) -> list[Any]:
    """Return W (n_in, n_out) of each layer of a fitted network; an empty list if it is none.

    Arrays or sparse matrices. An autoencoder's decoder counts as a layer.
    """
    if hasattr(estimator, "autoencoders_"):
        return [_array_or_sparse(layer.components_).T for layer in estimator.autoencoders_]
    if hasattr(estimator, "coefs_"):
        return [_array_or_sparse(W) for W in estimator.coefs_]
    if hasattr(estimator, "components_"):
        has_decoder = hasattr(estimator, "decoder_components_")
        decoder = [_array_or_sparse(estimator.decoder_components_)] if has_decoder else []
        return [_array_or_sparse(estimator.components_).T, *decoder]
    return []


def lowest_estimator(estimator: Any) -> Any:
    """Return the first autoencoder of a fitted stack, or the estimator itself."""
    autoencoders = getattr(estimator, "autoencoders_", None)
    return estimator if autoencoders is None else autoencoders[0]


def first_layer(estimator: Any) -> FirstLayer:
    """Return the first layer of a fitted estimator.

    Raises
    ------
    ValueError
        If it has none.
    """
    if hasattr(estimator, "as_layer"):
        return _layer(*estimator.as_layer())
    if hasattr(estimator, "coefs_"):  # scikit-learn's perceptrons
        hidden = len(estimator.coefs_) > 1
        f = estimator.activation if hidden else estimator.out_activation_
        return _layer(estimator.coefs_[0], estimator.intercepts_[0], f)
    if hasattr(estimator, "components_") and hasattr(estimator, "transform"):
        return FirstLayer(np.asarray(estimator.components_), _transform_of(estimator), None)
    remedies = [remedy for name, remedy in _REMEDIES.items() if hasattr(estimator, name)]
    raise ValueError(
        f"{type(estimator).__name__} has no first layer to inspect: neither as_layer(), nor "
        "coefs_, nor components_ with transform. "
        + (remedies or ["Pass a SparseAutoencoder, an MLPClassifier, a PCA or the like."])[0]
    )


def _layer(W: Any, b: Any, f: str) -> FirstLayer:
    def activate(X: Any) -> Any:
        X = X if sparse.issparse(X) else np.ascontiguousarray(X)
        return layer_output(X, W, b, f)

    lowest, highest = range_of(f)
    return FirstLayer(W.T, activate, highest - lowest if np.isfinite(highest - lowest) else None)


def _transform_of(estimator: Any) -> Callable[[Any], Any]:
    def activate(X: Any) -> Any:
        with warnings.catch_warnings():  # the names were checked with X as a whole
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            return estimator.transform(X)

    return activate


def _array_or_sparse(weights: Any) -> Any:
    return weights if sparse.issparse(weights) else np.asarray(weights)
