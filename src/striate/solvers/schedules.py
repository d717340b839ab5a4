"""Learning-rate schedules: the η of each epoch, and what a plateau does to it."""

from dataclasses import dataclass
from typing import ClassVar

from .saved_state import Stateful


class Schedule(Stateful):
    """η for the next epoch, in the attribute `rate`."""

    changing = ("rate",)
    rate: float
    #: What to report when training stops at a plateau.
    last_message: ClassVar[str] = "Stopping."

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
