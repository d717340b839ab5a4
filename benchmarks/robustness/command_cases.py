"""Cases of files and of commands: odd images, models, outputs and options."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from striate import extract_features, find_images, readable_images
from striate.persistence import load

from .case import BrokenPromiseError, Case
from .command_place import QUICK, files_in, invoke, plain_folder
from .odd_files import IMAGES, MODELS, NAMES, OUTPUTS
from .subjects import pick

_SUFFIX = {"learn": ".skops", "train": ".skops", "predict": ".csv", "features": ".npy"}
_SUFFIX |= {"show": ".png", "report": ".html"}
_OPTIONS = (
    "--n-features",
    "--patch-size",
    "--n-patches",
    "--max-iter",
    "--seed",
    "--encoder",
    "--out",
    "--odd",
    "--flips",
)
_TEXTS = ("", "0", "-1", "1", "2", "x", "1e3", "1.5", "nan", "9" * 30, str(2**32), "kmeans", "17")
_WORDS = (
    "",
    "-",
    "--",
    "odd",
    "--help",
    "-v",
    "--version",
    "\x1b[31m",
    "learn",
    "~",
    "*",
    "\udcff",
)


def image_files(rng: np.random.Generator) -> Case:
    """Put an odd file among images: it is refused with a message or skipped, or read."""
    what, name, how = pick(rng, IMAGES), pick(rng, NAMES), pick(rng, _IMAGE_USES)
    within = "in a folder" if rng.random() < 0.5 else "given itself"
    seed = int(rng.integers(2**32))

    def attempt() -> None:
        with _Folder() as folder:
            shutil.copytree(plain_folder() / "images", folder / "images")
            odd = folder / "images" / "a" / name
            IMAGES[what](odd, np.random.default_rng(seed))
            given = [folder / "images"] if within == "in a folder" else [odd, folder / "images"]
            _IMAGE_USES[how](given, folder)

    text = f"{how}, image {within}: {what}, named {name[:20]!r}"
    return Case("files: images", text, attempt)


def model_files(rng: np.random.Generator) -> Case:
    """Put an odd file in the place of a model: it is refused with a message."""
    what, command = pick(rng, MODELS), pick(rng, [c for c in _SUFFIX if c != "learn"])
    seed = int(rng.integers(2**32))

    def attempt() -> None:
        with _Folder() as folder:
            model = folder / "odd.skops"
            MODELS[what](model, np.random.default_rng(seed))
            _command(command, folder / f"out{_SUFFIX[command]}", model)

    return Case("files: models", f"striate {command}, model: {what}", attempt)


def output_files(rng: np.random.Generator) -> Case:
    """Write to an odd place: it is refused and left as it was, or holds a whole file."""
    what, command = pick(rng, OUTPUTS), pick(rng, _SUFFIX)

    def attempt() -> None:
        with _Folder() as folder:
            out = OUTPUTS[what](folder, _SUFFIX[command])
            _all_or_nothing(folder, lambda: _command(command, out))

    return Case("files: outputs", f"striate {command}, output: {what}", attempt)


def options(rng: np.random.Generator) -> Case:
    """Odd options and arguments are refused with a message, or do their work."""
    command = pick(rng, [*_SUFFIX, "demo", "odd", ""])
    more = [pick(rng, _OPTIONS), pick(rng, _TEXTS)] if rng.random() < 0.7 else [pick(rng, _WORDS)]
    removed = int(rng.integers(8)) if rng.random() < 0.3 else None

    def attempt() -> None:
        with _Folder() as folder:
            out = folder / f"out{_SUFFIX.get(command, '')}"
            known = command in _SUFFIX
            arguments = arguments_of(command, out) if known else [command, "--max-iter", "0"]
            if removed is not None and removed < len(arguments):
                del arguments[removed]
            here = Path.cwd()
            os.chdir(folder)  # for outputs without a folder
            try:
                invoke(*arguments, *more)
            finally:
                os.chdir(here)

    left = "" if removed is None else f", without argument {removed}"
    return Case("commands: options", f"striate {command} … {more}{left}", attempt)


def suffix_of(command: str) -> str:
    """Return the suffix of the file that a command writes."""
    return _SUFFIX[command]


def arguments_of(command: str, out: Any, model: Path | None = None) -> list[Any]:
    """Return the arguments of a command that works, with another output and model."""
    place = plain_folder()
    images = place / "images"
    model = model or place / "model.skops"
    before: dict[str, list[Any]] = {
        "learn": ["learn", images, *QUICK],
        "train": ["train", images, "--features", place / "features.skops"],
        "predict": ["predict", model, images],
        "features": ["features", model, images],
        "show": ["show", model],
        "report": ["report", model, images],
    }
    if command == "train" and model.name == "odd.skops":
        before["train"][-1] = model
    return [*before[command], "--out", out]


def _command(command: str, out: Any, model: Path | None = None) -> None:
    invoke(*arguments_of(command, out, model))
    check_written(command, Path(out))


def check_written(command: str, out: Path) -> None:
    """Check that what a command wrote is whole."""
    if not out.is_file():
        raise BrokenPromiseError(f"{out.name} was not written")
    if command in ("learn", "train"):
        load(out)
    elif command == "features":
        np.load(out)
    elif not out.stat().st_size:
        raise BrokenPromiseError(f"{out.name} is empty")


def _all_or_nothing(folder: Path, action: Callable[[], Any]) -> None:
    """Check that an action that fails leaves the files in a folder as they were."""
    before = files_in(folder)
    try:
        action()
    except Exception as error:  # of any kind: it is raised again
        if files_in(folder) != before:
            new = sorted(set(files_in(folder)) - set(before))
            raise BrokenPromiseError(f"left {new or 'changed files'} after: {error}") from error
        raise
    temporary = [name for name in files_in(folder) if name.endswith((".tmp", ".part"))]
    if temporary:
        raise BrokenPromiseError(f"left {temporary}")


class _Folder:
    """A folder that is removed, whatever it holds."""

    def __enter__(self) -> Path:
        self.path = Path(mkdtemp())
        return self.path

    def __exit__(self, *_: Any) -> None:
        shutil.rmtree(self.path)


def _python_features() -> Any:
    features = load(plain_folder() / "features.skops")
    return features


_IMAGE_USES: dict[str, Callable[[Any, Path], Any]] = {
    "learn": lambda given, folder: invoke("learn", *given, "--out", folder / "f.skops", *QUICK),
    "learn --grey --skip-errors": lambda given, folder: invoke(
        "learn", *given, "--out", folder / "f.skops", *QUICK, "--grey", "--skip-errors"
    ),
    "train": lambda given, folder: invoke(
        "train",
        folder / "images",
        "-f",
        plain_folder() / "features.skops",
        "-o",
        folder / "m.skops",
    ),
    "train --skip-errors": lambda given, folder: invoke(
        "train",
        folder / "images",
        "-f",
        plain_folder() / "features.skops",
        "-o",
        folder / "m.skops",
        "--skip-errors",
    ),
    "predict": lambda given, folder: invoke("predict", plain_folder() / "model.skops", *given),
    "predict --skip-errors": lambda given, folder: invoke(
        "predict", plain_folder() / "model.skops", *given, "--skip-errors"
    ),
    "features --skip-errors": lambda given, folder: invoke(
        "features",
        plain_folder() / "features.skops",
        *given,
        "--out",
        folder / "f.npy",
        "--skip-errors",
    ),
    "find_images": lambda given, folder: find_images(given),
    "readable_images": lambda given, folder: readable_images(given[0]),
    "readable_images, skip": lambda given, folder: readable_images(
        find_images(given), on_error="skip"
    ),
    "PatchFeatures.transform": lambda given, folder: _python_features().transform(
        [given[0]] if len(given) > 1 else given[0]
    ),
    "extract_features": lambda given, folder: extract_features(
        _python_features(), find_images(given), folder / "f.npy", channels=1, on_error="skip"
    ),
}

FAMILIES = ((image_files, 6), (model_files, 1.5), (output_files, 2), (options, 2))
