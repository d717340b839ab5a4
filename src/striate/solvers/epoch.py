"""An epoch of minibatch training in compiled code: batches, gradients and steps.

A batch has two phases, between which the threads meet. First each takes some rows: forward, loss,
backward. Then each takes some parameters: gradient and update. No sum is divided among threads, so
the result is the same for any number of them.
"""

from typing import Any, NamedTuple

import numpy as np

from striate.core.design_matrix import block_rows, copy_rows
from striate.core.layers import Block, Workspace
from striate.core.noise import row_key
from striate.core.penalties import (
    add_weighted_sum,
    of_batch,
    penalize_activations,
    penalize_weights,
    sum_of_terms,
)
from striate.core.propagation import (
    add_bias_gradient,
    add_weight_gradient,
    first_layer_of_batch,
    propagate,
)
from striate.native.compile import inlined, jit, kernel
from striate.native.denormals import flush_denormals, restore_denormals
from striate.native.intrinsics import like, part
from striate.native.threads import wait

from .update_rules import take_step

#: Share of the running mean activation that a batch keeps.
KEPT_MEAN = 0.9

TILE = np.dtype(
    [
        ("layer", np.int64),
        ("lo", np.int64),  # slices of W, as in `add_weight_gradient`; lo = hi for a tile of b
        ("hi", np.int64),
        ("at", np.int64),  # where the tile begins in θ
        ("n", np.int64),  # number of its parameters
        ("group", np.int64),  # group of parameters with a learning rate of its own
    ],
    align=True,
)


class Optimizer(NamedTuple):
    """θ, and what the update rule needs and remembers.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
    moments : tuple of two ndarrays of shape (n_parameters,)
        Those that the rule does not have are empty.
    average : ndarray of shape (n_parameters,)
        The average of θ over the steps; empty if there is none.
    gradient : ndarray of shape (n_parameters,)
        The gradient of a batch, where its norm must be known before the step; or empty.
    means : ndarray of shape (n_threads, n_1)
        Running mean activations ρ̂, one copy per thread.
    rule : int
        Address of the rule's step.
    constants : ndarray of float64 of shape (3,)
        The rule's constants, in the order of its fields.
    decays : ndarray of float64 of shape (n_groups,)
        λ of each group of parameters.
    settings : ndarray of float64 of shape (2,)
        The other numbers of `Steps`.
    """

    theta: np.ndarray
    moments: tuple[np.ndarray, np.ndarray]
    average: np.ndarray
    gradient: np.ndarray
    means: np.ndarray
    rule: int
    constants: np.ndarray
    decays: np.ndarray
    settings: np.ndarray


class Plan(NamedTuple):
    """The steps of a call.

    Attributes
    ----------
    order : ndarray of int64 of shape (n_rows,)
        The rows, in the order in which batches take them.
    rates : ndarray of float64 of shape (n_batches, n_groups)
        η of each step, for each group of parameters.
    n_steps : int
        Number of steps before these.
    """

    order: np.ndarray
    rates: np.ndarray
    n_steps: int


class Batch(NamedTuple):
    """Room for one batch, and what threads exchange about it.

    Attributes
    ----------
    x, y, w : rows of X and Y, and their weights, which add up to 1
    keys : ndarray of uint64 of shape (batch_size,)
        Random bits of each row for dropout; empty without it.
    work : Workspace
        For all rows of the batch.
    tiles : ndarray of TILE
        The parts into which θ is divided.
    row_values, tile_values : ndarray of float64
        The terms of J by part of the rows, and by tile.
    squares : ndarray of float64 of shape (n_tiles,)
        The squared norm of each tile's gradient.
    sums : ndarray of shape (n_row_tiles, n_1)
        Σ_i w_i a(1)_i of each part of the rows.
    barrier : ndarray of int64
        For `wait`.
    """

    x: Any
    y: np.ndarray
    w: np.ndarray
    keys: np.ndarray
    work: Workspace
    tiles: np.ndarray
    row_values: np.ndarray
    tile_values: np.ndarray
    squares: np.ndarray
    sums: np.ndarray
    barrier: np.ndarray


@kernel
def epoch(t, T, net, data, penalties, optimizer, batch, plan):
    """One thread's part of an epoch."""
    order, rates, n_steps = plan
    capacity, n_row_tiles = len(batch.w), len(batch.row_values)
    beta, theta, means = penalties[0].beta, optimizer.theta, optimizer.means[t]
    s = np.zeros(net.layers[0].n_out if beta != 0 else 0, dtype=theta.dtype)
    scratch = np.empty(_largest(batch.tiles), dtype=theta.dtype), np.empty(3)  # of a Step
    data_sum = weights_sum = 0.0
    before = flush_denormals()
    for k in range(len(rates)):
        chosen = order[k * capacity : (k + 1) * capacity]
        n, total = len(chosen), _total(data.w, chosen)
        if total == 0:
            continue  # rows without weight teach nothing
        for r in range(t, n_row_tiles, T):
            _enter_rows(net, theta, data, batch, (r, n, total), chosen, beta)
        value = 0.0
        if beta != 0:
            if not wait(batch.barrier, T):
                break
            keep = KEPT_MEAN if n_steps > 0 else 0.0
            value = penalize_activations(net.layers[0], penalties[0], batch.sums, keep, means, s)
        n_steps += 1
        for r in range(t, n_row_tiles, T):
            batch.row_values[r] = _propagate(net, theta, data.loss, batch, (r, n), s)
        if not wait(batch.barrier, T):
            break
        value += np.sum(batch.row_values)
        terms = of_batch(penalties[0], penalties[1], total)
        if not _take_steps((t, T), net, optimizer, terms, batch, (n, n_steps, rates[k]), scratch):
            break
        data_sum += n * value
        weights_sum += n * np.sum(batch.tile_values)
    restore_denormals(before)
    return data_sum, weights_sum, n_steps


@inlined
def _largest(tiles):  # (n_tiles,)
    """Size of the largest tile."""
    largest = 0
    for j in range(len(tiles)):
        largest = max(largest, tiles[j].n)
    return largest


@inlined
def _total(w, chosen):  # w (n_rows,), chosen (n,)
    """Σ w over the chosen rows, in float64."""
    total = 0.0
    for i in range(len(chosen)):
        total += w[chosen[i]]
    return total


@inlined
def _rows_of(batch, r, n):
    """Return where part r of a batch of n rows begins and ends."""
    n_parts = len(batch.row_values)
    return n * r // n_parts, n * (r + 1) // n_parts


@inlined
def _block(batch, begin, end, columns):
    """Room for the rows begin to end of the batch."""
    room, capacity, n_1 = batch.work.room[0], batch.work.capacity, batch.sums.shape[1]
    first = part(room, begin * n_1, (end - begin, n_1))
    keys = batch.keys
    if keys.size > 0:
        keys = part(keys, begin, (end - begin,))
    return Block(first, room, columns, keys, capacity, begin, end)


@jit
def _enter_rows(net, theta, data, batch, part, chosen, beta):  # theta (n_parameters,), chosen (n,)
    """Copy part of the chosen rows into the batch, and compute their a(1)."""
    r, n, total = part
    lo, hi = _rows_of(batch, r, n)
    rows, block = chosen[lo:hi], _block(batch, lo, hi, batch.work.columns[r : r + 1])
    copy_rows(data.Y, rows, batch.y[lo:])
    for i in range(len(rows)):
        batch.w[lo + i] = data.w[rows[i]] / total
    for i in range(len(block.keys)):
        block.keys[i] = row_key(data.seed, rows[i])
    x = block_rows(batch.x, lo, hi)
    first_layer_of_batch(net.links, net, theta, data.X, rows, x, block)
    batch.sums[r] = 0
    if beta != 0:
        add_weighted_sum(block.first, batch.w[lo:hi], batch.sums[r])


@inlined
def _propagate(net, theta, loss, batch, part, s):  # theta (n_parameters,), s (n_1,)
    """Propagate part of the batch; return its part of the data term."""
    r, n = part
    lo, hi = _rows_of(batch, r, n)
    block = _block(batch, lo, hi, batch.work.columns[r : r + 1])
    return propagate(net, theta, loss, block, batch.y[lo:hi], batch.w[lo:hi], s)


@jit
def _take_steps(share, net, optimizer, terms, batch, numbers, scratch):
    """Thread t of T updates its tiles; return false if another thread has stopped.

    Where the norm of the gradient is limited, all threads must know it before the first step.
    """
    (t, T), (n, n_steps, eta), (own, step) = share, numbers, scratch
    tiles, whole = batch.tiles, optimizer.gradient
    clips = whole.size > 0
    for j in range(t, len(tiles), T):
        g = part(whole, tiles[j].at, (tiles[j].n,)) if clips else part(own, 0, (tiles[j].n,))
        batch.tile_values[j] = _gradient(net, terms, optimizer.theta, batch, (j, n), g)
        if clips:
            batch.squares[j] = _square(g)
        else:
            _take_step(optimizer, tiles[j], (n_steps, eta, terms.l1), step, g)
    if clips:
        if not wait(batch.barrier, T):
            return False
        norm, limit = np.sqrt(np.sum(batch.squares)), optimizer.settings[0]
        for j in range(t, len(tiles), T):
            g = part(whole, tiles[j].at, (tiles[j].n,))
            _multiply(g, limit / norm if norm > limit else 1.0)
            _take_step(optimizer, tiles[j], (n_steps, eta, terms.l1), step, g)
    return wait(batch.barrier, T)


@jit
def _gradient(net, terms, theta, batch, part_of_theta, g):  # theta (n_parameters,), g (n,)
    """Gradient by a tile of parameters; return its penalties."""
    j, n = part_of_theta
    tile, block = batch.tiles[j], _block(batch, np.int64(0), n, batch.work.columns)
    g[:] = 0
    if tile.hi == tile.lo:
        add_bias_gradient(net.layers[tile.layer], block, g)
        return 0.0  # biases are not penalized
    add_weight_gradient(net, tile.layer, tile.lo, tile.hi, block_rows(batch.x, 0, n), block, g)
    return sum_of_terms(penalize_weights(terms, part(theta, tile.at, (tile.n,)), g))


@jit
def _square(g):  # (n,)
    """Σ g², in float64."""
    total = 0.0
    for i in range(g.size):
        total += np.float64(g[i]) * np.float64(g[i])
    return total


@jit
def _multiply(g, factor):  # (n,)
    for i in range(g.size):
        g[i] *= like(factor, g[i])


@jit
def _take_step(optimizer, tile, numbers, step, g):  # step (3,), g (n,)
    """Update a tile of parameters along its gradient."""
    n_steps, rates, kappa = numbers
    at, n, average = tile.at, tile.n, optimizer.average
    weight_decay, averaging = optimizer.decays[tile.group], optimizer.settings[1]
    theta, eta = part(optimizer.theta, at, (n,)), rates[tile.group]
    has_weights = tile.hi > tile.lo  # biases are not penalized
    if weight_decay > 0:
        _multiply(theta, 1.0 - eta * weight_decay)
    step[0], step[1], step[2] = n_steps, eta, kappa if has_weights else 0.0
    m, v = optimizer.moments
    take_step(optimizer.rule, optimizer.constants, step, theta, g, (m[at : at + n], v[at : at + n]))
    if average.size > 0:
        rest = like(1.0 - min(averaging, (n_steps - 1) / n_steps), g[0])
        for i in range(n):
            average[at + i] += rest * (theta[i] - average[at + i])
