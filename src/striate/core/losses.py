"""Data terms of J. A loss owns its output activation and the δ of the output layer."""

import functools
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from striate.native.compile import inlined, jit, jit_reassociating
from striate.native.function_pointers import address_of, evaluate
from striate.native.intrinsics import array_at, like

from .activations import log


@jit_reassociating
def squared_error(A, Y, w, D):
    """Σ_i w_i ½ ‖a_i - y_i‖²; D = w (a - y)."""
    total = 0.0
    for i in range(A.shape[0]):
        squares = like(0, w[i])
        for j in range(A.shape[1]):
            d = A[i, j] - Y[i, j]
            squares += d * d
            D[i, j] = w[i] * d
        total += w[i] * np.float64(squares) / 2
    return total


@jit_reassociating
def log_likelihood(flip, A, Y, w, L):
    """Σ_i w_i Σ_j y log(a), or with flip = 1: (1-y) log(1-a). L is a workspace.

    There is no branch on y = 0: labels make it unpredictable.
    """
    one, flip = like(1, w[0]), like(flip, w[0])
    smallest = like(np.finfo(A.dtype).eps, w[0])
    a, logs = A.reshape(A.size), L.reshape(L.size)
    for k in range(a.size):
        p = abs(flip - a[k])
        p = smallest if p < smallest else p
        logs[k] = log(np.float64(one - smallest if p > one - smallest else p))
    total = 0.0
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            total += np.float64(w[i] * abs(flip - Y[i, j])) * L[i, j]
    return total


@jit
def half_deviance(A, Y, w, D):
    """Σ_i w_i Σ_j y log(y / a) - y + a: half the Poisson deviance; D = w (a - y)."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            a, y = np.float64(A[i, j]), np.float64(Y[i, j])
            total += w[i] * (a - y)
            if y != 0:
                total += w[i] * y * np.log(y / a)
    squared_error(A, Y, w, D)
    return total


@jit_reassociating
def squared_hinge(A, Y, w, D):
    """Σ_i w_i Σ_j ½ max(0, 1 - y a)²; D = -w y max(0, 1 - y a)."""
    total, zero = 0.0, like(0, w[0])
    for i in range(A.shape[0]):
        squares = zero
        for j in range(A.shape[1]):
            slack = like(1, zero) - Y[i, j] * A[i, j]
            slack = zero if slack < zero else slack  # NaN stays
            squares += slack * slack
            D[i, j] = -w[i] * Y[i, j] * slack
        total += w[i] * np.float64(squares) / 2
    return total


@jit
def log_loss(A, Y, w, D):
    """-Σ_i w_i Σ_j y log(a) + (1-y) log(1-a); D = w (a - y)."""
    total = -log_likelihood(0, A, Y, w, D) - log_likelihood(1, A, Y, w, D)  # D is still free
    squared_error(A, Y, w, D)
    return total


@jit
def cross_entropy(A, Y, w, D):
    """-Σ_i w_i Σ_j y log(a); D = w (a - y)."""
    total = -log_likelihood(0, A, Y, w, D)  # D is still free
    squared_error(A, Y, w, D)
    return total


class Loss(NamedTuple):
    """A loss: its data term, and the output activations that it goes with.

    Attributes
    ----------
    data_term : compiled function of A, Y, w and D
        Returns Σ_i w_i loss(a_i, y_i) in float64. D (m, n) gets w_i δ_i, the derivative by z, or by
        a if the loss `needs_derivative`.
    activations : tuple of str
    needs_derivative : bool, default=False
        Whether δ = D f′(z). The other losses go with an f whose f′ cancels.
    """

    data_term: Any
    activations: tuple[str, ...]
    needs_derivative: bool = False


#: Name: loss.
LOSSES = {
    "squared_error": Loss(squared_error, ("identity", "logistic", "tanh", "relu"), True),
    "log_loss": Loss(log_loss, ("logistic",)),  # each output is a yes or no of its own
    "cross_entropy": Loss(cross_entropy, ("softmax",)),  # the outputs are one distribution
    "poisson": Loss(half_deviance, ("exp",)),  # counts
    "squared_hinge": Loss(squared_hinge, ("identity",)),  # targets are -1 and 1
}


@functools.cache
def address_of_loss(name: str, dtype: Hashable) -> int:
    """Return the address of a data term, for `data_term`."""
    loss = LOSSES[name].data_term

    def on_arrays(A, Y, w, D, m, n):
        A, Y = array_at(A, (m, n)), array_at(Y, (m, n))
        return loss(A, Y, array_at(w, (m,)), array_at(D, (m, n)))

    return address_of(on_arrays, name, "aaaann->x", dtype)


@inlined
def data_term(loss, A, Y, w, D):
    """Σ_i w_i loss(a_i, y_i) in float64; D gets w_i δ_i. `loss` is an address."""
    return evaluate(loss, (A, Y, w, D, A.shape[0], A.shape[1]))
