"""The update rules of the minibatch solvers, each with its step as the textbook has it.

Steps are for J + Σ κ |θ|, with κ for each number of θ; `memory` is a dictionary, empty at first.
Each takes the step of its rule with g + p instead of g; p is a subderivative of κ |θ| at the new θ.
"""

import numpy as np

from striate.solvers.update_rules import SGD, Adam, Momentum, Nesterov

ETA, MU, BETA_1, BETA_2, EPSILON = 0.05, 0.8, 0.85, 0.98, 1e-6

#: Each rule with constants that are not its defaults.
RULES = {
    "sgd": SGD(),
    "momentum": Momentum(MU),
    "nesterov": Nesterov(MU),
    "adam": Adam(BETA_1, BETA_2, EPSILON),
}


def soft(w, t):
    """The v that minimizes ½ (v − w)² + t |v|."""
    return np.sign(w) * np.maximum(np.abs(w) - t, 0)


def sgd(theta, g, kappa, memory, t):
    return soft(theta - ETA * g, ETA * kappa)


def momentum(theta, g, kappa, memory, t):
    """v is what was added to θ."""
    new = soft(theta + MU * memory.get("v", 0) - ETA * g, ETA * kappa)
    memory["v"] = new - theta
    return new


def nesterov(theta, g, kappa, memory, t):
    v, rate = memory.get("v", 0), (1 + MU) * ETA
    free = theta + MU**2 * v - rate * g
    new = soft(free, rate * kappa)
    p = (free - new) / rate
    memory["v"] = MU * v - ETA * (g + p)
    return new


def adam(theta, g, kappa, memory, t):
    m = memory["m"] = BETA_1 * memory.get("m", 0) + (1 - BETA_1) * g
    v = memory["v"] = BETA_2 * memory.get("v", 0) + (1 - BETA_2) * g**2
    rate = ETA * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t) / (np.sqrt(v) + EPSILON)
    return soft(theta - rate * m, rate * kappa)


STEPS = {"sgd": sgd, "momentum": momentum, "nesterov": nesterov, "adam": adam}
