"""Minibatches of rows on the disk: seconds for each row, against rows in memory."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from striate import MLPClassifier

from .limited_process import result_of
from .result_tables import Report, ValueTargets
from .stored_rows import GB, digits, remove, write_repeated

#: The sizes of the targets: `python -m benchmarks scale-training --full`.
FULL = {"gigabytes": (1, 5, 20)}


def measure(gigabytes=(1, 3), n_rows=60_000, rounds=2):
    """Measure epochs over files of some sizes, and over the smallest one in memory."""
    table = ValueTargets()
    report = Report("Training from the disk", [table], [])
    X, y = digits(n_rows)
    # Compiled here, since that takes memory. OpenBLAS would wait for it forever.
    MLPClassifier((100,)).partial_fit(X[:1000], y[:1000], classes=np.unique(y))
    X = X[: max(1, int(min(gigabytes) * GB / X[0].nbytes))]
    y = y[: len(X)]
    found = {}
    with tempfile.TemporaryDirectory(prefix="striate-scale-") as name:
        folder, small = Path(name), min(gigabytes)
        for kind in ("npy", "zarr"):
            for size in gigabytes if kind == "npy" else gigabytes[:2]:
                path = folder / f"large.{kind}"
                labels = write_repeated(path, X, y, size * GB)
                epochs = max(1, round(10 * small / size))
                if (kind, size) == ("npy", small):
                    _run(found, "memory", rounds, path, labels, epochs, "--in-memory")
                    table.for_the_record("reading the smallest file: GB/s", _rate(path))
                _run(found, (kind, size), rounds, path, labels, epochs)
                remove(path)
    _fill(table, found, gigabytes)
    report.remarks += [
        "784-100-10 with Adam, in a process that may allocate 1.5 GB; pages of mapped files are "
        f"not counted. The shortest of {rounds} runs, of ten times the rows of the smallest file "
        "or of one epoch.",
        "Nothing was subtracted for the disk: files that fit in the memory of the machine were in "
        "its page cache.",
    ]
    return report


def _run(found, key, rounds, path, labels, epochs, *options):
    """Keep the shortest of some runs."""
    runs = [
        result_of("stored_training", path, labels, "--epochs", epochs, *options, seconds=3600)
        for _ in range(rounds if epochs > 1 else 1)
    ]
    found[key] = min(runs, key=lambda run: run["seconds"])


def _fill(table, found, gigabytes):
    memory = found["memory"]
    table.for_the_record("in memory: µs for each row", 1e6 * _per_row(memory))
    table.for_the_record("the same in processor time", 1e6 * _per_row(memory, "processor"))
    for kind, name in (("npy", "a memory map"), ("zarr", "Zarr")):
        for size in (size for size in gigabytes if (kind, size) in found):
            run, what = found[kind, size], f"{size} GB in {name}"
            ratio = _per_row(run) / _per_row(memory)
            table.at_most(f"{what}: seconds for each row, in memory = 1", ratio, 1.3)
            ratio = _per_row(run, "processor") / _per_row(memory, "processor")
            table.for_the_record(f"{what}: the same in processor time", ratio)
            table.for_the_record(f"{what}: largest memory in use, GB", run["peak"])
    smallest, largest = (found["npy", size] for size in (gigabytes[0], gigabytes[-1]))
    if len(gigabytes) > 1:
        what = f"seconds for each row of {gigabytes[-1]} GB over those of {gigabytes[0]} GB"
        table.at_most(what, _per_row(largest) / _per_row(smallest), 1.3)


def _per_row(run, what="seconds"):
    return run[what] / run["rows"]


def _rate(path):
    """Return how fast a file is read into memory that is used again, in GB/s."""
    os.sync()
    buffer, n, start = bytearray(2**20), 0, time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            n += size
    return n / GB / (time.perf_counter() - start)
