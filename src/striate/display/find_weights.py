"""The weights, layers and receptive fields of fitted estimators, also inside pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from striate.estimators.estimator_state import require_fitted
from striate.estimators.local_receptive_fields import LocalReceptiveFields


def pixel_weights(estimator: Any) -> Any:
    """Return the weights of each unit of a fitted estimator on the pixels, one row per unit.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no such weights.
    """
    # A step that follows a PatchFeatures sees pooled features; only filters_ see pixels.
    for step in sorted(steps_of(estimator), key=lambda step: not hasattr(step, "filters_")):
        weights = _first_layer_weights(step)
        if weights is not None and _fits_the_input(weights, estimator):
            return weights
    require_fitted(estimator)
    raise ValueError(
        f"{type(estimator).__name__} has no weights on pixels: none of filters_, components_, "
        "cluster_centers_ and coefs_ was found. Pass a fitted SparseAutoencoder, PatchFeatures, "
        "PCA or MLPClassifier, for example, or show an array with FeatureDisplay(array)."
    )


def layer_weights(estimator: Any, layer: Any) -> Any:
    """Return W (n_in, n_out) of a layer of a fitted network, as an array or a sparse matrix.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no such layer.
    """
    for step in steps_of(estimator):
        layers = _all_layers(step)
        if layers and not (isinstance(layer, int | np.integer) and 0 <= layer < len(layers)):
            raise ValueError(
                f"{type(step).__name__} has layers 0 to {len(layers) - 1}, got layer={layer!r}."
            )
        if layers:
            return layers[layer]
    require_fitted(estimator)
    raise ValueError(
        f"{type(estimator).__name__} has no layers: none of coefs_, components_ and autoencoders_ "
        "was found. Pass a fitted MLPClassifier, MLPRegressor, SparseAutoencoder or "
        "StackedAutoencoder."
    )


def receptive_fields(estimator: Any, layer: int) -> LocalReceptiveFields | None:
    """Return the `LocalReceptiveFields` passed to an estimator for a layer, if there are any."""
    for given in _connectivity_parameters(estimator):
        layers = given if isinstance(given, list | tuple) else [given]
        fields = layers[layer] if 0 <= layer < len(layers) else None
        if isinstance(fields, LocalReceptiveFields):
            return fields
    return None


def unwrap(estimator: Any) -> Any:
    """Return the best estimator of a search, or the estimator itself."""
    return getattr(estimator, "best_estimator_", estimator)


def steps_of(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, last one first, or a list of the estimator alone."""
    estimator = unwrap(estimator)
    steps = getattr(estimator, "steps", None)
    if steps is None:
        return [estimator]
    return [inner for _, step in reversed(steps) for inner in steps_of(step)]


def _first_layer_weights(step: Any) -> Any:
    """Return the weights of the first layer, one row per unit; None if there are none."""
    for name in ("filters_", "components_", "cluster_centers_"):
        if hasattr(step, name):
            return _array_or_sparse(getattr(step, name))
    if hasattr(step, "coefs_"):
        return _array_or_sparse(step.coefs_[0]).T  # scikit-learn stores (n_features, n_units)
    return None


def _all_layers(step: Any) -> list[Any]:
    """Return W (n_in, n_out) of each layer; an autoencoder's decoder is its last layer."""
    if hasattr(step, "autoencoders_"):
        return [_array_or_sparse(layer.components_).T for layer in step.autoencoders_]
    if hasattr(step, "coefs_"):
        return [_array_or_sparse(W) for W in step.coefs_]
    if hasattr(step, "components_"):
        decoder = [step.decoder_components_] if hasattr(step, "decoder_components_") else []
        return [_array_or_sparse(step.components_).T, *map(_array_or_sparse, decoder)]
    return []


def _connectivity_parameters(estimator: Any) -> Iterator[Any]:
    """Yield the parameter `connectivity` of each step and of its pretraining."""
    for step in steps_of(estimator):
        yield getattr(step, "connectivity", None)
        if getattr(step, "pretraining", None) is not None:
            yield from _connectivity_parameters(step.pretraining)


def _array_or_sparse(weights: Any) -> Any:
    return weights if sparse.issparse(weights) else np.asarray(weights)


def _fits_the_input(weights: Any, estimator: Any) -> bool:
    """Return whether there is a weight for each input feature.

    In a pipeline of PCA and an MLP, the MLP's weights belong to components, not to pixels.
    """
    n_features = getattr(unwrap(estimator), "n_features_in_", None)
    return weights.ndim != 2 or n_features is None or weights.shape[1] == n_features
