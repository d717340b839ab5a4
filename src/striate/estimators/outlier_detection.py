"""Outliers by their reconstruction error: scores, a threshold, and predictions of −1 or 1.

The errors ½ ‖x̂ − x‖² of usual rows are nearly multiples of a χ² variable, whose cube root is nearly
normal for any number of degrees of freedom (Wilson and Hilferty). So median and quartiles of the
cube roots say which errors are too large for a usual row, even if a fifth of the rows are outliers.
"""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from .sklearn_private import Interval, StrOptions

# The share of usual rows that lie beyond the threshold of contamination="auto".
_USUAL_BEYOND = 0.01
# Quartiles of the normal distribution are this far apart, in standard deviations.
_QUARTILES_APART = 2 * norm.ppf(0.75)
# Relative distance below which two errors differ by rounding only.
_ROUNDING = 1e-6


def outlier_offset(scores: npt.NDArray[Any], contamination: float | str = "auto") -> float:
    """Return the score below which a row is an outlier.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Minus the errors of the training rows: 0 or below.
    contamination : "auto" or float, default="auto"
        "auto" for the error that one in a hundred usual rows exceeds, or one in a hundred training
        rows if that is lower; or the share of the training rows that are outliers, above 0 and at
        most 0.5.

    Returns
    -------
    float

    References
    ----------
    .. [1] E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", Proceedings of the
       National Academy of Sciences 17 (1931).

    Examples
    --------
    >>> import numpy as np
    >>> errors = np.random.default_rng(0).chisquare(5, 10_000)
    >>> bool(0.008 < np.mean(-errors < outlier_offset(-errors)) < 0.012)
    True
    >>> outlier_offset(np.array([-9.0, -2.0, -1.0]), contamination=0.25)
    -5.5
    """
    errors = np.minimum(-scores.astype(np.float64), np.finfo(np.float64).max / 4)
    if contamination != "auto":
        return -float(np.quantile(errors, 1 - float(contamination)))
    low, middle, high = np.quantile(np.cbrt(errors), [0.25, 0.5, 0.75])
    deviation = (high - low) / _QUARTILES_APART
    usual = (middle + norm.ppf(1 - _USUAL_BEYOND) * deviation) ** 3
    return -float(min(usual, np.quantile(errors, 1 - _USUAL_BEYOND)) * (1 + _ROUNDING))


class OutlierDetection(OutlierMixin):
    """Mixin for estimators with `score_samples`, whose scores are minus an error.

    Its `fit` sets `offset_` by `outlier_offset` of the training rows' scores.
    """

    contamination: float | str
    offset_: float

    _contamination_constraint: ClassVar[list[object]] = [
        StrOptions({"auto"}),
        Interval(Real, 0, 0.5, closed="right"),
    ]

    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Return `score_samples` minus `offset_`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Negative for outliers, and 0 or above for inliers.

        Raises
        ------
        ValueError
            If the model was saved by a version without `offset_`.
        """
        check_is_fitted(self)
        if not hasattr(self, "offset_"):
            raise ValueError(
                f"this {type(self).__name__} has no offset_, since it is from an earlier version "
                "of Striate: fit it again, or set offset_ to the lowest score of an inlier"
            )
        scores: npt.NDArray[Any] = self.score_samples(X)
        # In float64, where it is negative if and only if the score is below the offset.
        return (scores - np.float64(self.offset_)).astype(scores.dtype)

    def predict(self, X: Any) -> npt.NDArray[np.intp]:
        """Return -1 for outliers and 1 for inliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int of shape (n_samples,)

        Raises
        ------
        ValueError
            As from `decision_function`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)
