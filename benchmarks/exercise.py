"""What an exercise is, what it is given to work with, and what it finds."""

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich import get_console

from .report import Table, duration


@dataclass(frozen=True)
class Exercise:
    """A row of the table.

    `title` is also the heading of its section on the page, `run` takes a `Work` and returns a
    `Found`, or None where its data are not to be had.
    """

    name: str
    title: str
    settings: str
    published: str
    run: Callable[["Work"], "Found | None"]


@dataclass(frozen=True)
class Picture:
    """A PNG file, what it shows in words, what is said below it, and its width on the page."""

    name: str
    png: bytes
    alt: str
    caption: str
    width: int = 560


@dataclass
class Found:
    """What came out of an exercise: `ours` is the cell of the table, the rest is its section's."""

    ours: str
    tables: list[Table]
    pictures: list[Picture] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Checks(Table):
    """Single figures, and what they must be."""

    def __init__(self):
        super().__init__(("", "ours", "aim", ""))

    def at_least(self, what, value, aim, form="{:.2f}"):
        self._add(what, value, f"at least {form.format(aim)}", value >= aim, form)

    def at_most(self, what, value, aim, form="{:.2f}"):
        self._add(what, value, f"at most {form.format(aim)}", value <= aim, form)

    def for_the_record(self, what, value, form="{:.2f}"):
        self.add(what, form.format(value), "", "")

    def _add(self, what, value, aim, reached, form):
        self.add(what, form.format(value), aim, "reached" if reached else "missed")


class Work:
    """One run of an exercise: tells its steps, times them, and limits them when it is a trial.

    Parameters
    ----------
    photographs : sequence of ndarray of shape (h, w, 1)
        Grey, with values in [0, 1].
    limit : int or None
        Iterations that a training may take at most, whatever the exercise asks.
    """

    def __init__(self, photographs: Sequence, limit: int | None = None):
        self.photographs, self.limit = photographs, limit
        self.steps: dict[str, float] = {}

    @contextmanager
    def step(self, title):
        print(f"  {title} …", flush=True)
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self.add(title, seconds)
        print(f"    {duration(seconds)}", flush=True)

    def add(self, title, seconds):
        """Counts seconds in, be it for a step that was done before."""
        self.steps[title] = self.steps.get(title, 0) + seconds

    @property
    def seconds(self):
        return sum(self.steps.values())

    def at_most(self, n):
        """n iterations, or fewer in a trial."""
        return n if self.limit is None else min(n, self.limit)

    def fit(self, estimator, *data):
        """The estimator, fitted, with a progress bar on a terminal."""
        if get_console().is_terminal and hasattr(estimator, "set_callbacks"):
            from sklearn.callback import ProgressBar

            estimator.set_callbacks(ProgressBar())
        return estimator.fit(*data)

    def table(self):
        """Steps and their seconds."""
        table = Table(("step", "time"))
        for title, seconds in self.steps.items():
            table.add(title, duration(seconds))
        return table
