"""Try thousands of bad inputs, and count what comes of them."""

import contextlib
import os
import sys
import time
from collections import Counter
from tempfile import TemporaryDirectory

import striate
from benchmarks.result_tables import Report, Table

from .case import FAILURES, VERDICTS
from .worker import LIMIT, Outcome, try_cases, try_one

_SHOWN = 300  # characters of the details of a failure


def measure(n_cases: int = 10_000, seed: int = 0, n_workers: int | None = None) -> Report:
    """Try the cases 0 to n_cases − 1, and return the table of their verdicts."""
    start = time.monotonic()
    outcomes = []
    for outcome in try_cases(range(n_cases), seed, n_workers or min(2, os.cpu_count() or 1)):
        outcomes.append(outcome)
        if outcome.verdict in FAILURES:
            print(_line(outcome), file=sys.stderr, flush=True)
    minutes = (time.monotonic() - start) / 60
    failed = sorted(each.number for each in outcomes if each.verdict in FAILURES)
    run = f"{n_cases:,} cases with seed {seed}, in {minutes:.0f} min; limit per case: {LIMIT} s."
    remarks = [
        f"Striate {striate.__version__}; {run}",
        f"Failures: {', '.join(map(str, failed)) or 'none'}.",
    ]
    return Report("Bad inputs", [_table(outcomes)], remarks)


def show(number: int, seed: int = 0) -> None:
    """Try one case in this process; print the input and what happened."""
    with TemporaryDirectory(prefix="striate-campaign-") as folder, contextlib.chdir(folder):
        outcome = try_one(number, seed)
    print(f"case {number} ({outcome.family}): {outcome.text}\n{outcome.verdict}: {outcome.details}")


def _table(outcomes: list[Outcome]) -> Table:
    counts = Counter((each.family, each.verdict) for each in outcomes)
    table = Table(("", "cases", *VERDICTS))
    families = sorted({each.family for each in outcomes})
    for family in families:
        row = [counts[family, verdict] for verdict in VERDICTS]
        table.add(family, sum(row), *row)
    sums = [sum(counts[family, verdict] for family in families) for verdict in VERDICTS]
    table.add("all", sum(sums), *sums)
    return table


def _line(outcome: Outcome) -> str:
    """Return an outcome in one line, with the innermost frame of Striate."""
    said, *frames = outcome.details.splitlines() or [""]
    ours = [line.split("striate/")[-1] for line in frames if "/src/striate/" in line]
    place = f" ({ours[-1]})" if ours else ""
    return f"{outcome.number} {outcome.verdict}: {outcome.text} → {said[:_SHOWN]}{place}"
