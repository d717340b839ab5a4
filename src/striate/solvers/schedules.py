"""Learning-rate schedules: η of each step of an epoch, and what a plateau does to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .saved_state import Stateful

#: Share of η where a rise begins, and where "exponential" ends.
FIRST, LAST = 0.04, 0.01
#: Share of the training in which "one_cycle" and "warmup" raise η.
CYCLE_RISE, WARMUP_RISE = 0.3, 0.05


class Schedule(Stateful):
    """η of the next epoch, in the attribute `rate`."""

    changing = ("rate",)
    rate: float
    #: What to report when training stops at a plateau.
    last_message: ClassVar[str] = "Stopping."
    #: Whether the training is planned to last for all epochs.
    has_end: ClassVar[bool] = False

    def rates(self, n_iter: int, n_batches: int) -> Any:
        """Return η of each step of the next epoch: one number, or (n_batches, 1) numbers.

        Parameters
        ----------
        n_iter : int
            Number of epochs before it.
        n_batches : int
        """
        return self.rate

    def after_epoch(self, n_rows_seen: int) -> None:
        """Set the rate of the next epoch, given how many rows have been trained on."""

    def at_plateau(self) -> str | None:
        """Lower the rate and return what to report; None if training should stop."""
        return None


@dataclass
class Constant(Schedule):
    """η."""

    rate: float


@dataclass
class InverseScaling(Schedule):
    """η / (t + 1)^p after t rows."""

    rate: float
    power_t: float

    def __post_init__(self) -> None:
        self._initial = self.rate

    def after_epoch(self, n_rows_seen: int) -> None:
        """Set the rate of the next epoch, given how many rows have been trained on."""
        self.rate = self._initial / (n_rows_seen + 1) ** self.power_t


@dataclass
class Adaptive(Schedule):
    """η, divided by 5 at each plateau until it is at most 10⁻⁶."""

    rate: float
    last_message: ClassVar[str] = "Learning rate too small. Stopping."

    def at_plateau(self) -> str | None:
        """Lower the rate and return what to report; None if training should stop."""
        if self.rate <= 1e-6:
            return None
        self.rate /= 5
        return f"Setting learning rate to {self.rate:f}"


@dataclass
class OfShare(Schedule):
    """η times a function of the share of the training that is done, from 0 up to but not 1.

    Parameters
    ----------
    rate : float
        η.
    factor : callable
        Share ↦ number of at least 0.
    max_iter : int
        Number of epochs of the whole training.
    n_before : float, default=0.0
        Number of epochs before the first one.
    """

    rate: float
    factor: Callable[[float], float]
    max_iter: int
    n_before: float = 0.0
    has_end: ClassVar[bool] = True

    def rates(self, n_iter: int, n_batches: int) -> npt.NDArray[np.float64]:
        """Return η of each step of the next epoch, (n_batches, 1).

        Raises
        ------
        ValueError
            If a factor is negative, not finite, or no number.
        """
        epochs = self.n_before + n_iter + np.arange(n_batches) / n_batches
        factors = [self._factor(min(share, 1.0)) for share in (epochs / self.max_iter).tolist()]
        return self.rate * np.array(factors).reshape(-1, 1)

    def _factor(self, share: float) -> float:
        try:
            found = self.factor(share)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "learning_rate must be a function of the share of the training, but at "
                f"{share:.3g} it failed: {error}"
            ) from error
        try:
            factor = float(found)
        except (TypeError, ValueError):
            factor = np.nan
        if not 0 <= factor < np.inf:
            raise ValueError(
                f"learning_rate must return numbers of at least 0, but at {share:.3g} of the "
                f"training it returned {found!r}."
            )
        return factor


def cosine(share: float) -> float:
    """Half a cosine from 1 to 0 (Loshchilov and Hutter, 2017)."""
    return 0.5 + 0.5 * np.cos(np.pi * share)


def exponential(share: float) -> float:
    """Fall by the same factor in each epoch, from 1 to 0.01."""
    return float(LAST**share)


def warmup(share: float) -> float:
    """Rise linearly from 0.04 to 1 in the first 5% of the training, and stay."""
    return min(1.0, FIRST + (1 - FIRST) * share / WARMUP_RISE)


def one_cycle(share: float) -> float:
    """Rise linearly from 0.04 to 1 in the first 30%, fall to 0 by half a cosine (Smith, 2018)."""
    if share < CYCLE_RISE:
        return FIRST + (1 - FIRST) * share / CYCLE_RISE
    return cosine((share - CYCLE_RISE) / (1 - CYCLE_RISE))


def four_cycles(share: float) -> float:
    """Rise and fall four times, from 0 to 1 to 0, each time for longer (Holzmüller, 2024)."""
    return float(0.5 - 0.5 * np.cos(2 * np.pi * np.log2(1 + 15 * share)))


#: Name: factor as a function of the share of the training.
FACTORS: dict[str, Callable[[float], float]] = {
    "cosine": cosine,
    "exponential": exponential,
    "one_cycle": one_cycle,
    "warmup": warmup,
}
