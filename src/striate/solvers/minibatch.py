"""Minibatch solvers (SGD, momentum, Nesterov, Adam): a whole epoch in compiled code."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.core.design_matrix import Noisy, block_rows, copy_rows, empty_rows, renewed
from striate.core.layers import Block, Workspace
from striate.core.network import Network
from striate.core.penalties import Terms, add_weighted_sum, penalize_activations, penalize_weights
from striate.core.problem import Problem
from striate.core.propagation import (
    add_bias_gradient,
    add_weight_gradient,
    first_layer_of_batch,
    propagate,
)
from striate.native.compile import as_records, inlined, jit, kernel
from striate.native.denormals import flush_denormals, restore_denormals
from striate.native.intrinsics import part
from striate.native.threads import CALL_WORK, wait

from .update_rules import RULES, address_of_rule, take_step

#: Number of rows of a batch that one thread takes at a time, and of parameters that it updates.
TILE_ROWS = 128
TILE_PARAMETERS = 131072
#: Multiplications in a batch below which a second thread does not pay off.
SMALL_BATCH = 2_000_000
#: Work that a row takes beside those, in multiplications.
ROW_WORK = 500
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
    means : ndarray of shape (n_threads, n_1)
        Running mean activations ρ̂, one copy per thread.
    rule : int
        Address of the rule's step.
    constants : ndarray of float64 of shape (3,)
        The rule's constants, in the order of its fields.
    rates : ndarray of float64 of shape (n_batches, n_groups)
        η of each step of the epoch, for each group of parameters.
    n_steps : int
        Number of steps before this epoch.
    """

    theta: np.ndarray
    moments: tuple[np.ndarray, np.ndarray]
    means: np.ndarray
    rule: int
    constants: np.ndarray
    rates: np.ndarray
    n_steps: int


class Batch(NamedTuple):
    """Room for one batch, and what threads exchange about it.

    Attributes
    ----------
    x, y, w : rows of X and Y, and their weights, which add up to 1
    work : Workspace
        For all rows of the batch.
    tiles : ndarray of TILE
        The parts into which θ is divided.
    row_values, tile_values : ndarray of float64
        The terms of J by part of the rows, and by tile.
    sums : ndarray of shape (n_row_tiles, n_1)
        Σ_i w_i a(1)_i of each part of the rows.
    barrier : ndarray of int64
        For `wait`.
    """

    x: Any
    y: np.ndarray
    w: np.ndarray
    work: Workspace
    tiles: np.ndarray
    row_values: np.ndarray
    tile_values: np.ndarray
    sums: np.ndarray
    barrier: np.ndarray


class Minibatch:
    """Steps over batches of rows; keeps θ and the state of the update rule between epochs.

    Parameters
    ----------
    problem : Problem
    run : callable
        What `striate.native.threads.team` returns.
    theta : ndarray of shape (n_parameters,)
        Where to start; updated in place.
    batch_size : int
        Number of rows per batch; the last batch of an epoch may have fewer.
    rule : SGD, Momentum, Nesterov or Adam
        How θ is updated from the gradient of a batch: see `striate.solvers.update_rules`.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
    n_rows : int
    n_groups : int
        Groups of parameters that may have learning rates of their own: W and b of each layer, in
        the order W(0), b(0), W(1), b(1), ….

    Notes
    -----
    The sparsity term uses a running mean activation, ρ̂ ← 0.9 ρ̂ + 0.1 (mean of the batch), since
    one batch is too small to tell the mean of a unit.

    A batch has two phases, between which the threads meet. First each takes some rows: forward,
    loss, backward. Then each takes some parameters: gradient and update. No sum is divided among
    threads, so the result is the same for any number of them.
    """

    def __init__(
        self, problem: Problem, run: Any, theta: npt.NDArray[Any], *, batch_size: int, rule: Any
    ) -> None:
        network, dtype = problem.network, problem.dtype
        kind: Any = type(rule)
        self._problem, self._run, self.theta = problem, run, theta
        self._net, self._rule = network.net(dtype), kind.__name__
        self._data, self._penalties = problem.data(normalized=False), problem.penalties(np.inf)
        self.n_rows, self.n_groups, self._n_steps = problem.n_rows, 2 * len(network.layers), 0
        B = self._batch_size = min(batch_size, self.n_rows)
        small = B * network.n_weights < SMALL_BATCH
        self._batch_work = B * (network.n_weights + ROW_WORK)
        self._n_threads = n_row_tiles = 1 if small else _even(B / TILE_ROWS)
        tiles, n_1 = _parameter_tiles(network, small), network.sizes[1]
        # Columns are made of X itself.
        n_copied = 0 if network.patterns[0] is not None else B
        self._batch = Batch(
            x=empty_rows(problem.X, n_copied),
            y=np.empty((B, network.sizes[-1]), dtype=dtype),
            w=np.empty(B, dtype=dtype),
            work=network.workspace(1, B, dtype, n_row_tiles),
            tiles=tiles,
            row_values=np.zeros(n_row_tiles),
            tile_values=np.zeros(len(tiles)),
            sums=np.zeros((n_row_tiles, n_1), dtype=dtype),
            barrier=run.barrier,
        )
        n_moments = RULES[kind].n_moments
        self._optimizer = Optimizer(
            theta=theta,
            moments=(
                np.zeros(theta.size if n_moments > 0 else 0, dtype),
                np.zeros(theta.size if n_moments > 1 else 0, dtype),
            ),
            means=np.zeros((min(self._n_threads, run.n_threads), n_1)),
            rule=address_of_rule(kind, dtype),
            constants=np.array([*rule, 0.0, 0.0, 0.0][:3]),
            rates=np.zeros((0, self.n_groups)),
            n_steps=0,
        )

    @property
    def state(self) -> dict[str, Any]:
        """What the update rule remembers, for a `Minibatch` that continues from here."""
        moments, means = self._optimizer.moments, self._optimizer.means[0]
        return {"rule": self._rule, "moments": moments, "means": means, "n_steps": self._n_steps}

    def resume(self, state: Mapping[str, Any]) -> bool:
        """Continue from a `state`, if it is one of the same rule and network; return whether."""
        mine = self.state
        if state.get("rule") != mine["rule"] or _shapes(state) != _shapes(mine):
            return False
        if not isinstance(state["n_steps"], int | np.integer):
            return False
        self._n_steps = int(state["n_steps"])
        self._optimizer.means[:] = state["means"]
        for moments, given in zip(mine["moments"], state["moments"], strict=True):
            moments[:] = given
        return True

    @property
    def noise_seed(self) -> int | None:
        """Seed of the noise of the next epoch; None without noise."""
        X = self._data.X
        return X.seed if isinstance(X, Noisy) else None

    @noise_seed.setter
    def noise_seed(self, seed: int | None) -> None:
        if isinstance(self._data.X, Noisy) and seed is not None:
            self._data = self._data._replace(X=self._data.X._replace(seed=seed))

    def epoch(self, order: npt.NDArray[Any], learning_rate: npt.ArrayLike) -> dict[str, float]:
        """Take one step for each batch of the rows X[order].

        Parameters
        ----------
        order : ndarray of int of shape (n_rows,)
            The rows in the order in which batches take them.
        learning_rate : float or array-like, broadcast to (n_batches, n_groups)
            η, perhaps of each step, and of each group of parameters.

        Returns
        -------
        dict
            "data" (with sparsity) and "weights" (the ridge and the L1 term), averaged over rows;
            their sum is J.
        """
        B = self._batch_size
        rates = np.empty((-(-len(order) // B), self.n_groups))
        rates[:] = learning_rate
        order = np.asarray(order, dtype=np.int64)
        n_batches = max(1, CALL_WORK // self._batch_work)  # per call
        data = weights = 0.0
        for k in range(0, len(rates), n_batches):
            sums = self._steps(order[k * B : (k + n_batches) * B], rates[k : k + n_batches])
            data, weights = data + sums[0], weights + sums[1]
        self._data = self._data._replace(X=renewed(self._data.X))
        return {"data": data / len(order), "weights": weights / len(order)}

    def _steps(self, order: npt.NDArray[np.int64], rates: npt.NDArray[Any]) -> tuple[float, float]:
        """Take one step for each batch of some rows; return the sums of the terms over rows."""
        # Fewer threads may have worked in the last call.
        self._optimizer.means[1:] = self._optimizer.means[0]
        data, weights, self._n_steps = self._run(
            _epoch,
            self._net,
            self._data,
            (self._penalties, float(self._problem.decay_over_n)),
            self._optimizer._replace(rates=rates, n_steps=self._n_steps),
            self._batch,
            order,
            n_threads=self._n_threads,
        )[0]
        return data, weights


def _shapes(state: Mapping[str, Any]) -> list[tuple[int, ...]]:
    return [np.shape(each) for each in (*state["moments"], state["means"])]


def _even(x: float) -> int:
    """Return the even number next to x, at least 2: shares for two threads, or four, are alike."""
    return 2 * max(1, round(x / 2))


def _parameter_tiles(network: Network, small: bool) -> npt.NDArray[Any]:
    """Divide θ into tiles: parts of each W, and each b. A small network is not divided further."""
    tiles, layers = [], network.layers
    for index, (layer, C) in enumerate(zip(layers, network.patterns, strict=False)):
        if C is None:
            begins = np.arange(layer["n_in"] + 1) * layer["n_out"]
        else:
            begins = C.indptr.astype(np.int64)
        n = 1 if small else min(_even(begins[-1] / TILE_PARAMETERS), len(begins) - 1)
        edges = np.unique(np.searchsorted(begins, np.linspace(0, begins[-1], n + 1)))
        for lo, hi in pairwise(edges):
            size = begins[hi] - begins[lo]
            tiles.append((index, lo, hi, layer["W_at"] + begins[lo], size, 2 * index))
    for index, layer in enumerate(layers):
        tiles.append((index, 0, 0, layer["b_at"], layer["n_out"], 2 * index + 1))
    return as_records(np.array(tiles, dtype=TILE))


@kernel
def _epoch(t, T, net, data, penalties, optimizer, batch, order):
    """One thread's part of an epoch."""
    capacity, n_row_tiles, n_steps = len(batch.w), len(batch.row_values), optimizer.n_steps
    beta, tiles = penalties[0].beta, batch.tiles
    theta, means = optimizer.theta, optimizer.means[t]
    s = np.zeros(net.layers[0].n_out if beta != 0 else 0, dtype=theta.dtype)
    gradient, step = np.empty(_largest(tiles), dtype=theta.dtype), np.empty(3)  # of a Step
    data_sum = weights_sum = 0.0
    before = flush_denormals()
    for k in range(len(optimizer.rates)):
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
        terms = _of_batch(penalties, total)
        for j in range(t, len(tiles), T):
            step[0], step[1], step[2] = n_steps, optimizer.rates[k, tiles[j].group], terms.l1
            batch.tile_values[j] = _update(net, optimizer, terms, batch, (j, n), step, gradient)
        if not wait(batch.barrier, T):
            break
        data_sum += n * value
        weights_sum += n * np.sum(batch.tile_values)
    restore_denormals(before)
    return data_sum, weights_sum, n_steps


@inlined
def _largest(tiles):
    """Size of the largest tile."""
    largest = 0
    for j in range(len(tiles)):
        largest = max(largest, tiles[j].n)
    return largest


@inlined
def _total(w, chosen):
    """Σ w over the chosen rows, in float64."""
    total = 0.0
    for i in range(len(chosen)):
        total += w[chosen[i]]
    return total


@inlined
def _of_batch(penalties, total):
    """Return the terms of J for a batch: `decay_over_n` is divided by its total weight."""
    terms, decay_over_n = penalties
    return Terms(terms.ridge + decay_over_n / total, terms.l1, terms.rho, terms.beta)


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
    return Block(first, room, columns, capacity, begin, end)


@jit
def _enter_rows(net, theta, data, batch, part, chosen, beta):
    """Copy part of the chosen rows into the batch, and compute their a(1)."""
    r, n, total = part
    lo, hi = _rows_of(batch, r, n)
    rows, block = chosen[lo:hi], _block(batch, lo, hi, batch.work.columns[r : r + 1])
    copy_rows(data.Y, rows, batch.y[lo:])
    for i in range(len(rows)):
        batch.w[lo + i] = data.w[rows[i]] / total
    x = block_rows(batch.x, lo, hi)
    first_layer_of_batch(net.links, net, theta, data.X, rows, x, block)
    batch.sums[r] = 0
    if beta != 0:
        add_weighted_sum(block.first, batch.w[lo:hi], batch.sums[r])


@jit
def _propagate(net, theta, loss, batch, part, s):
    """Propagate part of the batch; return its part of the data term."""
    r, n = part
    lo, hi = _rows_of(batch, r, n)
    block = _block(batch, lo, hi, batch.work.columns[r : r + 1])
    return propagate(net, theta, loss, block, batch.y[lo:hi], batch.w[lo:hi], s)


@jit
def _update(net, optimizer, terms, batch, part, step, gradient):
    """Gradient and update of a tile of parameters; returns its ridge and L1 before the update."""
    j, n = part
    tile, block = batch.tiles[j], _block(batch, np.int64(0), n, batch.work.columns)
    theta, g = optimizer.theta[tile.at : tile.at + tile.n], gradient[: tile.n]
    g[:] = 0
    if tile.hi > tile.lo:
        x = block_rows(batch.x, 0, n)
        add_weight_gradient(net, tile.layer, tile.lo, tile.hi, x, block, g)
        value_of_ridge, value_of_l1 = penalize_weights(terms, theta, g)
        value = value_of_ridge + value_of_l1
    else:
        add_bias_gradient(net.layers[tile.layer], block, g)
        value, step[2] = 0.0, 0.0  # biases are not penalized
    m, v = optimizer.moments
    of_tile = m[tile.at : tile.at + tile.n], v[tile.at : tile.at + tile.n]
    take_step(optimizer.rule, optimizer.constants, step, theta, g, of_tile)
    return value
