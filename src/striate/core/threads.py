"""One pool of threads at a time: ours over rows or images, with BLAS held to one thread."""

import ctypes
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from threadpoolctl import ThreadpoolController

from .compile import jit


@cache
def _blas_libraries():
    """Handles on the BLAS libraries of this process (found once: the search takes a while)."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


def available_threads():
    """Number of threads that we may use: as many as BLAS would.

    So `OMP_NUM_THREADS`, `threadpoolctl.threadpool_limits` and the limits that joblib sets in its
    worker processes hold for us too. It is 1 while another thread of this process computes.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(1):
    ...     available_threads()
    1
    """
    counts = [library.get_num_threads() for library in _blas_libraries()]
    return max(counts, default=os.cpu_count() or 1)


class _SingleThreadedBlas:
    """Context in which BLAS uses one thread; several Python threads may be inside at once."""

    def __init__(self):
        self.reset()

    def reset(self):
        """As if nobody were inside: for a child that is forked while we compute."""
        self._lock = threading.Lock()
        self._inside = 0
        self._before = []

    def __enter__(self):
        with self._lock:
            if self._inside == 0:
                self._before = [(b, b.get_num_threads()) for b in _blas_libraries()]
                for library, _ in self._before:
                    library.set_num_threads(1)
            self._inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                for library, n_threads in self._before:
                    library.set_num_threads(n_threads)


_single_threaded_blas = _SingleThreadedBlas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_single_threaded_blas.reset)


class team:
    """A team of threads for one fit or transform, as a context: `team()(kernel, *args)`.

    Parameters
    ----------
    n_threads : int, default=None
        At most this many threads; no more than `available_threads()` in any case.

    Notes
    -----
    The kernel is compiled code. Thread t of T calls kernel(t, T, *args) and takes its share of the
    work by t and T; the calling thread is one of them. No pool outlives the context, so that
    nothing can be left behind by a fork.
    """

    def __init__(self, n_threads=None):
        self.n_threads = min(n_threads or available_threads(), available_threads())

    def __enter__(self):
        _single_threaded_blas.__enter__()
        self._pool = ThreadPoolExecutor(max(self.n_threads - 1, 1))
        return self

    def __exit__(self, *exception):
        self._pool.shutdown()
        _single_threaded_blas.__exit__()

    def __call__(self, kernel, *args, n_threads=None):
        """What the threads return, in order; `n_threads` asks for fewer threads in this call."""
        T = min(n_threads or self.n_threads, self.n_threads)
        others = [self._pool.submit(kernel, t, T, *args) for t in range(1, T)]
        mine = kernel(0, T, *args)
        return [mine, *(other.result() for other in others)]


# Where all threads must have finished one step before any begins the next, they meet at a barrier.


@intrinsic
def _add(typingctx, counter, amount):
    """counter[0] += amount as one indivisible step; returns the value before."""

    def build(context, builder, signature, args):
        array = context.make_array(counter)(context, builder, args[0])
        return builder.atomic_rmw("add", array.data, args[1], ordering="seq_cst")

    return types.int64(counter, types.int64), build


@intrinsic
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
    """Returns when all T threads have called it; `barrier` is zeros((2, 8), int64)."""
    if T == 1:
        return
    arrived, round_ = barrier[0], barrier[1]  # rows of 64 bytes: no cache line is shared
    this_round = _add(round_, 0)
    if _add(arrived, 1) == T - 1:
        _add(arrived, -T)
        _add(round_, 1)
        return
    turns = 0
    while _add(round_, 0) == this_round:
        turns += 1
        if turns > 1000:
            _yield_processor()
