"""Activations f and their derivatives, one scalar line each, and the table of all of them."""

import functools
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from striate.native.compile import inlined, jit, jit_uncached
from striate.native.function_pointers import address_of, call
from striate.native.intrinsics import array_at, like

from .elementary_functions import clip, exp, expm1, log1p, normal_cdf

#: Slope of leaky ReLU below 0, and the constants of SELU (Klambauer and others, 2017).
LEAK = 0.01
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


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


# z f(z) is 0 for z far below 0, where f(z) stays at the smallest normal number.


@jit
def silu(z):
    return at_least(z, -80) * sigmoid(z)


@jit
def silu_derivative(z):
    z = clip(z, 80)
    return sigmoid(z) * (like(1, z) + z * sigmoid(-z))


@jit
def at_least(z, lowest):
    return like(lowest, z) if z < like(lowest, z) else z


@jit
def leaky_relu(z):
    return z if z > like(0, z) else like(LEAK, z) * z


@jit
def leaky_relu_derivative(a):
    return like(1, a) if a > like(0, a) else like(LEAK, a)


@jit
def elu(z):
    negative = like(0, z) if z > like(0, z) else z
    return z if z > like(0, z) else expm1(clip(negative, 40))


@jit
def elu_derivative(a):
    return like(1, a) if a > like(0, a) else a + like(1, a)


@jit
def selu(z):
    return like(SELU_SCALE, z) * (z if z > like(0, z) else like(SELU_ALPHA, z) * elu(z))


@jit
def selu_derivative(a):
    below = a + like(SELU_SCALE * SELU_ALPHA, a)
    return like(SELU_SCALE, a) if a > like(0, a) else below


@jit
def softplus(z):
    return (z if z > like(0, z) else like(0, z)) + like(log1p(np.float64(exp(-abs(z)))), z)


@jit
def softplus_derivative(a):
    return -expm1(-clip(a, 40))


@jit
def gelu(z):
    return at_least(z, -40) * normal_cdf(z)


@jit
def gelu_derivative(z):
    z = clip(z, 40)
    density = exp(like(-0.5, z) * z * z) * like(1 / np.sqrt(2 * np.pi), z)
    return normal_cdf(z) + z * density


@jit
def mish(z):
    return at_least(z, -80) * tanh_of_softplus(z)


@jit
def mish_derivative(z):
    """With w = exp(z) and n = w (w + 2): (n (n + 2) + 4 z w (w + 1)) / (n + 2)²."""
    z = at_least(-at_least(-z, -20), -80)  # beyond 20 it is 1 to the last digit
    w = exp(z)
    n, two = w * (w + like(2, z)), like(2, z)
    scale = like(1, z) / (n + two)
    return (n + like(4, z) * z * w * (w + like(1, z)) * scale) * scale


@jit
def tanh_of_softplus(z):
    """With w = exp(z): ((1 + w)² − 1) / ((1 + w)² + 1)."""
    w = exp(-at_least(-z, -40))
    n = w * (w + like(2, z))
    return n / (n + like(2, z))


@jit
def softmax(Z):  # (m, n)
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


@jit
def increasing(Z):  # (m, n)
    """z_0, and each next number larger by softplus(z_j), in each row, in place."""
    for i in range(Z.shape[0]):
        for j in range(1, Z.shape[1]):
            Z[i, j] = Z[i, j - 1] + softplus(Z[i, j])


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
    initialization : str, default="glorot"
        Initial weights that suit it: see `Network.initial_theta`.
    gain : float, default=6.0
        The numerator of "glorot".
    of_rows : compiled function of an array, default=None
        What follows f, in place, where an activation depends on all of a row.
    """

    f: Any
    derivative: Any
    lowest: float
    highest: float
    needs_z: bool = False
    initialization: str = "glorot"
    gain: float = 6.0
    of_rows: Any = None


#: Name: activation.
ACTIVATIONS = {
    "identity": Activation(identity, None, -np.inf, np.inf),
    "logistic": Activation(sigmoid, sigmoid_derivative, 0.0, 1.0, gain=2.0),
    "tanh": Activation(tanh, tanh_derivative, -1.0, 1.0),
    "relu": Activation(relu, relu_derivative, 0.0, np.inf),
    "leaky_relu": Activation(
        leaky_relu, leaky_relu_derivative, -np.inf, np.inf, initialization="he"
    ),
    "elu": Activation(elu, elu_derivative, -1.0, np.inf, initialization="he"),
    "selu": Activation(
        selu, selu_derivative, -SELU_SCALE * SELU_ALPHA, np.inf, initialization="lecun"
    ),
    "softplus": Activation(softplus, softplus_derivative, 0.0, np.inf, initialization="he"),
    "silu": Activation(silu, silu_derivative, -0.27847, np.inf, needs_z=True, initialization="he"),
    "gelu": Activation(gelu, gelu_derivative, -0.16998, np.inf, needs_z=True, initialization="he"),
    "mish": Activation(mish, mish_derivative, -0.30885, np.inf, needs_z=True, initialization="he"),
    "exp": Activation(exp, None, 0.0, np.inf),  # an output only
    "softmax": Activation(identity, None, 0.0, 1.0, of_rows=softmax),  # an output only
    "increasing": Activation(identity, None, -np.inf, np.inf, of_rows=increasing),  # an output only
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

    def chain_rule(A, D, scale, m, n):
        A, D = array_at(A, (m, n)), array_at(D, (m, n))
        for i in range(m):
            for j in range(n):
                D[i, j] *= derivative(like(scale, A[i, j]) * A[i, j])

    return address_of(chain_rule, f"{name}_derivative", "aaxnn", dtype)


@inlined
def activate(f, Z, b):
    """Compute a = f(z + b) in place, for the rows of Z (m, n); f is an address."""
    call(f, (Z, b, Z.shape[0], Z.shape[1]))


@inlined
def times_derivative(derivative, A, D, scale):
    """D = D f′, in place, f′ in terms of scale A = f(Z), or of A = Z if it needs z; all (m, n)."""
    if derivative != 0:
        call(derivative, (A, D, scale, A.shape[0], A.shape[1]))


@inlined
def keep_z(Z, b, kept):  # Z, kept (m, n), b (n,)
    """Keep z + b for an f′ that needs it."""
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            kept[i, j] = Z[i, j] + b[j]
