"""Features of image files, with progress."""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.files.atomic_writing import replacing
from striate.files.feature_extraction import extract_features
from striate.files.image_collection import ImageCollection
from striate.files.read_images import find_images
from striate.images.patch_features import PatchFeatures
from striate.report.labelled_images import Labelled

from .errors import InterruptedWorkError
from .outputs import check_output
from .progress import watched
from .showing import load_features
from .skipping import Skipping

# Few enough that progress is seen, and Ctrl-C heeded, within seconds.
_IMAGES_AT_A_TIME = 16


def files_by_class(folder: Path) -> dict[str, list[Path]]:
    """List the images of each class, by the names of sub-folders.

    Raises
    ------
    OSError
        If there is no such folder.
    ValueError
        If it has fewer than two sub-folders, or one without images.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "no such folder"
        raise NotADirectoryError(f"{folder}: {what}")
    classes = sorted(
        each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            f"{folder}: has {len(classes)} sub-folder{'s' if len(classes) != 1 else ''}; put the "
            "images of each class into a sub-folder of its own, two or more"
        )
    return {each.name: find_images(each) for each in classes}


def labelled_images(
    folder: Path, files: dict[str, list[Path]], features: PatchFeatures, source: Path
) -> Labelled:
    """Give the images of all classes with their labels."""
    labels = np.repeat(list(files), [len(each) for each in files.values()])
    flat = [file for each in files.values() for file in each]
    return Labelled(folder, flat, images_for(flat, features, source), labels)


def images_for(files: list[Path], features: PatchFeatures, source: Path) -> ImageCollection:
    """Give image files with as many channels as the features were learned from.

    Raises
    ------
    ValueError
        If image files cannot have so many.
    """
    channels = features.patch_shape_[-1]
    if channels not in (1, 3):
        raise ValueError(
            f"{source}: learned from images of {channels} channels, which image files do not "
            "have; use it from Python"
        )
    return ImageCollection(files, channels=channels)


def write_features(file: Path, paths: list[Path], out: Path, skip_errors: bool) -> None:
    """Write the features of images, and a table of which row is of which image."""
    if out.suffix.lower() != ".npy":
        raise ValueError(f"--out {out}: features are a NumPy file; give a name that ends in .npy")
    check_output(out)
    table = out.with_suffix(".csv")
    check_output(table)
    _, features = load_features(file)
    found = find_images(paths)
    images_for(found, features, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # they are listed in full
            X, files, skipped = extract_features(
                features,
                found,
                out,
                channels=features.patch_shape_[-1],
                on_error="skip" if skip_errors else "raise",
                progress=lambda blocks: watched(blocks, "Computing features of images"),
            )
    except KeyboardInterrupt:
        raise InterruptedWorkError("interrupted; the same command goes on from here") from None
    with replacing(table) as temporary:
        _write_rows(temporary, files, skipped)
    n_images, n_features = X.shape
    print(f"Wrote {n_features} features of each of {n_images} images to {out}")
    print(f"Wrote the names of the images to {table}")
    skipping = Skipping(skip_errors)
    skipping.reasons += skipped.values()
    skipping.tell()


def _write_rows(path: Path, files: list[Path], skipped: dict[Path, str]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["file", "error"])
        writer.writerows([file, skipped.get(file, "")] for file in files)


def extract(features: Any, images: ImageCollection) -> npt.NDArray[Any]:
    """Compute the features of images, of shape (n_images, n_features)."""
    parts = []
    for begin, end in _parts(len(images)):
        parts.append(features.transform(images[begin:end]))
    return np.concatenate(parts)


def _parts(n: int) -> Iterator[tuple[int, int]]:
    """Give beginnings and ends of parts, while a bar counts the images in them."""
    begin = 0
    for i in watched(range(1, n + 1), "Computing features of images"):
        if i - begin == _IMAGES_AT_A_TIME or i == n:
            yield begin, i
            begin = i
