"""The layer table of a network, and where compiled code finds the numbers of each layer."""

from typing import NamedTuple

import numpy as np

from striate.native.compile import jit
from striate.native.intrinsics import part

from .masked_layers import Links

LAYER = np.dtype(
    [
        ("n_in", np.int64),  # number of inputs
        ("n_out", np.int64),  # number of units
        ("W_at", np.int64),  # where W begins in θ
        ("b_at", np.int64),  # where b begins in θ
        ("f", np.int64),  # address of the activation
        ("derivative", np.int64),  # address of f′; 0 if f′ = 1
        ("lowest", np.float64),  # range of f
        ("highest", np.float64),
        ("dropped", np.float64),  # probability that a unit is dropped in training
        ("needs_z", np.int64),  # whether f′ is a function of z, not of a
        ("a_at", np.int64),  # where a workspace has a, δ and z of this layer, in units before them
        ("delta_at", np.int64),
        ("z_at", np.int64),
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
    room : ndarray of shape (n, capacity * n_numbers)
        a and δ of all layers, and z of those whose f′ needs it: layer after layer for all rows.
    columns : ndarray of shape (n_columns_blocks, n_columns, capacity)
        Feature-major copies of what masked layers read and of their δ: see masked_layers.
    capacity : int
    """

    room: np.ndarray
    columns: np.ndarray
    capacity: int


class Block(NamedTuple):
    """The part of a workspace that holds the rows `begin` to `end` of a block.

    `first` holds their a(1), which may be kept elsewhere than in `room`. `keys` has the random bits
    of each row for dropout, if there is any.
    """

    first: np.ndarray
    room: np.ndarray
    columns: np.ndarray
    keys: np.ndarray
    capacity: int
    begin: int
    end: int


@jit
def weights(theta, layer):
    """W of a dense layer as it is in θ, perhaps transposed."""
    n_in, n_out, at = layer.n_in, layer.n_out, layer.W_at
    if layer.transposed:
        n_in, n_out = n_out, n_in
    return part(theta, at, (n_in, n_out))


@jit
def biases(theta, layer):
    return part(theta, layer.b_at, (layer.n_out,))


@jit
def units(block, layers, l):  # (m, n_out)
    """Return a of layer l (counted from 0 for the first hidden one)."""
    return block.first if l == 0 else rows_of(block, layers[l].a_at, layers[l].n_out)


@jit
def rows_of(block, at, n):
    """Return the block's rows of n units: a, δ or z of a layer, as `a_at` and its like say."""
    begin, end = block.begin, block.end
    return part(block.room, block.capacity * at + begin * n, (end - begin, n))
