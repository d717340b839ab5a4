"""Convolution and pooling in one pass, without an array of all positions."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.native.blas import product
from striate.native.compile import kernel
from striate.native.intrinsics import like

from .encoding import DistanceEncoding, Encoding, encode
from .patches import normalize
from .pooling import pool

#: Positions whose products are computed at once.
BLOCK_POSITIONS = 512
# Positions pooled at once, while their activations are in the nearest caches.
_POOLED_ROWS = 32


class Patches(NamedTuple):
    """How patches are cut out of an image, normalized and clipped."""

    height: int
    width: int
    stride: int
    normalization: int
    contrast_floor: float
    lowest: float = -np.inf
    highest: float = np.inf

    def map_shape(self, image: npt.NDArray[Any]) -> tuple[int, int]:
        """Return the number of positions, down and across."""
        n_y = (image.shape[0] - self.height) // self.stride + 1
        n_x = (image.shape[1] - self.width) // self.stride + 1
        return n_y, n_x


@kernel
def gather_patches(image, patches, begin, P):
    """Fill P with the patches at positions begin, begin + 1, … of the image (h, w, c).

    Positions are numbered along the rows of the map. Patches are normalized, and clipped.
    """
    stride, n_channels = patches.stride, image.shape[2]
    n_x = (image.shape[1] - patches.width) // stride + 1
    flat, in_row = image.reshape(image.size), image.shape[1] * n_channels
    length = patches.width * n_channels
    for i in range(len(P)):
        y, x = (begin + i) // n_x * stride, (begin + i) % n_x * stride
        patch = P[i]
        for row in range(patches.height):
            at = (y + row) * in_row + x * n_channels
            pixels, part = flat[at : at + length], patch[row * length : (row + 1) * length]
            for j in range(length):
                part[j] = pixels[j]
    # In a loop of its own, since a load soon after a store to the same place is slow.
    for i in range(len(P)):
        normalize(P[i], patches.normalization, patches.contrast_floor)
    if patches.lowest > -np.inf or patches.highest < np.inf:
        low, high = like(patches.lowest, image[0, 0, 0]), like(patches.highest, image[0, 0, 0])
        for i in range(len(P)):
            for j in range(P.shape[1]):
                P[i, j] = min(max(P[i, j], low), high)


@kernel
def convolve_and_pool(image, patches, positions, project, encoding, pooling, work, parts):
    """Encode the patches at some positions, and pool the activations into parts.

    Parameters
    ----------
    image : array of shape (h, w, c)
    patches : Patches
    positions : (int, int)
        The first position, and the one after the last: see `gather_patches`.
    project : tuple of array (n_pixels, q) and (q,)
        L and shift: the encoding is of x L + shift, or of the patch x itself if L is empty.
    encoding : Encoding or DistanceEncoding
    pooling : tuple
        The part that each position lies in, as in `Cells`, and one of `POOLINGS`.
    work : tuple of array
        Workspaces of `workspace`.
    parts : array of shape (n_parts, n_features)
        Running sums or maxima of the activations; initially 0, or -inf for maxima.
    """
    (L, shift), (P, Q, A, theta), (part_of, reduction) = project, work, pooling
    for begin in range(positions[0], positions[1], len(P)):
        n = min(len(P), positions[1] - begin)
        x = P[:n]
        gather_patches(image, patches, begin, x)
        if L.size > 0:
            x = Q[:n]
            product(P[:n], False, L, False, x, 0.0)
            for i in range(n):
                for j in range(shift.size):
                    x[i, j] += shift[j]
        product(x, False, encoding.W, False, A[:n], 0.0)
        for lo in range(0, n, _POOLED_ROWS):
            hi = min(lo + _POOLED_ROWS, n)
            a, limits = A[lo:hi], theta[lo:hi]
            encode(encoding, x[lo:hi], a, limits)
            pool(a, begin + lo, part_of, reduction, encoding.signs, limits, parts)


Workspace = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def workspace(
    project: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    encoding: Encoding | DistanceEncoding,
    n_pixels: int,
) -> Workspace:
    """Return the arrays in which one thread computes a block of positions."""
    dtype, widths = encoding.W.dtype, (n_pixels, project[0].shape[1], encoding.W.shape[1])
    P, Q, A = (np.empty((BLOCK_POSITIONS, n), dtype=dtype) for n in widths)
    return P, Q, A, np.full(BLOCK_POSITIONS, encoding.threshold, dtype=dtype)
