"""Whitening and encoder in as few products as they need: for `convolve_and_pool`."""

from typing import NamedTuple

import numpy as np

from striate.core.compile import as_kernel_input

from .encoding import DistanceEncoding, Encoding, encoding_of, needs_norm

# Singular values of a whitening matrix below this share of the largest are rounding.
_NO_RANK = 1e-6


class Folded(NamedTuple):
    """Steps from a normalized patch to its code.

    Attributes
    ----------
    limits : (float, float)
        Between which the patch is clipped.
    project : tuple of ndarray (n_pixels, q) and (q,)
        L and a shift: a first product x L + shift; empty where one product does all.
    encoding : Encoding or DistanceEncoding
        Of what then is there.
    """

    limits: tuple[float, float]
    project: tuple[np.ndarray, np.ndarray]
    encoding: Encoding | DistanceEncoding

    @property
    def weights(self):
        """What each unit weighs in the pixels of a normalized patch, (n_units, n_pixels)."""
        L, W = self.project[0], self.encoding.W
        return (L @ W if L.size else W).T


def fold(whitening, encoder, n_pixels, dtype):
    """The two fitted transformers as a `Folded`; None where compiled code knows one of them not.

    Both are linear before the activation, so one product with C W does for the two with C and W.
    There are two reasons for two products: the triangle needs ‖x C‖, and where whitening keeps q of
    d directions, d q + q k multiplications may be fewer than d k. Then C is divided at its rank
    into L R, with orthonormal rows in R: x L has the norm of x C.

    Raises
    ------
    ValueError
        If the two do not fit each other and the patches: they were changed after fit.
    """
    encoding = encoding_of(encoder)
    if encoding is None or not (whitening is None or hasattr(whitening, "as_layer")):
        return None
    W, b = encoding.W.astype(np.float64), encoding.b.astype(np.float64)
    L, shift, limits = np.empty((n_pixels, 0)), np.empty(0), (-np.inf, np.inf)
    if whitening is not None:
        C, c, between = whitening.as_layer()
        if between != "identity":
            return None
        limits = getattr(whitening, "limits", limits)
        C, c = C.astype(np.float64), c.astype(np.float64)
        (d, k), q = W.shape, getattr(whitening, "n_components_", len(W))
        if needs_norm(encoding) or d * q + q * k < d * k:
            U, s, R = np.linalg.svd(C)
            q = max(int(np.sum(s > _NO_RANK * s[0])), 1)
            L, shift, W = U[:, :q] * s[:q], c @ R[:q].T, R[:q] @ W
        else:
            b, W = b + c @ W, C @ W
    if len(W) != (L.shape[1] or n_pixels) or b.shape != W.shape[1:]:
        raise ValueError(
            f"patches of {n_pixels} numbers do not fit weights of shape {W.shape} and {b.shape}: "
            "these features were changed after fit"
        )
    L, shift, W, b = (as_kernel_input(part.astype(dtype)) for part in (L, shift, W, b))
    return Folded(
        limits, (L, shift), encoding._replace(W=W, b=b, signs=encoding.signs.astype(dtype))
    )
