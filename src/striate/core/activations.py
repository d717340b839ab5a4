"""Activations f and their derivatives, one scalar line each, and the table of all of them."""

import functools
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from numba import float64

from striate.native.compile import generic, inlined, jit, jit_uncached, specialize
from striate.native.function_pointers import address_of, call
from striate.native.intrinsics import array_at, exponent, like, power_of_two


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


@generic
def exponent_limit(z: Any) -> Any:
    """Return the largest |z| for which exp(z) and exp(-z) are normal numbers of z's type."""


@specialize(exponent_limit)
def _exponent_limit(z):
    limit = 708.0 if z == float64 else 87.0
    return lambda z: limit


@generic
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
    of_rows : compiled function of an array, default=None
        What follows f, in place, where an activation depends on all of a row.
    """

    f: Any
    derivative: Any
    lowest: float
    highest: float
    needs_z: bool = False
    of_rows: Any = None


#: Name: activation.
ACTIVATIONS = {
    "identity": Activation(identity, None, -np.inf, np.inf),
    "logistic": Activation(sigmoid, sigmoid_derivative, 0.0, 1.0),
    "tanh": Activation(tanh, tanh_derivative, -1.0, 1.0),
    "relu": Activation(relu, relu_derivative, 0.0, np.inf),
    "silu": Activation(silu, silu_derivative, -0.27846, np.inf, needs_z=True),
    "exp": Activation(exp, None, 0.0, np.inf),  # an output only
    "softmax": Activation(identity, None, 0.0, 1.0, of_rows=softmax),  # an output only
}
#: Names of those that hidden units may have.
HIDDEN_ACTIVATIONS = [k for k, each in ACTIVATIONS.items() if k == "identity" or each.derivative]


def range_of(name: str) -> tuple[float, float]:
    """Return the lowest and the highest activation."""
    return ACTIVATIONS[name].lowest, ACTIVATIONS[name].highest


@functools.cache
def address_of_activation(name: str, dtype: Hashable) -> int:
    """Return the address of f, for `activate`."""
    f, of_rows = ACTIVATIONS[name].f, ACTIVATIONS[name].of_rows

    def elementwise(Z, b, m, n):
        Z, b = array_at(Z, (m, n)), array_at(b, (n,))
        for i in range(m):
            for j in range(n):
                Z[i, j] = f(Z[i, j] + b[j])

    def rowwise(Z, b, m, n):
        elementwise_first(Z, b, m, n)
        of_rows(array_at(Z, (m, n)))

    if of_rows is None:
        return address_of(elementwise, name, "aann", dtype)
    elementwise_first = jit_uncached(elementwise)
    return address_of(rowwise, name, "aann", dtype)


@functools.cache
def address_of_derivative(name: str, dtype: Hashable) -> int:
    """Return the address of f′, for `times_derivative`; 0 if f′ = 1."""
    derivative = ACTIVATIONS[name].derivative
    if derivative is None:
        return 0

    def chain_rule(A, D, m, n):
        A, D = array_at(A, (m, n)), array_at(D, (m, n))
        for i in range(m):
            for j in range(n):
                D[i, j] *= derivative(A[i, j])

    return address_of(chain_rule, f"{name}_derivative", "aann", dtype)


@inlined
def activate(f, Z, b):
    """Compute a = f(z + b) in place, for the rows of Z (m, n); f is an address."""
    call(f, (Z, b, Z.shape[0], Z.shape[1]))


@inlined
def times_derivative(derivative, A, D):
    """D = D f′, in place, f′ in terms of A = f(Z), or of A = Z if it needs z; all (m, n)."""
    if derivative != 0:
        call(derivative, (A, D, A.shape[0], A.shape[1]))


@inlined
def keep_z(Z, b, kept):
    """Keep z + b for an f′ that needs it."""
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            kept[i, j] = Z[i, j] + b[j]
