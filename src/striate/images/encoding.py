"""Encodings of a patch x by a dictionary or a layer, computed from the products z = W x."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from striate.core.activations import activate, address_of_activation
from striate.core.sparse_matrices import dense
from striate.native.blas import product
from striate.native.compile import (
    as_kernel_input,
    generic,
    jit,
    jit_reassociating,
    kernel,
    specialize,
)
from striate.native.intrinsics import larger, like

#: What distances become, as numbers in compiled code.
NEAREST, TRIANGLE = range(2)


class Encoding(NamedTuple):
    """An encoder f(z + b) of patches, as compiled code needs it.

    Attributes
    ----------
    W : ndarray of shape (n_inputs, n_units)
    b : ndarray of shape (n_units,)
    f : str or int
        The name of an activation; its address in what `for_kernels` returns.
    signs : ndarray of shape (n_signs,)
        If not empty, there is a feature max(0, sign · a − θ) for each sign.
    threshold : float
        θ.
    """

    W: npt.NDArray[Any]
    b: npt.NDArray[Any]
    f: str | int
    signs: npt.NDArray[Any]
    threshold: float = 0.0


class DistanceEncoding(NamedTuple):
    """An encoder by the distances from w_j, the columns of W.

    A separate type, so that Numba compiles only the branches a run uses. `b` is −‖w_j‖² / 2, so
    that ‖x − w_j‖² = ‖x‖² − 2 (z_j + b_j). `kind` is NEAREST or TRIANGLE; with TRIANGLE each patch
    has its own threshold.
    """

    W: npt.NDArray[Any]
    b: npt.NDArray[Any]
    kind: int
    signs: npt.NDArray[Any]
    threshold: float = 0.0


@runtime_checkable
class HasEncoding(Protocol):
    """A fitted encoder that compiled code knows in full."""

    def as_encoding(self) -> Encoding | DistanceEncoding:
        """Return what compiled code needs to encode patches."""


@runtime_checkable
class HasLayer(Protocol):
    """A fitted transformer x ↦ f(x W + b)."""

    def as_layer(self) -> tuple[Any, npt.NDArray[Any], str]:
        """Return W, an array or a sparse matrix, b and the name of f."""


@runtime_checkable
class HasClippedLayer(HasLayer, Protocol):
    """A fitted transformer that clips x to `limits` before x ↦ f(x W + b)."""

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value that is not clipped."""


def n_features(encoding: Encoding | DistanceEncoding) -> int:
    """Return the number of features of a patch."""
    n_units: int = encoding.W.shape[1]
    return n_units * max(len(encoding.signs), 1)


def needs_norm(encoding: Encoding | DistanceEncoding) -> bool:
    """Return whether ‖x‖ is needed in addition to the products of x."""
    return isinstance(encoding, DistanceEncoding) and encoding.kind == TRIANGLE


def encoding_of(encoder: Any) -> Encoding | DistanceEncoding | None:
    """Return the encoding of a fitted encoder; None if compiled code does not know it."""
    if isinstance(encoder, HasEncoding):
        return encoder.as_encoding()
    if not isinstance(encoder, HasLayer) or isinstance(encoder, HasClippedLayer):
        return None
    W, b, activation = encoder.as_layer()
    W = dense(W)  # patches are small, and many: a dense product is faster
    return Encoding(W, b, activation, np.empty(0, dtype=W.dtype))


def for_kernels(encoding: Any, W: Any, b: Any, dtype: npt.DTypeLike) -> Any:
    """Return an encoding with these W and b as compiled code takes it, in a type."""
    W, b, signs = (
        as_kernel_input(each.astype(dtype, copy=False)) for each in (W, b, encoding.signs)
    )
    encoding = encoding._replace(W=W, b=b, signs=signs)
    if isinstance(encoding, Encoding):
        encoding = encoding._replace(f=address_of_activation(str(encoding.f), np.dtype(dtype)))
    return encoding


@generic
def encode(encoding: Any, X: Any, Z: Any, theta: Any) -> None:
    """Turn the products Z = X W into activations, in place; TRIANGLE sets θ for each row."""


@specialize(encode)
def _(encoding, X, Z, theta):
    def by_distances(encoding, X, Z, theta):
        if encoding.kind == NEAREST:
            nearest(encoding.b, Z)
        else:
            triangle(X, encoding.b, Z, theta)

    if encoding.instance_class is DistanceEncoding:
        return by_distances
    return lambda encoding, X, Z, theta: activate(encoding.f, Z, encoding.b)


@jit
def nearest(b, Z):  # b (k,), Z (m, k)
    """Set 1 for the nearest w_j, the one with the largest z + b, and 0 for the others."""
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
        if n_nearest > 1:  # of several equally near, the first
            n_nearest = 0
            for j in range(z.size):
                z[j] = z[j] if n_nearest == 0 else zero
                n_nearest += z[j] == one


@jit
def triangle(X, b, Z, theta):  # X (m, n), b (k,), Z (m, k), theta (m,)
    """Set d_j = ‖x − w_j‖ and θ = −μ, μ the mean of all d_j: the feature is max(0, −d_j − θ)."""
    for i in range(Z.shape[0]):
        squares = like(0, b[0])
        for j in range(X.shape[1]):
            squares += X[i, j] * X[i, j]
        theta[i] = -distances(squares, b, Z[i]) / like(Z.shape[1], squares)


@jit_reassociating
def distances(squares, b, z):  # b, z (k,)
    """Turn the products z = x·w_j into ‖x − w_j‖ = √(‖x‖² − 2 (z + b_j)); return their sum."""
    total = like(0, squares)
    for j in range(z.size):
        square = squares - like(2, squares) * (z[j] + b[j])
        square = square if square > like(0, squares) else like(0, squares)
        z[j] = np.sqrt(square)
        total += z[j]
    return total


@jit
def rectified(z, sign, theta):
    """Return max(0, sign · z − θ)."""
    a = sign * z - theta
    return a if a > like(0, a) else like(0, a)


@jit
def write_codes(Z, signs, theta, codes):
    """Write the features (m, n_features) of the activations Z: ordered by sign, then by unit."""
    k = Z.shape[1]
    for i in range(len(Z)):
        if len(signs) == 0:
            for j in range(k):
                codes[i, j] = Z[i, j]
        for s in range(len(signs)):
            for j in range(k):
                codes[i, s * k + j] = rectified(Z[i, j], signs[s], theta[i])


@kernel
def encode_rows(t, T, encoding, X, Z, theta, codes):
    """Encode thread t's share of the rows X; Z (m, n_units) and θ (m,) are its workspace."""
    lo, hi = len(Z) * t // T, len(Z) * (t + 1) // T
    product(X[lo:hi], False, encoding.W, False, Z[lo:hi], 0.0)
    encode(encoding, X[lo:hi], Z[lo:hi], theta[lo:hi])
    write_codes(Z[lo:hi], encoding.signs, theta[lo:hi], codes[lo:hi])
