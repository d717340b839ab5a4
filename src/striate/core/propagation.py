"""Forward, backward and gradient: the one place that knows what kinds of layer there are.

A layer is dense or masked (its units see few inputs), and may be tied to another (its W is the
other's, transposed). Callers pass the network, θ, and a `Block` of rows; they ask no layer's kind.
"""

from striate.native.blas import product
from striate.native.compile import inlined, jit
from striate.native.intrinsics import part

from .activations import activate, keep_z, times_derivative
from .design_matrix import add_transposed_times, chosen_rows, copy_rows, times
from .dropout import drop
from .layers import biases, rows_of, units, weights
from .losses import data_term
from .masked_layers import keep_delta, masked_backward, masked_forward, masked_gradient


@inlined
def first_layer(net, theta, x, block):  # x (m, n_inputs)
    """a(1) = f(W(0) x + b(0)), for rows x of any kind."""
    layer, a = net.layers[0], block.first
    if layer.pattern_at >= 0:
        masked_forward(net.links, theta, layer, x, block.columns, a)
    else:
        times(x, weights(theta, layer), a)
    b = biases(theta, layer)
    if layer.needs_z:
        keep_z(a, b, rows_of(block, layer.z_at, layer.n_out))
    activate(layer.f, a, b)
    if layer.dropped > 0:
        drop(layer, block.keys, a)


@jit
def first_layer_of_batch(links, net, theta, X, rows, x, block):  # rows (m,), x (m, n_inputs)
    """a(1) of X[rows]. A dense layer copies these rows to x, a masked one reads X itself.

    `links` are those of the network: as an argument, Numba knows whether they are None.
    """
    if links is not None:  # noqa: SIM102 (Numba leaves out the body of this test alone)
        if net.layers[0].pattern_at >= 0:
            first_layer(net, theta, chosen_rows(X, rows), block)
            return
    copy_rows(X, rows, x)
    first_layer(net, theta, x, block)


@inlined
def deeper_layers(net, theta, block):  # theta (n_parameters,)
    """a(l+1) = f(W(l) a(l) + b(l)) for all layers beyond the first hidden one."""
    layers = net.layers
    for l in range(1, len(layers)):
        layer, a, z = layers[l], units(block, layers, l - 1), units(block, layers, l)
        if layer.pattern_at >= 0:
            masked_forward(net.links, theta, layer, a, block.columns, z)
        else:
            product(a, False, weights(theta, layer), layer.transposed != 0, z, 0.0)
        b = biases(theta, layer)
        if layer.needs_z:
            keep_z(z, b, rows_of(block, layer.z_at, layer.n_out))
        activate(layer.f, z, b)
        if layer.dropped > 0:
            drop(layer, block.keys, z)


@inlined
def backward(net, theta, block, w, s):
    """δ(l) = (W(l)ᵀ δ(l+1) + s) f′(z(l)) from the last layer's δ down to the first.

    s (n_1,) is the derivative of a penalty on the first hidden layer's mean activations, to which
    row i contributes with its weight w_i; it is empty if there is no such penalty.
    """
    layers = net.layers
    for l in range(len(layers) - 1, -1, -1):
        layer = layers[l]
        above = rows_of(block, layer.delta_at, layer.n_out)
        if layer.pattern_at >= 0:
            keep_delta(net.links, layer, above, block.columns)
        if l == 0:
            break
        below = layers[l - 1]
        d = rows_of(block, below.delta_at, below.n_out)
        if layer.pattern_at >= 0:
            masked_backward(net.links, theta, layer, block.columns, d)
        else:
            product(above, False, weights(theta, layer), layer.transposed == 0, d, 0.0)
        if l == 1:
            for i in range(d.shape[0]):
                for j in range(s.size):
                    d[i, j] += w[i] * s[j]
        if below.dropped > 0:
            drop(below, block.keys, d)
        if below.needs_z:
            times_derivative(below.derivative, rows_of(block, below.z_at, below.n_out), d, 1.0)
        else:  # a of the units that were kept is f(z) divided by the probability of that
            a = units(block, layers, l - 1)
            times_derivative(below.derivative, a, d, 1.0 - below.dropped)


@jit
def propagate(net, theta, loss, block, y, w, s):  # y (m, n_outputs), w (m,)
    """Go forward beyond the first hidden layer and backward; return Σ_i w_i loss_i."""
    deeper_layers(net, theta, block)
    layers, last = net.layers, len(net.layers) - 1
    layer, output = layers[last], units(block, layers, last)
    d = rows_of(block, layer.delta_at, layer.n_out)
    value = data_term(loss, output, y, w, d)
    if loss.needs_derivative:
        times_derivative(layer.derivative, output, d, 1.0)
    backward(net, theta, block, w, s)
    return value


@inlined
def add_gradient(net, x, block, gradient):  # x (m, n_inputs), gradient (n_parameters,)
    """∂J/∂θ += the sum over the rows of a block."""
    layers = net.layers
    for l in range(len(layers)):
        layer = layers[l]
        add_bias_gradient(layer, block, biases(gradient, layer))
        if not layer.transposed:
            add_weight_gradient(net, l, 0, layer.n_slices, x, block, gradient[layer.W_at :])


@inlined
def add_bias_gradient(layer, block, g):  # g (n_out,)
    """∂J/∂b(l) += δ(l+1), summed over the rows."""
    D = rows_of(block, layer.delta_at, layer.n_out)
    for i in range(D.shape[0]):
        for j in range(D.shape[1]):
            g[j] += D[i, j]


@inlined
def add_weight_gradient(net, l, lo, hi, x, block, G):  # x (m, n_inputs), G (n,)
    """∂J/∂W(l) += a(l) δ(l+1)ᵀ for the slices lo to hi of W(l), summed over the rows.

    Slices are inputs of a dense layer and units of a masked one. W of a tied layer gets the
    products of both layers.
    """
    layers = net.layers
    mirror = len(layers) - 1 - l
    for k in range(2 if layers[mirror].transposed else 1):
        l = l if k == 0 else mirror
        layer = layers[l]
        d = rows_of(block, layer.delta_at, layer.n_out)
        if layer.pattern_at >= 0:
            masked_gradient(net.links, layer, lo, hi, block.columns, G)
            continue
        n = layer.n_in if layer.transposed else layer.n_out
        of_slices = part(G, 0, (hi - lo, n))
        if l == 0:
            add_transposed_times(x, lo, hi, d, of_slices)
        elif layer.transposed:
            add_transposed_times(d, lo, hi, units(block, layers, l - 1), of_slices)
        else:
            add_transposed_times(units(block, layers, l - 1), lo, hi, d, of_slices)
