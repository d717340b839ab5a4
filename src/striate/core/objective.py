"""J and ∇J as sums over blocks of rows.

J(θ) = Σ_i w_i loss_i + λ/2 Σ W² + μ Σ |W| + β Σ_j KL(ρ ‖ ρ̂_j).
"""

import numpy as np

from .compile import jit, kernel
from .design_matrix import block, dense_block
from .layers import ACTIVATION, STARTS_AT, delta, units
from .losses import LOSSES, data_term
from .network import add_gradient, backward, first_forward, forward
from .penalties import add_weighted_sum, penalize

#: Rows that are computed at once: few enough that their activations stay in the cache.
BLOCK_ROWS = 512
#: Bytes of activations of the first hidden layer that are kept between the two passes; those of
#: rows beyond are computed twice.
KEPT_BYTES = 64 * 2**20
#: Rows are divided among at most so many groups, whose gradients are added in a fixed order.
MAX_GROUPS = 16
#: Bytes of the gradients of groups that wait to be added; there is room for one a thread at least.
WAITING_BYTES = 6 * 2**20


class Objective:
    """J and ∇J of a network on given rows, as a function of θ.

    Parameters
    ----------
    problem : Problem
    run : callable
        What `striate.core.threads.team` returns.

    Attributes
    ----------
    mean_activation : ndarray of shape (n_1,)
        ρ̂ at the last θ, if sparsity_weight is not 0.
    terms : dict
        J at the last θ as the sum of "data", "sparsity", "ridge" and "l1".

    Notes
    -----
    ρ̂ is a mean over all rows, so ∇J is taken in two passes: the activations of the first hidden
    layer for all rows, averaged, and kept as far as there is room; then the gradient with the
    penalty at that mean.

    The division into groups and blocks depends on the number of rows alone, and sums are taken in
    order: J and ∇J are the same to the last bit for any number of threads.
    """

    def __init__(self, problem, run):
        network, X, dtype = problem.network, problem.X, problem.dtype
        m, sparsity_weight = problem.n_rows, problem.sparsity_weight
        self.network, self.X, self.Y, self.run, self.dtype = network, X, problem.Y, run, dtype
        self.loss = LOSSES[problem.loss][0]
        weight_decay = problem.weight_decay
        if problem.decay_over_n:
            weight_decay += problem.decay_over_n / problem.total_weight
        self.penalties = (weight_decay, problem.sparsity_target, sparsity_weight)
        self.l1_weight = problem.l1_weight
        w = np.ones(m) if problem.sample_weight is None else problem.sample_weight
        self.w = (w / np.sum(w, dtype=np.float64)).astype(dtype)
        n_groups = min(max(m // BLOCK_ROWS, 1), MAX_GROUPS)
        self.bounds = np.linspace(0, m, n_groups + 1).astype(np.int64)
        T, n_1 = min(run.n_threads, n_groups), network.sizes[1]
        capacity = min(BLOCK_ROWS, int(np.diff(self.bounds).max()))

        def empty(*shape):
            return np.empty(shape, dtype=dtype)

        room = KEPT_BYTES // (n_1 * dtype.itemsize)
        self.n_kept = min(m, room) if sparsity_weight else 0
        self.first = empty(self.n_kept + T * capacity, n_1)
        self.rest = empty(T, capacity * network.n_deeper_units)
        self.deltas = empty(T, capacity * sum(network.sizes[1:]))
        self.columns = network.columns(T, capacity, dtype)
        n_each = max(1, WAITING_BYTES // (network.n_parameters * dtype.itemsize * T))
        self.gradients = empty(min(n_each * T, n_groups), network.n_parameters)
        self.sums = np.zeros((n_groups, n_1), dtype=dtype)
        self.mean_activation = np.zeros(n_1)

    def __call__(self, theta):
        """J (float) and ∇J (a new array of the type of Y) at θ."""
        theta = np.ascontiguousarray(theta, dtype=self.dtype)
        layers, links = self.network.layers, self.network.links
        weight_decay, rho, beta = self.penalties
        s, sparsity = np.empty(0, dtype=theta.dtype), 0.0
        if beta:
            self.run(
                _first_layer, theta, layers, links, self.X, self.w, self.bounds, self.n_kept,
                self.first, self.columns, self.sums,
            )  # fmt: skip
            s = np.empty_like(self.sums[0])
            sparsity = _sparsity(layers, rho, beta, self.sums, self.mean_activation, s)
        values, gradient = np.empty(len(self.bounds) - 1), np.zeros_like(theta)
        for begin in range(0, len(values), len(self.gradients)):
            bounds = self.bounds[begin : begin + len(self.gradients) + 1]
            self.run(
                _gradients, theta, layers, links, self.loss, self.X, self.Y, self.w, s, bounds,
                self.n_kept, self.first, self.rest, self.deltas, self.columns, self.gradients,
                values[begin:],
            )  # fmt: skip
            for group in self.gradients[: len(bounds) - 1]:  # first to last
                gradient += group
        W, ridge = theta[: self.network.n_weights], 0.0
        if weight_decay:
            gradient[: W.size] += theta.dtype.type(weight_decay) * W
            ridge = weight_decay / 2 * float(np.einsum("i,i->", W, W, dtype=np.float64))
        l1 = self.l1_weight * float(np.abs(W).sum(dtype=np.float64)) if self.l1_weight else 0.0
        data = float(np.sum(values))
        self.terms = {"data": data, "sparsity": sparsity, "ridge": ridge, "l1": l1}
        return sum(self.terms.values()), gradient


@jit
def _rows_of_first(first, n_kept, t, capacity, lo, hi):
    """Where a(1) of the rows lo to hi is kept, or else thread t's own place for them."""
    begin = lo if hi <= n_kept else n_kept + t * capacity
    return first[begin : begin + hi - lo]


@kernel
def _first_layer(t, T, theta, layers, links, X, w, bounds, n_kept, first, columns, sums):
    """a(1) of all rows, as far as it is kept, and Σ_i w_i a(1)_i for each group of rows."""
    capacity = min(BLOCK_ROWS, len(w))
    for g in range(t, len(sums), T):
        sums[g] = 0
        for lo in range(bounds[g], bounds[g + 1], BLOCK_ROWS):
            hi = min(lo + BLOCK_ROWS, bounds[g + 1])
            a = _rows_of_first(first, n_kept, t, capacity, lo, hi)
            first_forward(theta, layers[0], links, block(X, lo, hi), a, columns[t])
            add_weighted_sum(a, w[lo:hi], sums[g])


@kernel
def _sparsity(layers, rho, beta, sums, rho_hat, s):
    """β Σ KL at the mean ρ̂ over all groups; s gets its derivative by ρ̂."""
    return penalize(layers[0, ACTIVATION], rho, beta, sums, 0.0, rho_hat, s)


@kernel
def _gradients(
    t, T, theta, layers, links, loss, X, Y, w, s, bounds, n_kept, first, rest, deltas, columns,
    gradients, values,
):  # fmt: skip
    """Data term of J for each group of rows, and its gradient; thread t takes every T-th group."""
    last, capacity = len(layers) - 1, min(BLOCK_ROWS, len(w))
    for g in range(t, len(bounds) - 1, T):
        gradients[g] = 0
        values[g] = 0
        for lo in range(bounds[g], bounds[g + 1], BLOCK_ROWS):
            hi = min(lo + BLOCK_ROWS, bounds[g + 1])
            rows, x = (0, hi - lo), block(X, lo, hi)
            a = _rows_of_first(first, n_kept, t, capacity, lo, hi)
            if hi > n_kept or layers[0, STARTS_AT] >= 0:  # whose columns are not kept
                first_forward(theta, layers[0], links, x, a, columns[t])
            forward(theta, layers, links, a, rest[t], columns[t], rows)
            output = units(layers, last, a, rest[t], rows)
            d = delta(layers, last, deltas[t], rows)
            f = layers[last, ACTIVATION]
            values[g] += data_term(loss, f, output, dense_block(Y, lo, hi), w[lo:hi], d)
            backward(theta, layers, links, a, rest[t], deltas[t], columns[t], rows, w[lo:hi], s)
            add_gradient(layers, links, x, a, rest[t], deltas[t], columns[t], rows, gradients[g])
