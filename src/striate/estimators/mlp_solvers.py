"""Solvers of the perceptrons: what their parameters mean for the training routine."""

import warnings
from typing import Any

from striate.core.inference import network_output
from striate.core.network import Network
from striate.core.problem import Problem
from striate.solvers.schedules import Adaptive, Constant, InverseScaling, Schedule
from striate.solvers.update_rules import Adam, Momentum, Nesterov

from .stopping import LossPlateau, ScorePlateau, StoppingRule
from .training import LBFGS, MINIBATCH_SOLVERS, Epochs, GradientDescent, Solver, Theta


def solver_of(
    mlp: Any, problem: Problem, theta: Theta, validation: Any, incremental: bool
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
    return Epochs(
        rule=_rule(mlp),
        batch_size=_batch_size(mlp, problem.n_rows),
        max_iter=1 if incremental else mlp.max_iter,
        schedule=_schedule(mlp),
        stopping=_stopping(mlp, problem.network, theta, validation),
        random_state=mlp._random_state,
        shuffle=mlp.shuffle,
        n_rows_seen=mlp.t_,
        state=getattr(mlp, "_optimizer", {}) if incremental else {},
    )


def _schedule(mlp: Any) -> Schedule:
    rate = mlp.learning_rate_init
    if mlp.solver == "sgd" and mlp.learning_rate == "invscaling":
        return InverseScaling(rate, mlp.power_t)
    adaptive = mlp.solver == "sgd" and mlp.learning_rate == "adaptive"
    return Adaptive(rate) if adaptive else Constant(rate)


def _stopping(mlp: Any, network: Network, theta: Theta, validation: Any) -> StoppingRule:
    settings: dict[str, Any] = {
        "tol": mlp.tol,
        "patience": mlp.n_iter_no_change,
        "n_no_improvement": mlp._no_improvement_count,
    }
    if validation is None:
        return LossPlateau(best=mlp.best_loss_, **settings)
    X, y, sample_weight = validation

    def score(theta: Theta) -> float:
        layers = list(zip(*network.unpack(theta), mlp._activations, strict=True))
        return mlp._validation_score(network_output(X, layers), y, sample_weight)

    scores, best = mlp.validation_scores_, mlp.best_validation_score_
    return ScorePlateau(score, theta, scores, best=best, **settings)


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
