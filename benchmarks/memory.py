"""Peak memory of `PatchFeatures.transform` beyond its input and output, in a process of its own."""

import contextlib
import ctypes
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from .timing import Spread

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

#: Only Linux tells the peak of a part of a program.
CAN_BE_MEASURED = STATUS.exists()


def of_features(n_images, n_units, repeats=2):
    """Megabytes, in `repeats` new processes."""
    command = [sys.executable, "-m", "benchmarks.memory", str(n_images), str(n_units)]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(repeats)
    ]
    return Spread(np.array([json.loads(run.stdout) for run in runs]))


def _kilobytes(name):
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return int(facts[name].removesuffix("kB"))


def _measure(n_images, n_units):
    from . import image_features

    few = image_features.crops(4)
    model = image_features.learned(few, n_units, max_iter=1, n_patches=1000)
    model.transform(few)  # compiled code and libraries are in memory now
    images = image_features.crops(n_images)
    with contextlib.suppress(AttributeError):  # what is free goes back: it would hide new needs
        ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # the peak counts from here
    before = _kilobytes("VmRSS")
    features = model.transform(images)
    return (_kilobytes("VmHWM") - before) * 1024 / 1e6 - features.nbytes / 1e6


if __name__ == "__main__":
    print(json.dumps(_measure(*map(int, sys.argv[1:]))))
