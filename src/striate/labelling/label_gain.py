"""What more labels would bring: a power law through the accuracies so far.

The share of mistakes falls as a power of the number of labels, for a while (Hestness).

References
----------
J. Hestness and others, "Deep learning scaling is predictable, empirically", arXiv:1712.00409
(2017).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

# Fewer accuracies, or of numbers of labels that differ less, say nothing about a power.
_LEAST_POINTS = 5
_LEAST_RANGE = 2.0
# The power must be larger than this many of its standard errors.
_CERTAIN = 2.0
_LEVEL = 0.9


class ExpectedAccuracy(NamedTuple):
    """The accuracy to expect with more labels, with its 90% interval."""

    n_labels: int
    accuracy: float
    low: float
    high: float


def expected_accuracy(curve: Sequence[tuple[int, float]]) -> ExpectedAccuracy | None:
    """Return the accuracy to expect with twice as many labels, or None if it cannot be told.

    It can if there are five accuracies without a perfect one, if the last has twice as many labels
    as the first, and if mistakes have become fewer beyond doubt.

    Parameters
    ----------
    curve : sequence of (int, float)
        Number of labels and accuracy, in the order in which they were measured.
    """
    points = dict(curve)  # the last accuracy of each number of labels
    n = np.array(sorted(points), dtype=float)
    mistakes = 1 - np.array([points[int(each)] for each in n])
    if len(n) < _LEAST_POINTS or n[-1] < _LEAST_RANGE * n[0] or (mistakes <= 0).any():
        return None
    # log mistakes = level + slope (log n - center); its variance follows from counts of mistakes.
    center = np.log(n[-1])
    x, y = np.log(n) - center, np.log(mistakes)
    weights = n * mistakes / np.maximum(1 - mistakes, 1 / n)
    inverse = np.linalg.inv([[weights.sum(), weights @ x], [weights @ x, weights @ x**2]])
    level, slope = inverse @ [weights @ y, weights @ (x * y)]
    residuals = y - level - slope * x
    scatter = weights @ residuals**2 / (len(n) - 2)
    covariance = inverse * max(scatter, 1.0)
    if -slope <= _CERTAIN * np.sqrt(covariance[1, 1]):
        return None
    ahead = np.array([1.0, np.log(2)])
    spread = np.sqrt(ahead @ covariance @ ahead) * stats.t.ppf((1 + _LEVEL) / 2, len(n) - 2)
    logs = ahead @ [level, slope] + spread * np.array([0, 1, -1])
    expected, low, high = (float(each) for each in 1 - np.minimum(np.exp(logs), 1))
    return ExpectedAccuracy(2 * int(n[-1]), expected, low, high)
