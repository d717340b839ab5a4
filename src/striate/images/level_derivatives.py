"""Derivatives of a level of an image: the length of its gradient and its two curvatures.

With differences D of neighbouring pixels along y and x, the curvatures are the eigenvalues of the
matrix of second differences, (D_yy, D_xy; D_xy, D_xx). None changes when the image is turned by a
right angle or mirrored, or becomes brighter as a whole.

References
----------
I. Arganda-Carreras and others, "Trainable Weka Segmentation: a machine learning tool for microscopy
pixel classification", Bioinformatics (2017): derivatives at several scales as features of pixels.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Numbers for each channel: the value, the length of the gradient, and two curvatures.
N_MEASURES = 4
#: Pixels that are needed beyond those that are measured.
BORDER = 3


def with_derivatives(level: Array) -> Array:
    """Return values and derivatives of the pixels of a level, without its outermost ones.

    Parameters
    ----------
    level : ndarray of shape (n_rows + 2, n_columns + 2, n_channels)

    Returns
    -------
    ndarray of shape (n_rows, n_columns, 4 * n_channels)
        The values of all channels, then the lengths of their gradients, then the larger and the
        smaller curvatures.
    """
    here, level = level[BORDER:-BORDER, BORDER:-BORDER], _smoothed(_smoothed(level, 0), 1)
    half, quarter = level.dtype.type(0.5), level.dtype.type(0.25)
    middle = level[1:-1, 1:-1]
    above, below = level[:-2, 1:-1], level[2:, 1:-1]
    left, right = level[1:-1, :-2], level[1:-1, 2:]
    dy, dx = half * (below - above), half * (right - left)
    dyy, dxx = below - middle + (above - middle), right - middle + (left - middle)
    dxy = quarter * (level[2:, 2:] - level[2:, :-2] - (level[:-2, 2:] - level[:-2, :-2]))
    mean, difference = half * (dyy + dxx), half * (dyy - dxx)
    radius = np.sqrt(difference * difference + dxy * dxy)
    slope = np.sqrt(dy * dy + dx * dx)
    return np.concatenate([here, slope, mean + radius, mean - radius], axis=2)


def _smoothed(level: Array, axis: int) -> Array:
    """Return means with the weights 1, 4, 6, 4, 1 (σ = 1), two fewer at each end."""
    level = level.swapaxes(0, axis)
    one, four, six = (level.dtype.type(n / 16) for n in (1, 4, 6))
    ends, sides = level[:-4] + level[4:], level[1:-3] + level[3:-1]
    return (six * level[2:-2] + four * sides + one * ends).swapaxes(0, axis)
