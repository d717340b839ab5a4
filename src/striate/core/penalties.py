"""Terms of J beside the data: each with its value and its gradient or proximal step.

The ridge and the L1 term are functions of the weights W; biases are not penalized. The sparsity
term is a function of the mean activations ρ̂ of the first hidden layer.
"""

from typing import NamedTuple

import numpy as np

from striate.native.compile import inlined, jit, jit_reassociating, kernel
from striate.native.intrinsics import like


class Terms(NamedTuple):
    """Weights of the terms: λ of the ridge, μ of L1, target ρ and weight β of the sparsity."""

    ridge: float = 0.0
    l1: float = 0.0
    rho: float = 0.05
    beta: float = 0.0


@inlined
def of_batch(terms, decay_over_n, total):
    """Return the terms for a batch: `decay_over_n` is divided by the total weight of its rows."""
    return Terms(terms.ridge + decay_over_n / total, terms.l1, terms.rho, terms.beta)


# The ridge λ/2 Σ W².


@jit_reassociating
def ridge(W, lam):  # W (n,)
    total = 0.0
    for i in range(W.size):
        total += np.float64(W[i]) * np.float64(W[i])
    return lam / 2 * total


@inlined
def add_ridge_gradient(W, lam, G):  # W, G (n,)
    for i in range(W.size):
        G[i] += like(lam, W[i]) * W[i]


# The L1 term μ Σ |W|, whose minima have weights that are exactly 0. It has no gradient at 0: after
# a step along the gradient of the other terms, solvers take the proximal step of this one.


@jit_reassociating
def l1(W, mu):  # W (n,)
    total = 0.0
    for i in range(W.size):
        total += abs(np.float64(W[i]))
    return mu * total


@jit
def shrunk(w, t):
    """Return the v that minimizes ½ (v − w)² + t |v|: the proximal step of the L1 term."""
    return max(w - t, like(0, w)) + min(w + t, like(0, w))


@kernel
def shrink(W, t):  # W (n,)
    """Take the proximal step of the L1 term for every number of W, in place."""
    for i in range(W.size):
        W[i] = shrunk(W[i], like(t, W[i]))


#: Names of the terms that are functions of W, in the order of their values.
OF_WEIGHTS = ("ridge", "l1")


@kernel
def penalize(terms, W, G):
    """Call `penalize_weights` from Python."""
    return penalize_weights(terms, W, G)


@inlined
def penalize_weights(terms, W, G):  # W, G (n,)
    """Return the values of the terms `OF_WEIGHTS` at W; add the gradients of smooth ones to G."""
    value_of_ridge = value_of_l1 = 0.0
    if terms.ridge != 0:
        value_of_ridge = ridge(W, terms.ridge)
        add_ridge_gradient(W, terms.ridge, G)
    if terms.l1 != 0:
        value_of_l1 = l1(W, terms.l1)
    return value_of_ridge, value_of_l1


@inlined
def sum_of_terms(values):
    """Return the sum of what `penalize_weights` returns."""
    total = 0.0
    for value in values:
        total += value
    return total


# The Kullback-Leibler sparsity β Σ_j KL(ρ ‖ ρ̂_j). It is not a sum over rows: ρ̂ is a mean over them.


@jit
def sparsity(layer, rho, rho_hat, s):  # rho_hat, s (n_1,)
    """Σ_j KL(ρ ‖ ρ̂_j) at mean activations ρ̂ (float64); s gets the derivatives with respect to ρ̂_j.

    KL(ρ‖ρ̂) = ρ log(ρ/ρ̂) + (1−ρ) log((1−ρ)/(1−ρ̂)) for units between 0 and 1; other finite ranges,
    such as that of tanh, are mapped onto 0 to 1. Means of units without an upper bound, such as
    relu, may exceed 1: for them it is the divergence of positive numbers, ρ log(ρ/ρ̂) − ρ + ρ̂, of
    which KL is the sum over ρ and 1−ρ.
    """
    tiny = 1e-12  # keeps the term of a dead or saturated unit finite
    total, low, span = 0.0, layer.lowest, layer.highest - layer.lowest
    for j in range(rho_hat.size):
        if span == np.inf:
            q, p = rho - low, max(rho_hat[j] - low, tiny)
            total += q * np.log(q / p) - q + p
            s[j] = 1 - q / p
        else:
            q, p = (rho - low) / span, (rho_hat[j] - low) / span
            p = min(max(p, tiny), 1 - tiny)
            total += q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
            s[j] = 1 / span * ((1 - q) / (1 - p) - q / p)
    return total


@inlined
def add_weighted_sum(A, w, total):  # A (m, n_1), w (m,), total (n_1,)
    """total += Σ_i w_i a_i over the rows of A."""
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total[j] += w[i] * A[i, j]


@inlined
def penalize_activations(layer, terms, sums, keep, rho_hat, s):  # sums (n_groups, n_1)
    """Return β Σ KL at the mean activations ρ̂, which it updates; s gets the derivatives.

    ρ̂ ← keep ρ̂ + (1 − keep) Σ sums, the weighted sums over groups of rows, first to last. `keep` is
    0 when the groups are all rows; minibatches, too small to tell a mean, keep most of ρ̂.
    """
    for j in range(rho_hat.size):
        mean = 0.0
        for g in range(len(sums)):
            mean += np.float64(sums[g, j])
        rho_hat[j] = keep * rho_hat[j] + (1 - keep) * mean
    value = terms.beta * sparsity(layer, terms.rho, rho_hat, s)
    for j in range(s.size):
        s[j] *= terms.beta
    return value
