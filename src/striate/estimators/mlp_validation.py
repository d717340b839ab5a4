"""What a perceptron measures on validation rows after each epoch."""

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import check_scoring

from striate.core.inference import network_output
from striate.core.losses import loss_call, mean_loss
from striate.core.problem import Problem

from .validation import Rows, Theta, Validation


def validation_of(mlp: Any, problem: Problem, theta: Theta, rows: Rows | None) -> Validation | None:
    """Return what measures the score and the loss of validation rows, if there are any."""
    if rows is None:
        return None
    network = problem.network
    call = loss_call(problem.loss, rows.X.dtype, network.sizes[-1], problem.loss_constants)
    targets, score = mlp._targets(rows.y), _score(mlp, rows)

    def measure(theta: Theta) -> tuple[float, float]:
        coefs, intercepts = network.unpack(theta)
        layers = list(zip(coefs, intercepts, mlp._activations, strict=True))
        outputs = network_output(rows.X, layers)
        if not np.isfinite(outputs).all():
            return np.nan, np.nan
        loss = mlp._reported({"data": mean_loss(call, outputs, targets, rows.sample_weight)})
        if mlp.scoring == "loss":
            return -loss, loss
        return score(outputs, coefs, intercepts), loss

    return Validation(
        measure,
        theta,
        mlp.validation_scores_,
        mlp.validation_loss_curve_,
        mlp.best_validation_score_,
        mlp.restore_best,
    )


def _score(mlp: Any, rows: Rows) -> Callable[[npt.NDArray[Any], list[Any], list[Any]], float]:
    """Return a function of outputs, coefs and intercepts: the default score, or a scorer's."""
    if mlp.scoring in (None, "loss"):
        return lambda outputs, *_: float(mlp._validation_score(outputs, rows.y, rows.sample_weight))
    scorer, y = check_scoring(mlp, mlp.scoring), mlp._in_users_units(rows.y)
    weights = {} if rows.sample_weight is None else {"sample_weight": rows.sample_weight}

    def score(outputs: Any, coefs: list[Any], intercepts: list[Any]) -> float:
        fitted = copy(mlp)
        fitted.coefs_, fitted.intercepts_ = coefs, intercepts
        vars(fitted).pop("feature_names_in_", None)  # X is an array now
        return float(scorer(fitted, rows.X, y, **weights))

    return score
