"""Run a module of the benchmarks in a new process, for which memory or time may be limited."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path


class StalledError(RuntimeError):
    """The process did not end in time."""


def result_of(module, *arguments, seconds=600, n_threads=None):
    """Return what a module prints as JSON in its last line.

    Raises
    ------
    StalledError
        If it takes longer than some seconds.
    RuntimeError
        If it fails.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    threads = {} if n_threads is None else {"OMP_NUM_THREADS": str(n_threads)}
    try:
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env=os.environ | threads,
        )
    except subprocess.TimeoutExpired as error:
        raise StalledError(f"{module}: did not end in {seconds} s") from error
    if run.returncode:
        raise RuntimeError(run.stderr[-2000:])
    return json.loads(run.stdout.splitlines()[-1])


def limit_memory(n_bytes):
    """Limit what this process may allocate; pages of mapped files do not count."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(n_bytes), int(n_bytes)))


def peak():
    """Return the largest amount of memory that was in use, in GB; with pages of mapped files."""
    # Not getrusage, whose maximum a new process takes over from the one that started it.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20
