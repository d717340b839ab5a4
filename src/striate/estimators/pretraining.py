"""Pretraining: the hidden layers of a perceptron start as those of an autoencoder."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from .default_parameters import as_list, has_default
from .mlp_parameters import activation_names
from .reconstruction import Reconstruction
from .training_record import TrainingRecord


def pretrained(
    pretraining: Any, X: Any, random_state: np.random.RandomState, record: TrainingRecord
) -> Reconstruction:
    """Return the autoencoder fitted on X, or unchanged if it is frozen.

    Parameters
    ----------
    pretraining : SparseAutoencoder, StackedAutoencoder or FrozenEstimator of one
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    random_state : RandomState
        Seeds an autoencoder that has no `random_state` of its own.
    record : TrainingRecord
        Of the fit that this one is a part of.

    Raises
    ------
    ValueError
        If it is not an autoencoder, or a frozen one that is not fitted or was fitted on another
        number of features.
    """
    frozen = isinstance(pretraining, FrozenEstimator)
    autoencoder = pretraining.estimator if frozen else pretraining
    if not isinstance(autoencoder, Reconstruction):
        raise ValueError(
            "pretraining must be a SparseAutoencoder, a StackedAutoencoder or a FrozenEstimator "
            f"of one, not {type(autoencoder).__name__}."
        )
    if frozen:
        _check_frozen(autoencoder, X.shape[1])
        return autoencoder
    autoencoder = clone(autoencoder)
    if autoencoder.random_state is None:
        autoencoder.set_params(random_state=random_state.randint(np.iinfo(np.int32).max))
    with record.recording(autoencoder, "pretraining"):
        autoencoder.fit(X)
    return autoencoder


def _check_frozen(autoencoder: Any, n_features: int) -> None:
    try:
        check_is_fitted(autoencoder)
    except NotFittedError:
        raise ValueError(
            "pretraining is frozen but not fitted: fit the autoencoder first, or pass it without "
            "FrozenEstimator to have it fitted on the training data."
        ) from None
    if autoencoder.n_features_in_ != n_features:
        raise ValueError(
            f"X has {n_features} features, but pretraining was fitted on "
            f"{autoencoder.n_features_in_}."
        )


def check_agreement(estimator: Any, sizes: Sequence[int], activations: Iterable[str]) -> None:
    """Raise if `hidden_layer_sizes` or `activation` contradict the pretraining.

    Parameters with their default values count as not given.
    """
    given = as_list(estimator.hidden_layer_sizes)
    if given != list(sizes) and not has_default(estimator, "hidden_layer_sizes"):
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes} contradicts pretraining, whose "
            f"hidden layers have {', '.join(map(str, sizes))} units. Leave it out."
        )
    if has_default(estimator, "activation"):
        return
    names = [*activations]
    for activation, expected in zip(
        names, activation_names(estimator.activation, len(names)), strict=True
    ):
        if activation != expected:
            raise ValueError(
                f"activation={estimator.activation!r} contradicts pretraining, whose hidden units "
                f"are {activation}. Leave it out."
            )
