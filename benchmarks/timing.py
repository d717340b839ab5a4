"""Time contenders in interleaved rounds, and compare them within each round."""

import contextlib
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .environment import threads

#: Seconds between two contenders, in which busy-waiting threads of the first go to sleep.
PAUSE = 0.25
#: In the names of contenders.
THREADS = {1: "1 thread", 2: "2 threads"}


@dataclass(frozen=True)
class Contender:
    """A function to be timed, `run()`, with a limit on threads; None for no limit."""

    name: str
    run: Callable[[], object]
    n_threads: int | None = 1


@dataclass(frozen=True)
class Spread:
    """Values of one quantity, one per round."""

    values: np.ndarray

    @property
    def median(self):
        return float(np.median(self.values))

    @property
    def quartiles(self):
        low, high = np.quantile(self.values, (0.25, 0.75))
        return float(low), float(high)

    def __truediv__(self, other):
        """Return the ratio in each round: temporary slowdowns of the machine affect both sides."""
        return Spread(self.values / getattr(other, "values", other))

    def __rtruediv__(self, number):
        return Spread(number / self.values)


def take_turns(contenders, rounds):
    """Return the seconds of each contender, as a dict from name to `Spread`.

    In each round every contender runs once, starting with a different one each time. Do one-time
    work (compiling, filling caches) before this call.
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
    """Return the largest difference of two results, relative to the largest value."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"results of shapes {a.shape} and {b.shape} cannot be compared")
    return float(np.abs(a - b).max() / np.abs(b).max())


def check_same(what, a, b, limit):
    """Describe how much two results differ; raise if by more than `limit` (or NaN)."""
    found = difference(a, b)
    if not found <= limit:
        raise RuntimeError(f"{what}: results differ by {found:.1e}, more than {limit:.0e}")
    return f"{what}: relative difference {found:.0e} (tolerance {limit:.0e})"
