"""Measure the additional peak memory of a piece of work, in a separate process."""

import contextlib
import ctypes
import gc
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from .timing import Spread

ROOT = Path(__file__).parents[1]
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

#: Only Linux reports the peak of part of a program.
CAN_BE_MEASURED = STATUS.exists()


def in_new_processes(measure, *arguments, repeats=2):
    """Return what `measure(*arguments)` returns in new processes, as a `Spread` of megabytes.

    Parameters
    ----------
    measure : function
        A function of a module, which calls `additional_megabytes`.
    *arguments
        Values that JSON can hold.
    """
    call = (measure.__module__, measure.__name__, json.dumps(arguments))
    command = [sys.executable, "-m", "benchmarks.peak_memory", *call]
    runs = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        for _ in range(repeats)
    ]
    return Spread(np.array([json.loads(run.stdout) for run in runs]))


def additional_megabytes(run):
    """Return the additional megabytes at the peak of `run`, and its result."""
    # Garbage and free memory would hide new allocations.
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # reset the peak
    before = _kilobytes("VmRSS")
    result = run()
    return (_kilobytes("VmHWM") - before) * 1024 / 1e6, result


def _kilobytes(name):
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return int(facts[name].removesuffix("kB"))


def main():
    module, name, arguments = sys.argv[1:]
    measure = getattr(importlib.import_module(module), name)
    print(json.dumps(measure(*json.loads(arguments))))


if __name__ == "__main__":
    main()
