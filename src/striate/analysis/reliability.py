"""Whether probabilities hold: how often predictions are correct, by what they claim.

References
----------
C. Guo and others, "On calibration of modern neural networks", ICML (2017).
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MOST_BINS = 10
# With fewer, chance alone would look like an error.
_LEAST_IMAGES = 50


class Reliability(NamedTuple):
    """Predictions in bins of equal numbers of images, the least sure first.

    Attributes
    ----------
    claimed : ndarray of shape (n_bins,)
        Mean probability of the predicted class.
    correct : ndarray of shape (n_bins,)
        Share of correct predictions.
    counts : ndarray of int of shape (n_bins,)
        Number of images.
    """

    claimed: NDArray[np.float64]
    correct: NDArray[np.float64]
    counts: NDArray[np.intp]

    @classmethod
    def of(cls, confidences: ArrayLike, is_correct: ArrayLike) -> Self:
        """Divide predictions into ten bins, or fewer so that each has 50 images.

        Parameters
        ----------
        confidences : array-like of shape (n_images,)
            Probability of the predicted class.
        is_correct : array-like of bool of shape (n_images,)
            Whether the prediction is correct.
        """
        p, correct = np.asarray(confidences, dtype=float), np.asarray(is_correct, dtype=float)
        order = np.argsort(p, kind="stable")
        n_bins = int(np.clip(len(p) // _LEAST_IMAGES, 1, _MOST_BINS))
        bins = np.array_split(order, n_bins)
        return cls(
            np.array([p[rows].mean() for rows in bins]),
            np.array([correct[rows].mean() for rows in bins]),
            np.array([len(rows) for rows in bins]),
        )

    @property
    def error(self) -> float:
        """Expected calibration error: the mean difference between claimed and true accuracy."""
        return float(np.average(np.abs(self.claimed - self.correct), weights=self.counts))

    def intervals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the 95% intervals of the shares, by Wilson's formula."""
        z, n, p = 1.96, self.counts, self.correct
        center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return np.maximum(center - half, 0), np.minimum(center + half, 1)

    def sentence(self) -> str:
        """Return the mean claim, the accuracy and the error, in one line."""
        claimed, correct = (
            float(np.average(each, weights=self.counts)) for each in (self.claimed, self.correct)
        )
        return (
            f"{claimed:.1%} claimed on average, {correct:.1%} correct; expected calibration error "
            f"{self.error:.1%}"
        )
