"""Masked layers, whose units see few inputs: their cost is in proportion to their connections.

θ has one weight per connection: unit after unit, as the columns of a CSC matrix. Their products
work on feature-major copies of the rows (see `striate.native.vectors`).
"""

from typing import Any, NamedTuple

import numpy as np
from numba.core import types

from striate.native.compile import as_kernel_input, generic, jit, specialize
from striate.native.vectors import CAPACITIES, accumulate_inner, scatter_add, weighted_sums

from .design_matrix import block_rows, times
from .masked_products import to_columns, to_rows
from .sparse_matrices import canonical


class Links(NamedTuple):
    """Sparsity patterns of all masked layers.

    Attributes
    ----------
    inputs : ndarray of int32 of shape (n_connections,)
        Input of each connection: unit after unit, layer after layer.
    starts : ndarray of int64
        For each layer, where the connections of each unit begin, then where the last ones end.
    """

    inputs: np.ndarray
    starts: np.ndarray


class MaskedWeights(NamedTuple):
    """W of a masked layer: unit u weighs inputs[k] by values[k], starts[u] ≤ k < starts[u + 1]."""

    values: np.ndarray
    inputs: np.ndarray
    starts: np.ndarray
    n_inputs: int


def links_of(patterns: Any) -> Any:
    """Return the `Links` of the CSC matrices among all layers' patterns; None without any."""
    matrices = [C for C in patterns if C is not None]
    if not matrices:
        return None
    begins = np.cumsum([0, *(C.nnz for C in matrices)])
    starts = [C.indptr.astype(np.int64) + at for C, at in zip(matrices, begins, strict=False)]
    inputs = np.concatenate([C.indices for C in matrices], dtype=np.int32)
    for C, begin, end in zip(matrices, begins, begins[1:], strict=False):
        C.indices = inputs[begin:end]  # one copy is enough
    return Links(inputs, np.concatenate(starts))


def masked_weights(W: Any, dtype: Any) -> Any:
    """Return a sparse matrix (n_in, n_out) as `MaskedWeights`."""
    W = canonical(W)
    values, inputs = W.data.astype(dtype, copy=False), W.indices.astype(np.int32, copy=False)
    return MaskedWeights(
        as_kernel_input(values), as_kernel_input(inputs), W.indptr.astype(np.int64), W.shape[0]
    )


@generic
def weighted(X: Any, W: Any, Z: Any) -> None:
    """Z = X W, (m, n_out), for any kind of X (m, n_in) and of W (n_in, n_out)."""


@specialize(weighted)
def _weighted(X, W, Z):
    def by_columns(X, W, Z):
        capacity = CAPACITIES[0]
        while capacity < min(Z.shape[0], CAPACITIES[-1]):
            capacity *= 2
        inputs = np.empty((W.n_inputs, capacity), dtype=Z.dtype)
        outputs = np.empty((Z.shape[1], capacity), dtype=Z.dtype)
        for lo in range(0, Z.shape[0], capacity):
            hi = min(lo + capacity, Z.shape[0])
            to_columns(block_rows(X, lo, hi), hi - lo, inputs)
            weighted_sums(W.values, W.inputs, W.starts, 0, Z.shape[1], inputs, outputs)
            to_rows(outputs, Z[lo:hi])

    if isinstance(W, types.Array):
        return lambda X, W, Z: times(X, W, Z)
    return by_columns


# What propagation does with a masked layer. `columns` are those of the parts of a block of rows:
# one, except for gradients. Where `links` is None, Numba leaves the bodies out, and a network
# without masked layers does not wait for their compilation.


@jit
def masked_forward(links, theta, layer, X, columns, Z):  # X (m, n_in), Z (m, n_out)
    """Z = X W; keeps X as columns."""
    if links is not None:
        inputs, outputs = _columns(layer, columns[0])
        to_columns(X, Z.shape[0], inputs)
        if layer.transposed:
            outputs[:] = 0
            scatter_add(*_pattern(links, layer, theta), outputs, inputs)
        else:
            weighted_sums(*_pattern(links, layer, theta), inputs, outputs)
        to_rows(outputs, Z)


@jit
def keep_delta(links, layer, D, columns):  # D (m, n_out)
    """Keep δ as columns, for the two functions below."""
    if links is not None:
        to_columns(D, D.shape[0], _columns(layer, columns[0])[1])


@jit
def masked_backward(links, theta, layer, columns, Z):  # Z (m, n_in)
    """Z = δ Wᵀ."""
    if links is not None:
        outputs = _columns(layer, columns[0])[1]
        below = columns[0, columns.shape[1] - layer.n_in :]
        if layer.transposed:
            weighted_sums(*_pattern(links, layer, theta), outputs, below)
        else:
            below[:] = 0
            scatter_add(*_pattern(links, layer, theta), below, outputs)
        to_rows(below, Z)


@jit
def masked_gradient(links, layer, lo, hi, columns, G):  # G (n_weights,)
    """G += ∂J/∂W for the weights of the units lo to hi, from the columns of X and δ."""
    if links is not None:
        starts = links.starts[layer.pattern_at :]
        for r in range(len(columns)):
            inputs, outputs = _columns(layer, columns[r])
            if layer.transposed:
                inputs, outputs = outputs, inputs
            accumulate_inner(G, links.inputs, starts, lo, hi, inputs, outputs)


@jit
def _pattern(links, layer, theta):  # theta (n_parameters,)
    """Weights and connections of a layer's units, or of those of the layer that it is tied to."""
    n = layer.n_in if layer.transposed else layer.n_out
    return theta[layer.W_at :], links.inputs, links.starts[layer.pattern_at :], 0, n


@jit
def _columns(layer, columns):  # (n_columns, capacity)
    """Columns of a layer's inputs, and of its outputs, where its δ is kept later."""
    at, n = layer.columns_at, layer.n_in
    return columns[at : at + n], columns[at + n : at + n + layer.n_out]
