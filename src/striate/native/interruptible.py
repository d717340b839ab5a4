"""Long calls of native code that Ctrl-C ends.

Python handles Ctrl-C in the main thread, between its own instructions. A decomposition of a large
matrix is one call, so the main thread waits for another that makes it.
"""

import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any

from .threads import _blas_libraries, _is_of_process, _openmp_libraries, _set_limits

# Seconds between two looks for Ctrl-C where nothing wakes a thread that waits (Windows).
_INTERVAL = 0.1
# Seconds for which the other thread may end after Ctrl-C, before the main thread goes on beside it.
_GRACE = 0.3


def interruptible(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function, and do not wait for its end after Ctrl-C.

    Parameters
    ----------
    function : callable
        One that spends its time in code that releases the GIL, such as those of `native/lapack`.
    *args, **options
        What it takes. After Ctrl-C it goes on until it next returns to Python, and its result is
        lost, so no array that it overwrites may be needed later.

    Returns
    -------
    object
        What the function returns.

    Examples
    --------
    >>> interruptible(max, 2, 3)
    3
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*args, **options)
    # Each thread has a limit of its own in these libraries.
    libraries = [each for each in _blas_libraries() if not _is_of_process(each)]
    limits = [(each, each.get_num_threads()) for each in [*libraries, *_openmp_libraries()]]
    outcome: Future[Any] = Future()
    ending, context = threading.Lock(), copy_context()

    def call() -> None:
        try:
            _set_limits(limits)
            outcome.set_result(context.run(function, *args, **options))
        except BaseException as error:
            outcome.set_exception(error)
        ending.acquire()

    thread = threading.Thread(target=call, name="striate interruptible", daemon=True)
    try:
        thread.start()
        while not wait([outcome], _INTERVAL).done:
            pass
    except RuntimeError:  # "can't start new thread"
        return function(*args, **options)
    except BaseException:  # Ctrl-C
        _end(thread, ending)
        raise
    return outcome.result()


def _end(thread: threading.Thread, ending: threading.Lock) -> None:
    """Raise SystemExit in a thread, which ends it silently, unless it is ending already.

    The lock keeps the thread alive meanwhile: later another may have its number.
    """
    if ending.acquire(blocking=False):
        number, error = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, error)
        ending.release()
    thread.join(_GRACE)
