"""Stopping rules of minibatch training: objects that watch the loss or a score, and decide."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from striate.solvers.saved_state import Stateful

Theta = npt.NDArray[Any]


class Decision(Enum):
    """What a stopping rule says after an epoch."""

    CONTINUE = "continue"
    PLATEAU = "plateau"
    DIVERGED = "diverged"


class StoppingRule(Stateful, ABC):
    """Count the epochs without improvement, and find a plateau when there are too many.

    Parameters
    ----------
    tol : float
        How much of an improvement counts.
    patience : float
        A plateau is a run of more than this many epochs without improvement.
    best : float
        The best value before this training.
    n_no_improvement : int, default=0
        The number of epochs without improvement before this training.

    Attributes
    ----------
    best, n_no_improvement : float, int
    """

    changing: ClassVar[tuple[str, ...]] = ("best", "n_no_improvement")
    #: What the rule watches, for messages.
    watched = "Training loss"

    def __init__(self, tol: float, patience: float, best: float, n_no_improvement: int = 0) -> None:
        self.tol, self.patience = tol, patience
        self.best, self.n_no_improvement = best, n_no_improvement

    def __call__(self, theta: Theta, loss: float) -> Decision:
        """Decide after an epoch that ended at θ with this loss."""
        if not np.isfinite(loss):
            return Decision.DIVERGED
        self.n_no_improvement = 0 if self._improved(theta, loss) else self.n_no_improvement + 1
        at_plateau = self.n_no_improvement > self.patience
        return Decision.PLATEAU if at_plateau else Decision.CONTINUE

    @property
    def has_best(self) -> bool:
        """Whether `best_of` returns a θ from before a divergence."""
        return False

    @abstractmethod
    def _improved(self, theta: Theta, loss: float) -> bool:
        """Return whether the epoch was an improvement, and remember the best."""

    def best_of(self, theta: Theta) -> Theta:
        """Return the θ to keep, given the last one."""
        return theta


class LossPlateau(StoppingRule):
    """No fall of the loss by `tol`, as in scikit-learn's perceptrons."""

    def _improved(self, theta: Theta, loss: float) -> bool:
        improved = loss <= self.best - self.tol
        self.best = min(self.best, loss)
        return improved


class RelativeLossPlateau(StoppingRule):
    """No fall of the loss by the share `tol` of the best one."""

    def _improved(self, theta: Theta, loss: float) -> bool:
        improved = loss < self.best * (1 - self.tol)
        self.best = min(self.best, loss)
        return improved


class ScorePlateau(StoppingRule):
    """No rise by `tol` of a score on held-out rows, as in scikit-learn's early stopping.

    Parameters
    ----------
    score : callable
        θ ↦ score; NaN where predictions are not finite.
    theta : ndarray
        Where the training starts.
    scores : list of float
        The scores of earlier epochs, to which those of this training are appended.
    **rule
        Parameters of `StoppingRule`.
    """

    changing = (*StoppingRule.changing, "scores", "_best_theta")
    watched = "Validation score"

    def __init__(
        self, score: Callable[[Theta], float], theta: Theta, scores: list[float], **rule: Any
    ) -> None:
        super().__init__(**rule)
        self.score, self.scores, self._best_theta = score, scores, theta.copy()

    def _improved(self, theta: Theta, loss: float) -> bool:
        score = self.score(theta)
        self.scores.append(score)
        improved = not score < self.best + self.tol
        if score > self.best:
            self.best, self._best_theta = score, theta.copy()
        return improved

    def __call__(self, theta: Theta, loss: float) -> Decision:
        """Decide after an epoch that ended at θ with this loss."""
        decision = super().__call__(theta, loss)
        if decision is Decision.DIVERGED:
            self.scores.append(np.nan)
        return decision

    @property
    def has_best(self) -> bool:
        """Whether an epoch had a score."""
        return bool(np.isfinite(self.best))

    def best_of(self, theta: Theta) -> Theta:
        """Return the θ with the best score."""
        return self._best_theta
