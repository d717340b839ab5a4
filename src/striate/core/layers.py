"""The layer table of a network, and where compiled code finds the numbers of each layer."""

from typing import NamedTuple

import numpy as np

from .compile import inlined, jit
from .masked_layers import Links

LAYER = np.dtype(
    [
        ("n_in", np.int64),  # number of inputs
        ("n_out", np.int64),  # number of units
        ("W_at", np.int64),  # where W begins in θ
        ("b_at", np.int64),  # where b begins in θ
        ("activation", np.int64),  # code of f: see activations
        ("lowest", np.float64),  # range of f
        ("highest", np.float64),
        ("needs_z", np.int64),  # whether f′ is a function of z, not of a
        ("units_before", np.int64),  # units of the hidden layers before this one
        ("transposed", np.int64),  # whether θ has Wᵀ: W of the layer that this one is tied to
        ("n_slices", np.int64),  # slices of W in θ: inputs of a dense layer, units of a masked one
        ("pattern_at", np.int64),  # where the pattern's `starts` begin in Links; −1 if dense
        ("columns_at", np.int64),  # where its columns begin in a feature-major workspace
    ],
    align=True,
)


class Net(NamedTuple):
    """A network as compiled code knows it.

    Attributes
    ----------
    layers : ndarray of LAYER of shape (n_layers,)
    links : Links or None
        Sparsity patterns of the masked layers; None if all are dense.
    """

    layers: np.ndarray
    links: Links | None


class Workspace(NamedTuple):
    """Room for the activations and the δ of n blocks with up to `capacity` rows each.

    Attributes
    ----------
    first : ndarray of shape (n, capacity, n_1)
        a(1) of each row.
    rest : ndarray of shape (n, capacity * n_deeper_units)
        a of the layers beyond, layer after layer.
    deltas : ndarray of shape (n, capacity * n_units)
        δ of all layers, layer after layer.
    z : ndarray of shape (n, capacity * n_units), or (n, 0)
        z of all layers in the same order, if some f′ is a function of z.
    columns : ndarray of shape (n_columns_blocks, n_columns, capacity)
        Feature-major copies of what masked layers read and of their δ: see masked_layers.
    """

    first: np.ndarray
    rest: np.ndarray
    deltas: np.ndarray
    z: np.ndarray
    columns: np.ndarray


class Block(NamedTuple):
    """The part of a workspace that holds the rows `begin` to `end` of a block."""

    first: np.ndarray
    rest: np.ndarray
    deltas: np.ndarray
    z: np.ndarray
    columns: np.ndarray
    begin: int
    end: int


@jit
def weights(theta, layer):
    """W of a dense layer as it is in θ, perhaps transposed."""
    n_in, n_out, at = layer.n_in, layer.n_out, layer.W_at
    if layer.transposed:
        n_in, n_out = n_out, n_in
    return theta[at : at + n_in * n_out].reshape(n_in, n_out)


@jit
def biases(theta, layer):
    return theta[layer.b_at : layer.b_at + layer.n_out]


@jit
def units(net, block, l):
    """Return a of layer l (counted from 0 for the first hidden one)."""
    n_1 = net.layers[0].n_out
    return block.first if l == 0 else _part(net.layers, l, block.rest, n_1, block)


@jit
def delta(net, block, l):
    """Return δ of layer l, counted in the same way."""
    return _part(net.layers, l, block.deltas, 0, block)


@jit
def pre_activation(net, block, l):
    """Return z of layer l, if some layer of the network needs it."""
    return _part(net.layers, l, block.z, 0, block)


@inlined
def _part(layers, l, workspace, n_left_out, block):
    """Rows of layer l in a flat workspace, which holds layer after layer for all its rows.

    The first `n_left_out` units are not in this workspace.
    """
    layer, last = layers[l], layers[-1]
    capacity = workspace.size // (last.units_before + last.n_out - n_left_out)
    at = capacity * (layer.units_before - n_left_out)
    whole = workspace[at : at + capacity * layer.n_out].reshape(capacity, layer.n_out)
    return whole[block.begin : block.end]
