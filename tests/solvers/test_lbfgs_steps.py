"""L-BFGS step by step gives SciPy's result, bit for bit, and can be interrupted."""

import numpy as np
import pytest
import scipy
from scipy.optimize import Bounds, minimize, rosen, rosen_der

from striate.solvers.lbfgs_steps import LBFGSMemory, minimize_in_steps

needs_steps = pytest.mark.skipif(
    tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15), reason="SciPy has no such steps"
)

RNG = np.random.default_rng(0)
A = RNG.normal(size=(40, 12))
B = RNG.normal(size=40)


def rosenbrock(x):
    return rosen(x), rosen_der(x)


def least_squares(x):
    r = A @ x - B
    return float(r @ r) / 2, A.T @ r


def stepped(x):
    """Not smooth, so that line searches fail."""
    return float(np.abs(np.round(x, 2)).sum()), np.sign(x)


PROBLEMS = {"rosenbrock": rosenbrock, "least squares": least_squares, "not smooth": stepped}
START = RNG.normal(size=12)
OPTIONS = {"maxiter": 60, "maxfun": 1000, "ftol": 1e-12, "gtol": 1e-8}


def scipys(objective, lowest, options):
    seen = []
    bounds = None if lowest is None else Bounds(lowest, np.inf)
    result = minimize(
        objective, START, method="L-BFGS-B", jac=True, bounds=bounds, options=options,
        callback=lambda intermediate_result: seen.append(intermediate_result.x.copy()),
    )  # fmt: skip
    return result, seen


@needs_steps
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("limits", [{}, {"maxiter": 4}, {"maxfun": 9}, {"ftol": 1e-3}])
def test_iterations_are_those_of_scipy(name, bounded, limits):
    lowest = np.where(np.arange(12) % 3 == 0, 0.1, -np.inf) if bounded else None
    options = {**OPTIONS, **limits}
    result, expected = scipys(PROBLEMS[name], lowest, options)
    start = START if lowest is None else np.maximum(START, lowest)
    memory, seen = LBFGSMemory(start), []
    status = minimize_in_steps(
        PROBLEMS[name], memory, lowest=lowest, options=options,
        halts=lambda x, J: seen.append(x.copy()),
    )  # fmt: skip
    np.testing.assert_array_equal(np.array(seen), np.array(expected))
    np.testing.assert_array_equal(memory.x, result.x)
    assert memory.value == result.fun
    assert (memory.n_iter, memory.n_evaluations) == (result.nit, result.nfev)
    assert status == result.status


@needs_steps
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("n_before", [1, 3, 17])
def test_it_continues_from_a_state_to_the_same_bits(n_before, bounded):
    lowest = np.where(np.arange(12) % 3 == 0, 0.1, -np.inf) if bounded else None
    start = START if lowest is None else np.maximum(START, lowest)
    memory, states = LBFGSMemory(start), []

    def halt(x, J):
        states.append({name: np.copy(each)[()] for name, each in memory.state.items()})
        return len(states) == n_before

    minimize_in_steps(rosenbrock, memory, lowest=lowest, options=OPTIONS, halts=halt)
    again = LBFGSMemory(start)
    state = {
        name: each if isinstance(each, np.ndarray) else each.item()
        for name, each in states[-1].items()
    }
    again.resume(state)
    minimize_in_steps(rosenbrock, again, lowest=lowest, options=OPTIONS, halts=lambda x, J: False)
    result, _ = scipys(rosenbrock, lowest, OPTIONS)
    np.testing.assert_array_equal(again.x, result.x)
    assert again.n_iter == result.nit > n_before


def test_an_old_scipy_is_refused(monkeypatch):
    monkeypatch.setattr("scipy.__version__", "1.14.1")
    with pytest.raises(ImportError, match="needs SciPy 1.15 or newer, not 1.14.1"):
        minimize_in_steps(
            rosenbrock, LBFGSMemory(START), lowest=None, options=OPTIONS, halts=lambda x, J: False
        )
