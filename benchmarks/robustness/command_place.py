"""Commands run in this process, and a folder with images, features and a model for them."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import rich
from PIL import Image
from typer.testing import CliRunner

from striate.cli.app import app

from .case import BrokenPromiseError, CommandMessage

QUICK = ("--encoder", "patches", "--n-features", "4", "--patch-size", "4", "--n-patches", "100")


def invoke(*arguments: Any) -> str:
    """Run a command; return what it printed.

    Raises
    ------
    CommandMessage
        If it ends with status 2 and one line on standard error, besides warnings.
    BrokenPromiseError
        If it ends otherwise.
    """
    try:
        result = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="striate")
    finally:
        rich.reconfigure()  # a command sends rich's output to standard error
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code == 0:
        return result.stdout
    lines = result.stderr.splitlines()
    messages = [line for line in lines if not line.startswith("striate: warning: ")]
    if result.exit_code != 2 or len(messages) != 1 or not messages[0].startswith("striate: "):
        raise BrokenPromiseError(f"status {result.exit_code}, said {result.stderr!r}")
    raise CommandMessage(messages[0])


def stripes(axis: int, seed: int) -> Image.Image:
    """Return an image of 16 × 16 pixels."""
    rng = np.random.default_rng([axis, seed])
    waves = np.sin(np.arange(16) + rng.uniform(0, 6)) + rng.normal(0, 0.1, (16, 16))
    pixels = (127 + 60 * waves).clip(0, 255).astype("u1")
    return Image.fromarray(pixels if axis else pixels.T.copy())


@cache
def plain_folder() -> Path:
    """Return a folder with images/a, images/b, features.skops and model.skops, not to change."""
    folder = Path(mkdtemp(prefix="plain-"))
    for axis, name in enumerate("ab"):
        (folder / "images" / name).mkdir(parents=True)
        for seed in range(4):
            stripes(axis, seed).save(folder / "images" / name / f"{seed}.png")
    learn = ("learn", folder / "images", "--out", folder / "features.skops", *QUICK)
    train = ("train", folder / "images", "-f", folder / "features.skops")
    invoke(*learn)
    invoke(*train, "--out", folder / "model.skops")
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the contents of the regular files in a folder, by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
