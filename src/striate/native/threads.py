"""One team of threads at a time: over rows or images, with BLAS held to one thread."""

import ctypes
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import cache, cached_property
from typing import Any, Self

import llvmlite.binding
import numpy as np
from joblib import cpu_count
from llvmlite import ir
from numba.core import cgutils, types
from threadpoolctl import ThreadpoolController

from .compile import intrinsic_or, jit

#: Multiplications in one call of compiled code, which Ctrl-C cannot end: some tenths of a second.
CALL_WORK = 1_000_000_000


@cache
def _blas_libraries() -> list[Any]:
    """Return the BLAS libraries of this process (found once: the search takes a while)."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


@cache
def _openmp_libraries() -> list[Any]:
    """Return the OpenMP libraries of this process: scikit-learn brings one."""
    return ThreadpoolController().select(user_api="openmp").lib_controllers


# Variables that limit OpenMP and Accelerate; joblib sets both in its worker processes.
_LIMITING_VARIABLES = ("OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def available_threads() -> int:
    """Return how many threads may be used: as many as BLAS would, and no more than there are cores.

    So `OMP_NUM_THREADS`, `threadpoolctl.threadpool_limits` and the limits that joblib sets in its
    worker processes hold here, too. The cores are those that this process may use: the CPU affinity
    and a container's quota count. It is 1 while another thread of this process computes.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(1):
    ...     available_threads()
    1
    """
    if _single_threaded_blas.inside:
        return 1
    cores = cpu_count()
    counts = [library.get_num_threads() for library in _blas_libraries()]
    return max(1, min(cores, max(counts) if counts else _limit_without_blas(cores)))


def _limit_without_blas(cores: int) -> int:
    """Return the limit where threadpoolctl cannot see BLAS, which holds for Apple's Accelerate."""
    values = [re.match("[1-9][0-9]*", os.environ.get(name, "")) for name in _LIMITING_VARIABLES]
    counts = [library.get_num_threads() for library in _openmp_libraries()]
    return min([*counts, *(int(value[0]) for value in values if value)], default=cores)


class _SingleThreadedBlas:
    """Hold BLAS to one thread, for several Python threads at once if necessary.

    Some libraries have one limit per process, which the last thread to leave restores; with OpenMP
    and MKL each thread has a limit of its own, and restores it itself.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Reset in a forked child, where the parent's threads do not exist."""
        self._lock = threading.Lock()
        self._of_process: list[Any] = []
        self.inside = 0

    def enter(self) -> list[Any]:
        """Return the limits that this thread had, for `leave`."""
        with self._lock:
            limits = _limit_this_thread()
            if self.inside == 0:
                self._of_process = [limit for limit in limits if _is_of_process(limit[0])]
            self.inside += 1
        return [limit for limit in limits if not _is_of_process(limit[0])]

    def leave(self, limits: list[Any]) -> None:
        with self._lock:
            self.inside -= 1
            _set_limits(limits if self.inside else limits + self._of_process)


def _is_of_process(library: Any) -> bool:
    openmp = getattr(library, "threading_layer", None) == "openmp"
    return library.internal_api != "mkl" and not openmp


def _limit_this_thread() -> list[Any]:
    """Set all limits to 1; return what they were, as pairs of library and number."""
    limits = [(library, library.get_num_threads()) for library in _blas_libraries()]
    _set_limits([(library, 1) for library, n_threads in limits if n_threads != 1])
    return limits


def _set_limits(limits: list[Any]) -> None:
    for library, n_threads in limits:
        # From threadpoolctl 3.8 on the first thread to set OpenBLAS's limit keeps others from it.
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(n_threads)
        release(force=True)


class _Cores:
    """The cores that compiled code of all teams computes on, handed out in the order of asking."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Reset in a forked child, where the parent's threads do not exist."""
        self._lock = threading.Lock()
        self.taken, self.asking = 0, deque[threading.Lock]()

    def take(self, most: int, n_cores: int | None) -> int:
        """Wait for a free core; return how many are taken. A team that is alone need not wait."""
        with self._lock:
            if n_cores is None:
                self.taken = most
                return most
            if self.taken < n_cores:
                taken = min(most, n_cores - self.taken)
                self.taken += taken
                return taken
            handed_over = threading.Lock()
            handed_over.acquire()
            self.asking.append(handed_over)
        try:
            handed_over.acquire()
        except BaseException:  # Ctrl-C
            with self._lock:
                still_asking = handed_over in self.asking
                if still_asking:
                    self.asking.remove(handed_over)
            self.give_back(0 if still_asking else 1)
            raise
        return 1

    def give_back(self, n: int) -> None:
        """Hand cores over to those that ask, one each, and free the others."""
        with self._lock:
            n_handed_over = min(n, len(self.asking))
            self.taken -= n - n_handed_over
            for _ in range(n_handed_over):
                self.asking.popleft().release()


_single_threaded_blas, _cores = _SingleThreadedBlas(), _Cores()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_single_threaded_blas.reset)
    os.register_at_fork(after_in_child=_cores.reset)


class team:
    """A team of threads for one fit or transform, as a context: `team()(kernel, *args)`.

    Parameters
    ----------
    n_threads : int, default=None
        At most this many threads; no more than `available_threads()` in any case, nor than the
        system lets this process start.

    Attributes
    ----------
    barrier : ndarray
        For `wait`. No thread waits there for one that has ended with an error.

    Notes
    -----
    The kernel is compiled code. Thread t of T calls kernel(t, T, *args) and takes its share of the
    work by t and T; the calling thread is one of them. Since kernels wait for each other, all T
    threads have started before the first is given work. No thread outlives the context, so that
    nothing can be left behind by a fork.
    """

    def __init__(self, n_threads: int | None = None) -> None:
        available = 1 if n_threads == 1 else available_threads()
        self.n_threads = min(n_threads or available, available)

    def __enter__(self) -> Self:
        self._limits = _single_threaded_blas.enter()
        self._others: list[ThreadPoolExecutor] = []  # of one thread each
        self.barrier = new_barrier()
        return self

    def __exit__(self, *exception: Any) -> None:
        for other in self._others:
            other.shutdown()
        _single_threaded_blas.leave(self._limits)

    def __call__(self, kernel: Any, *args: Any, n_threads: int | None = None) -> list[Any]:
        """Return what the threads return, in order; `n_threads` lowers their number.

        Compiled code begins when a core is free. A kernel in Python may take long, and wait for
        what another team computes: it does not count.
        """
        T = min(n_threads or self.n_threads, self._share_of_cores())
        if not hasattr(kernel, "py_func"):
            return self._run(T, kernel, args)
        taken = 0
        try:
            taken = _cores.take(T, self._n_cores if _single_threaded_blas.inside > 1 else None)
            return self._run(taken, kernel, args)
        finally:
            _cores.give_back(taken)

    def _run(self, T: int, kernel: Any, args: tuple[Any, ...]) -> list[Any]:
        T = self._started(T)
        if T == 1:
            return [kernel(0, 1, *args)]
        others: list[Future[Any]] = []
        try:
            others.extend(
                self._others[t - 1].submit(self._share, kernel, t, T, *args) for t in range(1, T)
            )
            mine = self._share(kernel, 0, T, *args)
            return [mine, *(other.result() for other in others)]
        except BaseException:  # Ctrl-C, before this thread has done its share
            self.barrier[_STOPPED] = 1
            raise
        finally:
            wait_for(others)  # they write to arrays of the caller
            self.barrier[:] = 0

    @cached_property
    def _n_cores(self) -> int:
        return cpu_count()

    def _share_of_cores(self) -> int:
        """Return how many threads may work now: fewer while other teams compute, too.

        Teams that begin while another computes have one thread each; so all of them together need
        no more than all cores, unless there are more teams than cores.
        """
        return max(1, self.n_threads - (_single_threaded_blas.inside - 1))

    def _share(self, kernel: Any, *args: Any) -> Any:
        try:
            return kernel(*args)
        except BaseException:
            self.barrier[_STOPPED] = 1
            raise

    @property
    def stopped(self) -> bool:
        """Whether a thread has ended with an error or Ctrl-C: long work of the others may end."""
        return bool(self.barrier[_STOPPED, 0])

    def _started(self, T: int) -> int:
        """Start what is missing of T threads; return their number, less if the system refuses."""
        try:
            while len(self._others) < T - 1:
                other = ThreadPoolExecutor(1, "striate")
                other.submit(_limit_this_thread)  # the first task starts the thread
                self._others.append(other)
        except RuntimeError:  # "can't start new thread": those that did start share the work
            T = self.n_threads = len(self._others) + 1
        return T


def share(run: Any, task: Callable[[int], None], indices: Iterable[int]) -> None:
    """Call a function in Python for each index; the next index goes to the thread that is free.

    Parameters
    ----------
    run : team
    task : callable
        task(index), which spends its time where the GIL is released.
    indices : iterable of int
        In the order in which they are begun.
    """
    queue = deque(indices)

    def work(thread: int, n_threads: int) -> None:
        while not run.stopped:
            try:
                index = queue.popleft()
            except IndexError:
                return
            task(index)

    run(work, n_threads=len(queue) or 1)


_counting = threading.Lock()

# Where all threads must have finished one step before any begins the next, they meet at a barrier.
# Its three numbers are in rows of 64 bytes, so that no cache line is shared.
_ARRIVED, _ROUND, _STOPPED = range(3)


def new_barrier() -> Any:
    """Return a barrier for `wait`: an array of zeros."""
    return np.zeros((3, 8), dtype=np.int64)


def _add_in_python(counter: Any, amount: int) -> int:
    with _counting:
        before = int(counter[0])
        counter[0] += amount
    return before


@intrinsic_or(_add_in_python)
def _add(typingctx, counter, amount):
    """counter[0] += amount as one indivisible step; returns the value before."""

    def build(context, builder, signature, args):
        array = context.make_array(counter)(context, builder, args[0])
        return builder.atomic_rmw("add", array.data, args[1], ordering="seq_cst")

    return types.int64(counter, types.int64), build


@intrinsic_or(lambda: time.sleep(0))
def _yield_processor(typingctx):
    """Lets another thread run on this core, if one waits for it."""

    def build(context, builder, signature, args):
        function = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, function, "striate_yield"), [])
        return context.get_dummy_value()

    return types.void(), build


if os.name == "nt":
    _library, _yield = ctypes.WinDLL("kernel32"), "SwitchToThread"  # type: ignore[attr-defined]
else:
    _library, _yield = ctypes.CDLL(None), "sched_yield"
llvmlite.binding.add_symbol(
    "striate_yield", ctypes.cast(getattr(_library, _yield), ctypes.c_void_p).value
)


@jit
def wait(barrier, T):
    """Return true when all T threads have called it, and false if one of them never will."""
    if T == 1:
        return True
    arrived, round_, stopped = barrier[_ARRIVED], barrier[_ROUND], barrier[_STOPPED]
    this_round = _add(round_, 0)
    if _add(arrived, 1) == T - 1:
        _add(arrived, -T)
        _add(round_, 1)
        return True
    turns = 0
    while _add(round_, 0) == this_round:
        if _add(stopped, 0) != 0:
            return False
        turns += 1
        if turns > 100:  # the others may need this very core
            _yield_processor()
    return True
