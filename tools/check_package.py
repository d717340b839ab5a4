"""Build the wheel and the source distribution in dist/, and try both in empty environments."""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
FIT = "import numpy, striate; striate.SparseAutoencoder(2).fit(numpy.eye(9, 4))"


def main():
    """Build, and try what was built."""
    os.environ.pop("PYTHONPATH", None)  # it could lead to the source
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="striate-") as folder:
        os.chdir(folder)  # away from the source
        python = environment("builder", "build")
        run(python, "-m", "build", "--outdir", DIST, ROOT)
        (wheel,) = DIST.glob("*.whl")
        (sdist,) = DIST.glob("*.tar.gz")
        python = environment("application", f"{wheel}[app]")
        run(python, ROOT / "tools" / "smoke_test.py")
        python = environment("library", sdist)  # without any extra
        run(python, "-c", FIT)
        os.chdir(ROOT)  # Windows cannot remove the current folder
    print(f"Built and tried: {wheel.relative_to(ROOT)}, {sdist.relative_to(ROOT)}")


def environment(name, requirement):
    """Make an environment with what is required, and return its Python."""
    print(f"Installing {requirement}", flush=True)
    venv.create(name, with_pip=True)
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = Path(name, scripts, "python").absolute()
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement)
    return python


def run(*command):
    """Run a command, and end with its status if it fails."""
    try:
        subprocess.run(command, check=True)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
