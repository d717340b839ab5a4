"""Encodings of a patch x by a dictionary or a layer, from the products z = W x: one place each."""

from typing import NamedTuple

import numpy as np

from striate.core.activations import ACTIVATIONS, activate
from striate.core.compile import jit, jit_sum, kernel, like

#: Encodings beyond the activations f(W x + b), as numbers in compiled code.
NEAREST, TRIANGLE = 100, 101


class Encoding(NamedTuple):
    """What compiled code needs of an encoder of patches.

    Attributes
    ----------
    W : ndarray of shape (n_inputs, n_units)
    b : ndarray of shape (n_units,)
        Added to z; for distances ‖w_j‖².
    kind : int
        A number out of `ACTIVATIONS`, NEAREST or TRIANGLE.
    signs : ndarray of shape (n_signs,)
        Where there are any, a feature is max(0, sign · z − θ) for each of them.
    threshold : float
        θ; TRIANGLE has its own for each patch.
    """

    W: np.ndarray
    b: np.ndarray
    kind: int
    signs: np.ndarray
    threshold: float = 0.0

    @property
    def n_features(self):
        """Features of a patch."""
        return self.W.shape[1] * max(len(self.signs), 1)

    @property
    def per_product(self):
        """What adding 1 to z would add to b: distances hold −2 z + ‖w‖²."""
        return -2.0 if self.kind in (NEAREST, TRIANGLE) else 1.0

    @property
    def of_distances(self):
        """Whether it needs ‖x‖², so that the patch must be there as the encoder sees it."""
        return self.kind == TRIANGLE


def encoding_of(encoder):
    """The `Encoding` of a fitted encoder; None if it has none that compiled code knows."""
    if hasattr(encoder, "as_encoding"):
        return encoder.as_encoding()
    if not hasattr(encoder, "as_layer") or hasattr(encoder, "limits"):
        return None
    W, b, activation = encoder.as_layer()
    return Encoding(W, b, ACTIVATIONS[activation], np.empty(0, dtype=W.dtype))


@jit
def encode(kind, X, b, Z, theta):
    """Turns the products Z = X W into what is pooled, in place; TRIANGLE sets θ for each row."""
    if kind == NEAREST:
        nearest(b, Z)
    elif kind == TRIANGLE:
        triangle(X, b, Z, theta)
    else:
        activate(kind, Z, b)


@jit
def nearest(b, Z):
    """1 for the nearest w_j and 0 for the others: ‖x − w‖² = ‖x‖² − 2 z + ‖w‖²."""
    for i in range(Z.shape[0]):
        best, lowest = 0, like(np.inf, b[0])
        for j in range(Z.shape[1]):
            distance = b[j] - like(2, b[0]) * Z[i, j]
            if distance < lowest:
                best, lowest = j, distance
            Z[i, j] = 0
        Z[i, best] = 1


@jit
def triangle(X, b, Z, theta):
    """d_j = ‖x − w_j‖ and θ = −μ, μ the mean of all d_j: the feature is max(0, −d_j − θ)."""
    for i in range(Z.shape[0]):
        squares = like(0, b[0])
        for j in range(X.shape[1]):
            squares += X[i, j] * X[i, j]
        theta[i] = -distances(squares, b, Z[i]) / like(Z.shape[1], squares)


@jit_sum
def distances(squares, b, z):
    """Turns the products z = x·w_j into ‖x − w_j‖ = √(‖x‖² − 2 z + ‖w_j‖²); returns their sum."""
    total = like(0, squares)
    for j in range(z.size):
        square = squares - like(2, squares) * z[j] + b[j]
        square = square if square > like(0, squares) else like(0, squares)
        z[j] = np.sqrt(square)
        total += z[j]
    return total


@kernel
def encoded(t, T, kind, X, b, Z, theta):
    """Thread t's share of the rows of Z = X W, encoded in place."""
    lo, hi = len(Z) * t // T, len(Z) * (t + 1) // T
    encode(kind, X[lo:hi], b, Z[lo:hi], theta[lo:hi])
