"""Prediction intervals with a guaranteed coverage, from the errors on rows not trained on.

For rows exchangeable with those of the calibration, the interval of a new row has its y with at
least the probability that was asked for, whatever the model.

References
----------
V. Vovk and others, "Algorithmic learning in a random world" (2005). Y. Romano, E. Patterson and
E. Candès, "Conformalized quantile regression", NeurIPS (2019).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def conformal_interval(
    predictions: Array, errors: Array, coverage: float, levels: Sequence[float]
) -> Array:
    """Return the lower and the upper end for each row of predictions.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_outputs)
        A mean or a quantile; or several quantiles: the two that fit the coverage best are used.
    errors : ndarray of shape (n_calibration, n_outputs)
        y minus the predictions, for the rows of the calibration.
    coverage : float
        Between 0 and 1.
    levels : sequence of float
        Those of the quantiles.

    Returns
    -------
    ndarray of shape (n_samples, 2)

    Raises
    ------
    ValueError
        If there are too few rows for the coverage.
    """
    lower, upper = _outer_levels(coverage, levels)
    margin = _margin(np.maximum(-errors[:, lower], errors[:, upper]), coverage)
    ends = np.column_stack([predictions[:, lower] - margin, predictions[:, upper] + margin])
    crossed = ends[:, 0] > ends[:, 1]  # an empty interval: a point has at least its coverage
    ends[crossed] = ends[crossed].mean(axis=1, keepdims=True)
    return ends


def _outer_levels(coverage: float, levels: Sequence[float]) -> tuple[int, int]:
    """Return the columns of the quantiles next to the ends of an interval around the median."""
    if len(levels) < 2:
        return 0, 0
    distances = np.abs(np.subtract.outer([(1 - coverage) / 2, (1 + coverage) / 2], levels))
    lower, upper = (int(each) for each in distances.argmin(axis=1))
    return (lower, upper) if lower < upper else (0, len(levels) - 1)


def _margin(scores: Array, coverage: float) -> float:
    """Return the ⌈(n + 1) coverage⌉-th smallest of n scores."""
    n = len(scores)
    rank = int(np.ceil((n + 1) * coverage * (1 - 1e-12)))  # 0.9 · 10 is 9, whatever its rounding
    if rank > n:
        needed = int(np.ceil(coverage / (1 - coverage) - 1e-9))
        raise ValueError(
            f"coverage={coverage:g} needs at least {needed} rows of calibration, and there were "
            f"{n}."
        )
    return float(np.partition(scores, rank - 1)[rank - 1])
