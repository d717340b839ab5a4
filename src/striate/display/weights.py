"""Which array of an estimator holds the weights on pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted


def pixel_weights(estimator: Any) -> np.ndarray:
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


def _own_weights(step: Any) -> np.ndarray | None:
    for name in ("filters_", "components_", "cluster_centers_"):
        if hasattr(step, name):
            return np.asarray(getattr(step, name))
    if hasattr(step, "coefs_"):
        return np.asarray(step.coefs_[0]).T  # scikit-learn keeps (n_features, n_units)
    return None


def _sees_the_input(weights: np.ndarray, estimator: Any) -> bool:
    # In PCA -> MLP the MLP's weights belong to principal components, not to pixels.
    n_features = getattr(unwrap(estimator), "n_features_in_", None)
    return weights.ndim != 2 or n_features is None or weights.shape[1] == n_features
