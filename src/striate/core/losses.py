"""Data terms of J. A loss owns its output activation and the δ of the output layer."""

import functools
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from striate.native.compile import as_kernel_input, inlined, jit, jit_reassociating, kernel
from striate.native.function_pointers import address_of, evaluate
from striate.native.intrinsics import array_at, like

from .activations import softplus_derivative
from .elementary_functions import exp, log


@jit_reassociating
def squared_error(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
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
def absolute_error(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Σ_i w_i Σ_j |a - y|; D = w sign(a - y)."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            d = A[i, j] - Y[i, j]
            total += np.float64(w[i] * abs(d))
            D[i, j] = w[i] * np.sign(d)
    return total


@jit_reassociating
def huber(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Σ_i w_i Σ_j h(a - y), with h(d) = ½ d² up to |d| = δ, and the tangent δ (|d| - ½ δ) beyond.

    D = w d, at most w δ in size; δ is the first constant.
    """
    total, limit = 0.0, like(constants[0], w[0])
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            d = A[i, j] - Y[i, j]
            bounded = limit if d > limit else d
            bounded = -limit if d < -limit else bounded
            total += np.float64(w[i] * bounded * (d - bounded / 2))
            D[i, j] = w[i] * bounded
    return total


@jit_reassociating
def quantile(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Σ_i w_i Σ_j (y - a) (τ_j - [y < a]): the pinball loss; D = w ([y < a] - τ_j).

    The constants are the levels τ.
    """
    total = 0.0
    for j in range(A.shape[1]):
        above, below = like(constants[j] - 1, w[0]), like(constants[j], w[0])
        for i in range(A.shape[0]):
            d = Y[i, j] - A[i, j]
            slope = above if d < 0 else below
            total += np.float64(w[i] * d * slope)
            D[i, j] = -w[i] * slope
    return total


@jit
def increasing_quantiles(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Return the same for outputs a_j = a_{j-1} + softplus(z_j); D is the derivative by z."""
    total = quantile(constants, A, Y, w, D)
    for i in range(A.shape[0]):
        for j in range(A.shape[1] - 1, 0, -1):
            D[i, j - 1] += D[i, j]  # each level moves all that are above it
            D[i, j] *= softplus_derivative(A[i, j] - A[i, j - 1])
    return total


@jit_reassociating
def log_likelihood(flip, A, Y, w, L):  # A, Y, L (m, n), w (m,)
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
def half_deviance(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Σ_i w_i Σ_j y log(y / a) - y + a: half the Poisson deviance; D = w (a - y)."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            a, y = np.float64(A[i, j]), np.float64(Y[i, j])
            total += w[i] * (a - y)
            if y != 0:
                total += w[i] * y * np.log(y / a)
    squared_error(constants, A, Y, w, D)
    return total


@jit_reassociating
def squared_hinge(constants, A, Y, w, D):
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
def log_loss(constants, A, Y, w, D):
    """-Σ_i w_i Σ_j y log(a) + (1-y) log(1-a); D = w (a - y)."""
    total = -log_likelihood(0, A, Y, w, D) - log_likelihood(1, A, Y, w, D)  # D is still free
    squared_error(constants, A, Y, w, D)
    return total


@jit
def cross_entropy(constants, A, Y, w, D):
    """-Σ_i w_i Σ_j y log(a); D = w (a - y)."""
    total = -log_likelihood(0, A, Y, w, D)  # D is still free
    squared_error(constants, A, Y, w, D)
    return total


@jit
def grouped_cross_entropy(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Return the summed cross-entropies of several distributions, whose logits stand side by side.

    The constants are their sizes, then zeros. D = w (softmax(a) - y) in each group.
    """
    total, end = 0.0, 0
    for g in range(constants.size):
        begin, end = end, end + int(constants[g])
        for i in range(A.shape[0]):
            total += w[i] * _log_softmax_loss(A[i, begin:end], Y[i, begin:end], D[i, begin:end])
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            D[i, j] *= w[i]
    return total


@jit
def _log_softmax_loss(a, y, d):  # (n,)
    """Return -Σ_j y log softmax(a)_j; d = softmax(a) Σ y - y."""
    if a.size == 0:
        return 0.0
    highest, total, weight, value = a[0], 0.0, 0.0, 0.0
    for j in range(a.size):
        highest = a[j] if a[j] > highest else highest
    for j in range(a.size):
        d[j] = exp(a[j] - highest)
        total += np.float64(d[j])
        weight += np.float64(y[j])
        value -= np.float64(y[j]) * np.float64(a[j] - highest)
    for j in range(a.size):
        d[j] = like(np.float64(d[j]) / total * weight, a[j]) - y[j]
    return value + weight * log(total)


# The focal loss -(1 - p)^γ log(p) of the probability p of the true class weighs rows less that are
# right already. Its derivative by the logit of another class k is p_k c(p), with
# c(p) = (1 - p)^γ - γ (1 - p)^(γ - 1) p log(p); γ is the first constant.


@jit
def _focal(p, gamma, smallest):
    """Return the focal loss of a probability, and c."""
    p = min(max(np.float64(p), smallest), 1 - smallest)
    log_p, log_rest = log(p), log(1 - p)
    factor = exp(gamma * log_rest)
    return -factor * log_p, factor * (1 - gamma * p * log_p / (1 - p))


@jit
def focal_of_distribution(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Σ_i w_i Σ_j y focal(a_j) of a softmax a; D is the derivative by the logits."""
    total, gamma, smallest = 0.0, constants[0], np.float64(np.finfo(A.dtype).eps)
    for i in range(A.shape[0]):
        sum_of_c = 0.0
        for j in range(A.shape[1]):
            value, c = _focal(A[i, j], gamma, smallest)
            total += w[i] * Y[i, j] * value
            D[i, j] = like(Y[i, j] * c, w[0])
            sum_of_c += Y[i, j] * c
        for j in range(A.shape[1]):
            D[i, j] = w[i] * (A[i, j] * like(sum_of_c, w[0]) - D[i, j])
    return total


@jit
def focal_of_each(constants, A, Y, w, D):  # A, Y, D (m, n), w (m,)
    """Σ_i w_i Σ_j y focal(a) + (1 - y) focal(1 - a); D is the derivative by the logits."""
    total, gamma, smallest = 0.0, constants[0], np.float64(np.finfo(A.dtype).eps)
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            a, y = np.float64(A[i, j]), np.float64(Y[i, j])
            value, c = _focal(a, gamma, smallest)
            value_of_no, c_of_no = _focal(1 - a, gamma, smallest)
            total += w[i] * (y * value + (1 - y) * value_of_no)
            D[i, j] = w[i] * like((1 - y) * c_of_no * a - y * c * (1 - a), w[0])
    return total


class Loss(NamedTuple):
    """A loss: its data term, and the output activations that it goes with.

    Attributes
    ----------
    data_term : compiled function of constants, A, Y, w and D
        Returns Σ_i w_i loss(a_i, y_i) in float64. D (m, n) gets w_i δ_i, the derivative by z, or by
        a if the loss `needs_derivative`. Constants are n numbers, whose meaning is the loss's.
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
    "absolute_error": Loss(absolute_error, ("identity", "logistic", "tanh"), True),
    "huber": Loss(huber, ("identity", "logistic", "tanh"), True),
    "quantile": Loss(quantile, ("identity", "logistic", "tanh"), True),
    "increasing_quantiles": Loss(increasing_quantiles, ("increasing",)),
    "log_loss": Loss(log_loss, ("logistic",)),  # each output is a yes or no of its own
    "cross_entropy": Loss(cross_entropy, ("softmax",)),  # the outputs are one distribution
    "grouped_cross_entropy": Loss(grouped_cross_entropy, ("identity",)),  # or several, as logits
    "focal_of_each": Loss(focal_of_each, ("logistic",)),
    "focal_of_distribution": Loss(focal_of_distribution, ("softmax",)),
    "poisson": Loss(half_deviance, ("exp",)),  # counts
    "squared_hinge": Loss(squared_hinge, ("identity",)),  # targets are -1 and 1
}


class LossCall(NamedTuple):
    """A loss as compiled code calls it: address, whether δ needs f′, and n constants."""

    address: int
    needs_derivative: bool
    constants: np.ndarray


def loss_call(name: str, dtype: Any, n_outputs: int, constants: Sequence[float] = ()) -> LossCall:
    """Return what compiled code needs to call a loss; missing constants are 0."""
    numbers = np.zeros(n_outputs)
    numbers[: len(constants)] = constants
    return LossCall(address_of_loss(name, np.dtype(dtype)), LOSSES[name].needs_derivative, numbers)


@functools.cache
def address_of_loss(name: str, dtype: Hashable) -> int:
    """Return the address of a data term, for `data_term`."""
    loss = LOSSES[name].data_term

    def on_arrays(constants, A, Y, w, D, m, n):
        constants, A, Y = array_at(constants, (n,)), array_at(A, (m, n)), array_at(Y, (m, n))
        return loss(constants, A, Y, array_at(w, (m,)), array_at(D, (m, n)))

    return address_of(on_arrays, name, "daaaann->x", dtype)


@inlined
def data_term(loss, A, Y, w, D):
    """Σ_i w_i loss(a_i, y_i) in float64; D gets w_i δ_i. `loss` is a `LossCall`."""
    return evaluate(loss.address, (loss.constants, A, Y, w, D, A.shape[0], A.shape[1]))


@kernel
def _total(loss, A, Y, w):
    return data_term(loss, A, Y, w, np.empty_like(A))


def mean_loss(loss: LossCall, A: Any, Y: Any, sample_weight: Any = None) -> float:
    """Return the weighted mean of the losses of outputs A (m, n) for targets Y (m, n)."""
    w = np.ones(len(A)) if sample_weight is None else sample_weight
    w = (w / np.sum(w, dtype=np.float64)).astype(A.dtype)
    return float(_total(loss, as_kernel_input(A), as_kernel_input(Y.astype(A.dtype)), w))
