"""Encodings of a patch x by a dictionary or a layer, from the products z = W x: one place each."""

from typing import NamedTuple

import numpy as np

from striate.core.activations import CODES, activate
from striate.core.blas import product
from striate.core.compile import jit, jit_reassociating, kernel, larger, like, specialize
from striate.core.sparse_matrices import dense

#: What distances become, as numbers in compiled code.
NEAREST, TRIANGLE = range(2)


class Encoding(NamedTuple):
    """What compiled code needs of an encoder f(z + b) of patches.

    Attributes
    ----------
    W : ndarray of shape (n_inputs, n_units)
    b : ndarray of shape (n_units,)
    kind : int
        f, a number out of `ACTIVATIONS`.
    signs : ndarray of shape (n_signs,)
        Where there are any, a feature is max(0, sign · a − θ) for each of them.
    threshold : float
        θ.
    """

    W: np.ndarray
    b: np.ndarray
    kind: int
    signs: np.ndarray
    threshold: float = 0.0


class DistanceEncoding(NamedTuple):
    """The same of an encoder by the distances from w_j, the columns of W.

    A type of its own, so that nobody compiles what he does not use. `b` is −‖w_j‖² / 2, so that
    ‖x − w_j‖² = ‖x‖² − 2 (z_j + b_j), and `kind` NEAREST or TRIANGLE, which has a threshold for
    each patch.
    """

    W: np.ndarray
    b: np.ndarray
    kind: int
    signs: np.ndarray
    threshold: float = 0.0


def n_features(encoding):
    """Features of a patch."""
    return encoding.W.shape[1] * max(len(encoding.signs), 1)


def needs_norm(encoding):
    """Whether ‖x‖ is needed, beside the products of x."""
    return isinstance(encoding, DistanceEncoding) and encoding.kind == TRIANGLE


def encoding_of(encoder):
    """The `Encoding` of a fitted encoder; None if it has none that compiled code knows."""
    if hasattr(encoder, "as_encoding"):
        return encoder.as_encoding()
    if not hasattr(encoder, "as_layer") or hasattr(encoder, "limits"):
        return None
    W, b, activation = encoder.as_layer()
    W = dense(W)  # patches are small, and many: a dense product is faster
    return Encoding(W, b, CODES[activation], np.empty(0, dtype=W.dtype))


def encode(encoding, X, Z, theta):
    """Turns the products Z = X W into what is pooled, in place; TRIANGLE sets θ for each row."""


@specialize(encode)
def _(encoding, X, Z, theta):
    def by_distances(encoding, X, Z, theta):
        if encoding.kind == NEAREST:
            nearest(encoding.b, Z)
        else:
            triangle(X, encoding.b, Z, theta)

    if encoding.instance_class is DistanceEncoding:
        return by_distances
    return lambda encoding, X, Z, theta: activate(encoding.kind, Z, encoding.b)


@jit
def nearest(b, Z):
    """1 for the nearest w_j, the one with the largest z + b, and 0 for the others."""
    zero, one = like(0, b[0]), like(1, b[0])
    for i in range(Z.shape[0]):
        z, top, n_nearest = Z[i], like(-np.inf, b[0]), 0
        for j in range(z.size):
            z[j] += b[j]
            top = larger(z[j], top)
        for j in range(z.size):
            is_nearest = z[j] == top
            n_nearest += is_nearest
            z[j] = one if is_nearest else zero
        if n_nearest > 1:  # of several that are as near, the first
            n_nearest = 0
            for j in range(z.size):
                z[j] = z[j] if n_nearest == 0 else zero
                n_nearest += z[j] == one


@jit
def triangle(X, b, Z, theta):
    """d_j = ‖x − w_j‖ and θ = −μ, μ the mean of all d_j: the feature is max(0, −d_j − θ)."""
    for i in range(Z.shape[0]):
        squares = like(0, b[0])
        for j in range(X.shape[1]):
            squares += X[i, j] * X[i, j]
        theta[i] = -distances(squares, b, Z[i]) / like(Z.shape[1], squares)


@jit_reassociating
def distances(squares, b, z):
    """Turns the products z = x·w_j into ‖x − w_j‖ = √(‖x‖² − 2 (z + b_j)); returns their sum."""
    total = like(0, squares)
    for j in range(z.size):
        square = squares - like(2, squares) * (z[j] + b[j])
        square = square if square > like(0, squares) else like(0, squares)
        z[j] = np.sqrt(square)
        total += z[j]
    return total


@kernel
def encoded(t, T, encoding, X, Z, theta):
    """Z = X W, encoded: thread t's share of the rows."""
    lo, hi = len(Z) * t // T, len(Z) * (t + 1) // T
    product(X[lo:hi], False, encoding.W, False, Z[lo:hi], 0.0)
    encode(encoding, X[lo:hi], Z[lo:hi], theta[lo:hi])
