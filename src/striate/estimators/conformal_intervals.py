"""Prediction intervals with a guaranteed coverage, from the errors on rows not trained on.

For rows exchangeable with those of the calibration, the interval of a new row has its y with at
least the probability that was asked for, whatever the model.

References
----------
V. Vovk and others, "Algorithmic learning in a random world" (2005). Y. Romano, E. Patterson and
E. Candès, "Conformalized quantile regression", NeurIPS (2019).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

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


class ConformalIntervals(ABC):
    """Intervals of a regressor that predicts means, medians or quantiles."""

    n_outputs_: int

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """Predict numbers, (n_samples,) or (n_samples, n_outputs)."""

    @abstractmethod
    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Check rows that were not used for training; return X as `predict` takes it, and y."""

    @abstractmethod
    def _levels(self) -> list[float]:
        """Return the levels of the quantiles; none with another loss."""

    def calibrate_intervals(self, X: Any, y: Any) -> Self:
        """Learn how wide prediction intervals must be, from rows not used for training.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are several targets.
        """
        check_is_fitted(self)
        self._check_single_target()
        X, y = self._validate_held_out(X, y)
        predictions = self.predict(X).reshape(len(y), -1)
        self.calibration_errors_ = np.asarray(y, predictions.dtype).reshape(-1, 1) - predictions
        return self

    def predict_interval(self, X: Any, coverage: Any = 0.9) -> Array:
        """Predict intervals that have y with at least a given probability.

        The probability is that of the whole procedure, over rows exchangeable with those of
        `calibrate_intervals`. With several quantiles the width depends on X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        coverage : float, default=0.9
            Probability, between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper end.

        Raises
        ------
        ValueError
            If `calibrate_intervals` had too few rows for this coverage.
        NotFittedError
            If it was not called since the last fit.

        References
        ----------
        .. [1] Y. Romano, E. Patterson and E. Candès, "Conformalized quantile regression", NeurIPS
           (2019).

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from striate import MLPRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> regressor = MLPRegressor(
        ...     loss="quantile", quantile=[0.05, 0.5, 0.95], max_iter=20, random_state=0
        ... )
        >>> regressor.set_params(learning_rate="one_cycle").fit(X[:200], y[:200] / 100)
        MLPRegressor(...)
        >>> intervals = regressor.calibrate_intervals(X[200:300], y[200:300] / 100)
        >>> intervals.predict_interval(X[300:], coverage=0.9).shape
        (142, 2)
        """
        check_is_fitted(self)
        if not hasattr(self, "calibration_errors_"):
            raise NotFittedError(
                "predict_interval needs calibrate_intervals(X, y) first, with rows that were not "
                "used for training."
            )
        if not isinstance(coverage, int | float | np.floating) or not 0 < coverage < 1:
            raise ValueError(f"coverage must be a number between 0 and 1, got {coverage!r}.")
        predictions = self.predict(X)
        return conformal_interval(
            predictions.reshape(len(predictions), -1),
            self.calibration_errors_,
            float(coverage),
            self._levels(),
        )

    def _check_single_target(self) -> None:
        if self.n_outputs_ > max(1, len(self._levels())):
            raise ValueError(
                f"Intervals are for a single target, and this regressor has {self.n_outputs_}."
            )
