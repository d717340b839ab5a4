"""A feed-forward network: layer sizes and activations as data, one flat θ, forward and backward.

θ holds the weights W of all layers first, then the biases b, so that the ridge is over one slice.
W of a layer is (n_in, n_out) as in scikit-learn's `coefs_`: the transpose of the lecture's W.
"""

import numpy as np

from .activations import ACTIVATIONS, activate, times_derivative
from .blas import product
from .compile import jit, kernel, pasted, writable
from .inputs import add_transposed_times, all_finite, as_input, block, times
from .threads import team

# One row of `layers` describes a layer: its sizes, where its W and b begin in θ, its activation,
# how many units the layers between the first hidden one and it have, and whether what is in θ is
# Wᵀ: that of the layer as far from the other end, to which this one is tied.
N_IN, N_OUT, W_AT, B_AT, ACTIVATION, UNITS_AT, TRANSPOSED = range(7)

#: Rows that a thread passes through a layer at a time.
PREDICTED_ROWS = 512
#: Bytes of the activations of rows that pass through several layers at a time.
OUTPUT_BYTES = 16 * 2**20
#: Multiplications in a layer below which a second thread does not pay.
SMALL_LAYER = 1_000_000


class Network:
    """Sizes (n_0, ..., n_L) of the layers, and the activation of layers 1 to L.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activations : sequence of str
        A name out of `ACTIVATIONS` for each layer but the inputs.
    tied : bool, default=False
        Whether the second half of the layers, which must mirror the first, has its weights
        transposed: W(L+1-l) = W(l)ᵀ. θ holds them once.

    Examples
    --------
    >>> network = Network((64, 25, 64), ("logistic", "identity"))
    >>> network.n_parameters
    3289
    >>> W, b = network.unpack(np.zeros(network.n_parameters))
    >>> [w.shape for w in W], [v.shape for v in b]
    ([(64, 25), (25, 64)], [(25,), (64,)])
    """

    def __init__(self, sizes, activations, tied=False):
        self.sizes = tuple(int(n) for n in sizes)
        self.activations = tuple(activations)
        n_in, n_out = np.array(self.sizes[:-1]), np.array(self.sizes[1:])
        own = len(n_in) // 2 if tied else len(n_in)  # layers whose W is in θ
        if tied and (len(n_in) % 2 or self.sizes != self.sizes[::-1]):
            raise ValueError(f"layers of sizes {self.sizes} cannot be tied: they are no mirror")
        n_w = (n_in * n_out)[:own]
        self.n_weights = int(n_w.sum())
        self.n_parameters = int(self.n_weights + n_out.sum())
        self.layers = np.zeros((len(n_in), 7), dtype=np.int64)
        self.layers[:, N_IN] = n_in
        self.layers[:, N_OUT] = n_out
        starts = np.cumsum(n_w) - n_w
        self.layers[:, W_AT] = [*starts, *starts[::-1]] if tied else starts
        self.layers[own:, TRANSPOSED] = 1
        self.layers[:, B_AT] = self.n_weights + np.cumsum(n_out) - n_out
        self.layers[:, ACTIVATION] = [ACTIVATIONS[name] for name in self.activations]
        self.layers[1:, UNITS_AT] = np.cumsum(n_out)[:-1] - n_out[0]

    @property
    def n_deeper_units(self):
        """Number of units beyond the first hidden layer."""
        return sum(self.sizes[2:])

    def unpack(self, theta):
        """Lists of W (n_in, n_out) and b (n_out,): views into θ."""
        W, b = [], []
        for n_in, n_out, w, at, *_, transposed in self.layers:
            values = theta[w : w + n_in * n_out]
            W.append(values.reshape(n_out, n_in).T if transposed else values.reshape(n_in, n_out))
            b.append(theta[at : at + n_out])
        return W, b

    def pack(self, W, b):
        """θ from the lists of W and b."""
        own = [w for w, layer in zip(W, self.layers, strict=True) if not layer[TRANSPOSED]]
        return np.concatenate([np.ravel(part) for part in (*own, *b)])

    def initial_theta(self, random_state, initialization="uniform", dtype=np.float64, gain=6.0):
        """Small random weights: were they zero, the units of a layer would stay equal.

        "uniform" draws W from ±√(6 / (n_in + n_out + 1)) and sets b = 0 (UFLDL); "normal" draws W
        from N(0, 0.01²) and sets b = 0 (the lecture); "glorot" draws W and b from
        ±√(gain / (n_in + n_out)), as scikit-learn does (with gain 2 for sigmoid units).
        """
        theta = np.zeros(self.n_parameters)
        for W, b, layer in zip(*self.unpack(theta), self.layers, strict=True):
            if layer[TRANSPOSED]:
                continue
            n_in, n_out = W.shape
            if initialization == "normal":
                W[:] = random_state.normal(0, 0.01, W.shape)
            elif initialization == "uniform":
                bound = np.sqrt(6 / (n_in + n_out + 1))
                W[:] = random_state.uniform(-bound, bound, W.shape)
            else:
                bound = np.sqrt(gain / (n_in + n_out))
                W[:] = random_state.uniform(-bound, bound, W.shape)
                b[:] = random_state.uniform(-bound, bound, b.shape)
        return theta.astype(dtype)


# Compiled code. Arrays of one block of m rows: X (m, n_0), `first` (m, n_1) for a(1), which comes
# apart because all rows of it may be kept (see objective), and flat workspaces: `rest` for the
# activations beyond it and `deltas` for every δ(l), where `rows` = (begin, end) is the block.


@jit
def weights(theta, layer):
    """W as it is in θ, so perhaps transposed."""
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


@pasted
def first_forward(theta, layer, x, a):
    """a(1) = f(W(0) x + b(0)), for x of any kind of input."""
    times(x, weights(theta, layer), a)
    activate(layer[ACTIVATION], a, biases(theta, layer))


@pasted
def forward(theta, layers, first, rest, rows):
    """a(l+1) = f(W(l) a(l) + b(l)) for all layers beyond the first hidden one."""
    for l in range(1, len(layers)):
        a, z = units(layers, l - 1, first, rest, rows), units(layers, l, first, rest, rows)
        product(a, False, weights(theta, layers[l]), layers[l, TRANSPOSED] != 0, z, 0.0)
        activate(layers[l, ACTIVATION], z, biases(theta, layers[l]))


@pasted
def backward(theta, layers, first, rest, deltas, rows, w, s):
    """δ(l) = (W(l)ᵀ δ(l+1) + s) f′(z(l)) from the last layer's δ down to the first.

    s (n_1,) is the derivative of a penalty on the first hidden layer's mean activations, to which
    row i contributes with its weight w_i; it is empty where there is none.
    """
    for l in range(len(layers) - 1, 0, -1):
        d = delta(layers, l - 1, deltas, rows)
        beta = 0.0
        if l == 1 and s.size > 0:
            for i in range(d.shape[0]):
                for j in range(s.size):
                    d[i, j] = w[i] * s[j]
            beta = 1.0
        W, other = weights(theta, layers[l]), layers[l, TRANSPOSED] == 0
        product(delta(layers, l, deltas, rows), False, W, other, d, beta)
        a = units(layers, l - 1, first, rest, rows)
        times_derivative(layers[l - 1, ACTIVATION], a, d)


@jit
def add_column_sums(D, total):
    """total += Σ_i D_i."""
    for i in range(D.shape[0]):
        d = D[i]
        for j in range(d.size):
            total[j] += d[j]


@pasted
def add_gradient(layers, X, first, rest, deltas, rows, gradient):
    """∂J/∂W(l) += a(l) δ(l+1)ᵀ and ∂J/∂b(l) += δ(l+1), summed over the rows."""
    for l in range(len(layers)):
        d = delta(layers, l, deltas, rows)
        G = weights(gradient, layers[l])
        if l == 0:
            add_transposed_times(X, 0, layers[0, N_IN], d, G)
        else:
            a = units(layers, l - 1, first, rest, rows)
            left, right = (d, a) if layers[l, TRANSPOSED] else (a, d)
            product(left, True, right, False, G, 1.0)
        add_column_sums(d, biases(gradient, layers[l]))


class NotFiniteError(ValueError):
    """NaN or infinity where there must be numbers."""


@kernel
def _layer(t, T, W, b, f, X, Z, check):
    """Z = f(X W + b): thread t's blocks of rows; false if `check` finds one that is not finite."""
    finite = True
    for lo in range(t * PREDICTED_ROWS, len(Z), T * PREDICTED_ROWS):
        hi = min(lo + PREDICTED_ROWS, len(Z))
        x = block(X, lo, hi)
        if check and not all_finite(x):  # which also brings it to the cache
            finite = False
        times(x, W, Z[lo:hi])
        activate(f, Z[lo:hi], b)
    return finite


def layer_output(X, W, b, activation, check=False):
    """f(X W + b), by as many threads as the work is worth.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (m, n_in)
    W : ndarray of shape (n_in, n_out)
    b : ndarray of shape (n_out,)
    activation : str
    check : bool, default=False
        Whether to look for NaN and infinity in a dense X, on the way.

    Returns
    -------
    ndarray of shape (m, n_out), of the type of X

    Raises
    ------
    NotFiniteError
        If `check` finds any.

    Examples
    --------
    >>> layer_output(np.ones((2, 3)), np.eye(3), np.zeros(3), "relu").shape
    (2, 3)
    """
    W, b = (writable(values.astype(X.dtype, copy=False)) for values in (W, b))
    if W.shape != (X.shape[1], b.size):  # compiled code would read beyond the arrays
        raise ValueError(f"X {X.shape}, W {W.shape} and b {b.shape} do not fit together")
    Z = np.empty((X.shape[0], W.shape[1]), dtype=X.dtype)
    arguments = (W, b, ACTIVATIONS[activation], as_input(X), Z, check)
    if X.size * W.shape[1] < SMALL_LAYER:
        finite = [_layer(0, 1, *arguments)]
    else:
        with team() as run:
            finite = run(_layer, *arguments)
    if not all(finite):
        raise NotFiniteError("X has NaN or infinity")
    return Z


def network_output(X, layers, dtype=None, check=False):
    """What the last of several layers puts out for X, block by block in bounded memory.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (m, n_0)
    layers : list of tuple
        W, b and activation of each layer, as for `layer_output`.
    dtype : dtype, default=None
        Of the arithmetic, if it is not that of X.
    check : bool, default=False
        As in `layer_output`.

    Returns
    -------
    ndarray of shape (m, n_L)

    Raises
    ------
    NotFiniteError
        If `check` finds NaN or infinity in a dense X.

    Examples
    --------
    >>> layer = np.eye(3), np.zeros(3), "logistic"
    >>> network_output(np.zeros((2, 3)), [layer, layer]).shape
    (2, 3)
    """
    dtype = np.dtype(dtype or X.dtype)
    widest = max(W.shape[1] for W, _, _ in layers)
    n_rows = max(1, OUTPUT_BYTES // (widest * dtype.itemsize))
    if X.shape[0] <= n_rows:
        return _through(X.astype(dtype, copy=False), layers, check)
    outputs = np.empty((X.shape[0], layers[-1][0].shape[1]), dtype=dtype)
    for lo in range(0, X.shape[0], n_rows):
        rows = slice(lo, lo + n_rows)
        outputs[rows] = _through(X[rows].astype(dtype, copy=False), layers, check)
    return outputs


def _through(X, layers, check):
    for W, b, activation in layers:
        X = layer_output(X, W, b, activation, check)
        check = False
    return X
