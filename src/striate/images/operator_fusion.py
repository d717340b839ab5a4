"""Operator fusion: whitening and encoder in as few matrix products as they need."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.core.sparse_matrices import dense
from striate.native.compile import as_kernel_input
from striate.native.interruptible import interruptible

from .encoding import (
    DistanceEncoding,
    Encoding,
    HasClippedLayer,
    HasLayer,
    encoding_of,
    for_kernels,
    needs_norm,
)

# Singular values of a whitening matrix below this share of the largest are rounding.
_NO_RANK = 1e-6

_UNLIMITED = (-np.inf, np.inf)

Projection = tuple[npt.NDArray[Any], npt.NDArray[Any]]


class Folded(NamedTuple):
    """Steps from a normalized patch to its code.

    Attributes
    ----------
    limits : (float, float)
        Range that the patch is clipped to.
    project : tuple of ndarray (n_pixels, q) and (q,)
        L and a shift: a first product x L + shift; L is empty if one product is enough.
    encoding : Encoding or DistanceEncoding
        Encoding of the result.
    """

    limits: tuple[float, float]
    project: Projection
    encoding: Encoding | DistanceEncoding

    @property
    def weights(self) -> npt.NDArray[Any]:
        """Weights of each unit for the pixels of a normalized patch, (n_units, n_pixels)."""
        L, W = self.project[0], self.encoding.W
        weights: npt.NDArray[Any] = (L @ W if L.size else W).T
        return weights


class Affine(NamedTuple):
    """A whitening x ↦ C x + c of patches clipped to `limits`, which keeps `rank` directions."""

    C: npt.NDArray[np.float64]
    c: npt.NDArray[np.float64]
    limits: tuple[float, float]
    rank: int


def fold(whitening: Any, encoder: Any, n_pixels: int, dtype: npt.DTypeLike) -> Folded | None:
    """Fold the fitted whitening and encoder into one; None if compiled code does not know both.

    Both are linear before the activation, so one product with C W does for the two with C and W.
    There are two reasons to keep two products: the triangle needs ‖x C‖; and if whitening keeps q
    of d directions, d q + q k multiplications may be fewer than d k.

    Raises
    ------
    ValueError
        If the two do not fit each other and the patches: they were changed after fit.
    """
    encoding = encoding_of(encoder)
    if encoding is None:
        return None
    W, b = encoding.W.astype(np.float64), encoding.b.astype(np.float64)
    project, limits = (np.empty((n_pixels, 0)), np.empty(0)), _UNLIMITED
    if whitening is not None:
        affine = _affine(whitening, len(W))
        if affine is None:
            return None
        limits, q, (d, k) = affine.limits, affine.rank, W.shape
        if needs_norm(encoding) or d * q + q * k < d * k:
            project, W = factor(affine, W)
        else:
            W, b = compose(affine, W, b)
    if len(W) != (project[0].shape[1] or n_pixels) or b.shape != W.shape[1:]:
        raise ValueError(
            f"patches of {n_pixels} numbers do not fit weights of shape {W.shape} and {b.shape}: "
            "these features were changed after fit"
        )
    L, shift = (as_kernel_input(part.astype(dtype)) for part in project)
    return Folded(limits, (L, shift), for_kernels(encoding, W, b, dtype))


def compose(
    affine: Affine, W: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return W and b of one product for both: (x C + c) W + b = x (C W) + (c W + b)."""
    return affine.C @ W, b + affine.c @ W


def factor(
    affine: Affine, W: npt.NDArray[np.float64]
) -> tuple[Projection, npt.NDArray[np.float64]]:
    """Return L and shift of a first product, and W of the second, with the least inner size.

    C = L R by its singular values, with as many columns in L as C has rank, and orthonormal rows
    in R: then x L has the norm of x C.
    """
    U, s, R = interruptible(np.linalg.svd, affine.C)
    rank = max(int(np.sum(s > _NO_RANK * s[0])), 1)
    R = R[:rank]
    return (U[:, :rank] * s[:rank], affine.c @ R.T), R @ W


def _affine(whitening: Any, n_features: int) -> Affine | None:
    """Return a fitted whitening as C and c; None if it is not affine."""
    if not isinstance(whitening, HasLayer):
        return None
    C, c, activation = whitening.as_layer()
    if activation != "identity":
        return None
    limits = whitening.limits if isinstance(whitening, HasClippedLayer) else _UNLIMITED
    rank = getattr(whitening, "n_components_", n_features)
    return Affine(dense(C).astype(np.float64), c.astype(np.float64), limits, rank)
