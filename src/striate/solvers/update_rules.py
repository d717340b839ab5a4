"""Update rules of the minibatch solvers: the step of each and its proximal step, in one place.

A rule is a NamedTuple of its constants, and a function of its name in small letters that takes one
step. After the step along the gradient g with learning rate η, it takes the proximal step of the
L1 term κ Σ |w|, which makes weights exactly 0: w ← sign(w) max(0, |w| − κ η), where the rule's own
step length replaces η.
"""

import functools
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from striate.core.penalties import shrunk
from striate.native.compile import inlined, jit
from striate.native.function_pointers import address_of, call
from striate.native.intrinsics import array_at, like


class SGD(NamedTuple):
    """θ ← θ − η g."""


class Momentum(NamedTuple):
    """v ← μ v − η g, θ ← θ + v.

    With an L1 term, v also gets −η p, where p is the derivative of κ |w| that the proximal step
    has taken: without it, momentum would take the term to be 1 − μ times as heavy.
    """

    mu: float = 0.9


class Nesterov(NamedTuple):
    """v ← μ v − η g, θ ← θ + μ v − η g; the L1 term as in `Momentum`, with (1 + μ) η for η."""

    mu: float = 0.9


class Adam(NamedTuple):
    """m ← β₁ m + (1−β₁) g, v ← β₂ v + (1−β₂) g², θ ← θ − η_t m / (√v + ε).

    η_t = η √(1−β₂ᵗ) / (1−β₁ᵗ) corrects for moments that start at zero. The proximal step has
    length η_t / (√v + ε).

    References
    ----------
    .. [1] Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8


class Step(NamedTuple):
    """What a step is given from outside: its number (from 1), η, and κ of the L1 term."""

    t: int
    eta: float
    kappa: float


@jit
def sgd(constants, step, theta, g, m, v):  # theta, g, m, v (n,)
    """θ ← θ − η g."""
    eta, t = like(step.eta, g[0]), like(step.eta * step.kappa, g[0])
    for i in range(g.size):
        theta[i] -= eta * g[i]
    if step.kappa != 0:
        for i in range(g.size):
            theta[i] = shrunk(theta[i], t)


@jit
def momentum(constants, step, theta, g, m, v):  # theta, g, m, v (n,)
    """v ← μ v − η g, θ ← θ + v."""
    eta, mu = like(step.eta, g[0]), like(constants[0], g[0])
    t = like(step.eta * step.kappa, g[0])
    for i in range(g.size):
        m[i] = mu * m[i] - eta * g[i]
        theta[i] += m[i]
    if step.kappa != 0:
        for i in range(g.size):
            w = theta[i]
            theta[i] = shrunk(w, t)
            m[i] += theta[i] - w


@jit
def nesterov(constants, step, theta, g, m, v):  # theta, g, m, v (n,)
    """v ← μ v − η g, θ ← θ + μ v − η g."""
    eta, mu = like(step.eta, g[0]), like(constants[0], g[0])
    share = like(1, mu) + mu  # of the step that is not v's
    t = share * like(step.eta * step.kappa, g[0])
    for i in range(g.size):
        m[i] = mu * m[i] - eta * g[i]
        theta[i] += mu * m[i] - eta * g[i]
    if step.kappa != 0:
        for i in range(g.size):
            w = theta[i]
            theta[i] = shrunk(w, t)
            m[i] += (theta[i] - w) / share


@jit
def adam(constants, step, theta, g, m, v):  # theta, g, m, v (n,)
    """θ ← θ − η_t m / (√v + ε), with the moments m and v."""
    beta_1, beta_2, epsilon = constants[0], constants[1], like(constants[2], g[0])
    eta_t = step.eta * np.sqrt(1 - beta_2**step.t) / (1 - beta_1**step.t)  # in float64
    eta, rest_1, rest_2 = like(eta_t, g[0]), like(1 - beta_1, g[0]), like(1 - beta_2, g[0])
    for i in range(g.size):
        # Not a b + c d: either product of that may be fused with the sum, and which one differs
        # between code that was just compiled and the same code read from the cache.
        m[i] += rest_1 * (g[i] - m[i])
        v[i] += rest_2 * (g[i] * g[i] - v[i])
        theta[i] -= eta * m[i] / (np.sqrt(v[i]) + epsilon)
    if step.kappa != 0:
        t = like(eta_t * step.kappa, g[0])
        for i in range(g.size):
            theta[i] = shrunk(theta[i], t / (np.sqrt(v[i]) + epsilon))


class Rule(NamedTuple):
    """An entry of the table: the function that takes a step, and its moments per parameter."""

    step: Any
    n_moments: int


#: Class of a rule: what belongs to it.
RULES = {
    SGD: Rule(sgd, 0),
    Momentum: Rule(momentum, 1),
    Nesterov: Rule(nesterov, 1),
    Adam: Rule(adam, 2),
}


@functools.cache
def address_of_rule(rule: Any, dtype: Hashable) -> int:
    """Return the address of a rule's step in this process, for `take_step`."""
    step = RULES[rule].step

    def on_arrays(constants, numbers, theta, g, m, v, n):
        constants, numbers = array_at(constants, (3,)), array_at(numbers, (3,))
        theta, g = array_at(theta, (n,)), array_at(g, (n,))
        m, v = array_at(m, (n,)), array_at(v, (n,))
        step(constants, Step(numbers[0], numbers[1], numbers[2]), theta, g, m, v)

    return address_of(on_arrays, rule.__name__, "ddaaaan", dtype)


@inlined
def take_step(rule, constants, step, theta, g, moments):  # theta, g (n,)
    """Take one step of a rule; `step` are the numbers of `Step`, the others parts of one tile."""
    call(rule, (constants, step, theta, g, moments[0], moments[1], g.size))
