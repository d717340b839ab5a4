"""Outputs of layers whose W and b are arrays: what fitted estimators compute."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from striate.native.compile import as_kernel_input, kernel
from striate.native.threads import CALL_WORK, team

from .activations import activate, address_of_activation
from .block_sums import through_blocks
from .design_matrix import all_finite, as_input, block_rows
from .masked_layers import masked_weights, weighted
from .row_blocks import RowBlocks
from .sparse_matrices import stored

Array = npt.NDArray[Any]
#: W, b and activation of a layer.
Layer = tuple[Any, Array, str]
#: Number of rows that a thread passes through a layer at a time.
PREDICTED_ROWS = 512
#: Memory budget for the activations of rows that pass through several layers at a time, in bytes.
OUTPUT_BYTES = 16 * 2**20
#: Multiplications in a layer below which a second thread does not pay off.
SMALL_LAYER = 1_000_000


class NotFiniteError(ValueError):
    """NaN or infinity in an array that must have neither."""


@kernel
def _layer(t, T, rows, layer, X, Z, check):  # rows (2,), X (m, n_in), Z (m, n_out)
    """Z = f(X W + b): thread t's blocks of some rows; false if `check` finds one not finite."""
    W, b, f = layer  # (n_in, n_out), (n_out,), an address
    finite = True
    for lo in range(rows[0] + t * PREDICTED_ROWS, rows[1], T * PREDICTED_ROWS):
        hi = min(lo + PREDICTED_ROWS, rows[1])
        x = block_rows(X, lo, hi)
        if check and not all_finite(x):  # which also brings it to the cache
            finite = False
        weighted(x, W, Z[lo:hi])
        activate(f, Z[lo:hi], b)
    return finite


def layer_output(X: Any, W: Any, b: Array, activation: str, check: bool = False) -> Array:
    """Return f(X W + b), with as many threads as the work is worth.

    Parameters
    ----------
    X : ndarray, CSR matrix or RowBlocks of shape (m, n_in)
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
    if isinstance(X, RowBlocks):
        return through_blocks(X, lambda x: layer_output(x, W, b, activation), W.shape[1])
    b = as_kernel_input(b.astype(X.dtype, copy=False))
    if W.shape != (X.shape[1], b.size):  # compiled code would read beyond the arrays
        raise ValueError(f"X {X.shape}, W {W.shape} and b {b.shape} do not fit together")
    Z = np.empty((X.shape[0], W.shape[1]), dtype=X.dtype)
    m, n_in = X.shape
    work = X.size * stored(W).size / max(n_in, 1)  # a sparse array's size: what it stores
    W = (
        masked_weights(W, X.dtype)
        if sparse.issparse(W)
        else as_kernel_input(W.astype(X.dtype, copy=False))
    )
    f = address_of_activation(activation, X.dtype)
    arguments = ((W, b, f), as_input(X), Z, check)
    if work < SMALL_LAYER:
        finite = _layer(0, 1, (0, m), *arguments)
    else:
        n_blocks = max(1, int(CALL_WORK // (PREDICTED_ROWS * work / m)))  # per thread and call
        with team() as run:
            n_rows = n_blocks * PREDICTED_ROWS * run.n_threads
            calls = (
                run(_layer, (lo, min(lo + n_rows, m)), *arguments) for lo in range(0, m, n_rows)
            )
            finite = all(all(found) for found in calls)
    if not finite:
        raise NotFiniteError("X has NaN or infinity")
    return Z


def network_output(
    X: Any, layers: Sequence[Layer], dtype: npt.DTypeLike | None = None, check: bool = False
) -> Array:
    """Return the outputs of the last of several layers for X, block by block in bounded memory.

    Parameters
    ----------
    X : ndarray, CSR matrix or RowBlocks of shape (m, n_0)
    layers : list of tuple
        W, b and activation of each layer, as for `layer_output`.
    dtype : dtype, default=None
        Type of the arithmetic; by default that of X.
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
    if isinstance(X, RowBlocks):
        n_out = layers[-1][0].shape[1]
        return through_blocks(X, lambda x: network_output(x, layers, dtype), n_out, dtype)
    widest = max(W.shape[1] for W, _, _ in layers)
    n_rows = max(1, OUTPUT_BYTES // (widest * dtype.itemsize))
    if X.shape[0] <= n_rows:
        return _through(X.astype(dtype, copy=False), layers, check)
    outputs = np.empty((X.shape[0], layers[-1][0].shape[1]), dtype=dtype)
    for lo in range(0, X.shape[0], n_rows):
        rows = slice(lo, lo + n_rows)
        outputs[rows] = _through(X[rows].astype(dtype, copy=False), layers, check)
    return outputs


def _through(X: Any, layers: Sequence[Layer], check: bool) -> Array:
    for W, b, activation in layers:
        X = layer_output(X, W, b, activation, check)
        check = False
    return X
