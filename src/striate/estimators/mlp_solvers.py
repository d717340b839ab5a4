"""Solvers of the perceptrons: what their parameters mean for the training routine."""

import warnings
from typing import Any

from striate.core.problem import Problem
from striate.solvers.minibatch import Steps
from striate.solvers.schedules import (
    FACTORS,
    Adaptive,
    Constant,
    InverseScaling,
    OfShare,
    Schedule,
)
from striate.solvers.update_rules import Adam, Momentum, Nesterov

from .mlp_parameters import rate_factors
from .stopping import LossPlateau, ScorePlateau, StoppingRule
from .training import LBFGS, MINIBATCH_SOLVERS, Epochs, GradientDescent, Solver
from .validation import Validation


def solver_of(
    mlp: Any, problem: Problem, validation: Validation | None, incremental: bool
) -> Solver:
    """Return the settings of the solver."""
    if mlp.solver not in MINIBATCH_SOLVERS:
        if mlp.early_stopping:
            warnings.warn(
                f"early_stopping=True has no effect: solver={mlp.solver!r} trains on all rows "
                "and stops by tol and max_iter. Choose 'adam' or 'sgd' to stop by a validation "
                "score.",
                stacklevel=7,
            )
        mlp.loss_curve_ = []
        if mlp.solver == "gd":
            return GradientDescent(mlp.learning_rate_init, mlp.max_iter, mlp.tol)
        # scikit-learn's settings, which are SciPy's but for gtol.
        return LBFGS(mlp.max_iter, 2.220446049250313e-09, mlp.tol, mlp.max_fun)
    schedule = _schedule(mlp, problem.n_rows, incremental)
    return Epochs(
        rule=_rule(mlp),
        batch_size=_batch_size(mlp, problem.n_rows),
        max_iter=1 if incremental else mlp.max_iter,
        schedule=schedule,
        stopping=_stopping(mlp, validation, schedule),
        random_state=mlp._random_state,
        shuffle=mlp.shuffle,
        n_rows_seen=mlp.t_,
        steps=Steps(mlp.weight_decay, mlp.max_grad_norm or 0.0, mlp.weight_averaging),
        factors=rate_factors(mlp.learning_rate_factors, len(problem.network.layers)),
        state=getattr(mlp, "_optimizer", {}) if incremental else {},
    )


def _schedule(mlp: Any, n_rows: int, incremental: bool) -> Schedule:
    rate, name = mlp.learning_rate_init, mlp.learning_rate
    if callable(name) or name in FACTORS:
        n_before = mlp.t_ / n_rows if incremental else 0.0
        return OfShare(rate, FACTORS.get(name, name), mlp.max_iter, n_before)
    if mlp.solver == "sgd" and name == "invscaling":
        return InverseScaling(rate, mlp.power_t)
    return Adaptive(rate) if mlp.solver == "sgd" and name == "adaptive" else Constant(rate)


def _stopping(mlp: Any, validation: Validation | None, schedule: Schedule) -> StoppingRule:
    settings: dict[str, Any] = {
        "tol": mlp.tol,
        "patience": mlp.n_iter_no_change,
        "n_no_improvement": mlp._no_improvement_count,
        "validation": validation,
    }
    if mlp.early_stopping and validation is not None:
        return ScorePlateau(best=mlp.best_validation_score_, **settings)
    if schedule.has_end:
        settings["patience"] = float("inf")
    return LossPlateau(best=mlp.best_loss_, **settings)


def _rule(mlp: Any) -> Any:
    if mlp.solver == "adam":
        return Adam(mlp.beta_1, mlp.beta_2, mlp.epsilon)
    return (Nesterov if mlp.nesterovs_momentum else Momentum)(mlp.momentum)


def _batch_size(mlp: Any, n_samples: int) -> int:
    if mlp.batch_size == "auto":
        return min(200, n_samples)
    if mlp.batch_size > n_samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be "
            f"clipped to the {n_samples} rows of the data.",
            stacklevel=6,
        )
    return int(mlp.batch_size)
