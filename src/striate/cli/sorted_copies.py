"""Copies of images in one sub-folder per predicted class."""

import os
import shutil
from pathlib import Path
from typing import Any

from striate.files.atomic_writing import replacing


def check_copies(folder: Path, classes: Any) -> None:
    """Check, before any work is done, that images can be copied to a folder.

    Raises
    ------
    OSError
        If it is a file, or is not empty, so that no image can be mistaken for a copy.
    ValueError
        If the name of a class cannot be that of a sub-folder. Models may come from strangers.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"--copy-to {folder}: is not a folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"--copy-to {folder}: is not empty; give a new folder")
    for name in map(str, classes):
        if (
            name in ("", ".", "..")
            or any(each in name for each in "/\\\0:")
            or name != name.strip()
        ):
            raise ValueError(
                f"--copy-to: the class {name!r} cannot be the name of a folder; train with others"
            )


def copy_files(files: list[Path], labels: list[str], folder: Path, roots: list[Path]) -> None:
    """Copy each file into the sub-folder of its label; files of equal names keep their folders.

    Parameters
    ----------
    files : list of Path
        Files to copy.
    labels : list of str
        Label of each file.
    folder : Path
        Folder to copy them to; it is made.
    roots : list of Path
        What the files were searched in: their paths are kept from there on.

    Raises
    ------
    OSError
        If a file cannot be copied. Copies that are there are whole.
    """
    names = [_inside(file, roots) for file in files]
    flat = [file.name for file in files]
    if len({(label, name) for label, name in zip(labels, flat, strict=True)}) == len(files):
        names = [Path(name) for name in flat]
    for file, label, name in zip(files, labels, names, strict=True):
        target = folder / label / name
        while target.exists():  # of two roots
            target = target.with_name(f"{target.stem}_{target.suffix}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(file, temporary)


def _inside(file: Path, roots: list[Path]) -> Path:
    """Return the path of a file below the root that it was found in."""
    for root in roots:
        if root.is_dir() and file.is_relative_to(root):
            return file.relative_to(root)
    return Path(os.path.basename(file))
