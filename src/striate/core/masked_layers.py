"""Layers whose units see few inputs: what they do costs what the connections cost.

W of such a layer has a weight for each connection and no room for others: unit after unit, as the
columns of a CSC matrix. Rows are held as columns, too (see there).
"""

from typing import NamedTuple

import numpy as np
from numba.core import types

from .compile import jit, specialize, writable
from .design_matrix import block, times
from .layers import COLUMNS_AT, N_IN, N_OUT, STARTS_AT, TRANSPOSED, W_AT
from .masked_products import (
    CAPACITIES,
    add_correlations,
    spread,
    to_columns,
    to_rows,
    weighted_sums,
)
from .sparse_matrices import canonical


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
