"""One case of the campaign, and its verdict."""

import contextlib
import io
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from .error_rule import is_clear

# Verdicts, in the order of the table's columns.
AGREES, NO_ERROR, MESSAGE = "agrees", "no error", "message"
TRACEBACK, WRONG, HANG, CRASH = "traceback", "wrong", "hang", "crash"
VERDICTS = (AGREES, NO_ERROR, MESSAGE, TRACEBACK, WRONG, HANG, CRASH)
FAILURES = (TRACEBACK, WRONG, HANG, CRASH)


class BrokenPromiseError(Exception):
    """An attempt left something that it must not leave, such as a changed input or half a file."""


@dataclass(frozen=True)
class Case:
    """What is tried, and what must come of it.

    Attributes
    ----------
    family : str
        Row of the table.
    text : str
        What is tried, in words.
    attempt : callable
        Does it, and returns results: numbers, arrays or text, in lists and dicts.
    twin : callable or None
        Returns the same results from plain input. Then the attempt must succeed.
    tolerance : float
        Largest difference to the twin, relative to its largest value.
    refused : bool
        Whether the attempt must end with an error.
    """

    family: str
    text: str
    attempt: Callable[[], Any]
    twin: Callable[[], Any] | None = None
    tolerance: float = 0.0
    refused: bool = False


class CommandMessage(Exception):
    """The message with which a command ended, one line."""


def judge(make: Callable[[], Case], n_threads: int = 1) -> tuple[str, str]:
    """Make a case and try it; return its verdict, and details in words."""
    silence = io.StringIO()
    with warnings.catch_warnings(), threadpool_limits(n_threads, user_api="blas"):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            return _verdict(make())


def _verdict(case: Case) -> tuple[str, str]:
    try:
        result = case.attempt()
    except BrokenPromiseError as error:
        return WRONG, str(error)
    except CommandMessage as error:
        return MESSAGE, str(error)
    except Exception as error:  # of any kind: what it is decides the verdict
        return _of_error(case, error)
    return _of_result(case, result)


def _of_error(case: Case, error: Exception) -> tuple[str, str]:
    said = f"{type(error).__name__}: {error}"
    if not is_clear(error):
        return TRACEBACK, f"{said}\n" + "".join(traceback.format_tb(error.__traceback__))
    if case.twin is not None:
        return WRONG, f"refused, although legal: {said}"
    return MESSAGE, said


def _of_result(case: Case, result: Any) -> tuple[str, str]:
    if case.refused:
        return WRONG, "accepted, although bad"
    if case.twin is not None:
        reason = difference(result, case.twin(), case.tolerance)
        return (WRONG, reason) if reason else (AGREES, "as the twin")
    return (NO_ERROR, "finite") if is_finite(result) else (WRONG, "NaN or infinity without error")


def is_finite(result: Any) -> bool:
    """Return whether all numbers are finite."""
    return all(np.isfinite(a).all() for a in arrays(result) if a.dtype.kind == "f")


def difference(result: Any, expected: Any, tolerance: float) -> str:
    """Return how two results differ by more than the tolerance, in words; "" if they do not."""
    found, wanted = list(arrays(result)), list(arrays(expected))
    if len(found) != len(wanted):
        return f"{len(found)} results, the twin has {len(wanted)}"
    for a, b in zip(found, wanted, strict=True):
        if a.shape != b.shape:
            return f"shape {a.shape}, the twin's is {b.shape}"
        if a.dtype.kind in "fiub" and b.dtype.kind in "fiub":
            scale = max(np.abs(b, dtype=float).max(initial=0), np.finfo(float).tiny)
            gap = np.abs(a.astype(float) - b).max(initial=0) / scale
            if not gap <= tolerance and not np.array_equal(a, b, equal_nan=True):
                return f"differs from the twin by {gap:.2g} of the largest value"
        elif a.tolist() != b.tolist():
            return f"{a.ravel()[:5].tolist()}, the twin has {b.ravel()[:5].tolist()}"
    return ""


def arrays(result: Any):
    """Yield the arrays in a nested result."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        for each in result:
            yield from arrays(each)
    elif sparse.issparse(result):
        yield result.toarray()
    elif result is not None:
        yield np.asarray(result)
