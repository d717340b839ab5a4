"""Minibatch solvers (SGD, momentum, Nesterov, Adam): a whole epoch in compiled code."""

from itertools import pairwise

import numpy as np

from striate.core.activations import activate
from striate.core.compile import jit, kernel, like
from striate.core.design_matrix import (
    Chosen,
    add_transposed_times,
    block,
    copy_rows,
    dtype_of,
    empty_rows,
    n_rows,
    renewed,
)
from striate.core.layers import (
    ACTIVATION,
    B_AT,
    N_IN,
    N_OUT,
    STARTS_AT,
    TRANSPOSED,
    W_AT,
    biases,
    delta,
    units,
)
from striate.core.losses import LOSSES, data_term
from striate.core.masked_layers import connected_forward, connected_gradient
from striate.core.network import add_column_sums, backward, first_forward, forward
from striate.core.penalties import (
    add_weighted_sum,
    penalize,
    shrunk,
    sum_of_sizes,
    sum_of_squares,
)
from striate.core.threads import wait

from .update_rules import SGD, Adam, Momentum, Nesterov

SGD_, MOMENTUM, NESTEROV, ADAM = range(4)
RULES = [SGD, Momentum, Nesterov, Adam]

#: Rows of a batch that one thread takes at a time, and parameters that it updates at a time.
TILE_ROWS = 128
TILE_PARAMETERS = 131072
#: Multiplications in a batch below which a second thread does not pay.
SMALL_BATCH = 2_000_000


class Minibatch:
    """Steps over batches of rows; keeps θ and the state of the update rule between epochs.

    Parameters
    ----------
    problem : Problem
    run : callable
        What `striate.core.threads.team` returns.
    theta : ndarray of shape (n_parameters,)
        Where to start; updated in place.
    batch_size : int
        Number of rows per batch; the last batch of an epoch may have fewer.
    rule : SGD, Momentum, Nesterov or Adam
        How θ is updated from the gradient of a batch: see `striate.solvers.update_rules`.

    Notes
    -----
    The mean activation ρ̂ of the sparsity term is a running one: ρ̂ ← 0.9 ρ̂ + 0.1 (mean of the
    batch), since one batch is too small to tell a unit's mean.

    A batch is done in two steps between which the threads meet. First each takes some rows:
    forward, loss, backward. Then each takes some parameters: gradient and update. No sum is divided
    among threads, so the result is the same for any number of them.
    """

    def __init__(self, problem, run, theta, *, batch_size, rule):
        network, X, Y = problem.network, problem.X, problem.Y
        self.network, self.X, self.Y, self.run, self.theta = network, X, Y, run, theta
        self.loss, self.rule = LOSSES[problem.loss][0], RULES.index(type(rule))
        defaults = {"mu": 0.9, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8} | rule._asdict()
        self.factors = np.array([defaults[k] for k in ("mu", "beta_1", "beta_2", "epsilon")])
        self.constants = np.array(
            [
                problem.weight_decay,
                problem.decay_over_n,
                problem.l1_weight,
                problem.sparsity_target,
                problem.sparsity_weight,
            ]
        )
        self.batch_size = min(batch_size, n_rows(X))
        self.n_rows, self.n_steps = n_rows(X), 0
        self.learning_rate = 0.0  # of the training routine, until it keeps its own
        dtype = dtype_of(Y)
        sample_weight = problem.sample_weight
        self.w = (np.ones(n_rows(X)) if sample_weight is None else sample_weight).astype(dtype)
        self.moments = np.zeros((2 if isinstance(rule, Adam) else 1, theta.size), dtype=dtype)
        small = self.batch_size * network.n_weights < SMALL_BATCH
        self.tiles = _parameter_tiles(network, small)
        n_row_tiles = 1 if small else _even(self.batch_size / TILE_ROWS)
        self.n_threads = n_row_tiles
        T, B, n_1 = min(self.n_threads, run.n_threads), self.batch_size, network.sizes[1]
        self.batch = (
            # Columns are made of X itself.
            empty_rows(X, 0 if network.connections[0] is not None else B, network.sizes[0]),
            np.empty((B, network.sizes[-1]), dtype=dtype),
            np.empty(B, dtype=dtype),
        )
        self.activations = (
            np.empty((B, n_1), dtype=dtype),
            np.empty(B * network.n_deeper_units, dtype=dtype),
            np.empty(B * sum(network.sizes[1:]), dtype=dtype),
        )
        self.columns = network.columns(n_row_tiles, -(-B // n_row_tiles), dtype)
        self.row_values = np.zeros(n_row_tiles)
        self.tile_values = np.zeros(len(self.tiles))
        self.sums = np.zeros((n_row_tiles, n_1), dtype=dtype)
        self.means = np.zeros((T, n_1))
        self.barrier = np.zeros((2, 8), dtype=np.int64)

    @property
    def state(self):
        """What the update rule remembers, for a `Minibatch` that goes on where this one ends."""
        names = ("moments", "n_steps")
        return {name: getattr(self, name) for name in names} | {"means": self.means[0]}

    def resume(self, state):
        """Goes on from a `state`; an empty one changes nothing."""
        self.n_steps = state.get("n_steps", self.n_steps)
        self.moments[:] = state.get("moments", 0)
        self.means[:] = state.get("means", 0)

    def epoch(self, order, learning_rate):
        """Take one step for each batch of the rows X[order]; return J's terms, averaged over rows.

        Parameters
        ----------
        order : ndarray of int of shape (n_rows,)
            The rows in the order in which batches take them.
        learning_rate : float
            η.

        Returns
        -------
        dict
            "data" (with sparsity) and "weights" (the ridge and the L1 term), whose sum is J.
        """
        result = self.run(
            _epoch,
            self.barrier,
            self.theta,
            self.network.layers,
            self.network.links,
            self.loss,
            self.rule,
            learning_rate,
            self.factors,
            self.constants,
            self.n_steps,
            self.X,
            self.Y,
            self.w,
            np.asarray(order, dtype=np.int64),
            self.tiles,
            self.batch,
            self.activations,
            self.columns,
            self.moments,
            self.row_values,
            self.tile_values,
            self.sums,
            self.means,
            n_threads=self.n_threads,
        )
        data, weights, self.n_steps = result[0]
        self.X = renewed(self.X)
        return {"data": data, "weights": weights}


def _even(x):
    """The even number next to x, at least 2: shares for two threads, or four, are alike."""
    return 2 * max(1, round(x / 2))


def _parameter_tiles(network, small):
    """Rows (layer, first, end, where in θ, size) of each W; those of b have first = end = 0.

    first and end are inputs of a dense layer and units of another. A small network is not divided.
    """
    tiles = []
    for layer, (fields, C) in enumerate(zip(network.layers, network.connections, strict=False)):
        at = fields[W_AT]
        if C is None:
            begins = np.arange(fields[N_IN] + 1) * fields[N_OUT]
        else:
            begins = C.indptr.astype(np.int64)
        n = 1 if small else min(_even(begins[-1] / TILE_PARAMETERS), len(begins) - 1)
        edges = np.unique(np.searchsorted(begins, np.linspace(0, begins[-1], n + 1)))
        for first, end in pairwise(edges):
            tiles.append((layer, first, end, at + begins[first], begins[end] - begins[first]))
    tiles += [(layer, 0, 0, row[B_AT], row[N_OUT]) for layer, row in enumerate(network.layers)]
    return np.array(tiles, dtype=np.int64)


@kernel
def _epoch(
    t, T, barrier, theta, layers, links, loss, rule, learning_rate, factors, constants, n_steps, X,
    Y, w, order, tiles, batch, activations, columns, moments, row_values, tile_values, sums, means,
):  # fmt: skip
    """One thread's part of an epoch."""
    weight_decay, decay_over_n, l1_weight, rho, beta = constants
    XB, YB, wB = batch
    capacity, n_row_tiles = len(wB), len(row_values)
    s = np.zeros(layers[0, N_OUT] if beta != 0 else 0, dtype=theta.dtype)
    gradient = np.empty(tiles[:, 4].max(), dtype=theta.dtype)
    data_sum = weights_sum = 0.0
    for begin in range(0, len(order), capacity):
        n = min(capacity, len(order) - begin)
        total = _total(w, order[begin : begin + n])
        if total == 0:
            continue  # rows of no weight teach nothing
        for r in range(t, n_row_tiles, T):
            rows = (n * r // n_row_tiles, n * (r + 1) // n_row_tiles)
            chosen = order[begin + rows[0] : begin + rows[1]]
            x, a = block(XB, rows[0], rows[1]), activations[0][rows[0] : rows[1]]
            _gather(Y, w, chosen, total, YB[rows[0] :], wB[rows[0] :])
            _first(theta, layers[0], links, X, chosen, x, columns[r], a)
            sums[r] = 0
            if beta != 0:
                add_weighted_sum(a, wB[rows[0] : rows[1]], sums[r])
        value, keep = 0.0, 0.9 if n_steps > 0 else 0.0
        if beta != 0:
            wait(barrier, T)
            value = penalize(layers[0, ACTIVATION], rho, beta, sums, keep, means[t], s)
        n_steps += 1
        for r in range(t, n_row_tiles, T):
            rows = (n * r // n_row_tiles, n * (r + 1) // n_row_tiles)
            row_values[r] = _rows(
                theta, layers, links, loss, YB, wB, activations, columns[r], rows, s
            )
        wait(barrier, T)
        for r in range(n_row_tiles):
            value += row_values[r]
        ridge = weight_decay + decay_over_n / total
        rate = _rate(rule, learning_rate, factors, n_steps)
        for k in range(t, len(tiles), T):
            x = block(XB, 0, n)
            tile_values[k] = _tile(
                theta, layers, links, tiles[k], x, activations, columns, n, gradient, ridge,
                l1_weight, rule, rate, factors, moments,
            )  # fmt: skip
        wait(barrier, T)
        data_sum += n * value
        weights_sum += n * np.sum(tile_values)
    return data_sum / len(order), weights_sum / len(order), n_steps


@jit
def _total(w, chosen):
    """Σ w over the chosen rows, in float64."""
    total = 0.0
    for i in range(len(chosen)):
        total += w[chosen[i]]
    return total


@jit
def _gather(Y, w, chosen, total, YB, wB):
    """Copies targets of the chosen rows, and weights that add up to 1 over the batch."""
    copy_rows(Y, chosen, YB)
    for i in range(len(chosen)):
        wB[i] = w[chosen[i]] / total


@jit
def _first(theta, layer, links, X, chosen, x, columns, a):
    """a(1) of the chosen rows of X, which are copied to x where that is what the layer takes."""
    if connected_forward(links, theta, layer, Chosen(X, chosen), columns, a):
        activate(layer[ACTIVATION], a, biases(theta, layer))
    else:
        copy_rows(X, chosen, x)
        first_forward(theta, layer, links, x, a, columns)


@jit
def _rows(theta, layers, links, loss, YB, wB, activations, columns, rows, s):
    """Forward beyond the first hidden layer, loss and backward for some rows of the batch."""
    a, rest, deltas = activations[0][rows[0] : rows[1]], activations[1], activations[2]
    last = len(layers) - 1
    y, w = YB[rows[0] : rows[1]], wB[rows[0] : rows[1]]
    forward(theta, layers, links, a, rest, columns, rows)
    output, d = units(layers, last, a, rest, rows), delta(layers, last, deltas, rows)
    value = data_term(loss, layers[last, ACTIVATION], output, y, w, d)
    backward(theta, layers, links, a, rest, deltas, columns, rows, w, s)
    return value


@jit
def _tile(
    theta, layers, links, tile, XB, activations, columns, n, gradient, ridge, l1_weight, rule, rate,
    factors, moments,
):  # fmt: skip
    """Gradient and update of one tile of parameters; returns its ridge and L1 before the update."""
    k, first, end, at, size = tile
    gradient[:size] = 0
    if end == first:
        add_column_sums(delta(layers, k, activations[2], (0, n)), gradient)
    else:
        mirror = len(layers) - 1 - k
        _add_gradient(layers, links, k, first, end, XB, activations, columns, n, gradient[:size])
        if layers[mirror, TRANSPOSED]:  # the layer tied to this one
            _add_gradient(
                layers, links, mirror, first, end, XB, activations, columns, n, gradient[:size]
            )
    part, g = theta[at : at + size], gradient[:size]
    value, l1 = 0.0, l1_weight if end > first else 0.0
    if end > first and ridge != 0:
        value += ridge / 2 * sum_of_squares(part)
        for i in range(size):
            g[i] += like(ridge, g[0]) * part[i]
    if l1 != 0:
        value += l1 * sum_of_sizes(part)
    m, v = moments[0, at : at + size], moments[-1, at : at + size]
    _update(rule, rate, factors, part, g, m, v)
    if l1 != 0:
        _shrink(rule, rate * l1, factors, part, m, v)
    return value


@jit
def _add_gradient(layers, links, layer, first, end, XB, activations, columns, n, G):
    """∂J/∂W of some inputs (of a layer that is not dense: units), by what a layer sees and its δ.

    A layer whose W is another's, transposed, has units for inputs and the other way round.
    """
    if layers[layer, STARTS_AT] >= 0:
        for r in range(len(columns)):
            connected_gradient(links, layers[layer], first, end, columns[r], G)
        return
    d = delta(layers, layer, activations[2], (0, n))
    if layer == 0:
        add_transposed_times(XB, first, end, d, G.reshape(end - first, layers[0, N_OUT]))
        return
    a = units(layers, layer - 1, activations[0][:n], activations[1], (0, n))
    if layers[layer, TRANSPOSED]:
        a, d = d, a
    add_transposed_times(a, first, end, d, G.reshape(end - first, d.shape[1]))


@jit
def _rate(rule, learning_rate, factors, t):
    """η of step t, with Adam's correction of the moments' start at zero (in float64)."""
    if rule != ADAM:
        return learning_rate
    beta_1, beta_2 = factors[1], factors[2]
    return learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)


@jit
def _update(rule, rate, factors, theta, g, m, v):
    """One step of the rule, elementwise; m is also the velocity of momentum."""
    eta, mu = like(rate, g[0]), like(factors[0], g[0])
    if rule == ADAM:
        rest_1, rest_2 = like(1 - factors[1], g[0]), like(1 - factors[2], g[0])
        epsilon = like(factors[3], g[0])
        for i in range(g.size):
            # Not a b + c d: of that either product may be fused with the sum, and which one differs
            # between code that was just compiled and the same code read from the disk.
            m[i] += rest_1 * (g[i] - m[i])
            v[i] += rest_2 * (g[i] * g[i] - v[i])
            theta[i] -= eta * m[i] / (np.sqrt(v[i]) + epsilon)
    elif rule == SGD_:
        for i in range(g.size):
            theta[i] -= eta * g[i]
    elif rule == MOMENTUM:
        for i in range(g.size):
            m[i] = mu * m[i] - eta * g[i]
            theta[i] += m[i]
    else:
        for i in range(g.size):
            m[i] = mu * m[i] - eta * g[i]
            theta[i] += mu * m[i] - eta * g[i]


@jit
def _shrink(rule, eta, factors, theta, m, v):
    """The proximal step of the L1 term, for each weight as long as the rule's own step."""
    mu, epsilon = like(factors[0], theta[0]), like(factors[3], theta[0])
    share = like(1, mu) + mu if rule == NESTEROV else like(1, mu)  # of the step that is not v's
    for i in range(theta.size):
        t, w = share * like(eta, mu), theta[i]
        if rule == ADAM:
            t /= np.sqrt(v[i]) + epsilon
        theta[i] = shrunk(w, t)
        if rule in (MOMENTUM, NESTEROV):
            m[i] += (theta[i] - w) / share
