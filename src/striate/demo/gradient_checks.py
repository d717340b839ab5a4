"""The lecture's check of backpropagation, for every loss with every activation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from striate import check_gradient
from striate.core.losses import LOSSES
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team

HIDDEN = ("logistic", "tanh", "relu", "identity")
#: ρ of the sparsity term. Its KL divergence needs a lower bound, which identity lacks.
SPARSITY_TARGETS = {"logistic": 0.2, "tanh": -0.3, "relu": 0.2, "identity": None}
_SHOWN = ("squared_error", "log_loss", "cross_entropy", "poisson", "squared_hinge")
OUTPUTS = [(loss, output) for loss in _SHOWN for output in LOSSES[loss].activations]
LIMIT = 1e-7

_SIZES = (6, 5, 4, 3)
_ROWS = 10
#: How far every input of a relu unit must stay from the kink, where there is no derivative.
_FROM_KINK = 1e-3

Array = NDArray[np.float64]


def gradient_differences() -> dict[tuple[str, str], list[float]]:
    """Compare ∇J with numerical differences, on small networks of three layers, in float64.

    Returns
    -------
    dict
        The relative difference for each of `HIDDEN`, by (loss, output activation).
    """
    return {key: [_difference(*key, hidden) for hidden in HIDDEN] for key in OUTPUTS}


def difference_of_a_mistake() -> float:
    """Return the relative difference if the gradient lacks the weight decay term."""
    network, X, Y, theta = _example("squared_error", "logistic", "logistic")
    with team(1) as run:
        right = Objective(Problem(network, "squared_error", X, Y, weight_decay=1e-2), run)
        wrong = Objective(Problem(network, "squared_error", X, Y), run)
        return float(check_gradient(lambda theta: (right(theta)[0], wrong(theta)[1]), theta))


def _difference(loss: str, output: str, hidden: str) -> float:
    network, X, Y, theta = _example(loss, output, hidden)
    target = SPARSITY_TARGETS[hidden]
    terms: dict[str, Any] = {"weight_decay": 1e-2}
    if target is not None:
        terms |= {"sparsity_target": target, "sparsity_weight": 0.5}
    with team(1) as run:
        objective = Objective(Problem(network, loss, X, Y, **terms), run)
        return float(check_gradient(objective, theta))


def _example(loss: str, output: str, hidden: str) -> tuple[Network, Array, Array, Array]:
    """Return a network, rows, targets and θ: the first draw that keeps away from kinks."""
    network = Network(_SIZES, (hidden, hidden, output))
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(_ROWS, _SIZES[0]))
        theta = rng.normal(scale=0.5, size=network.n_parameters)
        if _distance_from_kink(network, X, theta) > _FROM_KINK:
            return network, X, _targets(rng, loss, output), theta
    raise RuntimeError("no point away from relu's kink was found")


def _targets(rng: np.random.Generator, loss: str, output: str) -> Array:
    shape = (_ROWS, _SIZES[-1])
    if loss == "cross_entropy":
        return np.eye(shape[1])[rng.integers(shape[1], size=_ROWS)]
    if loss == "log_loss":
        return rng.integers(2, size=shape).astype(float)
    if loss == "poisson":
        return rng.poisson(1.0, size=shape).astype(float)
    return rng.uniform(-1.0 if output in ("identity", "tanh") else 0.0, 1.0, size=shape)


def _distance_from_kink(network: Network, X: Array, theta: Array) -> float:
    """Return the smallest |z| of a relu unit, or infinity if there is none."""
    respond = {"logistic": expit, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
    nearest, a = np.inf, X
    for f, W, b in zip(network.activations, *network.unpack(theta), strict=True):
        z = a @ W + b
        if f == "relu":
            nearest = min(nearest, np.abs(z).min())
        a = respond.get(f, lambda z: z)(z)
    return float(nearest)
