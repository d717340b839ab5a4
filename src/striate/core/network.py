"""A feed-forward network: layer sizes and activations as data, one flat θ, forward and backward.

θ holds the weights W of all layers first, then the biases b, so that the ridge is over one slice.
W of a layer is (n_in, n_out) as in scikit-learn's `coefs_`: the transpose of the lecture's W. Where
units see few inputs W is a CSC matrix, of which θ has the stored values alone.
"""

from itertools import pairwise

import numpy as np
from scipy import sparse

from .activations import ACTIVATIONS, activate, times_derivative
from .blas import product
from .compile import jit, kernel, pasted, writable
from .design_matrix import add_transposed_times, all_finite, as_input, block, times
from .layers import (
    ACTIVATION,
    B_AT,
    COLUMNS_AT,
    N_FIELDS,
    N_IN,
    N_OUT,
    STARTS_AT,
    TRANSPOSED,
    UNITS_AT,
    W_AT,
    biases,
    delta,
    units,
    weights,
)
from .masked_layers import (
    connected,
    connected_backward,
    connected_forward,
    connected_gradient,
    keep_delta,
    links_of,
    weighted,
)
from .masked_products import capacity_for
from .sparse_matrices import canonical, stored, with_values
from .threads import team

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
    connections : sequence, default=None
        For each layer (of tied ones: of the first half) None, if it is dense, or a sparse matrix
        (n_in, n_out) that stores a number for each connection.

    Attributes
    ----------
    layers : ndarray of shape (n_layers, N_FIELDS)
        The table of `striate.core.layers`.
    links : Links or None
        The connections of layers that are not dense.
    n_weights, n_parameters : int
        Numbers in θ that are weights, and all.
    n_columns : int
        Units whose numbers are held as columns, for layers that are not dense.

    Examples
    --------
    >>> network = Network((64, 25, 64), ("logistic", "identity"))
    >>> network.n_parameters
    3289
    >>> W, b = network.unpack(np.zeros(network.n_parameters))
    >>> [w.shape for w in W], [v.shape for v in b]
    ([(64, 25), (25, 64)], [(25,), (64,)])
    """

    def __init__(self, sizes, activations, tied=False, connections=None):
        self.sizes = tuple(int(n) for n in sizes)
        self.activations = tuple(activations)
        n_in, n_out = np.array(self.sizes[:-1]), np.array(self.sizes[1:])
        own = len(n_in) // 2 if tied else len(n_in)  # layers whose W is in θ
        if tied and (len(n_in) % 2 or self.sizes != self.sizes[::-1]):
            raise ValueError(f"layers of sizes {self.sizes} cannot be tied: they are no mirror")
        self.connections = [
            None if C is None else canonical(C) for C in connections or [None] * own
        ]
        for C, shape in zip(self.connections, pairwise(self.sizes), strict=False):
            if C is not None and C.shape != shape:
                raise ValueError(f"connections {C.shape} are not between layers of sizes {shape}")
        n_w = np.array(
            [n_in[l] * n_out[l] if C is None else C.nnz for l, C in enumerate(self.connections)],
            dtype=np.int64,
        )
        self.n_weights = int(n_w.sum())
        self.n_parameters = int(self.n_weights + n_out.sum())
        self.layers = np.zeros((len(n_in), N_FIELDS), dtype=np.int64)
        self.layers[:, N_IN] = n_in
        self.layers[:, N_OUT] = n_out
        self.layers[:, W_AT] = _mirrored(np.cumsum(n_w) - n_w, tied)
        self.layers[own:, TRANSPOSED] = 1
        self.layers[:, B_AT] = self.n_weights + np.cumsum(n_out) - n_out
        self.layers[:, ACTIVATION] = [ACTIVATIONS[name] for name in self.activations]
        self.layers[1:, UNITS_AT] = np.cumsum(n_out)[:-1] - n_out[0]
        self.links = links_of(self.connections)
        n_starts = np.array([0 if C is None else C.shape[1] + 1 for C in self.connections])
        starts = np.where(n_starts > 0, np.cumsum(n_starts) - n_starts, -1)
        self.layers[:, STARTS_AT] = _mirrored(starts, tied)
        has_columns = self.layers[:, STARTS_AT] >= 0
        n_columns = np.where(has_columns, n_in + n_out, 0)
        self.layers[:, COLUMNS_AT] = np.cumsum(n_columns) - n_columns
        below = n_in[1:][has_columns[1:]]
        self.n_columns = int(n_columns.sum() + below.max(initial=0))

    @property
    def n_deeper_units(self):
        """Number of units beyond the first hidden layer."""
        return sum(self.sizes[2:])

    def columns(self, n, n_rows, dtype):
        """Workspaces for the columns of n blocks of so many rows, where there are such layers."""
        capacity = capacity_for(n_rows) if self.n_columns else 0
        return np.zeros((n, self.n_columns, capacity), dtype=dtype)

    def unpack(self, theta):
        """Lists of W (n_in, n_out) and b (n_out,): views into θ."""
        W, b, last = [], [], len(self.layers) - 1
        for l, (n_in, n_out, w, at, _, _, transposed, *_) in enumerate(self.layers):
            C = self.connections[last - l if transposed else l]
            if C is not None:
                W.append(with_values(C, theta[w : w + C.nnz], transposed))
            elif transposed:
                W.append(theta[w : w + n_in * n_out].reshape(n_out, n_in).T)
            else:
                W.append(theta[w : w + n_in * n_out].reshape(n_in, n_out))
            b.append(theta[at : at + n_out])
        return W, b

    def pack(self, W, b):
        """θ from the lists of W and b."""
        own = [w for w, layer in zip(W, self.layers, strict=True) if not layer[TRANSPOSED]]
        values = [stored(canonical(w) if sparse.issparse(w) else np.ravel(w)) for w in own]
        theta = np.concatenate([*values, *map(np.ravel, b)])
        if theta.size != self.n_parameters:  # compiled code would read beyond it
            raise ValueError(
                f"{theta.size} weights and biases do not fit a network of {self.n_parameters}"
            )
        return theta

    def initial_theta(self, random_state, initialization="uniform", dtype=np.float64, gain=6.0):
        """Small random weights: were they zero, the units of a layer would stay equal.

        "uniform" draws W from ±√(6 / (n_in + n_out + 1)) and sets b = 0 (UFLDL); "normal" draws W
        from N(0, 0.01²) and sets b = 0 (the lecture); "glorot" draws W and b from
        ±√(gain / (n_in + n_out)), as scikit-learn does (with gain 2 for sigmoid units). n_in and
        n_out are numbers of connections: those of the unit, and of an input in the mean.
        """
        theta = np.zeros(self.n_parameters)
        for W, b, layer in zip(*self.unpack(theta), self.layers, strict=True):
            if layer[TRANSPOSED]:
                continue
            n_in, n_out = W.shape
            each = n_in  # connections of the unit that each weight belongs to
            if sparse.issparse(W):
                n_in, n_out, W = np.diff(W.indptr), W.nnz / n_in, W.data
                each = np.repeat(n_in, n_in)
            if initialization == "normal":
                W[:] = random_state.normal(0, 0.01, W.shape)
            elif initialization == "uniform":
                bound = np.sqrt(6 / (each + n_out + 1))
                W[:] = random_state.uniform(-bound, bound, W.shape)
            else:
                bound = np.sqrt(gain / (each + n_out))
                W[:] = random_state.uniform(-bound, bound, W.shape)
                bound = np.sqrt(gain / (n_in + n_out))
                b[:] = random_state.uniform(-bound, bound, b.shape)
        return theta.astype(dtype)


def _mirrored(values, tied):
    return [*values, *values[::-1]] if tied else values


# Compiled code. Arrays of one block of m rows: X (m, n_0), `first` (m, n_1) for a(1), which comes
# apart because all rows of it may be kept (see objective), and flat workspaces: `rest` for the
# activations beyond it and `deltas` for every δ(l), where `rows` = (begin, end) is the block.


@pasted
def first_forward(theta, layer, links, x, a, columns):
    """a(1) = f(W(0) x + b(0)), for x of any kind of input."""
    if not connected_forward(links, theta, layer, x, columns, a):
        times(x, weights(theta, layer), a)
    activate(layer[ACTIVATION], a, biases(theta, layer))


@pasted
def forward(theta, layers, links, first, rest, columns, rows):
    """a(l+1) = f(W(l) a(l) + b(l)) for all layers beyond the first hidden one."""
    for l in range(1, len(layers)):
        a, z = units(layers, l - 1, first, rest, rows), units(layers, l, first, rest, rows)
        if not connected_forward(links, theta, layers[l], a, columns, z):
            product(a, False, weights(theta, layers[l]), layers[l, TRANSPOSED] != 0, z, 0.0)
        activate(layers[l, ACTIVATION], z, biases(theta, layers[l]))


@pasted
def backward(theta, layers, links, first, rest, deltas, columns, rows, w, s):
    """δ(l) = (W(l)ᵀ δ(l+1) + s) f′(z(l)) from the last layer's δ down to the first.

    s (n_1,) is the derivative of a penalty on the first hidden layer's mean activations, to which
    row i contributes with its weight w_i; it is empty where there is none.
    """
    for l in range(len(layers) - 1, 0, -1):
        d, above = delta(layers, l - 1, deltas, rows), delta(layers, l, deltas, rows)
        keep_delta(links, layers[l], above, columns)
        if not connected_backward(links, theta, layers[l], columns, d):
            W, other = weights(theta, layers[l]), layers[l, TRANSPOSED] == 0
            product(above, False, W, other, d, 0.0)
        if l == 1:
            for i in range(d.shape[0]):
                for j in range(s.size):
                    d[i, j] += w[i] * s[j]
        a = units(layers, l - 1, first, rest, rows)
        times_derivative(layers[l - 1, ACTIVATION], a, d)
    keep_delta(links, layers[0], delta(layers, 0, deltas, rows), columns)


@jit
def add_column_sums(D, total):
    """total += Σ_i D_i."""
    for i in range(D.shape[0]):
        d = D[i]
        for j in range(d.size):
            total[j] += d[j]


@pasted
def add_gradient(layers, links, X, first, rest, deltas, columns, rows, gradient):
    """∂J/∂W(l) += a(l) δ(l+1)ᵀ and ∂J/∂b(l) += δ(l+1), summed over the rows."""
    for l in range(len(layers)):
        d = delta(layers, l, deltas, rows)
        add_column_sums(d, biases(gradient, layers[l]))
        if connected_gradient(links, layers[l], 0, -1, columns, gradient[layers[l, W_AT] :]):
            continue
        G = weights(gradient, layers[l])
        if l == 0:
            add_transposed_times(X, 0, layers[0, N_IN], d, G)
        else:
            a = units(layers, l - 1, first, rest, rows)
            left, right = (d, a) if layers[l, TRANSPOSED] else (a, d)
            product(left, True, right, False, G, 1.0)


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
        weighted(x, W, Z[lo:hi])
        activate(f, Z[lo:hi], b)
    return finite


def layer_output(X, W, b, activation, check=False):
    """f(X W + b), by as many threads as the work is worth.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (m, n_in)
    W : ndarray or sparse matrix of shape (n_in, n_out)
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
    b = writable(b.astype(X.dtype, copy=False))
    if W.shape != (X.shape[1], b.size):  # compiled code would read beyond the arrays
        raise ValueError(f"X {X.shape}, W {W.shape} and b {b.shape} do not fit together")
    Z = np.empty((X.shape[0], W.shape[1]), dtype=X.dtype)
    work = X.size * stored(W).size / max(X.shape[1], 1)  # sizes of sparse ones: what they store
    W = connected(W, X.dtype) if sparse.issparse(W) else writable(W.astype(X.dtype, copy=False))
    arguments = (W, b, ACTIVATIONS[activation], as_input(X), Z, check)
    if work < SMALL_LAYER:
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
