"""SciPy's L-BFGS-B one iteration after the other, with its memory in our hands.

`scipy.optimize.minimize` keeps the memory of the method in local variables, so that it can be
neither saved nor restored. It is a loop around one compiled function, which asks for J and ∇J, and
whose whole memory is in the arrays that it is given. Here is the same loop, for trainings that are
to continue after an interruption; its results are those of `minimize`, bit for bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from .saved_state import State, Stateful

Array = npt.NDArray[Any]

#: Number of steps that the method remembers, SciPy's default.
N_STEPS = 10
# What the compiled function asks for, in the first number of `task`.
_NEW_X, _FG, _CONVERGENCE = 1, 3, 4
_MAX_LINE_SEARCH = 20
# Numbers in `counts`: the parts of the array of floats; the steps in use, from the first to the
# last of a ring; the numbers of updates and of free variables; and whether an error occurred.
_LAYOUT = 16
_HEAD, _N_USED, _TAIL, _UPDATES, _INFO = 26, 27, 28, 30, 34
_VARIABLES = slice(37, 41)


class LBFGSMemory(Stateful):
    """What L-BFGS-B remembers between iterations.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Where to start.

    Attributes
    ----------
    x, gradient, value : ndarray of shape (n,), ndarray of shape (n,), float
    n_iter, n_evaluations : int
    floats, indices, numbers, flags, counts, task, line_search : ndarray
        The working arrays of SciPy.
    """

    changing = (
        "x", "gradient", "value", "n_iter", "n_evaluations", "evaluated", "floats", "indices",
        "numbers", "flags", "counts", "task", "line_search",
    )  # fmt: skip

    def __init__(self, x: Array) -> None:
        m, n = N_STEPS, x.size
        self.x, self.gradient, self.value = np.array(x, dtype=np.float64), np.zeros(n), 0.0
        self.n_iter = self.n_evaluations = 0
        self.evaluated = np.full(n, np.nan)  # the last point at which J was evaluated
        self.floats = np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m)
        self.indices = np.zeros(3 * n, dtype=np.int32)
        self.numbers = np.zeros(29)
        self.flags = np.zeros(4, dtype=np.int32)
        self.counts = np.zeros(44, dtype=np.int32)
        self.task, self.line_search = np.zeros(2, dtype=np.int32), np.zeros(2, dtype=np.int32)

    def resume(self, state: State) -> None:
        """Continue from a state.

        Raises
        ------
        ValueError
            If the state is not one of such a minimization. Numbers that count or point beyond the
            arrays are refused, since compiled code would follow them.
        """
        n, ends = self.x.size, np.iinfo(np.int32).max
        counts = np.asarray(state["counts"])
        if not np.array_equal(counts[:_LAYOUT], self._layout()):
            raise ValueError("counts: of another size")
        index, kind, index_2 = np.split(np.asarray(state["indices"]), 3)
        of_parts = [
            ("indices", index, 0, n - 1), ("indices", index_2, 0, n - 1), ("indices", kind, -1, 3),
            ("flags", state["flags"], 0, 1), ("task", state["task"], 0, 999),
            ("line_search", state["line_search"], 0, 999), ("counts", counts[_LAYOUT:], -1, ends),
            ("counts", counts[[_HEAD, _TAIL]], 0, N_STEPS - 1), ("counts", counts[_INFO], 0, 0),
            ("counts", counts[_VARIABLES], 0, n), ("counts", counts[_UPDATES], 0, ends),
            ("counts", counts[_N_USED] - min(counts[_UPDATES], N_STEPS), 0, 0),
        ]  # fmt: skip
        for name, part, low, high in of_parts:
            if np.any(part < low) or np.any(part > high):
                raise ValueError(f"{name}: out of bounds")
        super().resume(state)

    def _layout(self) -> Array:
        """Return where SciPy divides its array of floats, which it decides at the start."""
        fresh, n = LBFGSMemory(self.x), self.x.size
        fresh.step(np.zeros(n), np.zeros(n, dtype=np.int32), 0.0, 0.0)
        return fresh.counts[:_LAYOUT]

    def step(self, low: Array, kinds: Array, factor: float, gtol: float) -> None:
        """Have SciPy go on until it needs J and ∇J, or has finished an iteration."""
        _compiled_step()(
            N_STEPS, self.x, low, np.zeros(self.x.size), kinds, self.value, self.gradient, factor,
            gtol, self.floats, self.indices, self.task, self.flags, self.counts, self.numbers,
            _MAX_LINE_SEARCH, self.line_search,
        )  # fmt: skip


def minimize_in_steps(
    objective: Callable[[Array], tuple[float, Array]],
    memory: LBFGSMemory,
    *,
    lowest: Array | None,
    options: dict[str, Any],
    halts: Callable[[Array, float], bool],
) -> int:
    """Minimize J from where the memory is, as `scipy.optimize.minimize` would.

    Parameters
    ----------
    objective : callable
        x ↦ (J, ∇J), both in float64.
    memory : LBFGSMemory
        Changed in place; afterwards it has the result.
    lowest : ndarray of shape (n,) or None
        Lower bounds; -inf for none.
    options : dict
        "maxiter", "maxfun", "ftol" and "gtol", as for SciPy.
    halts : callable
        halts(x, J) after each iteration; a true result ends the minimization.

    Returns
    -------
    int
        SciPy's status: 0 if it converged, 1 at a limit, 2 otherwise.

    Raises
    ------
    ImportError
        If SciPy is older than 1.15, whose compiled function has another form.
    """
    n = memory.x.size
    lowest = np.full(n, -np.inf) if lowest is None else lowest
    bounded = np.isfinite(lowest)
    low, kinds = np.where(bounded, lowest, 0.0), bounded.astype(np.int32)
    factor = options["ftol"] / np.finfo(float).eps
    at_limit = _is_at_limit(memory, options) and memory.task[0] == _NEW_X
    while not at_limit and memory.task[0] != _CONVERGENCE:
        memory.step(low, kinds, factor, options["gtol"])
        if memory.task[0] == _FG:
            _evaluate(objective, memory)
        elif memory.task[0] == _NEW_X:
            memory.n_iter += 1
            if halts(memory.x, memory.value):
                break
            at_limit = _is_at_limit(memory, options)
        else:
            break
    if memory.task[0] == _CONVERGENCE:
        return 0
    return 1 if _is_at_limit(memory, options) else 2


def _evaluate(objective: Callable[[Array], tuple[float, Array]], memory: LBFGSMemory) -> None:
    if not np.array_equal(memory.x, memory.evaluated):  # SciPy does not count it either
        value, memory.gradient[:] = objective(memory.x.copy())
        memory.value = float(value)
        memory.n_evaluations += 1
        memory.evaluated[:] = memory.x


def _is_at_limit(memory: LBFGSMemory, options: dict[str, Any]) -> bool:
    too_many = memory.n_evaluations > options["maxfun"]
    return bool(too_many or memory.n_iter >= options["maxiter"])


def _compiled_step() -> Any:
    major, minor = (int(part) for part in scipy.__version__.split(".")[:2])
    if (major, minor) < (1, 15):
        raise ImportError(
            f"a checkpoint of solver='lbfgs' needs SciPy 1.15 or newer, not {scipy.__version__}"
        )
    from scipy.optimize import _lbfgsb

    return _lbfgsb.setulb
