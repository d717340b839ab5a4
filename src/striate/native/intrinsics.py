"""Scalar operations that compiled code has and Python's syntax lacks, each with a Python body."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.types.containers import UniTuple
from numba.np.arrayobj import populate_array

from .compile import intrinsic_or


def _like(value: Any, x: Any) -> Any:
    return type(x)(value)


@intrinsic_or(_like)
def like(typingctx: Any, value: Any, x: Any) -> Any:
    """Return `value` as a number of the type of `x`: a bare constant would make float32 float64."""

    def cast(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[0], value, x)

    return x(value, x), cast


@intrinsic_or(max)
def larger(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the larger of two floats, neither NaN: SIMD finds a maximum by this alone."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flags = ("nnan", "nsz")
        return builder.select(builder.fcmp_ordered(">", *args, flags=flags), *args, flags=flags)

    return a(a, a), build


def _power_of_two(n: Any) -> Any:
    return np.ldexp(type(n)(1), int(n)) if np.isfinite(n) else n


@intrinsic_or(_power_of_two)
def power_of_two(typingctx: Any, n: Any) -> Any:
    """Return 2**n for an integral float `n` in the range of normal numbers, from its bits."""
    double = n == types.float64

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = ir.IntType(64 if double else 32)
        bias, mantissa = (1023, 52) if double else (127, 23)
        # 32 bits hold every exponent; conversion to 64 bits is not vectorised below AVX-512.
        exponent = builder.fptosi(args[0], ir.IntType(32))
        if double:
            exponent = builder.sext(exponent, integer)
        bits = builder.shl(builder.add(exponent, integer(bias)), integer(mantissa))
        return builder.bitcast(bits, args[0].type)

    return n(n), build


def _exponent(x: Any) -> Any:
    return np.frexp(x)[1] - 1.0


@intrinsic_or(_exponent)
def exponent(typingctx: Any, x: Any) -> Any:
    """Return n of a positive float64 2**n m with 1 ≤ m < 2, as a float64, from its bits."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = ir.IntType(64)
        bits = builder.lshr(builder.bitcast(args[0], integer), integer(52))
        biased = builder.trunc(bits, ir.IntType(32))
        return builder.sitofp(builder.sub(biased, ir.IntType(32)(1023)), args[0].type)

    return types.float64(x), build


# An array's numbers as another array. A slice and `reshape`, and Numba's `carray`, do the same and
# take several times as long to compile.


def _part(array: Any, at: Any, shape: Any) -> Any:
    return array[at : at + int(np.prod(shape))].reshape(shape)


@intrinsic_or(_part)
def part(typingctx: Any, array: Any, at: Any, shape: Any) -> Any:
    """Return the numbers of a vector from `at` on as an array of this shape, which it must hold."""
    result = types.Array(array.dtype, len(shape), "C")

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = context.make_array(array)(context, builder, args[0])
        item = context.get_data_type(array.dtype)
        data = builder.gep(whole.data, [args[1]], source_etype=item)
        view = _view(context, builder, result, data, args[2], whole.meminfo)
        return impl_ret_borrowed(context, builder, result, view)

    return result(array, types.intp, UniTuple(types.intp, len(shape))), build


def _array_at(array: Any, shape: Any) -> Any:
    if array.size == 0:  # of a function that does not use it
        return array
    return _part(array.reshape(-1), 0, shape)


@intrinsic_or(_array_at)
def array_at(typingctx: Any, pointer: Any, shape: Any) -> Any:
    """Return the C-contiguous array of this shape at a pointer."""
    result = types.Array(pointer.dtype, len(shape), "C")

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _view(context, builder, result, args[0], args[1], None)

    return result(pointer, UniTuple(types.intp, len(shape))), build


def _view(context: Any, builder: Any, result: Any, data: Any, shape: Any, meminfo: Any) -> Any:
    """Build an array of type `result` from a pointer, a tuple of sizes, and who owns the memory."""
    view, sizes = context.make_array(result)(context, builder), cgutils.unpack_tuple(builder, shape)
    itemsize = context.get_constant(types.intp, result.dtype.bitwidth // 8)
    strides = [itemsize]
    for size in reversed(sizes[1:]):
        strides.insert(0, builder.mul(strides[0], size))
    populate_array(view, data, sizes, strides, itemsize, meminfo)
    return view._getvalue()
