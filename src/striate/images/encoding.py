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
    threshold : float
        θ of the soft threshold, max(0, z − θ) and max(0, −z − θ); only if `two_signs`.
    two_signs : bool
        Whether each unit gives two features, one for each sign of z.
    """

    W: np.ndarray
    b: np.ndarray
    kind: int
    threshold: float = 0.0
    two_signs: bool = False

    @property
    def n_features(self):
        """Features of a patch."""
        return self.W.shape[1] * (2 if self.two_signs else 1)

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
    return Encoding(W, b, ACTIVATIONS[activation])


@jit
def encode(kind, X, b, Z):
    """Turns the products Z = X W into what the encoding makes of them, in place."""
    if kind == NEAREST:
        nearest(b, Z)
    elif kind == TRIANGLE:
        triangle(X, b, Z)
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
def triangle(X, b, Z):
    """max(0, μ − d_j) with d_j = ‖x − w_j‖ and μ the mean of all d_j."""
    zero = like(0, b[0])
    for i in range(Z.shape[0]):
        squares = zero
        for j in range(X.shape[1]):
            squares += X[i, j] * X[i, j]
        mean = distances(squares, b, Z[i]) / like(Z.shape[1], zero)
        for j in range(Z.shape[1]):
            above = mean - Z[i, j]
            Z[i, j] = above if above > zero else zero


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
def encoded(t, T, kind, X, b, Z):
    """Thread t's share of the rows of Z = X W, encoded in place."""
    rows = len(Z) * t // T, len(Z) * (t + 1) // T
    encode(kind, X[rows[0] : rows[1]], b, Z[rows[0] : rows[1]])
