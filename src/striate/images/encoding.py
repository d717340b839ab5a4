"""Encodings of a patch x by a dictionary or a layer, from the products z = W x: one place each."""

from typing import NamedTuple

import numpy as np

from striate.core.activations import ACTIVATIONS, activate
from striate.core.compile import jit, kernel, like

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
    zero, two = like(0, b[0]), like(2, b[0])
    for i in range(Z.shape[0]):
        squares = zero
        for j in range(X.shape[1]):
            squares += X[i, j] * X[i, j]
        for j in range(Z.shape[1]):
            square = squares - two * Z[i, j] + b[j]
            Z[i, j] = np.sqrt(square if square > zero else zero)
        mean = mean_of_row(Z, i)
        for j in range(Z.shape[1]):
            above = mean - Z[i, j]
            Z[i, j] = above if above > zero else zero


@jit
def mean_of_row(Z, i):
    """In eight sums, so that SIMD may take them, always in the same order."""
    sums = np.zeros(8, dtype=Z.dtype)
    n = Z.shape[1]
    for j in range(0, n - 7, 8):
        for k in range(8):
            sums[k] += Z[i, j + k]
    total = like(0, sums[0])
    for k in range(8):
        total += sums[k]
    for j in range(n - n % 8, n):
        total += Z[i, j]
    return total / like(n, total)


@kernel
def encoded(t, T, kind, X, b, Z):
    """Thread t's share of the rows of Z = X W, encoded in place."""
    rows = len(Z) * t // T, len(Z) * (t + 1) // T
    encode(kind, X[rows[0] : rows[1]], b, Z[rows[0] : rows[1]])
