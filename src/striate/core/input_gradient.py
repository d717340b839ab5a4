"""Derivatives of the outputs of a network by its inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.native.compile import as_kernel_input, kernel

from .activations import (
    ACTIVATIONS,
    activate,
    address_of_activation,
    address_of_derivative,
    times_derivative,
)

Array = npt.NDArray[Any]


@kernel
def _activated(f, Z, b):
    activate(f, Z, b)


@kernel
def _chained(derivative, A, D):
    times_derivative(derivative, A, D, 1.0)


def output_jacobian(X: Array, layers: Sequence[tuple[Array, Array, str]]) -> tuple[Array, Array]:
    """Return z of the last layer, before its activation, and ∂z_k / ∂x_j.

    Parameters
    ----------
    X : ndarray of shape (m, n_0)
    layers : list of tuple
        W (n_in, n_out), dense, b (n_out,) and activation of each layer.

    Returns
    -------
    z : ndarray of shape (m, n_L)
    jacobian : ndarray of shape (m, n_L, n_0)

    Examples
    --------
    >>> z, jacobian = output_jacobian(
    ...     np.ones((1, 2)), [(np.array([[3.0], [4.0]]), np.ones(1), "relu")]
    ... )
    >>> z.tolist(), jacobian.tolist()
    ([[8.0]], [[[3.0, 4.0]]])
    """
    *hidden, (W_last, b_last, _) = layers
    a, kept, dtype = X, [], np.dtype(X.dtype)
    for W, b, name in hidden:
        Z = as_kernel_input(a @ W)
        before = Z + b if ACTIVATIONS[name].needs_z else None
        _activated(address_of_activation(name, dtype), Z, as_kernel_input(b))
        kept.append((Z if before is None else before, address_of_derivative(name, dtype)))
        a = Z
    jacobian = np.empty((len(X), W_last.shape[1], X.shape[1]), dtype=dtype)
    for k in range(W_last.shape[1]):
        D = np.tile(W_last[:, k], (len(X), 1))
        for (W, _, _), (A, derivative) in zip(hidden[::-1], kept[::-1], strict=True):
            _chained(derivative, A, D)
            D = D @ W.T
        jacobian[:, k] = D
    return a @ W_last + b_last, jacobian
