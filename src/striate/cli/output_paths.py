"""Names of output files, checked before any work is done."""

import os
from pathlib import Path

from striate.files.atomic_writing import check_writable
from striate.files.image_folders import IMAGE_SUFFIXES, UNREADABLE_SUFFIXES


def check_output(out: Path, *suffixes: str) -> None:
    """Check that the output file can be written.

    Parameters
    ----------
    out : Path
        Value of the option `--out`.
    *suffixes : str
        Suffixes to choose from. By default, any but those of images, so that a slip of the hand
        does not overwrite an image.

    Raises
    ------
    ValueError
        If the name has another suffix.
    OSError
        If the file cannot be written.
    """
    suffix = out.suffix.lower()
    if suffixes and suffix not in suffixes:
        raise ValueError(f"--out {out}: give a name that ends in {' or '.join(suffixes)}")
    if not suffixes and suffix in IMAGE_SUFFIXES | UNREADABLE_SUFFIXES:
        raise ValueError(f"--out {out}: this is the name of an image; choose another")
    check_writable(out)


def picture_beside(path: Path, images: list[Path] | None = None) -> Path:
    """Return the name of the picture for a file of features, and check that it can be written.

    Raises
    ------
    ValueError
        If it would overwrite one of the images.
    OSError
        If it cannot be written.
    """
    picture = path.parent / f"{path.stem}.png"
    check_writable(picture)
    if os.path.realpath(picture) in set(map(os.path.realpath, images or [])):
        raise ValueError(
            f"--out {path}: the picture of the features would overwrite {picture}, which is one of "
            "the images; choose another name"
        )
    return picture
