"""Rows to validate with: what is measured on them after each epoch, and the best epoch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.solvers.saved_state import Stateful

Theta = npt.NDArray[Any]


class Rows(NamedTuple):
    """Rows with their targets in the form of the network's outputs, and their weights.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    """

    X: Any
    y: Any
    sample_weight: Any = None


class Validation(Stateful):
    """The scores and losses of validation rows after each epoch, and the best θ.

    Parameters
    ----------
    measure : callable
        θ ↦ score and loss of the rows; the score is NaN where predictions are not finite.
    theta : ndarray
        Where the training starts.
    scores, losses : list of float
        Those of earlier epochs, to which this training appends.
    best : float
        The best score of earlier epochs.
    restores : bool
        Whether θ of the best epoch is kept, not the last one.
    """

    changing = ("scores", "losses", "best", "_best_theta")

    def __init__(
        self,
        measure: Callable[[Theta], tuple[float, float]],
        theta: Theta,
        scores: list[float],
        losses: list[float],
        best: float,
        restores: bool = True,
    ) -> None:
        self._measure, self._best_theta = measure, theta.copy()
        self.scores, self.losses, self.best, self.restores = scores, losses, best, restores

    def after_epoch(self, theta: Theta) -> float:
        """Measure, remember the best, and return the score."""
        score, loss = self._measure(theta)
        self.scores.append(score)
        self.losses.append(loss)
        if score > self.best:
            self.best, self._best_theta = score, theta.copy()
        return score

    def diverged(self) -> None:
        """Record an epoch whose loss is not finite."""
        self.scores.append(np.nan)
        self.losses.append(np.nan)

    @property
    def has_best(self) -> bool:
        """Whether `best_of` returns a θ from before a divergence."""
        return self.restores and bool(np.isfinite(self.best))

    @property
    def score_of_kept(self) -> float:
        """The score of the θ that `best_of` returns; NaN before the first epoch."""
        if not self.scores:
            return np.nan
        return self.best if self.restores else self.scores[-1]

    def best_of(self, theta: Theta) -> Theta:
        """Return the θ to keep, given the last one."""
        return self._best_theta if self.restores else theta
