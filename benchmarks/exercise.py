"""An exercise, its run, and its results."""

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich import get_console

from .result_tables import Table, duration


@dataclass(frozen=True)
class Exercise:
    """A row of the table.

    `title` is also the heading of its section on the page. `run` takes a `Work` and returns a
    `Results`, or None if its data are not available.
    """

    name: str
    title: str
    settings: str
    published: str
    run: Callable[["Work"], "Results | None"]


@dataclass(frozen=True)
class Picture:
    """A PNG file with its alternative text, caption, and width on the page."""

    name: str
    png: bytes
    alt: str
    caption: str
    width: int = 560


@dataclass
class Results:
    """Results of an exercise: `ours` for the table of all exercises, the rest for its section."""

    ours: str
    tables: list[Table]
    pictures: list[Picture] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Work:
    """One run of an exercise: prints and times its steps, and limits iterations in a trial run.

    Parameters
    ----------
    photographs : sequence of ndarray of shape (h, w, 1)
        Grey, with values in [0, 1].
    limit : int or None
        Maximum number of iterations of each training, overriding that of the exercise.
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
        """Add seconds to a step, which may have been done before."""
        self.steps[title] = self.steps.get(title, 0) + seconds

    @property
    def seconds(self):
        return sum(self.steps.values())

    def at_most(self, n):
        """Return n, or the limit of a trial run if it is less."""
        return n if self.limit is None else min(n, self.limit)

    def fit(self, estimator, *data):
        """Fit and return the estimator, with a progress bar on a terminal."""
        if get_console().is_terminal and hasattr(estimator, "set_callbacks"):
            from sklearn.callback import ProgressBar

            estimator.set_callbacks(ProgressBar())
        return estimator.fit(*data)

    def table(self):
        """Return the table of steps and their times."""
        table = Table(("step", "time"))
        for title, seconds in self.steps.items():
            table.add(title, duration(seconds))
        return table
