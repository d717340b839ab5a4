"""Data terms of J. A loss owns its output activation and the δ of the output layer."""

import numpy as np

from .activations import times_derivative
from .compile import jit, jit_sum, like

SQUARED_ERROR, LOG_LOSS, CROSS_ENTROPY, POISSON = range(4)

#: Name of a loss: its number in compiled code, and the output activations that it goes with.
LOSSES = {
    "squared_error": (SQUARED_ERROR, ("identity", "logistic", "tanh", "relu")),
    "log_loss": (LOG_LOSS, ("logistic",)),  # every output is yes or no
    "cross_entropy": (CROSS_ENTROPY, ("softmax",)),  # the outputs are one distribution
    "poisson": (POISSON, ("exp",)),  # counts
}


@jit_sum
def residuals(a, y, d):
    """d = a - y for one row; returns ½ ‖a - y‖²."""
    total = like(0, a[0])
    for j in range(a.size):
        d[j] = a[j] - y[j]
        total += d[j] * d[j]
    return np.float64(total) / 2


@jit
def log_of_probability(p, smallest):
    return np.log(np.float64(min(max(p, smallest), like(1, p) - smallest)))


@jit
def surprise(loss, a, y):
    """-log of the probability that the outputs a (one row) give to the targets y."""
    smallest = like(np.finfo(a.dtype).eps, a[0])
    total = 0.0
    for j in range(a.size):
        if y[j] != 0:
            total -= y[j] * log_of_probability(a[j], smallest)
        if loss == LOG_LOSS and y[j] != 1:
            rest = like(1, y[j]) - y[j]
            total -= rest * log_of_probability(like(1, a[j]) - a[j], smallest)
    return total


@jit
def half_deviance(a, y):
    """Σ y log(y / a) - y + a of one row: half the Poisson deviance."""
    total = 0.0
    for j in range(a.size):
        total += np.float64(a[j]) - np.float64(y[j])
        if y[j] != 0:
            total += y[j] * np.log(np.float64(y[j]) / np.float64(a[j]))
    return total


@jit
def data_term(loss, f, A, Y, w, D):
    """Σ_i w_i loss(a_i, y_i) in float64; D gets w_i δ_i, the derivative by z.

    δ = (a - y) f′(z) for squared error. The others go with an f whose f′ cancels: δ = a - y.
    """
    total = 0.0
    for i in range(A.shape[0]):
        value = residuals(A[i], Y[i], D[i])
        if loss == POISSON:
            value = half_deviance(A[i], Y[i])
        elif loss != SQUARED_ERROR:
            value = surprise(loss, A[i], Y[i])
        total += w[i] * value
        d = D[i]
        for j in range(d.size):
            d[j] *= w[i]
    if loss == SQUARED_ERROR:
        times_derivative(f, A, D)
    return total
