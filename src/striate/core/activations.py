"""Activations f and their derivatives, one scalar line each, and the table of all of them."""

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import float64

from .compile import (
    by_code,
    exponent,
    inlined,
    jit,
    jit_uncached,
    like,
    power_of_two,
    specialize,
)


@jit
def identity(z):
    return z


@jit
def sigmoid(z):
    return like(1, z) / (like(1, z) + exp(-z))


@jit
def sigmoid_derivative(a):
    return a * (like(1, a) - a)


@jit
def tanh(z):
    e = expm1(clip(z + z, 40))  # tanh is 1 to the last digit beyond 20
    return e / (e + like(2, z))


@jit
def tanh_derivative(a):
    return like(1, a) - a * a


@jit
def relu(z):
    return like(0, z) if z < like(0, z) else z


@jit
def relu_derivative(a):
    return like(1, a) if a > like(0, a) else like(0, a)


@jit
def silu(z):
    return z * sigmoid(z)


@jit
def silu_derivative(z):
    return sigmoid(z) * (like(1, z) + z * sigmoid(-z))


# exp(z) = 2**n exp(r) with n integral and |r| <= log(2) / 2, where a short series is exact to
# rounding. Unlike the C library's, these vectorise; NaN stays NaN.


@jit
def clip(z, limit):
    z = like(-limit, z) if z < like(-limit, z) else z
    return like(limit, z) if z > like(limit, z) else z


@jit
def exp(z):
    z = clip(z, exponent_limit(z))
    n = np.floor(z * like(1.4426950408889634, z) + like(0.5, z))
    r = remainder(z, n)
    return power_of_two(n) * (like(1, z) + r + r * r * series(r))


@jit
def expm1(z):
    """exp(z) - 1, precise near zero; for |z| within the range of `exp`."""
    n = np.floor(z * like(1.4426950408889634, z) + like(0.5, z))
    r = remainder(z, n)
    scale = power_of_two(n)
    return scale * (r + r * r * series(r)) + (scale - like(1, z))


@jit
def remainder(z, n):
    """z - n log(2), with log(2) in two parts of which the first has few digits."""
    return (z - n * like(0.693359375, z)) - n * like(-2.1219444005469057e-4, z)


@jit
def log(x):
    """Natural logarithm of a normal float64: log(2**n m), with m from √½ to √2."""
    n = exponent(x * np.sqrt(2.0))
    m = x * power_of_two(-n)
    s = (m - 1) / (m + 1)
    q = s * s
    tail = 1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q * (1 / 21))))
    area = 1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * tail))))
    return n * np.log(2.0) + 2 * (s + s * q * area)  # log(m) = 2 artanh(s)


def exponent_limit(z: Any) -> Any:
    """Return the largest |z| for which exp(z) and exp(-z) are normal numbers of z's type."""


@specialize(exponent_limit)
def _exponent_limit(z):
    limit = 708.0 if z == float64 else 87.0
    return lambda z: limit


def series(r: Any) -> Any:
    """(exp(r) - 1 - r) / r**2 = 1/2! + r/3! + r**2/4! + ... to the precision of r's type."""


@specialize(series)
def _series(r):
    c = 1 / np.cumprod(np.arange(1.0, 15.0))  # c[k - 1] = 1 / k!
    if r == float64:
        _, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14 = c

        def taylor(r):
            tail = a8 + r * (a9 + r * (a10 + r * (a11 + r * (a12 + r * (a13 + r * a14)))))
            return a2 + r * (a3 + r * (a4 + r * (a5 + r * (a6 + r * (a7 + r * tail)))))

        return taylor
    b2, b3, b4, b5, b6, b7 = c[1:7].astype(np.float32)
    return lambda r: b2 + r * (b3 + r * (b4 + r * (b5 + r * (b6 + r * b7))))


class Activation(NamedTuple):
    """An activation: f, f′ in terms of a = f(z) or of z, and the range of f.

    Attributes
    ----------
    f : compiled function of one number
    derivative : compiled function of one number, or None
        None where no hidden unit needs it: f′ = 1, or the loss owns the output's δ.
    lowest, highest : float
        Bounds of f.
    needs_z : bool, default=False
        Whether `derivative` is a function of z. The propagation then keeps z of such layers.
    """

    f: Any
    derivative: Any
    lowest: float
    highest: float
    needs_z: bool = False


#: Name: activation. Compiled code knows an activation by its place in this table.
ACTIVATIONS = {
    "identity": Activation(identity, None, -np.inf, np.inf),
    "logistic": Activation(sigmoid, sigmoid_derivative, 0.0, 1.0),
    "tanh": Activation(tanh, tanh_derivative, -1.0, 1.0),
    "relu": Activation(relu, relu_derivative, 0.0, np.inf),
    "silu": Activation(silu, silu_derivative, -0.27846, np.inf, needs_z=True),
    "exp": Activation(exp, None, 0.0, np.inf),  # an output only
    "softmax": Activation(identity, None, 0.0, 1.0),  # an output only, of a whole row: see below
}
#: Names of those that hidden units may have.
HIDDEN_ACTIVATIONS = [k for k, each in ACTIVATIONS.items() if k == "identity" or each.derivative]
#: Name: number in compiled code.
CODES = {name: code for code, name in enumerate(ACTIVATIONS)}
_SOFTMAX = CODES["softmax"]


def range_of(name: str) -> tuple[float, float]:
    """Return the lowest and the highest activation."""
    return ACTIVATIONS[name].lowest, ACTIVATIONS[name].highest


@functools.cache
def _activation(f: Any) -> Any:
    """Compile the loop a = f(z + b) over the rows of Z."""

    @jit_uncached
    def loop(Z, b):
        for i in range(Z.shape[0]):
            for j in range(Z.shape[1]):
                Z[i, j] = f(Z[i, j] + b[j])

    return loop


def _chain_rule(derivative: Any) -> Any:
    """Compile the loop D = D f′ over the rows, f′ in terms of A."""

    @jit_uncached
    def loop(A, D):
        for i in range(A.shape[0]):
            for j in range(A.shape[1]):
                D[i, j] *= derivative(A[i, j])

    return loop


@jit_uncached
def _unchanged(A, D):
    pass


_activate = by_code([_activation(each.f) for each in ACTIVATIONS.values()])
_times_derivative = by_code(
    [
        _chain_rule(each.derivative) if each.derivative else _unchanged
        for each in ACTIVATIONS.values()
    ]
)


@jit
def activate(code, Z, b):
    """Compute a = f(z + b) in place, for the rows of Z (m, n)."""
    _activate(code, (Z, b))
    if code == _SOFTMAX:
        softmax(Z)


@inlined
def keep_z(Z, b, kept):
    """Keep z + b for an f′ that needs it."""
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            kept[i, j] = Z[i, j] + b[j]


@jit
def times_derivative(code, A, D):
    """D = D f′, in place, f′ in terms of A = f(Z), or of A = Z if it needs z; all (m, n)."""
    _times_derivative(code, (A, D))


@jit
def softmax(Z):
    """exp(z_j) / Σ_k exp(z_k) in each row, in place."""
    for i in range(Z.shape[0]):
        highest = Z[i, 0]
        for j in range(Z.shape[1]):
            highest = Z[i, j] if Z[i, j] > highest else highest  # no branch, unlike max
        for j in range(Z.shape[1]):
            Z[i, j] -= highest
    values = Z.reshape(Z.size)  # rows of few classes are too short for SIMD
    for k in range(values.size):
        values[k] = exp(values[k])
    for i in range(Z.shape[0]):
        total = like(0, Z[i, 0])
        for j in range(Z.shape[1]):
            total += Z[i, j]
        for j in range(Z.shape[1]):
            Z[i, j] /= total
