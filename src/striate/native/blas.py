"""The matrix product of SciPy's BLAS, callable from compiled code."""

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.types.containers import UniTuple
from numba.extending import intrinsic

from .compile import COMPILED, jit
from .scipy_routines import address_of

_ROUTINES = {types.float32: "sgemm", types.float64: "dgemm"}


# A name that the linker finds, unlike a plain pointer, may be cached on disk.
for _name in _ROUTINES.values():
    _address = address_of("blas", _name, "cciiirririrri")
    llvmlite.binding.add_symbol(f"striate_{_name}", _address)


@intrinsic
def _gemm(typingctx, transposes, sizes, a, b, beta, c):
    """C = op(A) op(B) + beta C by BLAS's convention: column-major, all arguments by reference.

    `transposes` are those of A and B, `sizes` are m, n and k; a matrix is its address and the
    stride from one column to the next.
    """

    def build(context, builder, signature, args):
        def by_reference(value, type_):
            slot = cgutils.alloca_once(builder, type_)
            builder.store(value, slot)
            return builder.bitcast(slot, cgutils.voidptr_t)

        def letter(flag):
            code = builder.select(flag, ir.IntType(8)(ord("T")), ir.IntType(8)(ord("N")))
            return by_reference(code, ir.IntType(8))

        def integer(value):
            return by_reference(builder.trunc(value, ir.IntType(32)), ir.IntType(32))

        def matrix(pair):
            address, stride = cgutils.unpack_tuple(builder, pair)
            return [builder.inttoptr(address, cgutils.voidptr_t), integer(stride)]

        real = context.get_value_type(beta)
        transposes, sizes, a, b, factor, c = args
        call = [letter(flag) for flag in cgutils.unpack_tuple(builder, transposes)]
        call += [integer(size) for size in cgutils.unpack_tuple(builder, sizes)]
        call += [by_reference(real(1.0), real), *matrix(a), *matrix(b)]
        call += [by_reference(factor, real), *matrix(c)]
        type_ = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t] * len(call))
        name = f"striate_{_ROUTINES[beta]}"
        builder.call(cgutils.get_or_insert_function(builder.module, type_, name), call)
        return context.get_dummy_value()

    flags, sizes = UniTuple(types.boolean, 2), UniTuple(types.intp, 3)
    matrix = UniTuple(types.intp, 2)
    return types.void(flags, sizes, matrix, matrix, beta, matrix), build


def _product(A: Any, transpose_A: Any, B: Any, transpose_B: Any, C: Any, beta: Any) -> None:
    AB = (A.T if transpose_A else A) @ (B.T if transpose_B else B)
    C[:] = AB if beta == 0 else AB + C.dtype.type(beta) * C


@jit
def product(A, transpose_A, B, transpose_B, C, beta):  # C (m, n)
    """C = op(A) op(B) + beta C, where op transposes or not; rows must be contiguous.

    BLAS counts by columns: our product is what it reads as Cᵀ = op(B)ᵀ op(A)ᵀ.
    """
    m, n = C.shape
    k = A.shape[0] if transpose_A else A.shape[1]
    if m > 0 and n > 0:
        a = np.intp(A.ctypes.data), row_stride(A)
        b = np.intp(B.ctypes.data), row_stride(B)
        c = np.intp(C.ctypes.data), row_stride(C)
        _gemm((transpose_B, transpose_A), (n, m, k), b, a, C.dtype.type(beta), c)


@jit
def row_stride(A):
    """Elements from one row to the next; BLAS wants no less than the length of a row."""
    return max(A.strides[0] // A.itemsize, A.shape[1], 1)


if not COMPILED:
    product = _product
