"""Convolution and pooling in one pass: no map of all positions is ever made."""

from typing import NamedTuple

import numpy as np

from striate.core.blas import product
from striate.core.compile import kernel, like

from .encoding import encode
from .patches import normalize
from .pooling import pool

#: Positions of which the products are computed at once.
BLOCK_POSITIONS = 512
# Of these, so many are pooled before their activations leave the nearest caches.
_POOLED_ROWS = 32


class Patches(NamedTuple):
    """How patches are cut out of an image, and what is done to each."""

    height: int
    width: int
    stride: int
    normalization: int
    contrast_floor: float
    lowest: float = -np.inf
    highest: float = np.inf

    def map_shape(self, image):
        """Number of positions, down and across."""
        sizes = zip(image.shape[:2], (self.height, self.width), strict=True)
        return tuple((n - p) // self.stride + 1 for n, p in sizes)


@kernel
def gather_patches(image, patches, begin, P):
    """Fills P with the patches at positions begin, begin + 1, … of the image (h, w, c).

    Positions count along the rows of the map. Patches are normalized, and clipped.
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
    # In a loop of its own: numbers that were stored a moment ago are slow to load.
    for i in range(len(P)):
        normalize(P[i], patches.normalization, patches.contrast_floor)
    if patches.lowest > -np.inf or patches.highest < np.inf:
        low, high = like(patches.lowest, image[0, 0, 0]), like(patches.highest, image[0, 0, 0])
        for i in range(len(P)):
            for j in range(P.shape[1]):
                P[i, j] = min(max(P[i, j], low), high)


@kernel
def convolve_and_pool(image, patches, project, encoding, cells, pooling, work, pooled):
    """Encodes every patch of the image, and pools over the cells.

    Parameters
    ----------
    image : array of shape (h, w, c)
    patches : Patches
    project : tuple of array (n_pixels, q) and (q,)
        Turns a patch x into x L + shift, which is then encoded; empty where it is encoded itself.
    encoding : Encoding or DistanceEncoding
    cells : tuple of array
        `rows` and `columns` of `Cells`.
    pooling : int
    work : tuple of array
        Workspaces of `workspace`.
    pooled : array of shape (n_parts, n_features)
        To which the activations are added; at first 0, or -inf for maxima.
    """
    (L, shift), (P, Q, A, theta), (rows, columns) = project, work, cells
    n_positions = len(rows) * len(columns)
    for begin in range(0, n_positions, len(P)):
        n = min(len(P), n_positions - begin)
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
            pool(a, begin + lo, rows, columns, pooling, encoding.signs, limits, pooled)


def workspace(project, encoding, n_pixels):
    """Room for what one thread computes at a time."""
    dtype, widths = encoding.W.dtype, (n_pixels, project[0].shape[1], encoding.W.shape[1])
    P, Q, A = (np.empty((BLOCK_POSITIONS, n), dtype=dtype) for n in widths)
    return P, Q, A, np.full(BLOCK_POSITIONS, encoding.threshold, dtype=dtype)
