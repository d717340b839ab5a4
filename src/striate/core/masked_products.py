"""Products with few weights: each meets many rows at once, which are held as columns.

In columns (n_units, capacity) the numbers of a unit lie side by side. `capacity` is what
`capacity_for` gives; columns beyond the last row are zero.
"""

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic

from .compile import jit, jit_here, specialize
from .design_matrix import dense_row

#: Columns of which there may be so many, or a multiple of the largest.
CAPACITIES = (16, 32, 64, 128)
# Bytes of a vector: of eight registers, which leaves others for what comes in.
_VECTOR_BYTES = 512 if get_host_cpu_features().get("avx512f") else 256
# Rows that are turned into columns at a time, and units of them.
_SQUARE = 16
# Numbers of two such rows that are riffled like cards: first half, second half.
_RIFFLED = np.arange(2 * _SQUARE).reshape(2, _SQUARE).T.reshape(2, _SQUARE).tolist()
_INT32 = ir.IntType(32)


def capacity_for(n_rows):
    """Columns for so many rows.

    Examples
    --------
    >>> capacity_for(20), capacity_for(300)
    (32, 384)
    """
    largest = CAPACITIES[-1]
    return next((n for n in CAPACITIES if n >= n_rows), -(-n_rows // largest) * largest)


# What is done with each connection of a unit, to vectors with a number for each of some rows. The
# vectors are LLVM's: their sums stay in registers, and loops over numbers take twice as long.


class _Vectors:
    """Writes LLVM code on vectors of n numbers."""

    def __init__(self, builder, real, itemsize, n):
        self.builder, self.real, self.itemsize, self.n = builder, real, itemsize, n
        self.type = ir.VectorType(real, n)

    def at(self, address, index=None, stride=None):
        """Pointer to the vector that begins index · stride numbers beyond an address."""
        b = self.builder
        pointer = b.inttoptr(address, self.real.as_pointer())
        if index is not None:
            pointer = b.gep(pointer, [b.mul(index, stride)])
        return b.bitcast(pointer, self.type.as_pointer())

    def zeros(self):
        return cgutils.alloca_once_value(self.builder, ir.Constant(self.type, None))

    def load(self, pointer):
        return self.builder.load(pointer, align=self.itemsize)

    def store(self, vector, pointer):
        self.builder.store(vector, pointer, align=self.itemsize)

    def repeated(self, number):
        """A vector of equal numbers."""
        b, undefined = self.builder, ir.Constant(self.type, ir.Undefined)
        first = b.insert_element(undefined, number, ir.Constant(_INT32, 0))
        return b.shuffle_vector(first, undefined, self.places([0] * self.n))

    def add_product(self, pointer, x, y):
        """The vector there += x y, rounded once where the processor can."""
        b, contract = self.builder, ("contract",)
        total = b.fadd(self.load(pointer), b.fmul(x, y, flags=contract), flags=contract)
        self.store(total, pointer)

    def sum(self, x):
        """Sum of a vector: its halves are added until one number is left."""
        b, n = self.builder, self.n
        while n > 1:
            n //= 2
            low, high = self.places(range(n)), self.places(range(n, 2 * n))
            x = b.fadd(b.shuffle_vector(x, x, low), b.shuffle_vector(x, x, high))
        return b.extract_element(x, ir.Constant(_INT32, 0))

    @staticmethod
    def places(indices):
        return ir.Constant(ir.VectorType(_INT32, len(indices)), list(indices))


def _weighted_sum(v, own):
    total = v.zeros()

    def each(weight, column):
        v.add_product(total, v.repeated(v.builder.load(weight)), v.load(column))

    return each, lambda: v.store(v.load(total), own)


def _spread(v, own):
    unit = v.load(own)

    def each(weight, column):
        v.add_product(column, v.repeated(v.builder.load(weight)), unit)

    return each, lambda: None


def _add_correlations(v, own):
    unit, b = v.load(own), v.builder

    def each(weight, column):
        b.store(b.fadd(b.load(weight), v.sum(b.fmul(v.load(column), unit))), weight)

    return each, lambda: None


def _for_units(action):
    """`action` for all connections of some units, as a function for compiled code.

    Parameters of that: the weights of these units; `inputs` and `starts` of all units; the first
    one and the one beyond the last; the columns of the inputs and those of the units.
    """

    @intrinsic
    def one_unit(typingctx, kind, weights, inputs, columns, own, n, stride, width):
        itemsize = kind.bitwidth // 8

        def build(context, builder, signature, args):
            real = context.get_value_type(kind)
            _, weights, inputs, columns, own, n, stride, width = args
            weights = builder.inttoptr(weights, real.as_pointer())
            inputs = builder.inttoptr(inputs, _INT32.as_pointer())
            for lanes in CAPACITIES:
                if lanes * itemsize > _VECTOR_BYTES:
                    break
                chosen = builder.icmp_signed("==", width, ir.Constant(width.type, lanes))
                with builder.if_then(chosen):
                    v = _Vectors(builder, real, itemsize, lanes)
                    each, finish = action(v, v.at(own))
                    with cgutils.for_range(builder, n) as loop:
                        k = [loop.index]
                        i = builder.sext(builder.load(builder.gep(inputs, k)), stride.type)
                        each(builder.gep(weights, k), v.at(columns, i, stride))
                    finish()
            return context.get_dummy_value()

        return types.void(kind, *[types.intp] * 7), build

    @jit_here
    def units(weights, inputs, starts, first, end, columns, own):
        size, capacity = weights.itemsize, columns.shape[1]
        width = min(capacity, _VECTOR_BYTES // size)
        for u in range(first, end):
            at, n = starts[u] - starts[first], starts[u + 1] - starts[u]
            w = weights.ctypes.data + at * size
            i = inputs.ctypes.data + starts[u] * inputs.itemsize
            for c in range(0, capacity, width):
                a, z = columns.ctypes.data + c * size, own.ctypes.data + (u * capacity + c) * size
                one_unit(weights[0], w, i, a, z, n, capacity, width)

    return units


# Each with (weights, inputs, starts, first, end, columns, own): see `_for_units`.
weighted_sums = _for_units(_weighted_sum)  # own ← Σ_k w_k column_k
spread = _for_units(_spread)  # column_k ← column_k + w_k own
add_correlations = _for_units(_add_correlations)  # w_k ← w_k + Σ column_k own


@intrinsic
def _turn_square(typingctx, kind, source, source_stride, target, target_stride):
    """Rows of a square of `_SQUARE` numbers each, at one address, as columns at another.

    Four times all rows are shuffled like two halves of a pack of cards, number by number.
    """

    def build(context, builder, signature, args):
        _, source, source_stride, target, target_stride = args
        real = context.get_value_type(kind)
        v = _Vectors(builder, real, kind.bitwidth // 8, _SQUARE)
        numbers = [ir.Constant(source.type, i) for i in range(_SQUARE)]
        rows = [v.load(v.at(source, i, source_stride)) for i in numbers]
        half = _SQUARE // 2
        for _ in range(_SQUARE.bit_length() - 1):
            rows = [
                builder.shuffle_vector(upper, lower, v.places(order))
                for upper, lower in zip(rows[:half], rows[half:], strict=True)
                for order in _RIFFLED
            ]
        for i, row in zip(numbers, rows, strict=True):
            v.store(row, v.at(target, i, target_stride))
        return context.get_dummy_value()

    return types.void(kind, *[types.intp] * 4), build


@jit
def _turn(source, n_rows, n_columns, target):
    """Writes rows as columns, square by square for the caches' sake."""
    size = source.itemsize
    stride, target_stride = source.strides[0] // size, target.strides[0] // size
    for first in range(0, n_rows, _SQUARE):
        for lo in range(0, n_columns, _SQUARE):
            if first + _SQUARE <= n_rows and lo + _SQUARE <= n_columns:
                here = source.ctypes.data + (first * stride + lo) * size
                there = target.ctypes.data + (lo * target_stride + first) * size
                _turn_square(source[0, 0], here, stride, there, target_stride)
                continue
            for j in range(lo, min(lo + _SQUARE, n_columns)):
                for i in range(first, min(first + _SQUARE, n_rows)):
                    target[j, i] = source[i, j]


def to_columns(X, n, columns):
    """n rows of an input as columns, and zeros beyond them."""


@specialize(to_columns)
def _(X, n, columns):
    def dense(X, n, columns):
        _turn(X, n, columns.shape[0], columns)
        columns[:, n:] = 0

    def made_dense(X, n, columns):
        rows = np.empty((_SQUARE, columns.shape[0]), dtype=columns.dtype)
        for lo in range(0, n, _SQUARE):
            hi = min(lo + _SQUARE, n)
            for i in range(lo, hi):
                dense_row(X, i, rows, i - lo)
            _turn(rows, hi - lo, columns.shape[0], columns[:, lo:])
        columns[:, n:] = 0

    return dense if isinstance(X, types.Array) else made_dense


@jit
def to_rows(columns, Z):
    """Columns as the rows of Z, as many as it has."""
    _turn(columns, Z.shape[1], Z.shape[0], Z)
