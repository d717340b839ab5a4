"""Errors of a regression on images that it was not trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GroupKFold, KFold

from .image_classifier import fit_image_regressor
from .progress_protocol import Progress, no_progress

Numbers = NDArray[np.float64]

_MOST_FOLDS = 5
_N_SAMPLES = 1000  # of the bootstrap
_LEVELS = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class HeldOutNumbers:
    """Numbers predicted for images that the regression was not trained on.

    Attributes
    ----------
    true : ndarray of shape (n_images,)
        True numbers.
    predicted : ndarray of shape (n_images,)
        Predicted numbers.
    folds : ndarray of int of shape (n_images,)
        Fold that each image was held out in; all 0 if one model predicted all images.
    groups : ndarray of int of shape (n_images,)
        Group of each image; a group is drawn as a whole for the intervals.
    """

    true: Numbers
    predicted: Numbers
    folds: NDArray[np.intp]
    groups: NDArray[np.intp]

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.folds.max()) + 1

    @property
    def mean_absolute_error(self) -> float:
        """Mean absolute error, in the unit of the labels."""
        return float(mean_absolute_error(self.true, self.predicted))

    @property
    def r2(self) -> float:
        """Coefficient of determination: 1 is perfect, 0 as good as the mean of all."""
        return float(r2_score(self.true, self.predicted))

    @property
    def baseline(self) -> float:
        """Mean absolute error of always predicting the median."""
        return float(np.abs(self.true - np.median(self.true)).mean())

    def interval(self, score: Callable[..., float]) -> tuple[float, float]:
        """Return the bootstrap's 95% interval of a score, over images or groups.

        Parameters
        ----------
        score : callable
            Function of the true and the predicted numbers and of ``sample_weight``.
        """
        rng = np.random.default_rng(0)
        n_groups = int(self.groups.max()) + 1
        scores = []
        for _ in range(_N_SAMPLES):
            times = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)
            weights = times[self.groups]
            if np.ptp(self.true[weights > 0]) > 0:  # R² of equal numbers is undefined
                scores.append(score(self.true, self.predicted, sample_weight=weights))
        low, high = np.quantile(scores, _LEVELS) if scores else (np.nan, np.nan)
        return float(low), float(high)

    def lines(self) -> list[str]:
        """Return the scores with their intervals, one per line."""
        (low, high), (lowest, highest) = map(self.interval, (mean_absolute_error, r2_score))
        return [
            f"mean absolute error: {self.mean_absolute_error:.4g} [{low:.4g}, {high:.4g}] "
            f"(always the median: {self.baseline:.4g})",
            f"R²: {self.r2:.3f} [{lowest:.3f}, {highest:.3f}]",
        ]

    def largest_errors(self, n: int) -> NDArray[np.intp]:
        """Return at most `n` images, those with the largest errors first."""
        return np.argsort(-np.abs(self.predicted - self.true), kind="stable")[:n]

    def summary(self) -> dict[str, Any]:
        """Return what a model file keeps, as plain numbers."""
        return {"mean_absolute_error": self.mean_absolute_error, "r2": self.r2}


def cross_validate_numbers(
    X: NDArray[Any],
    y: Numbers,
    progress: Progress = no_progress,
    *,
    groups: NDArray[Any] | None = None,
) -> HeldOutNumbers:
    """Predict each image by a regression fitted to the other folds, at most five.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    y : ndarray of shape (n_images,)
        Labels.
    progress : callable
        Shows progress over the folds.
    groups : ndarray of shape (n_images,), default=None
        Groups of images that are in one fold.
    """
    codes = group_codes(groups, len(y))
    n_folds = min(_MOST_FOLDS, int(codes.max()) + 1)
    if groups is None:
        splits = list(KFold(n_folds, shuffle=True, random_state=0).split(X))
    else:
        splits = list(GroupKFold(n_folds, shuffle=True, random_state=0).split(X, groups=codes))
    predicted, folds = np.empty(len(y)), np.empty(len(y), dtype=np.intp)
    for k, (train, test) in enumerate(progress(splits, "Cross-validating")):
        folds[test] = k
        of_train = None if groups is None else codes[train]
        predicted[test] = fit_image_regressor(X[train], y[train], of_train).predict(X[test])
    return HeldOutNumbers(y, predicted, folds, codes)


def group_codes(groups: NDArray[Any] | None, n_images: int) -> NDArray[np.intp]:
    """Return groups as 0, 1, 2, …; without groups, each image is one."""
    if groups is None:
        return np.arange(n_images)
    codes: NDArray[np.intp] = np.unique(groups, return_inverse=True)[1]
    return codes


def evaluate_numbers(
    model: Any, X: NDArray[Any], y: Numbers, groups: NDArray[Any] | None = None
) -> HeldOutNumbers:
    """Predict new images by a fitted regression that was trained on none of them."""
    predicted = np.asarray(model.predict(X), dtype=float)
    return HeldOutNumbers(y, predicted, np.zeros(len(y), np.intp), group_codes(groups, len(y)))
