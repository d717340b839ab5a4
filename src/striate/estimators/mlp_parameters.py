"""What the parameters that both perceptrons share may be, and which of them exclude each other."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from striate.core.activations import HIDDEN_ACTIVATIONS
from striate.solvers.schedules import FACTORS

from .default_parameters import as_list, has_default
from .local_receptive_fields import LocalReceptiveFields
from .sklearn_private import HasMethods, Interval, Options, StrOptions
from .training import MINIBATCH_SOLVERS

#: Parameters of the steps over minibatches that other solvers do not have.
_OF_MINIBATCHES = (
    "dropout",
    "weight_decay",
    "max_grad_norm",
    "weight_averaging",
    "learning_rate_factors",
    "scoring",
)
_PROBABILITY = Interval(Real, 0, 1, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_AT_LEAST_0 = Interval(Real, 0, None, closed="left")
_AT_LEAST_1 = Interval(Integral, 1, None, closed="left")

CONSTRAINTS: Mapping[str, Any] = {
    "hidden_layer_sizes": ["array-like", _AT_LEAST_1],
    "activation": [StrOptions(set(HIDDEN_ACTIVATIONS)), list, tuple],
    "solver": [StrOptions({"lbfgs", "gd", *MINIBATCH_SOLVERS})],
    "alpha": [_AT_LEAST_0],
    "batch_size": [StrOptions({"auto"}), _AT_LEAST_1],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", *FACTORS}), callable],
    "learning_rate_init": [_POSITIVE],
    "power_t": [_AT_LEAST_0],
    "max_iter": [_AT_LEAST_1],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_AT_LEAST_0],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_PROBABILITY],
    "beta_1": [_PROBABILITY],
    "beta_2": [_PROBABILITY],
    "epsilon": [_POSITIVE],
    "n_iter_no_change": [_AT_LEAST_1, Options(Real, {np.inf})],
    "max_fun": [_AT_LEAST_1],
    "initialization": [StrOptions({"auto", "glorot", "he", "lecun", "normal"})],
    "pretraining": [HasMethods(["fit", "transform"]), None],
    "connectivity": ["array-like", "sparse matrix", LocalReceptiveFields, None],
    "l1_weight": [_AT_LEAST_0],
    "dropout": [_PROBABILITY, "array-like"],
    "weight_decay": [_AT_LEAST_0],
    "max_grad_norm": [_POSITIVE, None],
    "weight_averaging": [_PROBABILITY],
    "learning_rate_factors": [dict, None],
    "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
    "restore_best": ["boolean"],
    "n_restarts": [_AT_LEAST_1],
}


def check_options(mlp: Any, has_validation: bool) -> None:
    """Raise a ValueError if parameters are given that the solver does not have."""
    if mlp.solver in MINIBATCH_SOLVERS:
        return
    given = [name for name in _OF_MINIBATCHES if not has_default(mlp, name)]
    if mlp.learning_rate in FACTORS or callable(mlp.learning_rate):
        given.append("learning_rate")
    if has_validation:
        given.append("X_val")
    if given:
        raise ValueError(
            f"solver={mlp.solver!r} takes all rows at each step and has no {', '.join(given)}. "
            "Choose solver='adam' or 'sgd', or leave out what it does not have."
        )


def activation_names(activation: Any, n_hidden: int) -> list[str]:
    """Return the name of each hidden layer's activation."""
    if isinstance(activation, str):
        return [activation] * n_hidden
    names = list(activation)
    if len(names) != n_hidden:
        raise ValueError(
            f"activation has {len(names)} names, but there are {n_hidden} hidden layers: give one "
            "name for all, or one for each."
        )
    for name in names:
        if name not in HIDDEN_ACTIVATIONS:
            raise ValueError(
                f"activation has {name!r}, which is not one of {', '.join(HIDDEN_ACTIVATIONS)}."
            )
    return names


def dropout_levels(dropout: Any, n_hidden: int) -> list[float]:
    """Return the probability for the inputs and for each hidden layer."""
    if isinstance(dropout, Real):
        return [0.0] + [float(dropout)] * n_hidden
    levels = as_list(dropout)
    numbers = all(isinstance(each, int | float) and 0 <= each < 1 for each in levels)
    if not numbers or len(levels) != n_hidden + 1:
        raise ValueError(
            "dropout must be a number from 0 up to but not 1 for all hidden layers, or a list of "
            f"such numbers for the inputs and each hidden layer ({n_hidden + 1} here), got "
            f"{dropout!r}."
        )
    return [float(each) for each in levels]


def rate_factors(factors: Mapping[Any, Any] | None, n_layers: int) -> Any:
    """Return by what the learning rate of W and b of each layer is multiplied; None for 1."""
    if not factors:
        return None
    rates = np.ones((n_layers, 2))
    for key, given in factors.items():
        factor = float(given) if isinstance(given, int | float | np.number) else np.nan
        if not 0 <= factor < np.inf:
            raise ValueError(
                f"learning_rate_factors must be numbers of at least 0, got {given!r} for {key!r}."
            )
        if key in ("weights", "biases"):
            rates[:, ("weights", "biases").index(key)] *= factor
        elif isinstance(key, int | np.integer) and -n_layers <= key < n_layers:
            rates[key] *= factor
        else:
            raise ValueError(
                f"learning_rate_factors has {key!r}, which is neither 'weights', 'biases', nor the "
                f"number of a layer, from 0 to {n_layers - 1}."
            )
    return rates.ravel()
