"""Compile the mathematics: Numba without the GIL, cached on disk."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload


@functools.cache
def _fingerprint(folder: Path) -> str:
    """Return a digest of the source in a folder.

    Numba recompiles a function when its own file changes, but not when a function that it calls
    changes (after an update of the package, say). Compiled code calls only functions of its own
    folder and of this one, so the digests of both are part of the cache's key.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _compiler(
    fastmath: set[str],
    called_from_python: bool = False,
    cache: bool = True,
    inline: str = "never",
) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Any) -> Any:
        # error_model="numpy": a check for division by zero would keep loops from using SIMD.
        compiled = numba.njit(
            nogil=True,
            error_model="numpy",
            fastmath=fastmath,
            cache=cache,
            inline=inline,
            no_cpython_wrapper=not called_from_python,
            no_cfunc_wrapper=True,
        )(function)
        if cache:
            cache_file = compiled._cache._cache_file
            folders = Path(__file__).parent, Path(function.__code__.co_filename).parent
            cache_file._source_stamp = (cache_file._source_stamp, *map(_fingerprint, folders))
        return compiled

    return decorate


#: Compile a function that Python calls; multiply-add may be fused, nothing else reordered.
kernel = _compiler({"contract", "nsz"}, called_from_python=True)

#: The same for a function that only compiled code calls, which takes a quarter less time.
jit = _compiler({"contract", "nsz"})

#: The same, inlined into each caller: a function is compiled together with all that it calls, so
#: every level of calls is compiled once more, and fewer levels take less time.
inlined = _compiler({"contract", "nsz"}, inline="always")

#: The same for a function made inside another, which only callers can cache on disk.
jit_uncached = _compiler({"contract", "nsz"}, cache=False)

#: The same for sums, which SIMD takes in an order of its own (always the same one).
jit_reassociating = _compiler({"contract", "nsz", "reassoc"})


def by_code(functions: Sequence[Any]) -> Any:
    """Return a compiled run(code, args) that calls functions[code](*args): a switch.

    The functions are compiled ones that return nothing. A chain of ifs in Python would do the same
    and take Numba several times as long to compile.
    """

    @intrinsic
    def run(typingctx, code, args):
        kinds = [types.Dispatcher(function) for function in functions]
        signatures = [typingctx.resolve_function_type(kind, tuple(args), {}) for kind in kinds]

        def build(context, builder, signature, values):
            arguments = cgutils.unpack_tuple(builder, values[1])
            done = builder.append_basic_block("done")
            switch = builder.switch(values[0], done)
            for k, (kind, signature_k) in enumerate(zip(kinds, signatures, strict=True)):
                block = builder.append_basic_block(f"code_{k}")
                switch.add_case(ir.Constant(values[0].type, k), block)
                with builder.goto_block(block):
                    function = context.get_function(kind, signature_k)
                    function(builder, arguments)
                    builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return types.void(code, args), build

    return run


def specialize(function: Callable[..., Any]) -> Any:
    """Register a type-specialized implementation (numba.extending.overload with our options).

    For the few functions whose code depends on a type, such as sparse and dense rows.
    """
    options = {"error_model": "numpy", "fastmath": {"contract", "nsz"}}
    return overload(function, jit_options=options)


@intrinsic
def like(typingctx, value, x):
    """Return `value` as a number of the type of `x`: a bare constant would make float32 float64."""

    def cast(context, builder, signature, args):
        return context.cast(builder, args[0], value, x)

    return x(value, x), cast


@intrinsic
def larger(typingctx, a, b):
    """Return the larger of two floats, neither NaN: SIMD finds a maximum by this alone."""

    def build(context, builder, signature, args):
        flags = ("nnan", "nsz")
        return builder.select(builder.fcmp_ordered(">", *args, flags=flags), *args, flags=flags)

    return a(a, a), build


@intrinsic
def power_of_two(typingctx, n):
    """Return 2**n for an integral float `n` in the range of normal numbers, from its bits."""
    double = n == types.float64

    def build(context, builder, signature, args):
        integer = ir.IntType(64 if double else 32)
        bias, mantissa = (1023, 52) if double else (127, 23)
        # 32 bits hold every exponent; conversion to 64 bits is not vectorised below AVX-512.
        exponent = builder.fptosi(args[0], ir.IntType(32))
        if double:
            exponent = builder.sext(exponent, integer)
        bits = builder.shl(builder.add(exponent, integer(bias)), integer(mantissa))
        return builder.bitcast(bits, args[0].type)

    return n(n), build


@intrinsic
def exponent(typingctx, x):
    """Return n of a positive float64 2**n m with 1 ≤ m < 2, as a float64, from its bits."""

    def build(context, builder, signature, args):
        integer = ir.IntType(64)
        bits = builder.lshr(builder.bitcast(args[0], integer), integer(52))
        biased = builder.trunc(bits, ir.IntType(32))
        return builder.sitofp(builder.sub(biased, ir.IntType(32)(1023)), args[0].type)

    return types.float64(x), build


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
