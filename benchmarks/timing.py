"""Times of contenders that take turns, and ratios of the times of one turn."""

import contextlib
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .environment import threads

#: Seconds between two contenders: threads of the one, which wait in a loop, fall asleep.
PAUSE = 0.25
#: In the names of contenders.
THREADS = {1: "1 thread", 2: "2 threads"}


@dataclass(frozen=True)
class Contender:
    """Something to be timed: `run()`, with so many threads allowed; None leaves that to itself."""

    name: str
    run: Callable[[], object]
    n_threads: int | None = 1


@dataclass(frozen=True)
class Spread:
    """Values of one quantity, turn by turn."""

    values: np.ndarray

    @property
    def median(self):
        return float(np.median(self.values))

    @property
    def quartiles(self):
        low, high = np.quantile(self.values, (0.25, 0.75))
        return float(low), float(high)

    def __truediv__(self, other):
        """Ratios, turn by turn: what slows the machine for a while slows both."""
        return Spread(self.values / getattr(other, "values", other))

    def __rtruediv__(self, number):
        return Spread(number / self.values)


def take_turns(contenders, rounds):
    """Seconds of each contender, as a dict from name to `Spread`.

    In each round every contender runs once; each round begins with the next one of them. What a
    first run does once (compiling, filling caches) belongs before this call.
    """
    seconds = {contender.name: np.empty(rounds) for contender in contenders}
    for turn in range(rounds):
        first = turn % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            allowed = contender.n_threads
            with threads(allowed) if allowed else contextlib.nullcontext():
                gc.collect()
                time.sleep(PAUSE)
                start = time.perf_counter()
                contender.run()
                seconds[contender.name][turn] = time.perf_counter() - start
    return {name: Spread(values) for name, values in seconds.items()}


def difference(a, b):
    """Largest difference of two results, relative to the largest value."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"results of shapes {a.shape} and {b.shape} cannot be compared")
    return float(np.abs(a - b).max() / np.abs(b).max())


def check_same(what, a, b, limit):
    """Says how much two results differ; raises if by more than `limit` (NaN included)."""
    found = difference(a, b)
    if not found <= limit:
        raise RuntimeError(f"{what}: results differ by {found:.1e}, more than {limit:.0e}")
    return f"{what}: differs by {found:.0e} (at most {limit:.0e} allowed)"
