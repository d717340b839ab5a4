"""Parameters and fitted attributes that TabularClassifier and TabularRegressor share."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from striate.core.activations import ACTIVATIONS, HIDDEN_ACTIVATIONS
from striate.estimators.fitted_attributes import (
    INPUT,
    Attribute,
    Each,
    Floats,
    Instance,
    Number,
    OneOf,
    Whole,
)
from striate.estimators.sklearn_private import Interval, Options, StrOptions

from .table_encoder import TableEncoder

# A loss may be too large for a number where the weights are not.
_LOSS = Number(finite=False)

TABULAR: Mapping[str, Attribute] = {
    **INPUT,
    "encoder_": Instance(TableEncoder, {"n_encoded_": Whole("n_encoded_")}),
    "n_members_": Whole("n_members_"),
    "n_outputs_": Whole("n_outputs_"),
    "coefs_": Each(Floats(("n_members_", "in", "out")), layers=True, inputs="n_encoded_"),
    "intercepts_": Each(Floats(("n_members_", "out")), layers=True, inputs="n_encoded_"),
    "_activations": Each(OneOf(ACTIVATIONS), layers=True),
    "n_iter_": Whole(),
    "best_epochs_": Each(Whole(), size="n_members_"),
    "loss_curves_": Each(Each(_LOSS), size="n_members_"),
    "validation_loss_curves_": Each(Each(_LOSS), size="n_members_"),
    "loss_curve_": Each(_LOSS),
    "validation_loss_curve_": Each(_LOSS),
}

CONSTRAINTS: Mapping[str, Any] = {
    "n_members": [Interval(Integral, 1, None, closed="left")],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "max_one_hot": [Interval(Integral, 2, None, closed="left")],
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(HIDDEN_ACTIVATIONS))],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
