"""The table of a network's layers, and where each finds its numbers: for compiled code."""

from .compile import jit

# One row of `layers` describes a layer: its sizes, where its W and b begin in θ, its activation,
# how many units the layers between the first hidden one and it have, and whether what is in θ is
# Wᵀ: that of the layer as far from the other end, to which this one is tied. A layer that is not
# dense (see connections) further has where its `starts` begin, which is −1 for a dense one, and
# where its columns do.
N_IN, N_OUT, W_AT, B_AT, ACTIVATION, UNITS_AT, TRANSPOSED, STARTS_AT, COLUMNS_AT = range(9)
N_FIELDS = 9


@jit
def weights(theta, layer):
    """W of a dense layer as it is in θ, so perhaps transposed."""
    n_in, n_out, at = layer[N_IN], layer[N_OUT], layer[W_AT]
    if layer[TRANSPOSED]:
        n_in, n_out = n_out, n_in
    return theta[at : at + n_in * n_out].reshape(n_in, n_out)


@jit
def biases(theta, layer):
    return theta[layer[B_AT] : layer[B_AT] + layer[N_OUT]]


@jit
def part(workspace, units_before, n_units, units_in_all, rows):
    """Rows of one layer in a flat workspace, which holds layer after layer for all its rows."""
    capacity = workspace.size // units_in_all
    at = capacity * units_before
    whole = workspace[at : at + capacity * n_units].reshape(capacity, n_units)
    return whole[rows[0] : rows[1]]


@jit
def units(layers, l, first, rest, rows):
    """a of layer l (counted from 0 for the first hidden one)."""
    if l == 0:
        return first
    in_all = layers[-1, UNITS_AT] + layers[-1, N_OUT]
    return part(rest, layers[l, UNITS_AT], layers[l, N_OUT], in_all, rows)


@jit
def delta(layers, l, deltas, rows):
    """δ of layer l, counted in the same way."""
    in_all = layers[0, N_OUT] + layers[-1, UNITS_AT] + (layers[-1, N_OUT] if len(layers) > 1 else 0)
    before = layers[0, N_OUT] + layers[l, UNITS_AT] if l > 0 else 0
    return part(deltas, before, layers[l, N_OUT], in_all, rows)
