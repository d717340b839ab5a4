"""A feed-forward network: layer sizes and activations as data, all parameters in one flat θ.

θ holds the weights W of all layers first, then the biases b, so that penalties of the weights are
over one slice. W of a layer is (n_in, n_out) as in scikit-learn's `coefs_`: the transpose of the
lecture's W. W of a masked layer is a CSC matrix; θ has its stored values.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from striate.native.compile import as_records
from striate.native.vectors import capacity_for

from .activations import ACTIVATIONS, address_of_activation, address_of_derivative
from .layers import LAYER, Net, Workspace
from .masked_layers import links_of
from .sparse_matrices import canonical, stored, with_values

Array = npt.NDArray[Any]


class Network:
    """Sizes (n_0, ..., n_L) of the layers, and the activation of layers 1 to L.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of units of each hidden layer, and of outputs.
    activations : sequence of str
        A name from `ACTIVATIONS` for each layer but the inputs.
    tied : bool, default=False
        Whether the second half of the layers, which must mirror the first, has its weights
        transposed: W(L+1-l) = W(l)ᵀ. θ holds them once.
    patterns : sequence, default=None
        Sparsity pattern of each layer (if tied: of the first half): None for a dense layer, or a
        sparse matrix (n_in, n_out) with a stored value for each connection.

    Attributes
    ----------
    layers : ndarray of LAYER of shape (n_layers,)
        The layer table, without the addresses of activations.
    n_weights, n_parameters : int
        How many numbers of θ are weights, and how many there are.
    n_columns : int
        Height of the feature-major workspace of masked layers; 0 if there are none.

    Raises
    ------
    ValueError
        If tied layers do not mirror each other, or a pattern does not fit its layer.

    Examples
    --------
    >>> network = Network((64, 25, 64), ("logistic", "identity"))
    >>> network.n_parameters
    3289
    >>> W, b = network.unpack(np.zeros(network.n_parameters))
    >>> [w.shape for w in W], [v.shape for v in b]
    ([(64, 25), (25, 64)], [(25,), (64,)])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[str],
        tied: bool = False,
        patterns: Sequence[Any] | None = None,
    ) -> None:
        self.sizes = tuple(int(n) for n in sizes)
        self.activations = tuple(activations)
        n_layers = len(self.sizes) - 1
        if tied and (n_layers % 2 or self.sizes != self.sizes[::-1]):
            raise ValueError(f"layers of sizes {self.sizes} cannot be tied: they do not mirror")
        n_own = n_layers // 2 if tied else n_layers  # layers whose W is in θ
        self.patterns = [None if C is None else canonical(C) for C in patterns or [None] * n_own]
        for C, shape in zip(self.patterns, pairwise(self.sizes), strict=False):
            if C is not None and C.shape != shape:
                raise ValueError(f"a pattern {C.shape} is not between layers of sizes {shape}")
        layers = np.zeros(n_layers, dtype=LAYER)
        self._lay_out_weights(layers[:n_own])
        for layer, mirror in zip(layers[n_own:], layers[:n_own][::-1], strict=False):
            layer["W_at"], layer["n_slices"] = mirror["W_at"], mirror["n_slices"]
            layer["pattern_at"], layer["transposed"] = mirror["pattern_at"], 1
        self._lay_out_units(layers)
        self.n_columns = _lay_out_columns(layers)
        self.layers, self._links = layers, links_of(self.patterns)

    def _lay_out_weights(self, layers: Array) -> None:
        """Fill in where θ has the weights of the layers that own theirs."""
        weights_at = pattern_at = 0
        for layer, C, (n_in, n_out) in zip(
            layers, self.patterns, pairwise(self.sizes), strict=False
        ):
            layer["W_at"] = weights_at
            layer["n_slices"] = n_in if C is None else n_out
            layer["pattern_at"] = -1 if C is None else pattern_at
            weights_at += n_in * n_out if C is None else C.nnz
            pattern_at += 0 if C is None else n_out + 1
        self.n_weights = int(weights_at)

    def _lay_out_units(self, layers: Array) -> None:
        """Fill in sizes and activations, and where θ has the biases."""
        n_out = np.array(self.sizes[1:])
        layers["n_in"], layers["n_out"] = self.sizes[:-1], n_out
        layers["b_at"] = self.n_weights + np.cumsum(n_out) - n_out
        for layer, name in zip(layers, self.activations, strict=True):
            activation = ACTIVATIONS[name]
            layer["lowest"], layer["highest"] = activation.lowest, activation.highest
            layer["needs_z"] = activation.needs_z
        self.n_parameters = int(self.n_weights + n_out.sum())
        n_z = np.where(layers["needs_z"], n_out, 0)
        sizes = np.concatenate([n_out, n_out, n_z])  # a(1) first: see `Block`
        begins = np.cumsum(sizes) - sizes
        layers["a_at"], layers["delta_at"], layers["z_at"] = begins.reshape(3, -1)
        self._n_numbers = int(sizes.sum())

    def net(self, dtype: npt.DTypeLike, dropout: Sequence[float] = ()) -> Net:
        """Return the layer table and the patterns for compiled code.

        It has addresses of this process, so it is made anew wherever it is used. `dropout` has the
        probability for each hidden layer; by default no unit is dropped.
        """
        layers, dtype = self.layers.copy(), np.dtype(dtype)
        layers["dropped"][: len(dropout)] = dropout
        for layer, name in zip(layers, self.activations, strict=True):
            layer["f"] = address_of_activation(name, dtype)
            layer["derivative"] = address_of_derivative(name, dtype)
        return Net(as_records(layers), self._links)

    def workspace(
        self, n: int, capacity: int, dtype: npt.DTypeLike, n_columns_blocks: int | None = None
    ) -> Workspace:
        """Return room for n blocks of `capacity` rows.

        Parameters
        ----------
        n, capacity : int
        dtype : dtype
        n_columns_blocks : int, default=None
            Number of parts into which the rows of one block are divided for masked layers; by
            default there is one part per block.

        Returns
        -------
        Workspace
        """
        parts = n if n_columns_blocks is None else n_columns_blocks
        width = capacity_for(-(-n * capacity // parts)) if self.n_columns else 0
        return Workspace(
            room=np.empty((n, capacity * self._n_numbers), dtype=dtype),
            columns=np.zeros((parts, self.n_columns, width), dtype=dtype),
            capacity=capacity,
        )

    def unpack(self, theta: Array) -> tuple[list[Any], list[Array]]:
        """Return lists of W (n_in, n_out) and b (n_out,): views of θ."""
        W, b, n_layers = [], [], len(self.layers)
        for l, layer in enumerate(self.layers):
            n_in, n_out, at, b_at = (int(layer[k]) for k in ("n_in", "n_out", "W_at", "b_at"))
            transposed = bool(layer["transposed"])
            C = self.patterns[n_layers - 1 - l if transposed else l]
            if C is not None:
                W.append(with_values(C, theta[at : at + C.nnz], transposed))
            elif transposed:
                W.append(theta[at : at + n_in * n_out].reshape(n_out, n_in).T)
            else:
                W.append(theta[at : at + n_in * n_out].reshape(n_in, n_out))
            b.append(theta[b_at : b_at + n_out])
        return W, b

    def pack(self, W: Sequence[Any], b: Sequence[Array]) -> Array:
        """Return θ from the lists of W and b."""
        own = [w for w, layer in zip(W, self.layers, strict=True) if not layer["transposed"]]
        values = [stored(canonical(w) if sparse.issparse(w) else np.ravel(w)) for w in own]
        theta = np.concatenate([*values, *map(np.ravel, b)])
        if theta.size != self.n_parameters:  # compiled code would read beyond it
            raise ValueError(
                f"{theta.size} weights and biases do not fit a network of {self.n_parameters}"
            )
        return theta

    def initial_theta(
        self,
        random_state: Any,
        initialization: str = "uniform",
        dtype: Any = np.float64,
        activations: Sequence[str] | None = None,
    ) -> Any:
        """Draw small random weights: with zeros, the units of a layer would stay equal.

        Parameters
        ----------
        random_state : RandomState
        initialization : str, default="uniform"
            "uniform" draws W from ±√(6 / (n_in + n_out + 1)) and sets b = 0 (UFLDL); "normal" draws
            W from N(0, 0.01²) and sets b = 0 (the lecture); "glorot" draws W and b from
            ±√(gain / (n_in + n_out)), as scikit-learn does (gain 6; 2 for sigmoid units); "he" and
            "lecun" draw W from N(0, 2 / n_in) and N(0, 1 / n_in) and set b = 0; "auto" is what
            suits the activation. n_in and n_out count connections: those of the unit, and those of
            an input on average.
        dtype : dtype, default=float64
        activations : sequence of str, default=None
            Activation of each layer to which its weights shall suit; by default, its own.

        Returns
        -------
        ndarray of shape (n_parameters,)

        References
        ----------
        .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
           neural networks", AISTATS (2010).
        .. [2] K. He and others, "Delving deep into rectifiers", ICCV (2015).
        .. [3] G. Klambauer and others, "Self-normalizing neural networks", NeurIPS (2017).
        """
        theta = np.zeros(self.n_parameters)
        suited = [ACTIVATIONS[name] for name in activations or self.activations]
        for W, b, layer, activation in zip(*self.unpack(theta), self.layers, suited, strict=True):
            if layer["transposed"]:
                continue
            n_in, n_out = W.shape
            each = n_in  # connections of the unit that each weight belongs to
            if sparse.issparse(W):
                n_in, n_out, W = np.diff(W.indptr), W.nnz / n_in, W.data
                each = np.repeat(n_in, n_in)
            scheme = activation.initialization if initialization == "auto" else initialization
            if scheme == "normal":
                W[:] = random_state.normal(0, 0.01, W.shape)
            elif scheme in ("he", "lecun"):
                variance = 2 if scheme == "he" else 1
                W[:] = random_state.normal(0, np.sqrt(variance / np.maximum(each, 1)), W.shape)
            elif scheme == "uniform":
                bound = np.sqrt(6 / (each + n_out + 1))
                W[:] = random_state.uniform(-bound, bound, W.shape)
            else:
                bound = np.sqrt(activation.gain / (each + n_out))
                W[:] = random_state.uniform(-bound, bound, W.shape)
                bound = np.sqrt(activation.gain / (n_in + n_out))
                b[:] = random_state.uniform(-bound, bound, b.shape)
        return theta.astype(dtype)


def _lay_out_columns(layers: Array) -> int:
    """Fill in where masked layers keep their columns; return the height of that workspace."""
    masked = layers["pattern_at"] >= 0
    n_columns = np.where(masked, layers["n_in"] + layers["n_out"], 0)
    layers["columns_at"] = np.cumsum(n_columns) - n_columns
    below = layers["n_in"][1:][masked[1:]]  # room for the δ of the layer below
    return int(n_columns.sum() + below.max(initial=0))
