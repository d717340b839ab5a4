"""Data terms of J. A loss owns its output activation and the δ of the output layer."""

from typing import NamedTuple

import numpy as np

from .activations import log, times_derivative
from .compile import inlined, jit, jit_reassociating, like


class Loss(NamedTuple):
    """A loss: its number in compiled code, and the output activations that it goes with."""

    code: int
    activations: tuple[str, ...]


SQUARED_ERROR, LOG_LOSS, CROSS_ENTROPY, POISSON, SQUARED_HINGE = range(5)

#: Name: loss.
LOSSES = {
    "squared_error": Loss(SQUARED_ERROR, ("identity", "logistic", "tanh", "relu")),
    "log_loss": Loss(LOG_LOSS, ("logistic",)),  # each output is a yes or no of its own
    "cross_entropy": Loss(CROSS_ENTROPY, ("softmax",)),  # the outputs are one distribution
    "poisson": Loss(POISSON, ("exp",)),  # counts
    "squared_hinge": Loss(SQUARED_HINGE, ("identity",)),  # targets are -1 and 1
}


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
def half_deviance(A, Y, w):
    """Σ_i w_i Σ_j y log(y / a) - y + a: half the Poisson deviance."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            a, y = np.float64(A[i, j]), np.float64(Y[i, j])
            total += w[i] * (a - y)
            if y != 0:
                total += w[i] * y * np.log(y / a)
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


@inlined
def data_term(loss, f, A, Y, w, D):
    """Σ_i w_i loss(a_i, y_i) in float64; D gets w_i δ_i, the derivative by z.

    δ = (a - y) f′(z) for squared error. The others go with an f whose f′ cancels: δ = a - y.
    """
    total = 0.0
    if loss == POISSON:
        total = half_deviance(A, Y, w)
    elif loss in (LOG_LOSS, CROSS_ENTROPY):  # -Σ_i w_i Σ_j y log(a), and + (1-y) log(1-a)
        for flip in range(2 if loss == LOG_LOSS else 1):
            total -= log_likelihood(flip, A, Y, w, D)  # D is still free
    if loss == SQUARED_HINGE:
        total = squared_hinge(A, Y, w, D)
    else:
        error = squared_error(A, Y, w, D)
        if loss == SQUARED_ERROR:
            times_derivative(f, A, D)
            total = error
    return total
