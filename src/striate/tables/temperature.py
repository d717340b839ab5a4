"""A temperature for logits: what makes probabilities of classes as sure as they are right.

p = softmax(β z), with β = 1 / temperature at the least log-loss of rows that were not trained on.

References
----------
C. Guo and others, "On calibration of modern neural networks", ICML (2017).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, softmax

Array = npt.NDArray[Any]

#: Bounds of β.
LOWEST, HIGHEST = 0.02, 50.0
_MAX_STEPS, _TOLERANCE = 30, 1e-4


def probabilities(logits: Array, beta: float = 1.0) -> Array:
    """Return p (n_samples, n_classes) of logits; one column of logits stands for two classes."""
    return softmax(beta * _all_logits(logits), axis=1)


def log_loss_of(logits: Array, codes: Array, weights: Array, beta: float) -> float:
    """Return the mean of −log p of the classes of the rows.

    One more row counts, for which all classes are equally likely: if all rows are right, β stays
    finite.
    """
    log_p = log_softmax(beta * _all_logits(logits), axis=1)
    of_rows = np.take_along_axis(log_p, codes[:, np.newaxis], axis=1).ravel()
    share = 1 / (len(codes) + 1)
    mean = np.average((1 - share) * of_rows + share * log_p.mean(axis=1), weights=weights)
    return -float(mean)


def fitted_beta(logits: Array, codes: Array, weights: Array) -> float:
    """Return the β of the least log-loss, which is a convex function of it, by Newton's method."""
    Z = _all_logits(logits).astype(np.float64)
    Z -= Z.max(axis=1, keepdims=True)
    share = 1 / (len(codes) + 1)
    w = weights / weights.sum()
    target = (1 - share) * Z[np.arange(len(Z)), codes] + share * Z.mean(axis=1)
    beta = 1.0
    for _ in range(_MAX_STEPS):
        p = softmax(beta * Z, axis=1)
        mean = (p * Z).sum(axis=1)
        slope = w @ (mean - target)
        curvature = w @ ((p * Z**2).sum(axis=1) - mean**2)
        if curvature <= 1e-12 * (abs(slope) + 1e-12):
            # Far from the minimum p is 0 or 1, and the curvature 0.
            step = beta / 2 if slope > 0 else -beta if slope < 0 else 0.0
        else:
            step = np.clip(slope / curvature, -beta, beta / 2)
        previous, beta = beta, float(np.clip(beta - step, LOWEST, HIGHEST))
        if abs(beta - previous) <= _TOLERANCE * beta:
            break
    return beta


def _all_logits(logits: Array) -> Array:
    return np.hstack([np.zeros_like(logits), logits]) if logits.shape[1] == 1 else logits
