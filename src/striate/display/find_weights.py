"""Which array of an estimator holds the weights on pixels, and what its layers are linked by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from striate.estimators.local_receptive_fields import LocalReceptiveFields


def pixel_weights(estimator: Any) -> Any:
    """Return what each unit of a fitted estimator weighs, one unit a row, in pixel space.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it holds no such weights.
    """
    for step in _candidates(estimator):
        weights = _own_weights(step)
        if weights is not None and _sees_the_input(weights, estimator):
            return weights
    check_is_fitted(estimator)
    raise ValueError(
        f"{type(estimator).__name__} holds no weights on pixels: none of filters_, components_, "
        "cluster_centers_ and coefs_ was found. Pass a fitted SparseAutoencoder, PatchFeatures, "
        "PCA, MLPClassifier or the like, or show an array with FeatureDisplay(array)."
    )


def layer_weights(estimator: Any, layer: int) -> Any:
    """Return W (n_in, n_out) of a layer of a fitted network, as an array or a sparse matrix.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no such layer.
    """
    for step in steps_of(estimator):
        layers = _layers(step)
        if layers and not 0 <= layer < len(layers):
            raise ValueError(
                f"{type(step).__name__} has layers 0 to {len(layers) - 1}, got layer={layer!r}."
            )
        if layers:
            return layers[layer]
    check_is_fitted(estimator)
    raise ValueError(
        f"{type(estimator).__name__} has no layers: neither coefs_, nor components_, nor "
        "autoencoders_ was found. Pass a fitted MLPClassifier, MLPRegressor, SparseAutoencoder or "
        "StackedAutoencoder."
    )


def fields_of(estimator: Any, layer: int = 0) -> LocalReceptiveFields | None:
    """Return the receptive fields that an estimator was given for a layer, if it was."""
    for given in _connectivities(estimator):
        layers = given if isinstance(given, list | tuple) else [given]
        fields = layers[layer] if 0 <= layer < len(layers) else None
        if isinstance(fields, LocalReceptiveFields):
            return fields
    return None


def chosen_units(units: ArrayLike, n_units: int, name: str = "units") -> NDArray[np.intp]:
    """Return indices of units, checked."""
    chosen = np.atleast_1d(np.asarray(units))
    whole = chosen.ndim == 1 and chosen.size > 0 and chosen.dtype.kind in "iu"
    if not whole or chosen.min() < 0 or chosen.max() >= n_units:
        raise ValueError(f"{name} must be indices from 0 to {n_units - 1}, got {units!r}.")
    return chosen.astype(np.intp)


def unwrap(estimator: Any) -> Any:
    """Return the estimator that a search chose, or the estimator itself."""
    return getattr(estimator, "best_estimator_", estimator)


def steps_of(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, last one first, or the estimator alone."""
    estimator = unwrap(estimator)
    steps = getattr(estimator, "steps", None)
    if steps is None:
        return [estimator]
    return [inner for _, step in reversed(steps) for inner in steps_of(step)]


def _candidates(estimator: Any) -> list[Any]:
    # Whatever follows a PatchFeatures weighs pooled features: only its own filters see pixels.
    steps = steps_of(estimator)
    return sorted(steps, key=lambda step: not hasattr(step, "filters_"))


def _own_weights(step: Any) -> Any:
    for name in ("filters_", "components_", "cluster_centers_"):
        if hasattr(step, name):
            return _array_or_sparse(getattr(step, name))
    if hasattr(step, "coefs_"):
        return _array_or_sparse(step.coefs_[0]).T  # scikit-learn keeps (n_features, n_units)
    return None


def _layers(step: Any) -> list[Any]:
    if hasattr(step, "autoencoders_"):
        return [_array_or_sparse(layer.components_).T for layer in step.autoencoders_]
    if hasattr(step, "coefs_"):
        return [_array_or_sparse(W) for W in step.coefs_]
    if hasattr(step, "components_"):
        decoder = [step.decoder_components_] if hasattr(step, "decoder_components_") else []
        return [_array_or_sparse(step.components_).T, *map(_array_or_sparse, decoder)]
    return []


def _connectivities(estimator: Any) -> Iterator[Any]:
    for step in steps_of(estimator):
        yield getattr(step, "connectivity", None)
        if getattr(step, "pretraining", None) is not None:
            yield from _connectivities(step.pretraining)


def _array_or_sparse(weights: Any) -> Any:
    return weights if sparse.issparse(weights) else np.asarray(weights)


def _sees_the_input(weights: Any, estimator: Any) -> bool:
    # In PCA -> MLP the MLP's weights belong to principal components, not to pixels.
    n_features = getattr(unwrap(estimator), "n_features_in_", None)
    return weights.ndim != 2 or n_features is None or weights.shape[1] == n_features
