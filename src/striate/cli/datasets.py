"""Image files as a data set: their labels, and features with progress."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import striate
from striate.analysis.image_copies import copies, near_duplicates
from striate.analysis.number_validation import group_codes
from striate.files.feature_table import FeatureTable, TabledFeatures
from striate.files.image_collection import ImageCollection
from striate.files.kept_features import KeptFeatures
from striate.images.deep_patch_features import LayeredFeatures
from striate.report.labelled_images import Labelled

from .labelled_files import LabelledFiles
from .plurals import plural
from .progress_bar import progress
from .skip_errors import SkippedImages

# Images per call of `transform`; few enough for Ctrl-C to take effect within seconds.
_BLOCK = 16


def image_channels(features: LayeredFeatures) -> int | None:
    """Return the number of channels to convert image files to: 1, 3, or None for other bands."""
    channels: int = features.patch_shape_[-1]
    return channels if channels in (1, 3) else None


def labelled_features(
    given: LabelledFiles,
    features: LayeredFeatures,
    skipped: SkippedImages,
    table: FeatureTable | None = None,
) -> tuple[Labelled, npt.NDArray[Any]]:
    """Compute the features of labelled images.

    Parameters
    ----------
    given : LabelledFiles
        Image files and labels.
    features : PatchFeatures or DeepPatchFeatures
        Fitted features.
    skipped : SkippedImages
        Collects the images that cannot be used.
    table : FeatureTable or None, default=None
        Rows of these features that were computed before.

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

    Warns
    -----
    UserWarning
        If files are equal, or if images of different groups have nearly equal features.
    """
    channels = image_channels(features)
    usable, X = compute_features(features, given.files, channels, skipped, table=table)
    images = ImageCollection(usable, channels=channels).as_learned(features)
    return as_labelled(given, usable, images, X, skipped), X


def as_labelled(
    given: LabelledFiles,
    usable: list[Path],
    images: ImageCollection,
    X: npt.NDArray[Any],
    skipped: SkippedImages,
) -> Labelled:
    """Return the usable images with their labels; errors and warnings are `labelled_features`'."""
    if not (given.source.regression or given.source.columns):
        for name in dict.fromkeys(given.labels):  # raises if a class has no usable image
            of_class = zip(given.files, given.labels, strict=True)
            skipped.remove_from([file for file, label in of_class if label == name])
    rows = np.array([file not in skipped.reasons for file in given.files])
    groups = None if given.groups is None else np.array(given.groups)[rows]
    labels = np.array(given.labels)[rows]
    labelled = Labelled.of(given.source.folder, usable, images, labels, groups)
    _warn_of_copies(labelled, X)
    return labelled


def _warn_of_copies(labelled: Labelled, X: npt.NDArray[Any]) -> None:
    names, labels = labelled.names, labelled.labels
    equal = copies(labelled.checksums)
    if equal:
        first, second = equal[0][:2]
        n_copies = sum(len(rows) - 1 for rows in equal)
        warnings.warn(
            f"{plural(n_copies, 'file is a copy', 'files are copies')} of another, for example "
            f"{names[second]} of {names[first]}; copies are held out together",
            stacklevel=2,
        )
    for rows in equal:
        others = rows[labels[rows] != labels[rows[0]]]
        if others.size:
            i, j = rows[0], others[0]
            warnings.warn(
                f"equal files have different labels: {names[i]} is {labels[i]}, and {names[j]} is "
                f"{labels[j]}",
                stacklevel=2,
            )
            break
    pairs = near_duplicates(X, group_codes(labelled.groups, len(names)))
    if pairs:
        n_images = len({row for pair in pairs for row in pair})
        i, j = pairs[0]
        warnings.warn(
            f"{n_images} images look nearly the same as others that are in other groups, for "
            f"example {names[i]} and {names[j]}; if they show the same thing, the accuracy is too "
            "high: keep them together with --groups",
            stacklevel=2,
        )


def compute_features(
    features: Any,
    files: list[Path],
    channels: int | None,
    skipped: SkippedImages,
    table: FeatureTable | None = None,
) -> tuple[list[Path], npt.NDArray[Any]]:
    """Return the usable image files and their features, of shape (n_usable, n_features).

    Features are kept for later runs; see `KeptFeatures`. Those in the table are not computed.

    Raises
    ------
    ValueError
        If the table has other features.
    ImageError
        If an image cannot be used and is not to be skipped, or if none can be used.
    """
    with KeptFeatures(features, channels, striate.__version__) as kept:
        source = kept if table is None else TabledFeatures(table, kept)
        if isinstance(source, TabledFeatures):
            source.check(files)
        blocks = _blocks(files)
        parts = [part for block in blocks for part in skipped.apply(source.transform, block)]
    return skipped.remove_from(files), np.concatenate(parts)


def _blocks(files: list[Path]) -> Iterator[list[Path]]:
    """Divide the files into blocks; the progress bar counts single files."""
    block = []
    for file in progress(files, "Computing features of images"):
        block.append(file)
        if len(block) == _BLOCK or file == files[-1]:
            yield block
            block = []
