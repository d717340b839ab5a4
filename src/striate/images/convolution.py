"""Convolution of images with an encoder of patches: pooled in one pass, or as maps, by tiles."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.native.blas import product
from striate.native.compile import jit, kernel
from striate.native.intrinsics import like

from .encoding import DistanceEncoding, Encoding, encode, write_codes
from .patches import normalize
from .pooling import pool

#: Positions whose products are computed at once.
BLOCK_POSITIONS = 512
#: Height and width of a tile of a map: a block of positions.
TILE = (16, 32)
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
def gather_patches(images, patches, part, begin, P):  # images (n, h, w, c), P (n, n_pixels)
    """Fill P with the patches at positions begin, begin + 1, … of a part of the map.

    `part` is the first row and column of the part, and its width; its positions are numbered along
    its rows, and on through the rows of the next image's map. Patches are normalized, and clipped.
    """
    (top, left, n_x), stride, n_channels = part, patches.stride, images.shape[3]
    n_y = (images.shape[1] - patches.height) // stride + 1
    flat, in_row = images.reshape(images.size), images.shape[2] * n_channels
    length = patches.width * n_channels
    for i in range(len(P)):
        row, x = top + (begin + i) // n_x, (left + (begin + i) % n_x) * stride
        y = row // n_y * images.shape[1] + row % n_y * stride
        patch = P[i]
        for j in range(patches.height):
            at = (y + j) * in_row + x * n_channels
            pixels, piece = flat[at : at + length], patch[j * length : (j + 1) * length]
            for k in range(length):
                piece[k] = pixels[k]
    # In a loop of its own, since a load soon after a store to the same place is slow.
    for i in range(len(P)):
        normalize(P[i], patches.normalization, patches.contrast_floor)
    if patches.lowest > -np.inf or patches.highest < np.inf:
        low, high = like(patches.lowest, flat[0]), like(patches.highest, flat[0])
        for i in range(len(P)):
            for j in range(P.shape[1]):
                P[i, j] = min(max(P[i, j], low), high)


@jit
def weighted_patches(steps, work, n):
    """Multiply the first n patches of the workspace; return what is encoded, and its products."""
    (L, shift), encoding = steps
    P, Q, A, _ = work
    x = P[:n]
    if L.size > 0:
        x = Q[:n]
        product(P[:n], False, L, False, x, 0.0)
        for i in range(n):
            for j in range(shift.size):
                x[i, j] += shift[j]
    product(x, False, encoding.W, False, A[:n], 0.0)
    return x, A[:n]


@kernel
def convolve_and_pool(images, patches, positions, steps, pooling, work, parts):
    """Encode the patches at some positions, and pool the activations into parts.

    Parameters
    ----------
    images : array of shape (n, h, w, c)
    patches : Patches
    positions : (int, int)
        The first position, and the one after the last: see `gather_patches`.
    steps : tuple
        `project` and `encoding`, as in `Folded`: the encoding is of x L + shift, or of the patch x
        itself if L is empty.
    pooling : tuple
        The part that each position lies in, as in `Cells`, where the maps of the images lie one
        below the other; and one of `POOLINGS`.
    work : tuple of array
        Workspaces of `workspace`.
    parts : array of shape (n_parts, n_features)
        Running sums or maxima of the activations; initially 0, or -inf for maxima.
    """
    (part_of, reduction), encoding, theta = pooling, steps[1], work[3]
    whole = (0, 0, (images.shape[2] - patches.width) // patches.stride + 1)
    for begin in range(positions[0], positions[1], len(work[0])):
        n = min(len(work[0]), positions[1] - begin)
        gather_patches(images, patches, whole, begin, work[0][:n])
        x, A = weighted_patches(steps, work, n)
        for lo in range(0, n, _POOLED_ROWS):
            hi = min(lo + _POOLED_ROWS, n)
            a, limits = A[lo:hi], theta[lo:hi]
            encode(encoding, x[lo:hi], a, limits)
            pool(a, begin + lo, part_of, reduction, encoding.signs, limits, parts)


@kernel
def convolve_tiles(t, T, image, patches, tiles, steps, works, target):
    """Write the codes at the positions of thread t's tiles of the map.

    All products are of whole tiles, so that the codes of a position do not depend on how much else
    is computed: positions outside the target are computed, too, and left out.

    Parameters
    ----------
    t, T : int
    image : array of shape (h, w, c)
        It holds the patches of all positions of the tiles.
    patches : Patches
    tiles : (int, int, int)
        The first tile, the one after the last, and the number of tiles across.
    steps : tuple
        As in `convolve_and_pool`.
    works : tuple of array
        Workspaces of `workspace`, for each thread.
    target : tuple
        An array (n_y, n_x, n_features), the place of the map's first position in it, and the
        place after the last one that is written.
    """
    maps, first, last = target
    encoding = steps[1]
    images = image.reshape(1, *image.shape)
    work = works[0][t], works[1][t], works[2][t], works[3][t]
    for tile in range(tiles[0] + t, tiles[1], T):
        top, left = tile // tiles[2] * TILE[0], tile % tiles[2] * TILE[1]
        gather_patches(images, patches, (top, left, TILE[1]), 0, work[0])
        x, A = weighted_patches(steps, work, len(work[0]))
        n_y = min(TILE[0], last[0] - first[0] - top)
        n_x = max(min(TILE[1], last[1] - first[1] - left), 0)
        for row in range(n_y):
            lo, y, begin = row * TILE[1], first[0] + top + row, first[1] + left
            a, limits = A[lo : lo + TILE[1]], work[3][lo : lo + TILE[1]]
            encode(encoding, x[lo : lo + TILE[1]], a, limits)
            write_codes(a[:n_x], encoding.signs, limits, maps[y, begin : begin + n_x])


Workspace = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def workspace(
    project: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    encoding: Encoding | DistanceEncoding,
    n_pixels: int,
    n_threads: tuple[int, ...] = (),
) -> Workspace:
    """Return the arrays in which one thread, or each of several, computes a block of positions."""
    dtype, widths = encoding.W.dtype, (n_pixels, project[0].shape[1], encoding.W.shape[1])
    P, Q, A = (np.empty((*n_threads, BLOCK_POSITIONS, n), dtype=dtype) for n in widths)
    return P, Q, A, np.full((*n_threads, BLOCK_POSITIONS), encoding.threshold, dtype=dtype)
