"""One pool of threads at a time, whatever else the process does."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone
from threadpoolctl import ThreadpoolController, threadpool_limits

from striate import SparseAutoencoder
from striate.native import threads
from striate.native.compile import kernel
from striate.native.threads import available_threads, team, wait

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BLAS = ThreadpoolController().select(user_api="blas")


def blas_threads():
    return {library.num_threads for library in BLAS.lib_controllers}


@pytest.fixture
def two_threads():
    """Even where the machine has one core."""
    with threadpool_limits(2, user_api="blas"):
        yield


@kernel
def who(t, T):
    return t, T


@kernel
def rendezvous(t, T, barrier, turns, late):
    """Adds to `turns` between barriers; counts how often another thread was not there yet."""
    for turn in range(turns.shape[1]):
        turns[t, turn] = turn + 1
        wait(barrier, T)
        for other in range(T):
            if turns[other, turn] != turn + 1:
                late[t] += 1
            if turn + 1 < turns.shape[1] and turns[other, turn + 1] != 0:
                late[t] += 0 if other == t else 1
        wait(barrier, T)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_available_threads_are_those_of_blas(n_threads):
    with threadpool_limits(n_threads):
        assert available_threads() == n_threads


@pytest.mark.parametrize(("pinned", "n_threads"), [(1, 1), (3, 3)])
def test_threads_are_no_more_than_cores(monkeypatch, pinned, n_threads):
    monkeypatch.setattr(threads, "cpu_count", lambda: pinned)
    with threadpool_limits(9), team(9) as run:
        assert run.n_threads == n_threads


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_are_those_of_the_affinity(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", joblib.cpu_count)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with threadpool_limits(16):
            assert available_threads() == 1
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.parametrize(
    ("variables", "n_threads"),
    [
        ({}, 16),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "6,2"}, 6),  # of loops inside loops, too
        ({"OMP_NUM_THREADS": "6", "VECLIB_MAXIMUM_THREADS": "4"}, 4),
        ({"OMP_NUM_THREADS": "99"}, 16),
        ({"OMP_NUM_THREADS": "0", "VECLIB_MAXIMUM_THREADS": "many"}, 16),
    ],
)
def test_available_threads_where_blas_is_not_seen(monkeypatch, variables, n_threads):
    monkeypatch.setattr(threads, "_blas_libraries", list)
    monkeypatch.setattr(threads, "_openmp_libraries", list)
    for name in ("OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert available_threads() == n_threads


@pytest.mark.skipif(not threads._openmp_libraries(), reason="threadpoolctl sees no OpenMP")
def test_limits_of_threadpoolctl_hold_where_blas_is_not_seen(monkeypatch):
    monkeypatch.setattr(threads, "_blas_libraries", list)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with threadpool_limits(2):
        assert available_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_team():
    with team() as run:
        assert run(who) == [(0, 2), (1, 2)]
        assert run(who, n_threads=1) == [(0, 1)]
        assert run(who, n_threads=9) == [(0, 2), (1, 2)]
    with team(1) as run:
        assert run(who) == [(0, 1)]
    with team(9) as run:
        assert run.n_threads == 2


@pytest.mark.usefixtures("two_threads")
def test_blas_has_one_thread_inside_only():
    with team() as run:
        assert blas_threads() == {1}
        assert available_threads() == 1
        with team() as inner:
            assert inner.n_threads == 1
        assert blas_threads() == {1}
        assert run(who) == [(0, 2), (1, 2)]
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("culprit", [0, 1])
def test_blas_gets_its_threads_back_after_an_exception(culprit):
    def fails(t, T):
        if t == culprit:
            raise RuntimeError("as expected")

    with pytest.raises(RuntimeError, match="as expected"), team() as run:
        run(fails)
    assert blas_threads() == {2}


@pytest.mark.parametrize("first_out", ["main", "other"])
@pytest.mark.usefixtures("two_threads")
def test_teams_of_several_python_threads_overlap(first_out):
    """The limit is lifted by whoever leaves last, in any order, also if others set it before."""
    entered, may_leave = threading.Event(), threading.Event()

    def other():
        with team() as run:
            entered.set()
            may_leave.wait(10)
            assert blas_threads() == {1}
            return run(who)

    with ThreadPoolExecutor(1) as pool:
        with team():
            result = pool.submit(other)
            entered.wait(10)
            assert blas_threads() == {1}
            if first_out == "other":
                may_leave.set()
                assert result.result(10) == [(0, 1)]
                assert blas_threads() == {1}
        if first_out == "main":
            assert blas_threads() == {1}
            may_leave.set()
            assert result.result(10) == [(0, 1)]
    assert blas_threads() == {2}


@pytest.mark.parametrize("n_others", [1, 2, 5])
def test_a_team_gives_up_threads_for_others_that_begin(n_others):
    """Together they are no more than the cores, unless there are more teams than cores."""
    entered, may_leave = threading.Barrier(n_others + 1), threading.Event()

    def other():
        with team() as run:
            entered.wait(10)
            may_leave.wait(10)
            return len(run(who))

    with threadpool_limits(4, user_api="blas"), ThreadPoolExecutor(n_others) as pool:
        with team() as run:
            assert len(run(who)) == 4
            others = [pool.submit(other) for _ in range(n_others)]
            entered.wait(10)
            assert len(run(who)) == max(1, 4 - n_others)
            may_leave.set()
            assert {each.result(10) for each in others} == {1}
        assert blas_threads() == {4}


@kernel
def compute_until(t, T, computing, ended):
    """Count the threads that compute, until `ended` is set."""
    threads._add(computing, 1)
    while threads._add(ended, 0) == 0:
        pass
    threads._add(computing, -1)
    return t, T


def wait_until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def two_cores(monkeypatch):
    """Compile `compute_until`, and let a process have two cores."""
    monkeypatch.setattr(threads, "cpu_count", lambda: 2)
    compute_until(0, 1, np.zeros(1, np.int64), np.ones(1, np.int64))
    with threadpool_limits(2, user_api="blas"):
        yield


def run_until(computing, ended):
    with team() as run:
        return run(compute_until, computing, ended)


@pytest.mark.usefixtures("two_cores")
def test_threads_that_compute_are_never_more_than_cores():
    """A fit that joins one that was alone begins when the other's call ends."""
    computing, first, second = np.zeros((3, 1), np.int64)
    with ThreadPoolExecutor(2) as pool:
        try:
            alone = pool.submit(run_until, computing, first)
            wait_until(lambda: computing[0] == 2)
            joining = pool.submit(run_until, computing, second)
            wait_until(lambda: threads._cores.asking)
            assert computing[0] == 2
            first[0] = 1
            assert alone.result(10) == [(0, 2), (1, 2)]
            wait_until(lambda: computing[0] == 1)
        finally:
            first[0] = second[0] = 1
        assert joining.result(10) == [(0, 1)]


@pytest.mark.usefixtures("two_cores")
def test_cores_are_handed_out_in_the_order_of_asking(monkeypatch):
    """So that none starves where there are more fits than cores."""
    monkeypatch.setattr(threads, "cpu_count", lambda: 1)
    computing, ended = np.zeros((4, 1), np.int64), np.zeros((4, 1), np.int64)
    with ThreadPoolExecutor(4) as pool:
        try:
            for i in range(4):
                pool.submit(run_until, computing[i], ended[i])
                wait_until(lambda i=i: computing[0] and len(threads._cores.asking) == i)
            for i in range(4):
                wait_until(lambda i=i: computing[i] == 1)
                assert len(threads._cores.asking) == 3 - i
                ended[i] = 1
        finally:
            ended[:] = 1


@pytest.mark.usefixtures("two_cores")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no setitimer")
def test_ctrl_c_while_a_fit_waits_for_a_core():
    computing, ended = np.zeros((2, 1), np.int64)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(run_until, computing, ended)
        wait_until(lambda: computing[0] == 2)
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            with pytest.raises(KeyboardInterrupt):
                run_until(computing, ended)
        finally:
            signal.signal(signal.SIGALRM, previous)
            ended[0] = 1
        assert other.result(10) == [(0, 2), (1, 2)]
    assert run_until(computing, ended) == [(0, 2), (1, 2)]


@pytest.mark.usefixtures("two_threads")
def test_results_do_not_change_when_threads_are_given_up(monkeypatch):
    """Running means of a sparsity term have a copy per thread."""
    from striate.solvers import minibatch

    X = rows(0)[:500]
    monkeypatch.setattr(minibatch, "SMALL_BATCH", 0)
    monkeypatch.setattr("striate.estimators.training.SMALL_OBJECTIVE", 0)
    autoencoder = SparseAutoencoder(6, solver="adam", max_iter=6, random_state=0)
    expected, n_calls = clone(autoencoder).fit(X), 0
    share = team._share_of_cores

    def alternating(self):
        nonlocal n_calls
        n_calls += 1
        return 1 if n_calls % 2 else share(self)

    monkeypatch.setattr(team, "_share_of_cores", alternating)
    found = clone(autoencoder).fit(X)
    np.testing.assert_array_equal(found.components_, expected.components_)
    assert found.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("after_one_of_this_thread", [False, True])
@pytest.mark.usefixtures("two_threads")
def test_a_team_of_another_python_thread_alone(after_one_of_this_thread):
    """Though this thread has set the limit before."""

    def other():
        with team() as run:
            assert blas_threads() == {1}
            return run(who)

    if after_one_of_this_thread:
        with team():
            pass
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(other).result(10) == [(0, 2), (1, 2)]
    assert blas_threads() == {2}


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_threads_meet_at_the_barrier(n_threads):
    """More threads than cores, too."""
    turns, late = np.zeros((n_threads, 300), np.int64), np.zeros(n_threads, np.int64)
    with threadpool_limits(n_threads), team() as run:
        run(rendezvous, run.barrier, turns, late)
    assert not late.any()
    assert (turns == np.arange(1, 301)).all()


@pytest.mark.usefixtures("two_threads_start")
def test_threads_that_started_do_the_work_of_those_that_could_not():
    """None waits at a barrier for a thread that never comes."""
    turns, late = np.zeros((3, 5), np.int64), np.zeros(3, np.int64)
    with threadpool_limits(9), team() as run:
        assert run(who, n_threads=2) == [(0, 2), (1, 2)]
        assert run(who) == [(0, 3), (1, 3), (2, 3)]
        assert run.n_threads == 3
        run(rendezvous, run.barrier, turns, late)
        assert not late.any()
    with threadpool_limits(9), team() as run:
        assert run(who) == [(0, 1)]
    assert not [each for each in threading.enumerate() if each.name.startswith("striate")]


class Stopped(Exception):
    """Ends a thread's share."""


@pytest.mark.parametrize("failing", [0, 1])
def test_no_thread_waits_for_one_that_ended_with_an_error(failing):
    turns, late = np.zeros((2, 5), np.int64), np.zeros(2, np.int64)

    def share(t, T, barrier):
        if t == failing:
            raise Stopped
        rendezvous(t, T, barrier, turns, late)

    with threadpool_limits(2), team(2) as run:
        with pytest.raises(Stopped):
            run(share, run.barrier)
        turns[:] = 0
        run(rendezvous, run.barrier, turns, late)  # the team can go on
    assert (turns == np.arange(1, 6)).all()


def rows(seed):
    """Enough work that a fit takes all threads it can get."""
    return np.random.default_rng(seed).normal(size=(2000, 60)).astype(np.float32)


def fit(seed):
    X = rows(seed)
    autoencoder = SparseAutoencoder(30, max_iter=8, random_state=seed).fit(X)
    return np.concatenate([autoencoder.components_.ravel(), autoencoder.transform(X).ravel()])


@pytest.mark.usefixtures("two_threads")
def test_fits_side_by_side_give_what_they_give_alone():
    alone = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(4)))
    np.testing.assert_array_equal(together, alone)
    assert blas_threads() == {2}


def test_fits_in_worker_processes():
    """joblib's own limit of threads holds in its workers."""
    X = rows(0)
    models = [SparseAutoencoder(30, max_iter=8, random_state=seed) for seed in range(2)]
    with Parallel(n_jobs=2, backend="loky") as parallel:
        together = parallel(delayed(clone(model).fit)(X) for model in models)
    for model, other in zip(models, together, strict=True):
        np.testing.assert_array_equal(model.fit(X).components_, other.components_)


FORK = """
import os, signal, sys, threading
import numpy as np
from threadpoolctl import threadpool_limits
from striate import SparseAutoencoder
from striate.native.threads import team

X = np.random.default_rng(0).normal(size=(2000, 60)).astype(np.float32)

def fit():
    with threadpool_limits(2, user_api="blas"):
        return SparseAutoencoder(30, max_iter=5, random_state=0).fit(X).components_

def fit_in_fork():
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs is killed
        os._exit(0 if np.array_equal(fit(), expected) else 3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

expected = fit()
codes = [fit_in_fork()]
with threadpool_limits(2, user_api="blas"), team() as run:  # fork while another fit goes on
    run(lambda t, T: None)
    codes.append(fit_in_fork())
assert np.array_equal(fit(), expected)
print(codes)
"""


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fits_after_a_fork():
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert result.stdout.strip() == "[0, 0]", result.stderr


def test_pools_end_with_their_context():
    before = threading.active_count()
    with threadpool_limits(3), team() as run:
        run(who)
        assert threading.active_count() > before
    assert threading.active_count() == before
