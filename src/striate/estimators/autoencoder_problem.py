"""The problem and the solver of an autoencoder, from its parameters."""

from typing import Any

import numpy as np

from striate.core.activations import range_of
from striate.core.block_sums import value_range
from striate.core.design_matrix import with_noise
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.problem import Problem
from striate.solvers.schedules import Constant
from striate.solvers.update_rules import Adam

from .connectivity_masks import (
    check_shapes,
    check_warm_start,
    patterns_of,
    resolve_masks,
    resolve_sizes,
)
from .stopping import RelativeLossPlateau
from .training import LBFGS, Epochs, GradientDescent, Solver

#: Number of epochs without progress after which Adam stops.
PATIENCE = 10


def network_of(model: Any, X: Any, go_on: bool) -> Network:
    """Return the network: a new one, or that of the earlier fit if `go_on`."""
    masks: list[Any] = []
    if model.connectivity is not None and (model.warm_start or not go_on):
        masks = resolve_masks([model.connectivity], getattr(model, "feature_names_in_", None))
    if go_on:
        check_warm_start(masks, [model.components_.T])
        k = len(model.intercept_)
        patterns = patterns_of([model.components_.T, model.decoder_components_])
        if model.connectivity is None and k != model.n_components:
            raise ValueError(
                f"n_components={model.n_components}, but the earlier fit has {k} hidden units. "
                "Set warm_start=False to refit."
            )
    else:
        (k,) = resolve_sizes(model, masks, "n_components")
        check_shapes(masks, (X.shape[1], k, X.shape[1]), "n_components")
        patterns = [masks[0], masks[0].T] if masks else [None, None]
    if model.tied_weights:
        patterns = patterns[:1]
    activations = model.activation, model.output_activation
    return Network((X.shape[1], k, X.shape[1]), activations, model.tied_weights, patterns)


def problem_of(model: Any, network: Network, X: Any) -> Problem:
    """Return what the solver minimizes."""
    noisy = X
    if model.noise > 0:
        seed = model._random_state.randint(2**31)
        noisy = with_noise(X, NOISE[model.noise_type], model.noise, seed)
    names = ("weight_decay", "l1_weight", "sparsity_target", "sparsity_weight")
    terms = {name: getattr(model, name) for name in names}
    return Problem(network, "squared_error", noisy, X, **terms)


def solver_of(model: Any, incremental: bool) -> Solver:
    """Return the settings of the solver."""
    if model.solver == "lbfgs":
        return LBFGS(model.max_iter, model.tol)
    if model.solver == "gd":
        return GradientDescent(learning_rate_of(model), model.max_iter, model.tol)
    return Epochs(
        rule=Adam(),
        batch_size=model.batch_size,
        max_iter=1 if incremental else model.max_iter,
        schedule=Constant(learning_rate_of(model)),
        stopping=RelativeLossPlateau(model.tol, PATIENCE - 1, best=np.inf),
        random_state=model._random_state,
        state=getattr(model, "_optimizer", {}) if incremental else {},
    )


def learning_rate_of(model: Any) -> float:
    """Return the learning rate of "adam" and "gd"."""
    if model.learning_rate != "auto":
        return float(model.learning_rate)
    return 0.1 if model.solver == "gd" else 0.001


def check_ranges(model: Any, X: Any) -> None:
    """Raise a ValueError if a parameter or X is outside the range of an activation."""
    lowest, highest = range_of(model.activation)
    if model.sparsity_weight > 0 and not lowest < model.sparsity_target < highest:
        raise ValueError(
            f"sparsity_target={model.sparsity_target} is outside the range of {model.activation} "
            f"units, {lowest:g} to {highest:g}. Choose it inside, or sparsity_weight=0."
        )
    if model.noise_type == "masking" and model.noise >= 1:
        raise ValueError(
            f"noise={model.noise}: with noise_type='masking' it is the probability with which a "
            "number is replaced by 0, so it must be below 1."
        )
    lowest, highest = range_of(model.output_activation)
    smallest, largest = value_range(X) if np.isfinite([lowest, highest]).any() else (0.0, 0.0)
    if smallest < lowest or largest > highest:
        raise ValueError(
            f"output_activation={model.output_activation!r} reproduces values from {lowest:g} "
            f"to {highest:g}, but X has values from {smallest:g} to {largest:g}. Scale X with "
            "PatchScaler or MinMaxScaler, or choose output_activation='identity'."
        )
