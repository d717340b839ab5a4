"""Compile the mathematics: Numba without the GIL, cached on disk.

With NUMBA_DISABLE_JIT=1 nothing is compiled: all functions are Python's, to be stepped through.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import intrinsic, overload

from .code_cache import CodeCache

#: Whether functions are compiled.
COMPILED = not numba.config.DISABLE_JIT
#: Options of all functions. error_model="numpy": a check for division by zero would keep loops
#: from using SIMD. Multiply-add may be fused, nothing else reordered.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz"}}
#: The same for sums, which SIMD takes in an order of its own (always the same one).
REASSOCIATING = OPTIONS | {"fastmath": {"contract", "nsz", "reassoc"}}


def _compiler(cache: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    options = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **options}

    def decorate(function: Any) -> Any:
        compiled = numba.njit(**options)(function)
        if cache and not function.__closure__ and hasattr(compiled, "_cache"):
            compiled._cache = CodeCache(function)
        return compiled

    return decorate


#: Compile a function that Python calls.
kernel = _compiler(**OPTIONS, no_cpython_wrapper=False)

#: The same for a function that only compiled code calls, which takes a quarter less time.
jit = _compiler(**OPTIONS)

#: The same, inlined into each caller: a function is compiled together with all that it calls, so
#: every level of calls is compiled once more, and fewer levels take less time.
inlined = _compiler(**OPTIONS, cache=False, inline="always")

#: The same for a function made inside another, which only callers can cache on disk: its code
#: depends on more than its source.
jit_uncached = _compiler(**OPTIONS, cache=False)

#: The same for sums.
jit_reassociating = _compiler(**REASSOCIATING)


def intrinsic_or(body: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return `numba.extending.intrinsic`, or what gives `body` in its place without compilation."""
    return intrinsic if COMPILED else lambda define: body


def generic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a function whose code depends on types, such as those of sparse and dense rows.

    `specialize` gives the code; the function itself has a name, parameters and a docstring.
    """
    return function if COMPILED else _Generic()


class _Generic:
    """A generic function in Python: it chooses its code at each call."""

    choose: Callable[..., Callable[..., Any]]

    def __call__(self, *args: Any) -> Any:
        return self.choose(*map(numba.typeof, args))(*args)


def specialize(function: Any) -> Callable[[Callable[..., Any]], Any]:
    """Register code for a generic function (`numba.extending.overload` with our options).

    The decorated function takes types, and returns the function that compiled code calls.
    """
    if COMPILED:
        return overload(function, jit_options=OPTIONS)

    def register(choose: Callable[..., Any]) -> Callable[..., Any]:
        function.choose = choose
        return choose

    return register


def as_records(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a structured array as kernels read it: the fields of a record are its attributes."""
    return table if COMPILED else table.view(np.recarray)


def as_kernel_input(array: Any) -> npt.NDArray[Any]:
    """Return an array that kernels read: C-contiguous, aligned, native, and marked as writable.

    No kernel writes to it. Numba gives a read-only array (joblib's memory maps, say) a type of its
    own, and would compile everything again for it.
    """
    array = np.require(array, array.dtype.newbyteorder("="), ["C", "ALIGNED"])
    if array.flags.writeable:
        return array
    return np.asarray(_Memory(array))


class _Memory:
    def __init__(self, array: Any) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self._array = array  # keeps the memory alive
