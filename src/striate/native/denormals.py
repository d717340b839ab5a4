"""Numbers below the smallest normal one: the processor takes them for zero where that is asked.

Arithmetic with them takes a hundred times as long, and in float32 they are not rare: the weights of
an input that is always zero shrink by weight decay until they, or their squares in Adam, get there.
"""

import platform
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from .compile import intrinsic_or

_X86 = platform.machine().lower() in {"x86_64", "amd64", "i686"}
_ARM = platform.machine().lower() in {"aarch64", "arm64"}
# Bits of the control register: flush results to zero (FZ), and take inputs for zero (DAZ).
_BITS = 0x8040 if _X86 else 1 << 24


def _nothing(*before: Any) -> int:
    return 0


def _call(builder: Any, name: str, result: Any, *args: Any) -> Any:
    type_ = ir.FunctionType(result, [each.type for each in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, type_, name), args)


def _read(builder: Any) -> Any:
    """Return the control register as 64 bits."""
    word = ir.IntType(64)
    if _ARM:
        return _call(builder, "llvm.aarch64.get.fpcr", word)
    if not _X86:
        return word(0)
    slot = cgutils.alloca_once(builder, ir.IntType(32))
    _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), builder.bitcast(slot, cgutils.voidptr_t))
    return builder.zext(builder.load(slot, typ=ir.IntType(32)), word)


def _write(builder: Any, value: Any) -> None:
    if _ARM:
        _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), value)
    elif _X86:
        slot = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(builder.trunc(value, ir.IntType(32)), slot)
        slot = builder.bitcast(slot, cgutils.voidptr_t)
        _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), slot)


@intrinsic_or(_nothing)
def flush_denormals(typingctx: Any) -> Any:
    """Take denormal numbers for zero in this thread; return what `restore_denormals` needs."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        before = _read(builder)
        _write(builder, builder.or_(before, before.type(_BITS)))
        return before

    return types.int64(), build


@intrinsic_or(_nothing)
def restore_denormals(typingctx: Any, before: Any) -> Any:
    """End what `flush_denormals` began."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _write(builder, args[0])
        return context.get_dummy_value()

    return types.void(types.int64), build
