"""J and ∇J as sums over blocks of rows: J(θ) = Σ_i w_i loss_i + λ/2 Σ W² + β Σ_j KL(ρ ‖ ρ̂_j)."""

import numpy as np

from .compile import jit, kernel, like
from .inputs import block, n_rows
from .losses import LOSSES, data_term
from .network import (
    ACTIVATION,
    N_OUT,
    add_gradient,
    backward,
    delta,
    forward,
    step_forward,
    units,
)
from .penalties import sparsity, sum_of_squares
from .threads import wait

#: Rows that are computed at once: few enough that their activations stay in the cache.
BLOCK_ROWS = 512
#: Rows are divided among at most so many groups, whose gradients are added in a fixed order.
MAX_GROUPS = 16


class Objective:
    """J and ∇J of a network on given rows, as a function of θ.

    Parameters
    ----------
    network : Network
    loss : str
        A name out of `striate.core.losses.LOSSES`.
    X : ndarray of shape (m, n_inputs), or what `striate.core.inputs.as_input` gives
        Inputs.
    Y : ndarray of shape (m, n_outputs)
        Targets, float32 or float64: X and the arithmetic are of the same type. For an autoencoder:
        X itself.
    run : callable
        What `striate.core.threads.team` gives.
    weight_decay : float, default=0.0
        λ of the ridge.
    sparsity_target, sparsity_weight : float, default=0.05, 0.0
        ρ and β, for the first hidden layer.
    sample_weight : ndarray of shape (m,), default=None
        Weights of the rows; J is the mean of the rows' losses with these weights.

    Attributes
    ----------
    mean_activation : ndarray of shape (n_1,)
        ρ̂ at the last θ, if sparsity_weight is not 0.
    terms : dict
        J at the last θ as the sum of "data", "sparsity" and "ridge".

    Notes
    -----
    ρ̂ is a mean over all rows, so ∇J is taken in two passes: the activations of the first hidden
    layer for all rows, kept and averaged; then the gradient with the penalty at that mean.

    The division into groups and blocks depends on the number of rows alone, and sums are taken in
    order: J and ∇J are the same to the last bit for any number of threads.
    """

    def __init__(
        self,
        network,
        loss,
        X,
        Y,
        run,
        *,
        weight_decay=0.0,
        sparsity_target=0.05,
        sparsity_weight=0.0,
        sample_weight=None,
    ):
        m, dtype = n_rows(X), Y.dtype
        self.network, self.X, self.Y, self.run = network, X, Y, run
        self.loss = LOSSES[loss][0]
        self.constants = np.array([weight_decay, sparsity_target, sparsity_weight])
        w = np.ones(m) if sample_weight is None else sample_weight
        self.w = (w / np.sum(w, dtype=np.float64)).astype(dtype)
        n_groups = min(max(m // BLOCK_ROWS, 1), MAX_GROUPS)
        self.bounds = np.linspace(0, m, n_groups + 1).astype(np.int64)
        T, n_1 = min(run.n_threads, n_groups), network.sizes[1]
        capacity = min(BLOCK_ROWS, int(np.diff(self.bounds).max()))

        def empty(*shape):
            return np.empty(shape, dtype=dtype)

        first_rows = m if sparsity_weight else T * capacity
        self.first = empty(first_rows, n_1)
        self.rest = empty(T, capacity * network.n_deeper_units)
        self.deltas = empty(T, capacity * sum(network.sizes[1:]))
        self.gradients = empty(n_groups, network.n_parameters)
        self.sums = np.zeros((n_groups, n_1), dtype=dtype)
        self.means = np.zeros((T, n_1))
        self.barrier = np.zeros((2, 8), dtype=np.int64)

    @property
    def mean_activation(self):
        """ρ̂ at the last θ."""
        return self.means[0].copy()

    def __call__(self, theta):
        """J (float) and ∇J (a new array of the type of Y) at θ."""
        theta = np.ascontiguousarray(theta, dtype=self.Y.dtype)
        gradient = np.empty_like(theta)
        values = np.zeros(len(self.gradients) + 2)
        self.run(
            _value_and_gradient,
            self.barrier,
            theta,
            self.network.layers,
            self.network.n_weights,
            self.loss,
            self.constants,
            self.X,
            self.Y,
            self.w,
            self.bounds,
            self.first,
            self.rest,
            self.deltas,
            self.gradients,
            self.sums,
            self.means,
            values,
            gradient,
        )
        *data, sparsity, ridge = values.tolist()
        self.terms = {"data": sum(data), "sparsity": sparsity, "ridge": ridge}
        return sum(self.terms.values()), gradient


@kernel
def _value_and_gradient(
    t, T, barrier, theta, layers, n_weights, loss, constants, X, Y, w, bounds,
    first, rest, deltas, gradients, sums, means, values, gradient,
):  # fmt: skip
    """One thread's part of J and ∇J; it takes every T-th group. `values` holds the terms of J."""
    n_groups, working = len(gradients), len(rest)
    weight_decay, rho, beta = constants
    s = np.zeros(layers[0, N_OUT] if beta != 0 else 0, dtype=theta.dtype)
    if beta != 0:
        for g in range(t, n_groups, T):
            _first_layer(theta, layers, X, w, (bounds[g], bounds[g + 1]), first, sums[g])
        wait(barrier, T)
        if t < working:
            value = _sparsity(layers, rho, beta, sums, means[t], s)
            if t == 0:
                values[n_groups] = value
    for g in range(t, n_groups, T):
        rows = (bounds[g], bounds[g + 1])
        values[g] = _add_group(
            theta, layers, loss, X, Y, w, s, rows, t, first, rest[t], deltas[t], gradients[g]
        )
    wait(barrier, T)
    lo, hi = len(theta) * t // T, len(theta) * (t + 1) // T
    _sum_in_order(gradients, theta, weight_decay, n_weights, lo, hi, gradient)
    if t == 0 and weight_decay != 0:
        values[n_groups + 1] = weight_decay / 2 * sum_of_squares(theta[:n_weights])


@jit
def _first_layer(theta, layers, X, w, rows, first, total):
    """a(1) of a group of rows, kept in `first`; total = Σ_i w_i a(1)_i."""
    total[:] = 0
    for lo in range(rows[0], rows[1], BLOCK_ROWS):
        hi = min(lo + BLOCK_ROWS, rows[1])
        step_forward(theta, layers[0], block(X, lo, hi), first[lo:hi])
        for i in range(lo, hi):
            a = first[i]
            for j in range(a.size):
                total[j] += w[i] * a[j]


@jit
def _sparsity(layers, rho, beta, sums, rho_hat, s):
    """β Σ KL at the mean over all groups; s gets its derivative by ρ̂."""
    slopes = np.empty(rho_hat.size)
    for j in range(rho_hat.size):
        rho_hat[j] = 0
        for g in range(len(sums)):
            rho_hat[j] += np.float64(sums[g, j])
    value = beta * sparsity(layers[0, ACTIVATION], rho, rho_hat, slopes)
    for j in range(s.size):
        s[j] = beta * slopes[j]
    return value


@jit
def _add_group(theta, layers, loss, X, Y, w, s, group, t, first, rest, deltas, gradient):
    """Data term of J of a group of rows, block by block, and its gradient."""
    total = 0.0
    gradient[:] = 0
    last = len(layers) - 1
    capacity = min(BLOCK_ROWS, len(w))
    for lo in range(group[0], group[1], BLOCK_ROWS):
        hi = min(lo + BLOCK_ROWS, group[1])
        rows = (0, hi - lo)
        if s.size > 0:
            a = first[lo:hi]
        else:
            a = first[t * capacity : t * capacity + hi - lo]
            step_forward(theta, layers[0], block(X, lo, hi), a)
        forward(theta, layers, a, rest, rows)
        output, d = units(layers, last, a, rest, rows), delta(layers, last, deltas, rows)
        total += data_term(loss, layers[last, ACTIVATION], output, Y[lo:hi], w[lo:hi], d)
        backward(theta, layers, a, rest, deltas, rows, w[lo:hi], s)
        add_gradient(layers, block(X, lo, hi), a, rest, deltas, rows, gradient)
    return total


@jit
def _sum_in_order(gradients, theta, weight_decay, n_weights, lo, hi, gradient):
    """∇J on θ[lo:hi]: the groups' gradients, first to last, and λ W."""
    g, total = gradients[:, lo:hi], gradient[lo:hi]
    for i in range(total.size):
        total[i] = g[0, i]
    for k in range(1, len(g)):
        row = g[k]
        for i in range(total.size):
            total[i] += row[i]
    if weight_decay != 0:
        W = theta[lo : min(hi, n_weights)]
        for i in range(W.size):
            total[i] += like(weight_decay, W[i]) * W[i]
