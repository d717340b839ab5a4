"""Update rules of the minibatch solvers: the step of each, and its proximal step."""

from typing import NamedTuple


class SGD(NamedTuple):
    """θ ← θ − η g."""


class Momentum(NamedTuple):
    """v ← μ v − η g, θ ← θ + v."""

    mu: float = 0.9


class Nesterov(NamedTuple):
    """v ← μ v − η g, θ ← θ + μ v − η g."""

    mu: float = 0.9


class Adam(NamedTuple):
    """m ← β₁ m + (1−β₁) g, v ← β₂ v + (1−β₂) g², θ ← θ − η_t m / (√v + ε).

    η_t = η √(1−β₂ᵗ) / (1−β₁ᵗ) (Kingma and Ba, 2015).
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
