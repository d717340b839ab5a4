"""Numbers of a table, scaled by quantiles and clipped smoothly: outliers do no harm.

z = s(u) = u / √(1 + (u / 3)²) with u = (x − median) / (interquartile range), so |z| < 3.

References
----------
D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted
trees on tabular data", NeurIPS (2024).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Bound of |z|.
LIMIT = 3.0
# Beyond this, u² overflows; z is LIMIT long before.
_LARGEST = 1e100


def center_and_scale(x: Array) -> tuple[float, float]:
    """Return the median and what differences from it are multiplied by; 0 where nothing varies.

    Missing and infinite values do not count. Where half of the values are the same, the scale is
    that of the range.
    """
    x = x[np.isfinite(x)]
    if not len(x):
        return 0.0, 0.0
    lowest, low, median, high, highest = np.quantile(x, [0, 0.25, 0.5, 0.75, 1])
    with np.errstate(over="ignore"):
        spread = high - low if high > low else (highest - lowest) / 2
        scale = 1 / spread if spread > 0 else 0.0
    # Numbers that differ by rounding only, or by more than float64 holds, have no scale.
    sound = np.isfinite(scale) and spread > 1e-13 * abs(median)
    return float(median), float(scale) if sound else 0.0


def clipped(x: Array, center: float, scale: float) -> Array:
    """Return z, with 0 for missing values."""
    return _squashed(_scaled(x, center, scale))


def clipped_derivative(x: Array, center: float, scale: float) -> Array:
    """Return dz/dx, with 0 for missing values."""
    return scale * (1 + (_scaled(x, center, scale) / LIMIT) ** 2) ** -1.5 * ~np.isnan(x)


def _scaled(x: Array, center: float, scale: float) -> Array:
    if scale == 0:
        return np.zeros(len(x))
    with np.errstate(over="ignore"):
        u = (x - center) * scale
    return np.nan_to_num(np.clip(u, -_LARGEST, _LARGEST), nan=0.0)


def _squashed(u: Array) -> Array:
    return u / np.sqrt(1 + (u / LIMIT) ** 2)
