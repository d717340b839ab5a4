"""Try an installed Striate without its source: `python tools/smoke_test.py` in any folder.

It needs the extra `app`, writes to a temporary folder only, and takes two minutes.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import metadata
from pathlib import Path

os.environ["MPLBACKEND"] = "agg"  # no window

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

import striate
from striate.persistence import load, save

QUICK = ["--n-features", "8", "--patch-size", "6", "--n-patches", "400", "--max-iter", "200"]


def main():
    """Try the library, then the commands."""
    assert_installed()
    namespace = run_readme()
    with tempfile.TemporaryDirectory(prefix="striate-") as folder:
        os.chdir(folder)
        save_and_load(namespace["features"], namespace["images"][:50])
        write_digits()
        command("--version")
        command("learn", "digits", "--out", "features.skops", *QUICK)
        command("train", "digits", "--features", "features.skops", "--out", "model.skops")
        command("report", "model.skops", "--out", "report.html")
        command("predict", "model.skops", "digits")
        command("demo", "--out", "demo")
        for page in ("report.html", "demo/index.html"):
            assert "data:image/png" in Path(page).read_text(encoding="utf-8"), page
        os.chdir("/")  # Windows removes no current folder
    print("smoke test passed")


def assert_installed():
    """Assert that it is not a checkout that is tried."""
    package = Path(striate.__file__).parent
    installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    assert package.parent in installed, f"{package} is not installed"
    assert metadata("striate")["Version"] == striate.__version__
    assert all(getattr(striate, name) for name in striate.__all__)
    print(f"Striate {striate.__version__}, Python {sys.version.split()[0]}, {package}", flush=True)


def run_readme():
    """Run the ten lines of the README, which is part of the package's metadata."""
    code = re.search(r"```python\n(.*?)```", metadata("striate")["Description"], flags=re.DOTALL)
    namespace = {}
    exec(code[1], namespace)
    score = namespace["model"].score(namespace["images"][200:], namespace["labels"][200:])
    assert score > 0.8, score
    return namespace


def save_and_load(features, images):
    """Get the same features from a saved model."""
    save(features, "saved.skops")
    np.testing.assert_array_equal(load("saved.skops").transform(images), features.transform(images))


def write_digits():
    """Write images of two classes."""
    digits = load_digits(n_class=2)
    for number, (image, label) in enumerate(zip(digits.images[:40], digits.target, strict=False)):
        path = Path("digits", f"class {label}", f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.kron(image * 255 / 16, np.ones((4, 4)))
        Image.fromarray(pixels.astype(np.uint8)).save(path)


def command(*arguments):
    """Run a command of the installed package."""
    print("$ striate", *arguments, flush=True)
    striate_command = shutil.which("striate", path=sysconfig.get_path("scripts"))
    assert striate_command, "the command striate is not installed"
    subprocess.run([striate_command, *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
