"""Functions that compiled code calls by address, so that only those in use are compiled.

A kernel that called one of ten activations by name would contain all ten. It contains one call
through an address instead, and the address is data.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError

from .code_cache import CodeCache
from .compile import COMPILED, OPTIONS, intrinsic_or

_addresses: dict[Any, int] = {}
#: The functions that have addresses. Without compilation, an address is a place in this list.
_alive: list[Any] = [None]  # no address is 0


def address_of(
    function: Callable[..., Any], name: str, parameters: str, dtype: Any, **options: Any
) -> int:
    """Return the address of a function in this process, compiled at the first call.

    Parameters
    ----------
    function : function
        Takes arrays as pointers, which `striate.native.intrinsics.array_at` turns into arrays,
        and numbers.
    name : str
        A name that no other function of its module has.
    parameters : str
        A letter for each parameter: "a" an array of `dtype`, "d" an array of float64, "n" an
        integer, "x" a float64. If a letter follows "->", it is what the function returns.
    dtype : dtype
        float32 or float64.
    **options
        Options for Numba.
    """
    dtype = np.dtype(dtype)
    key = f"{name}-{dtype}", function.__code__
    if key not in _addresses:
        if COMPILED:
            compiled = _compile(function, key[0], _signature(parameters, dtype), OPTIONS | options)
            _alive.append(compiled)
            _addresses[key] = compiled.address
        else:
            _alive.append(function)
            _addresses[key] = len(_alive) - 1
    return _addresses[key]


def _signature(parameters: str, dtype: np.dtype[Any]) -> Any:
    pointer: Any = types.CPointer  # type: ignore[attr-defined]
    kinds = {
        "a": pointer(numba.from_dtype(dtype)),
        "d": pointer(types.float64),
        "n": types.intp,
        "x": types.float64,
        "": types.void,
    }
    letters, _, result = parameters.partition("->")
    return kinds[result](*(kinds[letter] for letter in letters))


def _compile(function: Callable[..., Any], name: str, signature: Any, options: Any) -> Any:
    try:
        from numba.core.ccallback import CFunc

        compiled: Any = CFunc(function, (signature.args, signature.return_type), {}, options)
        compiled._cache = CodeCache(function, name)
        compiled.compile()
    except (ImportError, AttributeError, TypeError):  # a later Numba: go without the cache
        compiled = numba.cfunc(signature, **options)(function)
    return compiled


def _call(result: Any) -> Any:
    """Make the function that calls an address with a tuple of arrays and numbers."""

    def in_python(address: Any, args: Any) -> Any:
        return _alive[address](*args)

    @intrinsic_or(in_python)
    def call(typingctx: Any, address: Any, args: Any) -> Any:
        for kind in args:
            if isinstance(kind, types.Array) and kind.layout != "C":
                raise TypingError("an array that is called with is not C-contiguous")

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            given = []
            for kind, value in zip(args, cgutils.unpack_tuple(builder, values[1]), strict=True):
                if isinstance(kind, types.Array):
                    array = context.make_array(kind)(context, builder, value)
                    given.append(builder.bitcast(array.data, cgutils.voidptr_t))
                elif isinstance(kind, types.Float):
                    given.append(context.cast(builder, value, kind, types.float64))
                else:
                    given.append(context.cast(builder, value, kind, types.intp))
            nothing = result is types.void
            returned = ir.VoidType() if nothing else context.get_value_type(result)
            type_ = ir.FunctionType(returned, [each.type for each in given])
            value = builder.call(builder.inttoptr(values[0], type_.as_pointer()), given)
            return context.get_dummy_value() if nothing else value

        return result(address, args), build

    return call


#: call(address, args) of a function that returns nothing, and of one that returns a float64.
call = _call(types.void)
evaluate = _call(types.float64)
