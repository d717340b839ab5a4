"""Run commands of `striate` in this process, on images of stripes."""

from unittest.mock import patch

import numpy as np
import rich
from PIL import Image
from typer.testing import CliRunner

from striate.cli.app import app

QUICK = [
    "--encoder",
    "autoencoder",
    "--n-features",
    "8",
    "--patch-size",
    "6",
    "--n-patches",
    "400",
    "--max-iter",
    "10",
]


def invoke(*arguments):
    """Run a command; a classifier chooses between two penalties, which is quicker than ten."""
    with patch("striate.analysis.image_classifier._ALPHAS", (1e-2, 1.0)):
        return _invoke(*arguments)


def _invoke(*arguments):
    try:
        return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="striate")
    finally:
        rich.reconfigure()  # a command sends rich's output to standard error


def run(*arguments, status=0):
    """Run a command; return what it prints to standard output and to standard error."""
    result = invoke(*arguments)
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def succeed(*arguments):
    """Run a command that must have nothing to report; return its standard output."""
    printed, said = run(*arguments)
    assert said == ""
    return printed


def fail(*arguments, status=2):
    """Run a command that must fail; return its error message, one line."""
    result = invoke(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == status
    assert result.stderr.startswith("striate: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith("\n")
    assert "Wrote" not in result.stdout
    return result.stderr


def grating(axis, seed, size=24):
    """Draw stripes across (axis 0) or down (axis 1), with a random phase and some noise."""
    rng = np.random.default_rng([axis, seed])
    waves = 0.5 + 0.3 * np.sin(np.arange(size) + rng.uniform(0, 6))
    image = np.broadcast_to(np.expand_dims(waves, 1 - axis), (size, size))
    noisy = (image + rng.normal(0, 0.03, image.shape)).clip(0, 1)
    return Image.fromarray((255 * noisy).astype(np.uint8))


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
