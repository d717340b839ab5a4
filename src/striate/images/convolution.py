"""Convolution and pooling in one pass: no map of all positions is ever made."""

import numpy as np

from striate.core.activations import activate
from striate.core.blas import product
from striate.core.compile import kernel, like
from striate.images.patches import normalize

#: Positions that are computed at once; their activations are pooled before they leave the cache.
BLOCK_POSITIONS = 512

#: How the activations of the positions in a cell of the grid become one, as a number.
POOLINGS = {"mean": 0, "max": 1}


@kernel
def gather_patches(image, patch_size, stride, how, limits, begin, P):
    """Fills P with the patches at positions begin, begin + 1, … of the image (h, w, c).

    Positions count along the rows of the map. Patches are normalized, and clipped at `limits`.
    """
    n_x = (image.shape[1] - patch_size[1]) // stride + 1
    flat, in_row = image.reshape(image.size), image.shape[1] * image.shape[2]
    length = patch_size[1] * image.shape[2]
    low, high = like(limits[0], image[0, 0, 0]), like(limits[1], image[0, 0, 0])
    for i in range(len(P)):
        y, x = (begin + i) // n_x * stride, (begin + i) % n_x * stride
        patch = P[i]
        for row in range(patch_size[0]):
            at = (y + row) * in_row + x * image.shape[2]
            pixels, part = flat[at : at + length], patch[row * length : (row + 1) * length]
            for j in range(length):
                part[j] = pixels[j]
        normalize(patch, how)
        if low > -np.inf or high < np.inf:
            for j in range(patch.size):
                patch[j] = min(max(patch[j], low), high)


@kernel
def pool(A, begin, n_y, n_x, pooling, cells):
    """Adds the activations A at positions begin, begin + 1, … to their cells (gh, gw, k).

    The map (n_y, n_x) is divided as evenly as can be; the cell of row y is y·gh // n_y.
    """
    gh, gw, _ = cells.shape
    for i in range(len(A)):
        y, x = (begin + i) // n_x, (begin + i) % n_x
        cell, a = cells[y * gh // n_y, x * gw // n_x], A[i]
        if pooling == 0:
            for j in range(a.size):
                cell[j] += a[j]
        else:
            for j in range(a.size):
                cell[j] = max(cell[j], a[j])


@kernel
def finish_pooling(n_y, n_x, pooling, cells):
    """Turns the sums over cells into means."""
    gh, gw, _ = cells.shape
    if pooling == 0:
        for r in range(gh):
            for c in range(gw):
                # rows y with y·gh // n_y == r, which are ceil(r·n_y/gh) <= y < ceil((r+1)·n_y/gh)
                height = -(-(r + 1) * n_y // gh) - -(-r * n_y // gh)
                width = -(-(c + 1) * n_x // gw) - -(-c * n_x // gw)
                for j in range(cells.shape[2]):
                    cells[r, c, j] /= like(height * width, cells[r, c, j])


@kernel
def convolve_and_pool(
    image, patch_size, stride, how, limits, W, b, activation, pooling, P, A, cells
):  # fmt: skip
    """f(W x + b) of every patch x of the image, pooled over the cells of a grid.

    Parameters
    ----------
    image : array of shape (h, w, c)
    patch_size, stride, how, limits : patches, as `gather_patches` takes them
    W, b, activation : arrays of shapes (patch pixels, k), (k,) and an int
    pooling : int
    P, A : workspaces of shapes (positions, patch pixels) and (positions, k)
    cells : array of shape (grid height, grid width, k)
        The result; on entry 0 for means, -inf for maxima.
    """
    n_y = (image.shape[0] - patch_size[0]) // stride + 1
    n_x = (image.shape[1] - patch_size[1]) // stride + 1
    for begin in range(0, n_y * n_x, len(P)):
        n = min(len(P), n_y * n_x - begin)
        gather_patches(image, patch_size, stride, how, limits, begin, P[:n])
        product(P[:n], False, W, False, A[:n], 0.0)
        activate(activation, A[:n], b)
        pool(A[:n], begin, n_y, n_x, pooling, cells)
    finish_pooling(n_y, n_x, pooling, cells)
