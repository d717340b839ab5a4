"""The matrix product of SciPy's BLAS, callable from compiled code."""

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import get_cython_function_address, intrinsic

from .compile import jit

# A name that the linker finds, unlike a plain pointer, may be cached on disk.
_ROUTINES = {types.float32: "sgemm", types.float64: "dgemm"}
for _name in _ROUTINES.values():
    _address = get_cython_function_address("scipy.linalg.cython_blas", _name)
    llvmlite.binding.add_symbol(f"striate_{_name}", _address)


@intrinsic
def _gemm(typingctx, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc):
    """C = op(A) op(B) + beta C by BLAS's own convention: columns, and addresses for arguments."""

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

        def array(address):
            return builder.inttoptr(address, cgutils.voidptr_t)

        real = context.get_value_type(beta)
        ta, tb, m, n, k, a, lda, b, ldb, factor, c, ldc = args
        one = by_reference(real(1.0), real)
        call = [letter(ta), letter(tb), integer(m), integer(n), integer(k), one]
        call += [array(a), integer(lda), array(b), integer(ldb)]
        call += [by_reference(factor, real), array(c), integer(ldc)]
        type_ = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t] * len(call))
        name = f"striate_{_ROUTINES[beta]}"
        builder.call(cgutils.get_or_insert_function(builder.module, type_, name), call)
        return context.get_dummy_value()

    flags, sizes = [types.boolean] * 2, [types.intp] * 3
    return types.void(*flags, *sizes, *[types.intp] * 4, beta, *[types.intp] * 2), build


@jit
def product(A, transpose_A, B, transpose_B, C, beta):
    """C = op(A) op(B) + beta C, where op transposes or not; rows must be contiguous.

    BLAS counts by columns: our product is what it reads as Cᵀ = op(B)ᵀ op(A)ᵀ.
    """
    m, n = C.shape
    k = A.shape[0] if transpose_A else A.shape[1]
    if m > 0 and n > 0:
        _gemm(
            transpose_B,
            transpose_A,
            n,
            m,
            k,
            B.ctypes.data,
            row_stride(B),
            A.ctypes.data,
            row_stride(A),
            C.dtype.type(beta),
            C.ctypes.data,
            row_stride(C),
        )


@jit
def row_stride(A):
    """Elements from one row to the next; BLAS wants no less than the length of a row."""
    return max(A.strides[0] // A.itemsize, A.shape[1], 1)
