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

from .saved_state import State, Stateful

Array = npt.NDArray[Any]

#: Number of steps that the method remembers, SciPy's default.
N_STEPS = 10
# What the compiled function asks for, in the first number of `task`.
_NEW_X, _FG, _CONVERGENCE = 1, 3, 4
_MAX_LINE_SEARCH = 20


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
        largest = max(self.x.size, N_STEPS)
        for name in ("indices", "flags", "counts", "task", "line_search"):
            limit = max(largest, state["n_evaluations"]) if name == "counts" else largest
            limit = limit if name in ("indices", "counts") else 1000
            if np.size(state[name]) and not -3 <= np.min(state[name]) <= np.max(state[name]) <= limit:
                raise ValueError(f"{name}: out of bounds")
        super().resume(state)


def minimize_in_steps(
    objective: Callable[[Array], tuple[float, Array]],
    memory: LBFGSMemory,
    *,
    lowest: Array | None,
    options: dict[str, Any],
    halt: Callable[[Array, float], bool],
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
    halt : callable
        halt(x, J) after each iteration; a true result ends the minimization.

    Returns
    -------
    int
        SciPy's status: 0 if it converged, 1 at a limit, 2 otherwise.

    Raises
    ------
    ImportError
        If SciPy is older than 1.15, whose compiled function has another form.
    """
    step, n = _compiled_step(), memory.x.size
    bounded = np.isfinite(lowest) if lowest is not None else np.zeros(n, dtype=bool)
    low, high = np.where(bounded, 0.0 if lowest is None else lowest, 0.0), np.zeros(n)
    kinds = bounded.astype(np.int32)
    factor = options["ftol"] / np.finfo(float).eps
    at_limit = _is_at_limit(memory, options) and memory.task[0] == _NEW_X
    while not at_limit and memory.task[0] != _CONVERGENCE:
        step(
            N_STEPS, memory.x, low, high, kinds, memory.value, memory.gradient, factor,
            options["gtol"], memory.floats, memory.indices, memory.task, memory.flags,
            memory.counts, memory.numbers, _MAX_LINE_SEARCH, memory.line_search,
        )  # fmt: skip
        if memory.task[0] == _FG:
            _evaluate(objective, memory)
        elif memory.task[0] == _NEW_X:
            memory.n_iter += 1
            if halt(memory.x, memory.value):
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
    import scipy

    major, minor = (int(part) for part in scipy.__version__.split(".")[:2])
    if (major, minor) < (1, 15):
        raise ImportError(
            f"a checkpoint of solver='lbfgs' needs SciPy 1.15 or newer, not {scipy.__version__}"
        )
    from scipy.optimize import _lbfgsb

    return _lbfgsb.setulb
