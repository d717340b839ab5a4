"""Minibatch solvers (SGD, momentum, Nesterov, Adam): a whole epoch in compiled code."""

from collections.abc import Mapping
from contextlib import closing
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.core.design_matrix import Noisy, Sparse, empty_rows, with_seed
from striate.core.network import Network
from striate.core.problem import Problem
from striate.core.reused_buffers import ReusedBuffers
from striate.native.compile import as_records
from striate.native.threads import CALL_WORK

from .epoch import TILE, Batch, Optimizer, Plan, epoch
from .update_rules import RULES, address_of_rule

#: Number of rows of a batch that one thread takes at a time, and of parameters that it updates.
TILE_ROWS = 128
TILE_PARAMETERS = 131072
#: Multiplications in a batch below which a second thread does not pay off.
SMALL_BATCH = 2_000_000
#: Work that a row takes beside those, in multiplications.
ROW_WORK = 500


class Steps(NamedTuple):
    """What belongs to the steps of every update rule.

    Attributes
    ----------
    weight_decay : float or array-like of shape (n_groups,), default=0.0
        λ of W ← (1 − η λ) W before each step: decay that Adam does not rescale (AdamW). One number
        is for all weights and no bias; several are for each group of parameters.
    max_norm : float, default=0.0
        Largest norm of a batch's gradient, which is scaled down to it; 0 for any.
    averaging : float, default=0.0
        Share that an average of θ keeps at each step; 0 for none. In the first steps it keeps less,
        so that all steps count alike and the initial θ does not.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR (2019).
    .. [2] R. Pascanu and others, "On the difficulty of training recurrent neural networks", ICML
       (2013).
    .. [3] B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging"
       (1992).
    """

    weight_decay: Any = 0.0
    max_norm: float = 0.0
    averaging: float = 0.0


_PLAIN = Steps()


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
    steps : Steps, default=Steps()
    one_thread : bool, default=False
        Whether one thread is to take all steps, as where other trainings run beside this one.
        Otherwise large batches are divided into parts for several threads, which are smaller.

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
    """

    def __init__(
        self,
        problem: Problem,
        run: Any,
        theta: npt.NDArray[Any],
        *,
        batch_size: int,
        rule: Any,
        steps: Steps = _PLAIN,
        one_thread: bool = False,
    ) -> None:
        network, dtype = problem.network, problem.dtype
        kind: Any = type(rule)
        self._problem, self._run, self.theta = problem, run, theta
        self._net, self._rule = network.net(dtype, problem.dropout), kind.__name__
        first = problem if problem.blocks is None else _without_rows(problem)
        self._no_rows, self._buffers = first, ReusedBuffers()
        self._data = first.data(normalized=False)
        self._terms = problem.penalties(np.inf), float(problem.decay_over_n)
        self._draws = isinstance(first.X, Noisy) or any(problem.dropout)
        self._seed = self._data.seed
        self.n_rows, self.n_groups, self._n_steps = problem.n_rows, 2 * len(network.layers), 0
        B = self._batch_size = min(batch_size, self.n_rows)
        whole = one_thread or B * network.n_weights < SMALL_BATCH
        self._batch_work = B * (network.n_weights + ROW_WORK)
        self._n_threads = n_row_tiles = 1 if whole else _even(B / TILE_ROWS)
        tiles, n_1 = _parameter_tiles(network, whole), network.sizes[1]
        # Columns are made of X itself.
        self._n_copied = 0 if network.patterns[0] is not None else B
        self._batch = Batch(
            x=empty_rows(first.X, self._n_copied),
            y=np.empty((B, network.sizes[-1]), dtype=dtype),
            w=np.empty(B, dtype=dtype),
            keys=np.empty(B if any(problem.dropout) else 0, dtype=np.uint64),
            work=network.workspace(1, B, dtype, n_row_tiles),
            tiles=tiles,
            row_values=np.zeros(n_row_tiles),
            tile_values=np.zeros(len(tiles)),
            squares=np.zeros(len(tiles)),
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
            average=np.zeros(theta.size if steps.averaging else 0, dtype),
            gradient=np.zeros(theta.size if steps.max_norm else 0, dtype),
            means=np.zeros((min(self._n_threads, run.n_threads), n_1)),
            rule=address_of_rule(kind, dtype),
            constants=np.pad(np.array([*rule], dtype=np.float64), (0, 3 - len(rule))),
            decays=_decays(steps.weight_decay, self.n_groups),
            settings=np.array(steps[1:], dtype=np.float64),
        )

    def n_batches(self, n_rows: int) -> int:
        """Return the number of batches in an epoch over n rows."""
        return -(-n_rows // self._batch_size)

    @property
    def solution(self) -> npt.NDArray[Any]:
        """The average of θ, or θ itself if there is none."""
        average = self._optimizer.average
        return average if average.size and self._n_steps else self.theta

    @property
    def state(self) -> dict[str, Any]:
        """What a `Minibatch` needs to continue from here, besides the solution."""
        optimizer = self._optimizer
        return {
            "rule": self._rule,
            "moments": optimizer.moments,
            "means": optimizer.means[0],
            "theta": self.theta if optimizer.average.size else optimizer.average,
            "n_steps": self._n_steps,
            "seed": self._seed,
        }

    def resume(self, state: Mapping[str, Any]) -> bool:
        """Continue from a `state`, if it is one of the same rule and network; return whether.

        θ must be the solution of that state.
        """
        mine = self.state
        if state.get("rule") != mine["rule"] or _shapes(state) != _shapes(mine):
            return False
        if not all(isinstance(state[name], int | np.integer) for name in ("n_steps", "seed")):
            return False
        self._n_steps = int(state["n_steps"])
        self._set_seed(int(state["seed"]))
        self._optimizer.means[:] = state["means"]
        for moments, given in zip(mine["moments"], state["moments"], strict=True):
            moments[:] = given
        if self._optimizer.average.size:
            self._optimizer.average[:] = self.theta
            self.theta[:] = state["theta"]
        return True

    def epoch(self, order: npt.NDArray[Any], learning_rate: npt.ArrayLike) -> dict[str, float]:
        """Take one step for each batch of the rows X[order].

        Parameters
        ----------
        order : ndarray of int of shape (n,)
            The rows in the order in which batches take them: all, or some.
        learning_rate : float or array-like, broadcast to (n_batches, n_groups)
            η, perhaps of each step, and of each group of parameters.

        Returns
        -------
        dict
            "data" (with sparsity) and "weights" (the ridge and the L1 term), averaged over rows;
            their sum is J.
        """
        rates = self._rates(len(order), learning_rate)
        data, weights = self._sums(np.asarray(order, dtype=np.int64), rates)
        return {"data": data / len(order), "weights": weights / len(order)}

    def epoch_of_blocks(self, seed: int | None, learning_rate: npt.ArrayLike) -> dict[str, float]:
        """Take one step for each batch of rows that are read by blocks, each row once.

        Parameters
        ----------
        seed : int or None
            Decides the order of the rows: see `RowBlocks.pools`.
        learning_rate : float or array-like, broadcast to (n_batches, n_groups)

        Returns
        -------
        dict
            As from `epoch`.
        """
        assert self._problem.blocks is not None
        by_row, rates, k = self._problem.by_row, self._rates(self.n_rows, learning_rate), 0
        data = weights = 0.0
        with closing(self._problem.blocks.pools(self._batch_size, seed, self._buffers)) as pools:
            for pool in pools:
                Y, w = (None if each is None else each[pool.rows] for each in by_row)
                self._load(self._problem.with_rows(pool.x, Y, w))
                n = self.n_batches(len(pool.order))
                sums = self._sums(pool.order, rates[k : k + n])
                data, weights, k = data + sums[0], weights + sums[1], k + n
                del pool  # so that its memory is used again
                self._load(self._no_rows)
        return {"data": data / self.n_rows, "weights": weights / self.n_rows}

    def _rates(self, n_rows: int, learning_rate: npt.ArrayLike) -> npt.NDArray[Any]:
        rates = np.empty((self.n_batches(n_rows), self.n_groups))
        rates[:] = learning_rate
        return rates

    def _load(self, some: Problem) -> None:
        """Take rows from another part of the problem from now on; noise and dropout go on."""
        self._data = some.data(normalized=False)
        self._set_seed(self._seed)
        if isinstance(self._data.X, Sparse):  # which a batch shares its numbers with
            self._batch = self._batch._replace(x=empty_rows(self._data.X, self._n_copied))

    def _sums(self, order: npt.NDArray[np.int64], rates: npt.NDArray[Any]) -> tuple[float, float]:
        """Take one step for each batch; return the sums of the terms over rows."""
        B, n_batches = self._batch_size, max(1, CALL_WORK // self._batch_work)  # per call
        data = weights = 0.0
        for k in range(0, len(rates), n_batches):
            sums = self._steps(order[k * B : (k + n_batches) * B], rates[k : k + n_batches])
            data, weights = data + sums[0], weights + sums[1]
        self._set_seed(self._seed + 1)
        return data, weights

    def _set_seed(self, seed: int) -> None:
        """Draw other noise, and other units for dropout, from now on."""
        self._seed = seed
        if self._draws:
            self._data = self._data._replace(X=with_seed(self._data.X, seed), seed=seed)

    def _steps(self, order: npt.NDArray[np.int64], rates: npt.NDArray[Any]) -> tuple[float, float]:
        """Take one step for each batch of some rows; return the sums of the terms over rows."""
        means = self._optimizer.means
        if len(means) > 1:  # fewer threads may have worked in the last call
            means[1:] = means[0]
        data, weights, self._n_steps = self._run(
            epoch,
            self._net,
            self._data,
            self._terms,
            self._optimizer,
            self._batch,
            Plan(order, rates, self._n_steps),
            n_threads=self._n_threads,
        )[0]
        return data, weights


def _decays(weight_decay: Any, n_groups: int) -> npt.NDArray[np.float64]:
    """Return λ of each group of parameters; biases have none unless it is given."""
    decays = np.zeros(n_groups)
    each = decays[::2] if np.ndim(weight_decay) == 0 else decays
    each[:] = weight_decay
    return decays


def _without_rows(problem: Problem) -> Problem:
    """Return a problem that is read by blocks, before the first ones are read."""
    x = np.empty((0, problem.network.sizes[0]), problem.dtype)
    Y, w = (None if each is None else each[:0] for each in problem.by_row)
    return problem.with_rows(x, Y, w)


def _shapes(state: Mapping[str, Any]) -> list[tuple[int, ...]]:
    return [np.shape(each) for each in (*state["moments"], state["means"], state["theta"])]


def _even(x: float) -> int:
    """Return the even number next to x, at least 2: shares for two threads, or four, are alike."""
    return 2 * max(1, round(x / 2))


def _parameter_tiles(network: Network, whole: bool) -> npt.NDArray[Any]:
    """Divide θ into tiles: each b, and each W, whole or in parts."""
    tiles, layers = [], network.layers
    for index, (layer, C) in enumerate(zip(layers, network.patterns, strict=False)):
        if C is None:
            begins = np.arange(layer["n_in"] + 1) * layer["n_out"]
        else:
            begins = C.indptr.astype(np.int64)
        n = 1 if whole else min(_even(begins[-1] / TILE_PARAMETERS), len(begins) - 1)
        edges = np.unique(np.searchsorted(begins, np.linspace(0, begins[-1], n + 1)))
        for lo, hi in pairwise(edges):
            size = begins[hi] - begins[lo]
            tiles.append((index, lo, hi, layer["W_at"] + begins[lo], size, 2 * index))
    for index, layer in enumerate(layers):
        tiles.append((index, 0, 0, layer["b_at"], layer["n_out"], 2 * index + 1))
    return as_records(np.array(tiles, dtype=TILE))
