"""Terms of J beside the data: the ridge, the L1 norm, and Kullback-Leibler sparsity."""

import numpy as np

from .activations import RELU, TANH
from .compile import jit, jit_sum, kernel, like


@jit_sum
def sum_of_squares(W):
    """Σ W², for the ridge λ/2 Σ W², whose derivative is λ W; biases are not penalised."""
    total = 0.0
    for i in range(W.size):
        total += np.float64(W[i]) * np.float64(W[i])
    return total


@jit_sum
def sum_of_sizes(W):
    """Σ |W|, for the L1 term μ Σ |W|, whose minima have weights that are 0."""
    total = 0.0
    for i in range(W.size):
        total += abs(np.float64(W[i]))
    return total


@jit
def shrunk(w, t):
    """The v that minimises ½ (v − w)² + t |v|: the proximal step of the L1 term."""
    return max(w - t, like(0, w)) + min(w + t, like(0, w))


@kernel
def shrink(W, t):
    """Every number of W by the same t, in place."""
    for i in range(W.size):
        W[i] = shrunk(W[i], like(t, W[i]))


@jit
def sparsity(f, rho, rho_hat, s):
    """Σ_j KL(ρ ‖ ρ̂_j) over the mean activations ρ̂ (float64); s gets the derivatives by ρ̂_j.

    KL(ρ‖ρ̂) = ρ log(ρ/ρ̂) + (1-ρ) log((1-ρ)/(1-ρ̂)) for sigmoid units. The range of tanh, -1 to 1,
    is mapped onto 0 to 1. Means of relu units are not bounded by 1: for them it is the divergence
    of positive numbers, ρ log(ρ/ρ̂) - ρ + ρ̂, of which KL is the sum over ρ and 1-ρ.
    """
    tiny = 1e-12  # keeps a dead or a saturated unit's term finite
    total = 0.0
    for j in range(rho_hat.size):
        q, p, slope = rho, rho_hat[j], 1.0
        if f == TANH:
            q, p, slope = (1 + q) / 2, (1 + p) / 2, 0.5
        if f == RELU:
            p = max(p, tiny)
            total += q * np.log(q / p) - q + p
            s[j] = 1 - q / p
        else:
            p = min(max(p, tiny), 1 - tiny)
            total += q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
            s[j] = slope * ((1 - q) / (1 - p) - q / p)
    return total


@jit
def add_weighted_sum(A, w, total):
    """total += Σ_i w_i a_i over the rows of A."""
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total[j] += w[i] * A[i, j]


@jit
def penalize(f, rho, beta, sums, keep, rho_hat, s):
    """β Σ KL at the mean activations ρ̂, which it updates; s gets the derivatives by ρ̂.

    ρ̂ ← keep ρ̂ + (1 - keep) Σ sums, the weighted sums over groups of rows, first to last. With all
    rows keep is 0; minibatches, of which one alone is too small to tell a mean, keep most of ρ̂.
    """
    for j in range(rho_hat.size):
        mean = 0.0
        for g in range(len(sums)):
            mean += np.float64(sums[g, j])
        rho_hat[j] = keep * rho_hat[j] + (1 - keep) * mean
    value = beta * sparsity(f, rho, rho_hat, s)
    for j in range(s.size):
        s[j] *= beta
    return value
