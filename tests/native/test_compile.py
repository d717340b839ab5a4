"""What is compiled is kept on disk until its source changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import striate

PROGRAM = """
import numpy as np
from striate.images.convolution import Patches, gather_patches
patches = np.empty((1, 4))
gather_patches(np.ones((2, 2, 1)), Patches(2, 2, 1, 1, 1.0), (0, 0, 1), 0, patches)
print(patches[0, 0])
"""


def test_a_change_in_what_compiled_code_calls(tmp_path):
    """The kernel's own file stays as it is; the function that it calls is in another."""
    package = tmp_path / "striate"
    shutil.copytree(
        Path(striate.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "__init__.py").write_text("")  # which imports all other parts
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "compiled"),
    }

    def first_number():
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert first_number() == 0
    called, line = package / "images" / "patches.py", "patch[j] -= mean\n"
    source = called.read_text(encoding="utf-8")
    assert line in source
    called.write_text(source.replace(line, "patch[j] -= mean + 5\n"), encoding="utf-8")
    assert first_number() == -5
