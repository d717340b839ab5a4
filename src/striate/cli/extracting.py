"""Features of image files, with progress."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.cli.progress import watched
from striate.images.collection import ImageCollection
from striate.images.features import PatchFeatures
from striate.images.reading import find_images
from striate.report.labelled import Labelled

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
