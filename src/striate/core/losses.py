"""Data terms of J. A loss owns its output activation and the δ of the output layer."""

import numpy as np

from .activations import times_derivative
from .compile import jit, jit_sum, like, pasted

SQUARED_ERROR, LOG_LOSS, CROSS_ENTROPY, POISSON = range(4)

#: Name of a loss: its number in compiled code, and the output activations that it goes with.
LOSSES = {
    "squared_error": (SQUARED_ERROR, ("identity", "logistic", "tanh", "relu")),
    "log_loss": (LOG_LOSS, ("logistic",)),  # every output is yes or no
    "cross_entropy": (CROSS_ENTROPY, ("softmax",)),  # the outputs are one distribution
    "poisson": (POISSON, ("exp",)),  # counts
}


@jit_sum
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


@jit
def log_of_probability(p, smallest):
    return np.log(np.float64(min(max(p, smallest), like(1, p) - smallest)))


@jit
def log_loss(A, Y, w):
    """-Σ_i w_i Σ_j y log(a) + (1-y) log(1-a)."""
    smallest = like(np.finfo(A.dtype).eps, w[0])
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            a, y = A[i, j], Y[i, j]
            if y != 0:
                total -= w[i] * y * log_of_probability(a, smallest)
            if y != 1:
                rest = like(1, y) - y
                total -= w[i] * rest * log_of_probability(like(1, a) - a, smallest)
    return total


@jit
def cross_entropy(A, Y, w):
    """-Σ_i w_i Σ_j y log(a)."""
    smallest = like(np.finfo(A.dtype).eps, w[0])
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            if Y[i, j] != 0:
                total -= w[i] * Y[i, j] * log_of_probability(A[i, j], smallest)
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


@pasted
def data_term(loss, f, A, Y, w, D):
    """Σ_i w_i loss(a_i, y_i) in float64; D gets w_i δ_i, the derivative by z.

    δ = (a - y) f′(z) for squared error. The others go with an f whose f′ cancels: δ = a - y.
    """
    total = squared_error(A, Y, w, D)
    if loss == SQUARED_ERROR:
        times_derivative(f, A, D)
    elif loss == LOG_LOSS:
        total = log_loss(A, Y, w)
    elif loss == CROSS_ENTROPY:
        total = cross_entropy(A, Y, w)
    else:
        total = half_deviance(A, Y, w)
    return total
