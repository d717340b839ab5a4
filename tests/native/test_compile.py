"""What is compiled is kept on disk until its source changes."""

import importlib
import shutil
import sys
from pathlib import Path

import numpy as np

import striate
from striate.native import code_cache


def test_a_change_in_what_compiled_code_calls(tmp_path, monkeypatch):
    """The kernel's own file stays as it is; the function that it calls is in another."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.syspath_prepend(tmp_path)
    images = tmp_path / "copied_images"
    shutil.copytree(
        Path(striate.__file__).parent / "images",
        images,
        ignore=shutil.ignore_patterns("__pycache__"),
    )

    def first_number():
        """The first number of a patch, computed as by a new process."""
        code_cache._stamp.cache_clear()
        for name in [name for name in sys.modules if name.startswith(images.name)]:
            del sys.modules[name]
        convolution, patches = (
            importlib.import_module(f"{images.name}.convolution"),
            np.ones((1, 4)),
        )
        settings = convolution.Patches(2, 2, 1, 1, 1.0)
        convolution.gather_patches(np.ones((1, 2, 2, 1)), settings, (0, 0, 1), 0, patches)
        return patches[0, 0]

    assert first_number() == 0
    called, line = images / "patches.py", "patch[j] -= mean\n"
    source = called.read_text(encoding="utf-8")
    assert line in source
    called.write_text(source.replace(line, "patch[j] -= mean + 5\n"), encoding="utf-8")
    assert first_number() == -5
