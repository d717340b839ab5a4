"""Values and derivatives of the pixels of an image, smoothed by Gaussians of several widths.

Of a smoothed image these are the value, the length of the gradient, and the two curvatures: the
eigenvalues of the matrix of second derivatives, (D_yy, D_xy; D_xy, D_xx), with D the differences of
neighbouring pixels. None changes when the image is turned by a right angle or mirrored. A wide
Gaussian is one of a shrunk image, a level: the result is as smooth as its pixels are far apart.

References
----------
I. Arganda-Carreras and others, "Trainable Weka Segmentation: a machine learning tool for microscopy
pixel classification", Bioinformatics (2017): such features of pixels.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

Array = npt.NDArray[Any]

#: Numbers for each channel: the value, the length of the gradient, and two curvatures.
N_MEASURES = 4
# Pixels that differences need beyond those that are measured.
_BEYOND = 2


class Smoothing(NamedTuple):
    """A Gaussian with standard deviation `sigma`, in pixels of the image.

    It is computed at level `pitch`, whose pixels are means of squares of pixels of the image.
    """

    sigma: float
    pitch: int

    @property
    def in_level(self) -> float:
        """Standard deviation in pixels of the level, without that of the squares themselves."""
        variance = self.sigma**2 - (self.pitch**2 - 1) / 12
        return float(np.sqrt(variance)) / self.pitch

    @property
    def radius(self) -> int:
        """Pixels of the level on each side that the Gaussian extends to."""
        return int(4 * self.in_level + 0.5)

    @property
    def border(self) -> int:
        """Pixels of the level that are needed beyond those that are measured."""
        return self.radius + _BEYOND


#: All widths, finest first.
SMOOTHINGS = (
    Smoothing(0.5, 1),
    Smoothing(1.0, 1),
    Smoothing(2.0, 1),
    Smoothing(4.0, 2),
    Smoothing(8.0, 4),
    Smoothing(16.0, 8),
)


def with_derivatives(level: Array, smoothing: Smoothing) -> Array:
    """Return values and derivatives of the smoothed pixels of a level, without those at its border.

    Parameters
    ----------
    level : ndarray of shape (n_rows + 2 * border, n_columns + 2 * border, n_channels)
    smoothing : Smoothing

    Returns
    -------
    ndarray of shape (n_rows, n_columns, 4 * n_channels)
        The values of all channels, then the lengths of their gradients, then the larger and the
        smaller curvatures.
    """
    n, half = smoothing.radius, level.dtype.type(0.5)
    for axis in (0, 1):
        smooth = gaussian_filter1d(level, smoothing.in_level, axis, radius=n)
        level = np.take(smooth, range(n, level.shape[axis] - n), axis=axis)
    dy, dx = _difference(level, 0), _difference(level, 1)
    dyy, dyx, dxx = _difference(dy, 0), _difference(dy, 1), _difference(dx, 1)
    dy, dx = dy[1:-1, 2:-2], dx[2:-2, 1:-1]
    dyy, dyx, dxx = dyy[:, 2:-2], dyx[1:-1, 1:-1], dxx[2:-2]
    mean, difference = half * (dyy + dxx), half * (dyy - dxx)
    radius = np.sqrt(difference * difference + dyx * dyx)
    slope = np.sqrt(dy * dy + dx * dx)
    return np.concatenate([level[2:-2, 2:-2], slope, mean + radius, mean - radius], axis=2)


def _difference(level: Array, axis: int) -> Array:
    """Return half the difference of each pixel's neighbours along an axis, without both ends."""
    level = level.swapaxes(0, axis)
    return (level.dtype.type(0.5) * (level[2:] - level[:-2])).swapaxes(0, axis)
