"""First use on a machine, which compiles, and later processes, which do not."""

import json
import os
import subprocess
import sys
import tempfile
from functools import partial

import numpy as np

from .result_tables import Report, SpreadTargets, Times
from .timing import Contender, Spread, take_turns

SKLEARN = "import sklearn"
IMPORT = "from striate import SparseAutoencoder"
FIT = "import and fit a tiny autoencoder"
# Exit at once: the cleanup at the end of a process is excluded.
AT_ONCE = "\nimport os; os._exit(0)"
IMPORTS = (SKLEARN, "from sklearn.neural_network import MLPRegressor", IMPORT)
CODE = {
    "Python alone": AT_ONCE,
    **{name: name + AT_ONCE for name in IMPORTS},
    FIT: (
        "import numpy as np\n"
        "from striate import SparseAutoencoder\n"
        "X = np.random.default_rng(0).random((100, 16), dtype=np.float32)\n"
        "SparseAutoencoder(4, max_iter=20, random_state=0).fit(X)" + AT_ONCE
    ),
}


def measure(first_uses=2, rounds=11):
    first, again = _compile(first_uses)
    with tempfile.TemporaryDirectory() as cache:
        processes = [Contender(name, partial(_run, code, cache)) for name, code in CODE.items()]
        for process in processes:
            process.run()  # compile once, and warm the system's file cache
        seconds = take_turns(processes, rounds)
    times, targets = Times(), SpreadTargets()
    for name, spread in seconds.items():
        times.add_time(f"new process: {name}", spread)
    times.add_time("demo on tiny data: first use", first["in all"])
    times.add_time("demo on tiny data: next process", again["in all"])
    targets.at_most("first use: total compilation time", first["compiling"], 15, "{:.1f} s")
    beyond = Spread(seconds[IMPORT].values - seconds[SKLEARN].values)
    targets.at_most(f"{IMPORT}, in addition to {SKLEARN}", beyond, 0.3, "{:.2f} s")
    targets.at_most(f"new process: {FIT}", seconds[FIT], 1.5, "{:.2f} s")
    return Report("First use, and later processes", [times, targets], [])


def _compile(repeats):
    """Return seconds with an empty cache, and with the cache just filled."""
    first: list[dict[str, float]] = []
    again: list[dict[str, float]] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            for runs in (first, again):
                out = _python(["-m", "benchmarks.compile_time"], cache)
                runs.append(json.loads(out))
    if any(run["compiling"] for run in again):
        raise RuntimeError(
            "a second process compiled again: is the cache in use, or has the source changed?"
        )
    return [
        {key: Spread(np.array([run[key] for run in runs])) for key in runs[0]}
        for runs in (first, again)
    ]


def _run(code, cache):
    _python(["-c", code], cache)


def _python(arguments, cache):
    env = os.environ | {"NUMBA_CACHE_DIR": cache}
    run = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed:\n{run.stderr}")
    return run.stdout
