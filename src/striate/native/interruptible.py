"""Long calls of LAPACK that Ctrl-C ends.

Python handles Ctrl-C in the main thread, between its own instructions. A decomposition of a large
matrix is one call, so the main thread waits for another that makes it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from .threads import _blas_libraries, _is_of_process, _set_limits

# Seconds between two looks for Ctrl-C where nothing wakes a thread that waits (Windows).
_INTERVAL = 0.1


def interruptible(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function, and do not wait for its end after Ctrl-C.

    Parameters
    ----------
    function : callable
        One that releases the GIL, such as those of `scipy.linalg`.
    *args, **options
        What it takes. After Ctrl-C it goes on for a while and its result is lost, so no array that
        it overwrites may be needed later.

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
    limits = [
        (library, library.get_num_threads())
        for library in _blas_libraries()
        if not _is_of_process(library)
    ]
    outcome: Future[Any] = Future()

    def call() -> None:
        try:
            _set_limits(limits)
            outcome.set_result(function(*args, **options))
        except BaseException as error:
            outcome.set_exception(error)

    try:
        threading.Thread(target=call, name="striate LAPACK", daemon=True).start()
    except RuntimeError:  # "can't start new thread"
        return function(*args, **options)
    while not wait([outcome], _INTERVAL).done:
        pass
    return outcome.result()
