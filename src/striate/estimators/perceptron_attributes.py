"""The fitted attributes that MLPClassifier and MLPRegressor share: see `fitted_attributes`."""

from collections.abc import Mapping

import numpy as np

from striate.core.activations import ACTIVATIONS

from .fitted_attributes import (
    INPUT,
    OPTIMIZER,
    Attribute,
    Each,
    Floats,
    Instance,
    Maybe,
    Number,
    OneOf,
    Whole,
)
from .reconstruction import Reconstruction

# A loss may be too large for a number where the weights are not.
_LOSS = Number(finite=False)

PERCEPTRON: Mapping[str, Attribute] = {
    **INPUT,
    "n_outputs_": Whole("n_outputs_"),
    "coefs_": Each(Floats(("in", "out"), sparse=True), layers=True),
    "intercepts_": Each(Floats(("out",)), layers=True),
    "_activations": Each(OneOf(ACTIVATIONS), layers=True),
    "out_activation_": OneOf(ACTIVATIONS),
    "pretraining_": Instance(Reconstruction, optional=True),
    "n_layers_": Whole(),
    "n_iter_": Whole(),
    "t_": Whole(),
    "loss_": _LOSS,
    "loss_curve_": Each(_LOSS),
    "best_loss_": Maybe(_LOSS),
    "validation_scores_": Maybe(Each(_LOSS)),
    "validation_loss_curve_": Maybe(Each(_LOSS)),
    "best_validation_score_": Maybe(_LOSS),
    "_no_improvement_count": Whole(),
    "_optimizer": OPTIMIZER,
    "_random_state": Instance(np.random.RandomState),
}
