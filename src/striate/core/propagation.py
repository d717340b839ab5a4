"""Forward, backward and gradient: the one place that knows what kinds of layer there are.

A layer is dense or masked (its units see few inputs), and may be tied to another (its W is the
other's, transposed). Callers pass the network, θ, and a `Block` of rows; they ask no layer's kind.
"""

import numpy as np

from .activations import activate_layer, times_derivative
from .blas import product
from .compile import inlined, jit
from .design_matrix import add_transposed_times, chosen_rows, copy_rows, times
from .layers import biases, delta, pre_activation, units, weights
from .losses import data_term
from .masked_layers import keep_delta, masked_backward, masked_forward, masked_gradient


@jit
def first_layer(net, theta, x, block):
    """a(1) = f(W(0) x + b(0)), for rows x of any kind."""
    layer = net.layers[0]
    if layer.pattern_at >= 0:
        masked_forward(net.links, theta, layer, x, block.columns[0], block.first)
    else:
        times(x, weights(theta, layer), block.first)
    activate_layer(layer, block.first, biases(theta, layer), pre_activation(net, block, 0))


@jit
def first_layer_of_batch(links, net, theta, X, rows, x, block):
    """a(1) of X[rows]. A dense layer copies these rows to x, a masked one reads X itself.

    `links` are those of the network: as an argument, Numba knows whether they are None.
    """
    if links is not None:  # noqa: SIM102
        if net.layers[0].pattern_at >= 0:
            first_layer(net, theta, chosen_rows(X, rows), block)
            return
    copy_rows(X, rows, x)
    first_layer(net, theta, x, block)


@inlined
def deeper_layers(net, theta, block):
    """a(l+1) = f(W(l) a(l) + b(l)) for all layers beyond the first hidden one."""
    for l in range(1, len(net.layers)):
        layer, a, z = net.layers[l], units(net, block, l - 1), units(net, block, l)
        if layer.pattern_at >= 0:
            masked_forward(net.links, theta, layer, a, block.columns[0], z)
        else:
            product(a, False, weights(theta, layer), layer.transposed != 0, z, 0.0)
        activate_layer(layer, z, biases(theta, layer), pre_activation(net, block, l))


@inlined
def backward(net, theta, block, w, s):
    """δ(l) = (W(l)ᵀ δ(l+1) + s) f′(z(l)) from the last layer's δ down to the first.

    s (n_1,) is the derivative of a penalty on the first hidden layer's mean activations, to which
    row i contributes with its weight w_i; it is empty if there is no such penalty.
    """
    for l in range(len(net.layers) - 1, -1, -1):
        layer, above = net.layers[l], delta(net, block, l)
        if layer.pattern_at >= 0:
            keep_delta(net.links, layer, above, block.columns[0])
        if l == 0:
            break
        below, d = net.layers[l - 1], delta(net, block, l - 1)
        if layer.pattern_at >= 0:
            masked_backward(net.links, theta, layer, block.columns[0], d)
        else:
            product(above, False, weights(theta, layer), layer.transposed == 0, d, 0.0)
        if l == 1:
            for i in range(d.shape[0]):
                for j in range(s.size):
                    d[i, j] += w[i] * s[j]
        if below.needs_z:
            times_derivative(below.activation, pre_activation(net, block, l - 1), d)
        else:
            times_derivative(below.activation, units(net, block, l - 1), d)


@jit
def propagate(net, theta, loss, block, y, w, s):
    """Go forward beyond the first hidden layer and backward; return Σ_i w_i loss_i."""
    last = len(net.layers) - 1
    deeper_layers(net, theta, block)
    output, d = units(net, block, last), delta(net, block, last)
    value = data_term(loss, net.layers[last].activation, output, y, w, d)
    backward(net, theta, block, w, s)
    return value


@inlined
def add_gradient(net, x, block, gradient):
    """∂J/∂θ += the sum over the rows of a block."""
    for l in range(len(net.layers)):
        layer = net.layers[l]
        add_bias_gradient(net, l, block, biases(gradient, layer))
        if not layer.transposed:
            lo, W_at = np.int64(0), layer.W_at  # a literal 0 would be a type of its own
            add_weight_gradient(net, l, lo, layer.n_slices, x, block, gradient[W_at:])


@jit
def add_bias_gradient(net, l, block, g):
    """∂J/∂b(l) += δ(l+1), summed over the rows."""
    D = delta(net, block, l)
    for i in range(D.shape[0]):
        d = D[i]
        for j in range(d.size):
            g[j] += d[j]


@jit
def add_weight_gradient(net, l, lo, hi, x, block, G):
    """∂J/∂W(l) += a(l) δ(l+1)ᵀ for the slices lo to hi of W(l), summed over the rows.

    Slices are inputs of a dense layer and units of a masked one. W of a tied layer gets the
    products of both layers.
    """
    _add_product(net, l, lo, hi, x, block, G)
    mirror = len(net.layers) - 1 - l
    if net.layers[mirror].transposed:
        _add_product(net, mirror, lo, hi, x, block, G)


@jit
def _add_product(net, l, lo, hi, x, block, G):
    layer, d = net.layers[l], delta(net, block, l)
    if layer.pattern_at >= 0:
        for columns in block.columns:
            masked_gradient(net.links, layer, lo, hi, columns, G)
        return
    n = layer.n_in if layer.transposed else layer.n_out
    G = G[: (hi - lo) * n].reshape(hi - lo, n)
    if l == 0:
        add_transposed_times(x, lo, hi, d, G)
        return
    a = units(net, block, l - 1)
    if layer.transposed:
        a, d = d, a
    add_transposed_times(a, lo, hi, d, G)
