"""Pretraining: the hidden layers of a perceptron begin as those of an autoencoder."""

import inspect

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from .reconstruction import Reconstruction


def pretrained(pretraining, X, random_state):
    """The autoencoder, fitted on X, or as it is where it is frozen.

    Parameters
    ----------
    pretraining : SparseAutoencoder, StackedAutoencoder or FrozenEstimator of one
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    random_state : RandomState
        Seeds what has no `random_state` of its own.

    Raises
    ------
    ValueError
        If it is no autoencoder, or a frozen one that is not fitted or takes rows of other width.
    """
    frozen = isinstance(pretraining, FrozenEstimator)
    autoencoder = pretraining.estimator if frozen else pretraining
    if not isinstance(autoencoder, Reconstruction):
        raise ValueError(
            "pretraining must be a SparseAutoencoder, a StackedAutoencoder or a FrozenEstimator "
            f"of one, not {type(autoencoder).__name__}."
        )
    if not frozen:
        autoencoder = clone(autoencoder)
        if autoencoder.random_state is None:
            autoencoder.set_params(random_state=random_state.randint(np.iinfo(np.int32).max))
        return autoencoder.fit(X)
    try:
        check_is_fitted(autoencoder)
    except NotFittedError:
        raise ValueError(
            "pretraining is frozen but not fitted: fit the autoencoder first, or pass it without "
            "FrozenEstimator to have it fitted on the training data."
        ) from None
    if autoencoder.n_features_in_ != X.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} features, but pretraining was fitted on "
            f"{autoencoder.n_features_in_}."
        )
    return autoencoder


def check_agreement(estimator, sizes, activations):
    """Refuses `hidden_layer_sizes` and `activation` that contradict those of the pretraining.

    Their defaults contradict nothing: they cannot be told from what was not given.
    """
    defaults = inspect.signature(type(estimator)).parameters
    given = np.atleast_1d(estimator.hidden_layer_sizes).tolist()
    default = np.atleast_1d(defaults["hidden_layer_sizes"].default).tolist()
    if given not in (default, list(sizes)):
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes} contradicts pretraining, whose "
            f"hidden layers have {', '.join(map(str, sizes))} units. Leave it out."
        )
    for f in activations:
        if estimator.activation not in (defaults["activation"].default, f):
            raise ValueError(
                f"activation={estimator.activation!r} contradicts pretraining, whose hidden units "
                f"are {f}. Leave it out."
            )
