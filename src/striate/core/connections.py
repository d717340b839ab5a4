"""Layers whose units see few inputs: products that cost what the connections cost.

W of such a layer has a weight for each connection and no room for others: unit after unit, as the
columns of a CSC matrix. A weight is used for many rows at once, and so the rows of a block are held
as columns (n_units, capacity), in which the numbers of a unit lie side by side. `capacity` is what
`capacity_for` gives; columns beyond the last row are zero.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic
from scipy import sparse

from .compile import jit, jit_here, specialize, writable
from .inputs import block, dense_row, times
from .layers import COLUMNS_AT, N_IN, N_OUT, STARTS_AT, TRANSPOSED, W_AT

#: Columns of which there may be so many, or a multiple of the largest.
CAPACITIES = (16, 32, 64, 128)
# Bytes that are summed in registers: half of them, where they are wide.
_VECTOR_BYTES = 512 if get_host_cpu_features().get("avx512f") else 256
# Rows that are turned into columns at a time, and units of them.
_SQUARE = 16
# Numbers of two such rows that are riffled like cards: first half, second half.
_RIFFLED = np.arange(2 * _SQUARE).reshape(2, _SQUARE).T.reshape(2, _SQUARE).tolist()
_INT32 = ir.IntType(32)


class Links(NamedTuple):
    """Connections of all layers that are not dense.

    Attributes
    ----------
    inputs : ndarray of int32 of shape (n_connections,)
        The input of each connection: unit after unit, layer after layer.
    starts : ndarray of int64
        For each layer, where the connections of its units begin, and at last where they end.
    """

    inputs: np.ndarray
    starts: np.ndarray


class Connected(NamedTuple):
    """W of a layer: unit u has values[k] on inputs[k] for k from starts[u] to starts[u + 1]."""

    values: np.ndarray
    inputs: np.ndarray
    starts: np.ndarray
    n_inputs: int


def capacity_for(n_rows):
    """Columns for so many rows.

    Examples
    --------
    >>> capacity_for(20), capacity_for(300)
    (32, 384)
    """
    largest = CAPACITIES[-1]
    return next((n for n in CAPACITIES if n >= n_rows), -(-n_rows // largest) * largest)


def canonical(W):
    """A sparse matrix as CSC with sorted indices, in the order in which θ has its weights.

    Raises
    ------
    ValueError
        If an index is beyond the matrix (of one that was read from a file), where compiled code,
        SciPy's or ours, would read beyond an array.
    """
    if not is_sound(W):
        raise ValueError(f"the indices of a sparse matrix {W.shape} do not fit its shape")
    W = sparse.csc_array(W)
    return W if W.has_sorted_indices else W.sorted_indices()


def is_sound(W):
    """Whether the indices of a sparse matrix are within it; other formats SciPy checks itself."""
    if W.format == "coo":
        return all(
            len(each) == len(W.data) and each.min(initial=0) >= 0 and each.max(initial=-1) < n
            for each, n in zip(W.coords, W.shape, strict=True)
        )
    if W.format not in ("csc", "csr", "bsr"):
        return True
    size = W.blocksize if W.format == "bsr" else (1, 1)
    n_rows, n_columns = (n // each for n, each in zip(W.shape, size, strict=True))
    n_major, n_minor = (n_columns, n_rows) if W.format == "csc" else (n_rows, n_columns)
    starts, indices = W.indptr, W.indices
    return bool(
        len(starts) == n_major + 1
        and starts[0] == 0
        and starts[-1] == len(indices) == len(W.data)
        and (np.diff(starts) >= 0).all()
        and indices.min(initial=0) >= 0
        and indices.max(initial=-1) < n_minor
    )


def stored(W):
    """The numbers that an array or a sparse matrix stores, as an array."""
    return W.data if sparse.issparse(W) else W


def dense(W):
    """The numbers of an array or a sparse matrix as an array, zeros and all."""
    return canonical(W).toarray() if sparse.issparse(W) else np.asarray(W)


def with_values(C, values, transposed=False):
    """A CSC matrix with other values, which are not copied; transposed: a CSR matrix."""
    if transposed:
        W = sparse.csr_array(C.shape[::-1], dtype=values.dtype)
    else:
        W = sparse.csc_array(C.shape, dtype=values.dtype)
    # The constructor would copy a small part of a large array.
    W.indptr, W.indices, W.data = C.indptr, C.indices, values
    return W


def links_of(connections):
    """`Links` of the CSC matrices among those of all layers; None if there is none."""
    matrices = [C for C in connections if C is not None]
    if not matrices:
        return None
    begins = np.cumsum([0, *(C.nnz for C in matrices)])
    starts = [C.indptr.astype(np.int64) + at for C, at in zip(matrices, begins, strict=False)]
    inputs = np.concatenate([C.indices for C in matrices], dtype=np.int32)
    for C, begin, end in zip(matrices, begins, begins[1:], strict=False):
        C.indices = inputs[begin:end]  # they need not be there twice
    return Links(inputs, np.concatenate(starts))


def connected(W, dtype):
    """`Connected` of a sparse matrix (n_in, n_out)."""
    W = canonical(W)
    values, inputs = W.data.astype(dtype, copy=False), W.indices.astype(np.int32, copy=False)
    return Connected(writable(values), writable(inputs), W.indptr.astype(np.int64), W.shape[0])


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


def weighted(X, W, Z):
    """Z = X W, for any kind of X and of W."""


@specialize(weighted)
def _(X, W, Z):
    def by_columns(X, W, Z):
        capacity = CAPACITIES[0]
        while capacity < min(Z.shape[0], CAPACITIES[-1]):
            capacity *= 2
        seen = np.empty((W.n_inputs, capacity), dtype=Z.dtype)
        own = np.empty((Z.shape[1], capacity), dtype=Z.dtype)
        for lo in range(0, Z.shape[0], capacity):
            hi = min(lo + capacity, Z.shape[0])
            to_columns(block(X, lo, hi), hi - lo, seen)
            weighted_sums(W.values, W.inputs, W.starts, 0, Z.shape[1], seen, own)
            to_rows(own, Z[lo:hi])

    if isinstance(W, types.Array):
        return lambda X, W, Z: times(X, W, Z)
    return by_columns


# What a network does with such a layer. The functions that return a bool do nothing for a dense
# layer, and return false.


@jit
def _units(links, layer, theta):
    """Weights and connections of a layer's units, or of those of the layer to which it is tied."""
    n = layer[N_IN] if layer[TRANSPOSED] else layer[N_OUT]
    return theta[layer[W_AT] :], links.inputs, links.starts[layer[STARTS_AT] :], 0, n


@jit
def _columns(layer, columns):
    """Columns of what a layer sees, and of what it puts out, whose place its δ takes later."""
    at, n = layer[COLUMNS_AT], layer[N_IN]
    return columns[at : at + n], columns[at + n : at + n + layer[N_OUT]]


def connected_forward(links, theta, layer, X, columns, Z):
    """Z = X W; keeps the columns of X."""


def keep_delta(links, layer, D, columns):
    """Keeps the columns of δ, for the two below."""


def connected_backward(links, theta, layer, columns, Z):
    """Z = δ Wᵀ."""


def connected_gradient(links, layer, first, end, columns, G):
    """G += ∂J/∂W for the weights of units first to end (−1: all), from columns of X and δ."""


@specialize(connected_forward)
def _(links, theta, layer, X, columns, Z):
    def forward(links, theta, layer, X, columns, Z):
        if layer[STARTS_AT] < 0:
            return False
        seen, own = _columns(layer, columns)
        to_columns(X, Z.shape[0], seen)
        if layer[TRANSPOSED]:
            own[:] = 0
            spread(*_units(links, layer, theta), own, seen)
        else:
            weighted_sums(*_units(links, layer, theta), seen, own)
        to_rows(own, Z)
        return True

    if links == types.none:
        return lambda links, theta, layer, X, columns, Z: False
    return forward


@specialize(keep_delta)
def _(links, layer, D, columns):
    def keep(links, layer, D, columns):
        if layer[STARTS_AT] >= 0:
            to_columns(D, D.shape[0], _columns(layer, columns)[1])

    return (lambda links, layer, D, columns: None) if links == types.none else keep


@specialize(connected_backward)
def _(links, theta, layer, columns, Z):
    def backward(links, theta, layer, columns, Z):
        if layer[STARTS_AT] < 0:
            return False
        own = _columns(layer, columns)[1]
        below = columns[len(columns) - layer[N_IN] :]
        if layer[TRANSPOSED]:
            weighted_sums(*_units(links, layer, theta), own, below)
        else:
            below[:] = 0
            spread(*_units(links, layer, theta), below, own)
        to_rows(below, Z)
        return True

    if links == types.none:
        return lambda links, theta, layer, columns, Z: False
    return backward


@specialize(connected_gradient)
def _(links, layer, first, end, columns, G):
    def gradient(links, layer, first, end, columns, G):
        if layer[STARTS_AT] < 0:
            return False
        seen, own = _columns(layer, columns)
        if layer[TRANSPOSED]:
            seen, own = own, seen
        starts = links.starts[layer[STARTS_AT] :]
        add_correlations(G, links.inputs, starts, first, end if end >= 0 else len(own), seen, own)
        return True

    if links == types.none:
        return lambda links, layer, first, end, columns, G: False
    return gradient
