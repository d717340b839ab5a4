"""Stopping rules of minibatch training: objects that watch the loss or a score, and decide."""

import math
from abc import ABC, abstractmethod
from enum import Enum
from typing import ClassVar

import numpy as np

from striate.solvers.saved_state import Stateful

from .validation import Theta, Validation


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
    validation : Validation, default=None
        What is measured on validation rows, if there are any.

    Attributes
    ----------
    best, n_no_improvement : float, int
    """

    changing: ClassVar[tuple[str, ...]] = ("best", "n_no_improvement")
    #: What the rule watches, for messages.
    watched = "Training loss"

    def __init__(
        self,
        tol: float,
        patience: float,
        best: float,
        n_no_improvement: int = 0,
        validation: Validation | None = None,
    ) -> None:
        self.tol, self.patience, self.validation = tol, patience, validation
        self.best, self.n_no_improvement = best, n_no_improvement

    def __call__(self, theta: Theta, loss: float) -> Decision:
        """Decide after an epoch that ended at θ with this loss."""
        validation = self.validation
        if not math.isfinite(loss):
            if validation is not None:
                validation.diverged()
            return Decision.DIVERGED
        score = np.nan if validation is None else validation.after_epoch(theta)
        self.n_no_improvement = 0 if self._improved(loss, score) else self.n_no_improvement + 1
        at_plateau = self.n_no_improvement > self.patience
        return Decision.PLATEAU if at_plateau else Decision.CONTINUE

    @property
    def has_best(self) -> bool:
        """Whether `best_of` returns a θ from before a divergence."""
        return self.validation is not None and self.validation.has_best

    @abstractmethod
    def _improved(self, loss: float, score: float) -> bool:
        """Return whether the epoch was an improvement, and remember the best."""

    def best_of(self, theta: Theta) -> Theta:
        """Return the θ to keep, given the last one."""
        return theta if self.validation is None else self.validation.best_of(theta)


class LossPlateau(StoppingRule):
    """No fall of the loss by `tol`, as in scikit-learn's perceptrons."""

    def _improved(self, loss: float, score: float) -> bool:
        improved = loss <= self.best - self.tol
        self.best = min(self.best, loss)
        return improved


class RelativeLossPlateau(StoppingRule):
    """No fall of the loss by the share `tol` of the best one."""

    def _improved(self, loss: float, score: float) -> bool:
        improved = loss < self.best * (1 - self.tol)
        self.best = min(self.best, loss)
        return improved


class ScorePlateau(StoppingRule):
    """No rise by `tol` of the score of the validation rows, as in scikit-learn's early stopping."""

    watched = "Validation score"

    def _improved(self, loss: float, score: float) -> bool:
        improved = not score < self.best + self.tol
        self.best = max(self.best, score)
        return improved
