"""Products on feature-major columns, in LLVM's vectors: for masked layers.

Columns have shape (n_units, capacity): the values of one unit for all rows lie side by side.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.core.types.containers import UniTuple
from numba.extending import intrinsic

from .compile import COMPILED, jit, jit_uncached

#: Supported block widths (rows per block, zero-padded): one of these or a multiple of the largest.
CAPACITIES = (16, 32, 64, 128)
# Accumulator width in bytes: eight SIMD registers; the others hold operands.
_VECTOR_BYTES = 512 if get_host_cpu_features().get("avx512f") else 256
# Side of the square tiles that are transposed in registers.
TILE = 16
# Perfect shuffle of two rows of a tile: the first and the second half of the interleaved values.
_SHUFFLED = np.arange(2 * TILE).reshape(2, TILE).T.reshape(2, TILE).tolist()
_INT32 = ir.IntType(32)


def capacity_for(n_rows: Any) -> Any:
    """Return the width of a block for n_rows rows.

    Examples
    --------
    >>> capacity_for(20), capacity_for(300)
    (32, 384)
    """
    largest = CAPACITIES[-1]
    return next((n for n in CAPACITIES if n >= n_rows), -(-n_rows // largest) * largest)


# One operation per connection of a unit, on vectors that hold one value per row. The vectors are
# LLVM's: sums stay in registers, where loops over scalars take twice as long.


class _Vectors:
    """Emit LLVM code for vectors of n numbers."""

    def __init__(self, builder: Any, real: Any, itemsize: Any, n: Any) -> None:
        self.builder, self.real, self.itemsize, self.n = builder, real, itemsize, n
        self.type = ir.VectorType(real, n)

    def at(self, address: Any, index: Any = None, stride: Any = None) -> Any:
        """Return a pointer to the vector index · stride numbers beyond an address."""
        b = self.builder
        pointer = b.inttoptr(address, self.real.as_pointer())
        if index is not None:
            pointer = b.gep(pointer, [b.mul(index, stride)], source_etype=self.real)
        return b.bitcast(pointer, self.type.as_pointer())

    def zeros(self) -> Any:
        return cgutils.alloca_once_value(self.builder, ir.Constant(self.type, None))

    def load(self, pointer: Any) -> Any:
        return self.builder.load(pointer, align=self.itemsize, typ=self.type)

    def load_number(self, pointer: Any) -> Any:
        return self.builder.load(pointer, typ=self.real)

    def store(self, vector: Any, pointer: Any) -> None:
        self.builder.store(vector, pointer, align=self.itemsize)

    def repeated(self, number: Any) -> Any:
        """Return a vector of n copies of a number."""
        b, undefined = self.builder, ir.Constant(self.type, ir.Undefined)
        first = b.insert_element(undefined, number, ir.Constant(_INT32, 0))
        return b.shuffle_vector(first, undefined, self.places([0] * self.n))

    def add_product(self, pointer: Any, x: Any, y: Any) -> None:
        """Add x y to the vector there, fused where the processor can."""
        b, contract = self.builder, ("contract",)
        total = b.fadd(self.load(pointer), b.fmul(x, y, flags=contract), flags=contract)
        self.store(total, pointer)

    def sum(self, x: Any) -> Any:
        """Return the sum of a vector, halving it until one number is left."""
        b, n = self.builder, self.n
        while n > 1:
            n //= 2
            low, high = self.places(range(n)), self.places(range(n, 2 * n))
            x = b.fadd(b.shuffle_vector(x, x, low), b.shuffle_vector(x, x, high))
        return b.extract_element(x, ir.Constant(_INT32, 0))

    @staticmethod
    def places(indices: Any) -> Any:
        return ir.Constant(ir.VectorType(_INT32, len(indices)), list(indices))


def _weighted_sum(v: Any, output: Any) -> Any:
    total = v.zeros()

    def each(weight: Any, column: Any) -> None:
        v.add_product(total, v.repeated(v.load_number(weight)), v.load(column))

    return each, lambda: v.store(v.load(total), output)


def _scatter_add(v: Any, output: Any) -> Any:
    unit = v.load(output)

    def each(weight: Any, column: Any) -> None:
        v.add_product(column, v.repeated(v.load_number(weight)), unit)

    return each, lambda: None


def _accumulate_inner(v: Any, output: Any) -> Any:
    unit, b = v.load(output), v.builder

    def each(weight: Any, column: Any) -> None:
        b.store(b.fadd(v.load_number(weight), v.sum(b.fmul(v.load(column), unit))), weight)

    return each, lambda: None


def _for_units(action: Any, in_python: Any) -> Any:
    """Compile `action` into a loop over the connections of a range of units.

    The loop takes the weights of these units, `inputs` and `starts` of all units, the range lo to
    hi, the columns of the inputs, and those of the units.

    Memory, for a block of c rows::

        inputs     ... 5 8 | 0 3 | ...         inputs of unit 1: 5 and 8; of unit 2: 0 and 3
        weights    ... p q | r s | ...         one weight per connection
        columns    row 0 … row c−1             one line per input, `capacity` values wide
        outputs    row 0 … row c−1             one line per unit
    """

    @intrinsic
    def one_unit(typingctx, kind, weights, inputs, columns, outputs, sizes):
        itemsize = kind.bitwidth // 8

        def build(context, builder, signature, args):
            real = context.get_value_type(kind)
            _, weights, inputs, columns, outputs, sizes = args
            n, stride, width = cgutils.unpack_tuple(builder, sizes)
            weights = builder.inttoptr(weights, real.as_pointer())
            inputs = builder.inttoptr(inputs, _INT32.as_pointer())
            for lanes in CAPACITIES:
                if lanes * itemsize > _VECTOR_BYTES:
                    break
                chosen = builder.icmp_signed("==", width, ir.Constant(width.type, lanes))
                with builder.if_then(chosen):
                    v = _Vectors(builder, real, itemsize, lanes)
                    each, finish = action(v, v.at(outputs))
                    with cgutils.for_range(builder, n) as loop:
                        k = [loop.index]
                        i = builder.gep(inputs, k, source_etype=_INT32)
                        i = builder.sext(builder.load(i, typ=_INT32), stride.type)
                        weight = builder.gep(weights, k, source_etype=real)
                        each(weight, v.at(columns, i, stride))
                    finish()
            return context.get_dummy_value()

        return types.void(kind, *[types.intp] * 4, UniTuple(types.intp, 3)), build

    def units_in_python(weights, inputs, starts, lo, hi, columns, outputs):
        for u in range(lo, hi):
            k = slice(starts[u], starts[u + 1])
            here = slice(starts[u] - starts[lo], starts[u + 1] - starts[lo])
            in_python(weights[here], columns, inputs[k], outputs[u])

    @jit_uncached
    def units(weights, inputs, starts, lo, hi, columns, outputs):
        size, capacity = weights.itemsize, columns.shape[1]
        width = min(capacity, _VECTOR_BYTES // size)
        for u in range(lo, hi):
            at, n = starts[u] - starts[lo], starts[u + 1] - starts[u]
            w = weights.ctypes.data + at * size
            i = inputs.ctypes.data + starts[u] * inputs.itemsize
            for c in range(0, capacity, width):
                a = columns.ctypes.data + c * size
                z = outputs.ctypes.data + (u * capacity + c) * size
                one_unit(weights[0], w, i, a, z, (n, capacity, width))

    return units if COMPILED else units_in_python


def _weighted_sum_in_python(weights: Any, columns: Any, inputs: Any, output: Any) -> None:
    output[:] = weights @ columns[inputs]


def _scatter_add_in_python(weights: Any, columns: Any, inputs: Any, output: Any) -> None:
    columns[inputs] += weights[:, np.newaxis] * output


def _accumulate_inner_in_python(weights: Any, columns: Any, inputs: Any, output: Any) -> None:
    weights += columns[inputs] @ output


# Each with (weights, inputs, starts, lo, hi, columns, outputs): see `_for_units`.
#: output ← Σ_k w_k column_k
weighted_sums = _for_units(_weighted_sum, _weighted_sum_in_python)
#: column_k ← column_k + w_k output
scatter_add = _for_units(_scatter_add, _scatter_add_in_python)
#: w_k ← w_k + Σ column_k output
accumulate_inner = _for_units(_accumulate_inner, _accumulate_inner_in_python)


@intrinsic
def _transpose_in_registers(typingctx, kind, source, source_stride, target, target_stride):
    """Transpose a 16×16 tile in registers: log2(16) = 4 perfect shuffles (interleaves)."""

    def build(context, builder, signature, args):
        _, source, source_stride, target, target_stride = args
        real = context.get_value_type(kind)
        v = _Vectors(builder, real, kind.bitwidth // 8, TILE)
        numbers = [ir.Constant(source.type, i) for i in range(TILE)]
        rows = [v.load(v.at(source, i, source_stride)) for i in numbers]
        half = TILE // 2
        for _ in range(TILE.bit_length() - 1):
            rows = [
                builder.shuffle_vector(upper, lower, v.places(order))
                for upper, lower in zip(rows[:half], rows[half:], strict=True)
                for order in _SHUFFLED
            ]
        for i, row in zip(numbers, rows, strict=True):
            v.store(row, v.at(target, i, target_stride))
        return context.get_dummy_value()

    return types.void(kind, *[types.intp] * 4), build


@jit
def transpose(source, n_rows, n_columns, target):  # target (n_columns, n_rows)
    """Write rows as columns, tile by tile for the caches' sake."""
    size = source.itemsize
    stride, target_stride = source.strides[0] // size, target.strides[0] // size
    for first in range(0, n_rows, TILE):
        for lo in range(0, n_columns, TILE):
            if COMPILED and first + TILE <= n_rows and lo + TILE <= n_columns:
                here = source.ctypes.data + (first * stride + lo) * size
                there = target.ctypes.data + (lo * target_stride + first) * size
                _transpose_in_registers(source[0, 0], here, stride, there, target_stride)
                continue
            for j in range(lo, min(lo + TILE, n_columns)):
                for i in range(first, min(first + TILE, n_rows)):
                    target[j, i] = source[i, j]
