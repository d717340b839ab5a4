"""J and ∇J as sums over blocks of rows.

J(θ) = Σ_i w_i loss_i + λ/2 Σ W² + μ Σ |W| + β Σ_j KL(ρ ‖ ρ̂_j).
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from striate.native.compile import kernel
from striate.native.intrinsics import part
from striate.native.threads import CALL_WORK

from .block_sums import sums_over
from .design_matrix import block_rows, dense_rows
from .layers import Block
from .penalties import OF_WEIGHTS, add_weighted_sum, penalize_activations, penalize_weights
from .problem import Problem
from .propagation import add_gradient, first_layer, propagate
from .tree_sum import Term

Array = npt.NDArray[Any]

#: Number of rows that are computed at once: few enough that their activations stay in the cache.
BLOCK_ROWS = 512
#: Memory budget, in bytes, for the first hidden layer's activations between the two passes; those
#: of further rows are computed twice.
KEPT_BYTES = 64 * 2**20
#: Largest number of groups of rows; the gradients of groups are added in a fixed order.
MAX_GROUPS = 16
#: Memory budget, in bytes, for per-group gradients awaiting the ordered reduction (at least one per
#: thread).
WAITING_BYTES = 6 * 2**20


class Groups(NamedTuple):
    """Groups of rows, and what is summed over each.

    Attributes
    ----------
    bounds : ndarray of int of shape (n_groups + 1,)
        Group g has the rows bounds[g] to bounds[g + 1].
    sums : ndarray of shape (n_groups, n_1)
        Σ_i w_i a(1)_i.
    values : ndarray of shape (n_groups,)
        The data term of J.
    gradients : ndarray of shape (n_groups, n_parameters)
    """

    bounds: np.ndarray
    sums: np.ndarray
    values: np.ndarray
    gradients: np.ndarray


class FirstPass(NamedTuple):
    """The first pass over the rows, for the sparsity term.

    Attributes
    ----------
    kept : ndarray of shape (n_kept, n_1)
        a(1) of the first rows.
    s : ndarray of shape (n_1,), or empty without a sparsity term
        Derivatives of the sparsity term with respect to ρ̂.
    under_way : bool
        Whether this is the first pass.
    begin, end : int
        The rows of each group, from its first one, that one call adds: between calls Ctrl-C
        takes effect.
    """

    kept: np.ndarray
    s: np.ndarray
    under_way: bool
    begin: int = 0
    end: int = 0


class RowSums(Protocol):
    """What J and ∇J sum over the rows of a problem, wherever these are."""

    def activations(self, theta: Array) -> Array:
        """Return Σ_i w_i a(1)_i of groups of rows, (n_groups, n_1)."""

    def add_gradient(self, theta: Array, s: Array, gradient: Array) -> float:
        """Return the data term of J, and add its gradient, given the derivatives s by ρ̂."""


class Objective:
    """J and ∇J of a problem, as a function of θ.

    Parameters
    ----------
    problem : Problem
    run : callable
        What `striate.native.threads.team` returns.
    sums : RowSums, default=None
        By default those of rows in memory, or of blocks that are read.

    Attributes
    ----------
    mean_activation : ndarray of shape (n_1,)
        ρ̂ at the last θ, if there is a sparsity term.
    terms : dict
        J at the last θ as the sum of "data", "sparsity", "ridge" and "l1".

    Notes
    -----
    ρ̂ is a mean over all rows, so ∇J takes two passes. The first computes the activations of the
    first hidden layer for all rows, averages them, and keeps as many as there is room for. The
    second computes the gradient with the penalty at that mean.
    """

    def __init__(self, problem: Problem, run: Any, sums: RowSums | None = None) -> None:
        self.problem, self.dtype = problem, problem.dtype
        if sums is None:
            sums = (SumsInMemory if problem.blocks is None else SumsOfBlocks)(problem, run)
        self._sums, self._net = sums, problem.network.net(self.dtype)
        self._penalties = problem.penalties(problem.total_weight if problem.decay_over_n else 1.0)
        self.mean_activation = np.zeros(problem.network.sizes[1])

    def __call__(self, theta: npt.NDArray[Any]) -> tuple[float, npt.NDArray[Any]]:
        """Return J (float) and ∇J (a new array of the type of Y) at θ."""
        theta = np.ascontiguousarray(theta, dtype=self.dtype)
        gradient, n_1 = np.zeros_like(theta), self.problem.network.sizes[1]
        s = np.empty(n_1 if self._penalties.beta else 0, dtype=theta.dtype)
        sums = np.zeros((1, n_1), dtype=theta.dtype)
        if self._penalties.beta:
            sums = self._sums.activations(theta)
        sparsity, of_weights = _penalize(
            self._net,
            self._penalties,
            (sums, self.mean_activation, s),
            theta[: self.problem.network.n_weights],
            gradient,
        )
        data = self._sums.add_gradient(theta, s, gradient)
        self.terms = {"data": data, "sparsity": sparsity}
        self.terms |= dict(zip(OF_WEIGHTS, of_weights, strict=True))
        return sum(self.terms.values()), gradient


class SumsInMemory:
    """The sums over rows in memory.

    Parameters
    ----------
    problem : Problem
    run : callable
        What `striate.native.threads.team` returns.
    is_part : bool, default=False
        Whether the rows are some of those of a larger problem, whose weights add up to 1.

    Notes
    -----
    Groups and blocks depend on the number of rows alone, and sums are taken in order: J and ∇J are
    the same to the last bit for any number of threads.
    """

    def __init__(self, problem: Problem, run: Any, *, is_part: bool = False) -> None:
        network, dtype, m = problem.network, problem.dtype, problem.n_rows
        self.problem, self.run = problem, run
        self._net, self._data = network.net(dtype), problem.data(normalized=not is_part)
        n_groups = min(max(m // BLOCK_ROWS, 1), MAX_GROUPS)
        bounds = np.linspace(0, m, n_groups + 1).astype(np.int64)
        T, n_1 = min(run.n_threads, n_groups), network.sizes[1]
        keeps = problem.sparsity_weight and not is_part
        room = KEPT_BYTES // (n_1 * dtype.itemsize) if keeps else 0
        self._kept = np.empty((min(m, room), n_1), dtype=dtype)
        self._work = network.workspace(T, min(BLOCK_ROWS, int(np.diff(bounds).max())), dtype)
        n_each = max(1, WAITING_BYTES // (network.n_parameters * dtype.itemsize * T))
        self._groups = Groups(
            bounds=bounds,
            sums=np.zeros((n_groups, n_1), dtype=dtype),
            values=np.empty(n_groups),
            gradients=np.empty((min(n_each * T, n_groups), network.n_parameters), dtype=dtype),
        )

    def activations(self, theta: Array) -> Array:
        """Return Σ_i w_i a(1)_i of groups of rows, (n_groups, n_1)."""
        s = np.empty(self._groups.sums.shape[1], dtype=theta.dtype)
        self._sum(theta, FirstPass(self._kept, s, True), self._groups)
        return self._groups.sums

    def add_gradient(self, theta: Array, s: Array, gradient: Array) -> float:
        """Return the data term of J, and add its gradient."""
        groups = self._groups
        n_groups, n_waiting = len(groups.values), len(groups.gradients)
        for begin in range(0, n_groups, n_waiting):
            some = groups._replace(
                bounds=groups.bounds[begin : begin + n_waiting + 1], values=groups.values[begin:]
            )
            self._sum(theta, FirstPass(self._kept, s, False), some)
            for group in groups.gradients[: len(some.bounds) - 1]:  # first to last
                gradient += group
        return float(np.sum(groups.values))

    def _sum(self, theta: npt.NDArray[Any], first_pass: FirstPass, groups: Groups) -> None:
        rows = groups.bounds[-1] - groups.bounds[0]
        n_calls = 1 + int(rows * self.problem.network.n_weights // CALL_WORK)
        longest = int(np.diff(groups.bounds).max())
        n_rows = BLOCK_ROWS * -(-longest // (n_calls * BLOCK_ROWS))  # of each group, per call
        for begin in range(0, longest, n_rows):
            part = first_pass._replace(begin=begin, end=begin + n_rows)
            self.run(_sum, self._net, theta, self._data, part, self._work, groups)


class SumsOfBlocks:
    """The sums over blocks of rows, wherever these are: see `striate.core.block_sums`."""

    def __init__(self, problem: Problem, run: Any) -> None:
        assert problem.blocks is not None
        self._sums = sums_over(problem.blocks, problem.by_row, run)
        self._shared = problem.without_rows(), problem.total_weight

    def activations(self, theta: Array) -> Array:
        """Return Σ_i w_i a(1)_i, (1, n_1)."""
        (total,) = self._sums(_activations_of_block, *self._shared, theta)
        return np.asarray(total[np.newaxis])

    def add_gradient(self, theta: Array, s: Array, gradient: Array) -> float:
        """Return the data term of J, and add its gradient."""
        value, total = self._sums(_gradient_of_block, *self._shared, theta, s)
        gradient += total
        return float(value)


def _activations_of_block(*arguments: Any) -> Term:
    """Return Σ_i w_i a(1)_i of a block, (n_1,)."""
    *block, theta = arguments
    return (_sums_of_block(*block).activations(theta).sum(axis=0),)


def _gradient_of_block(*arguments: Any) -> Term:
    """Return the data term of J of a block, and its gradient."""
    *block, theta, s = arguments
    gradient = np.zeros_like(theta)
    return _sums_of_block(*block).add_gradient(theta, s, gradient), gradient


def _sums_of_block(
    x: Any, first: int, run: Any, Y: Any, w: Any, problem: Problem, total_weight: float
) -> SumsInMemory:
    w = (np.ones(x.shape[0]) if w is None else w) / total_weight
    return SumsInMemory(problem.with_rows(x, Y, w, first), run, is_part=True)


@kernel
def _penalize(net, penalties, activations, W, gradient):  # W (n_weights,), gradient (n_parameters,)
    """Return the sparsity and the terms of W; `activations` are sums of groups, ρ̂ and s."""
    sums, rho_hat, s = activations
    sparsity = 0.0
    if s.size > 0:
        sparsity = penalize_activations(net.layers[0], penalties, sums, 0.0, rho_hat, s)
    return sparsity, penalize_weights(penalties, W, gradient)


@kernel
def _sum(t, T, net, theta, data, first_pass, work, groups):
    """Sum over each group of rows; thread t takes every T-th group.

    In the first pass: Σ_i w_i a(1)_i, keeping a(1) as far as there is room. In the second: the data
    term of J, and the gradient.
    """
    # Each access to an array in a tuple counts references, which takes time to compile away.
    kept, s, first_pass_under_way, begin, end = first_pass
    bounds, all_sums, values, gradients = groups
    masked = net.layers[0].pattern_at >= 0  # its columns are not kept
    room, columns, weights = work.room[t], work.columns[t : t + 1], data.w
    keys = np.empty(0, np.uint64)  # minibatch solvers alone drop units
    for g in range(t, len(bounds) - 1, T):
        gradient, sums = gradients[g % len(gradients)], all_sums[g]
        if begin == 0 and first_pass_under_way:
            sums[:] = 0
        elif begin == 0:
            gradient[:] = 0
            values[g] = 0
        for lo in range(bounds[g] + begin, min(bounds[g] + end, bounds[g + 1]), BLOCK_ROWS):
            hi = min(lo + BLOCK_ROWS, bounds[g + 1])
            first = kept[lo:hi] if hi <= len(kept) else part(room, 0, (hi - lo, sums.size))
            block = Block(first, room, columns, keys, work.capacity, 0, hi - lo)
            x, w = block_rows(data.X, lo, hi), weights[lo:hi]
            if first_pass_under_way or hi > len(kept) or masked:
                first_layer(net, theta, x, block)
            if first_pass_under_way:
                add_weighted_sum(first, w, sums)
                continue
            y = dense_rows(data.Y, lo, hi)
            values[g] += propagate(net, theta, data.loss, block, y, w, s)
            add_gradient(net, x, block, gradient)
