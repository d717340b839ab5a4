"""Image files as a data set: labels from the names of sub-folders, features with progress."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.images.deep_patch_features import LayeredFeatures
from striate.report.labelled_images import Labelled

from .plurals import plural
from .progress_bar import progress
from .skip_errors import SkippedImages

# Images per call of `transform`; few enough for Ctrl-C to take effect within seconds.
_BLOCK = 16


def files_by_class(folder: Path, skipped: SkippedImages) -> dict[str, list[Path]]:
    """List the image files of each class, by the name of its sub-folder.

    Folders in the sub-folders that cannot be listed are left to `skipped`.

    Raises
    ------
    OSError
        If the folder does not exist.
    ValueError
        If it has fewer than two sub-folders, or one without images.
    """
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "no such folder"
        raise NotADirectoryError(f"{folder}: {reason}")
    classes = sorted(
        each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            f"{folder}: has {plural(len(classes), 'sub-folder')}; make one sub-folder of images "
            "per class, at least two"
        )
    return {each.name: skipped.find(each) for each in classes}


def image_channels(features: LayeredFeatures, source: Path) -> int:
    """Return the number of channels to convert image files to, 1 or 3.

    Raises
    ------
    ValueError
        If the features from the file `source` need another number.
    """
    channels: int = features.patch_shape_[-1]
    if channels not in (1, 3):
        raise ValueError(
            f"{source}: learned from images with {channels} channels, but image files have 1 or "
            "3; use it from Python"
        )
    return channels


def labelled_features(
    folder: Path,
    files: dict[str, list[Path]],
    features: LayeredFeatures,
    source: Path,
    skipped: SkippedImages,
) -> tuple[Labelled, npt.NDArray[Any]]:
    """Compute the features of labelled images.

    Parameters
    ----------
    folder : Path
        Folder with one sub-folder per class.
    files : dict
        Image files of each class, from `files_by_class`.
    features : PatchFeatures or DeepPatchFeatures
        Fitted features.
    source : Path
        File of the features, for messages.
    skipped : SkippedImages
        Collects the images that cannot be used.

    Returns
    -------
    Labelled
        Usable images with their labels.
    ndarray of shape (n_usable, n_features)
        Features of the usable images.

    Raises
    ------
    ImageError
        If an image cannot be used and is not to be skipped, or if a class has no usable image.
    """
    channels = image_channels(features, source)
    label_of = {file: name for name, each in files.items() for file in each}
    usable, X = compute_features(features, list(label_of), channels, skipped)
    for each in files.values():
        skipped.remove_from(each)  # raises if a class has no usable image
    labels = np.array([label_of[file] for file in usable])
    images = ImageCollection(usable, channels=channels).with_range(features.used_range_)
    return Labelled(folder, usable, images, labels), X


def compute_features(
    features: LayeredFeatures, files: list[Path], channels: int, skipped: SkippedImages
) -> tuple[list[Path], npt.NDArray[Any]]:
    """Return the usable image files and their features, of shape (n_usable, n_features).

    Raises
    ------
    ImageError
        If an image cannot be used and is not to be skipped, or if none can be used.
    """

    def transform(block: list[Path]) -> Any:
        return features.transform(ImageCollection(block, channels=channels))

    parts = [part for block in _blocks(files) for part in skipped.apply(transform, block)]
    return skipped.remove_from(files), np.concatenate(parts)


def _blocks(files: list[Path]) -> Iterator[list[Path]]:
    """Divide the files into blocks; the progress bar counts single files."""
    block = []
    for file in progress(files, "Computing features of images"):
        block.append(file)
        if len(block) == _BLOCK or file == files[-1]:
            yield block
            block = []
