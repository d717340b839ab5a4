"""Labelled image files, with checksums that tell whether a model was trained on them."""

import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from striate.analysis.image_copies import joined_groups
from striate.files.image_collection import ImageCollection


class Labelled(NamedTuple):
    """Labelled image files of a folder.

    Attributes
    ----------
    folder : Path
        The folder.
    files : list of Path
        The image files.
    images : ImageCollection
        The images, with the number of channels that the features need.
    labels : ndarray of str or of float of shape (n_images,)
        Class of each image, or its number for a regression.
    checksums : ndarray of uint32 of shape (n_images,)
        CRC-32 of each file's content.
    groups : ndarray of shape (n_images,) or None
        Group of each image; images of a group and equal files are held out together. None for
        single images.
    """

    folder: Path
    files: list[Path]
    images: ImageCollection
    labels: NDArray[Any]
    checksums: NDArray[np.uint32]
    groups: NDArray[Any] | None

    @classmethod
    def of(
        cls,
        folder: Path,
        files: list[Path],
        images: ImageCollection,
        labels: NDArray[Any],
        groups: NDArray[Any] | None = None,
    ) -> Self:
        """Read the files for their checksums, and join the groups of equal files."""
        checksums = np.array([zlib.crc32(each.read_bytes()) for each in files], dtype=np.uint32)
        groups = joined_groups(checksums, groups)
        return cls(folder, files, images, labels, checksums, groups)

    @property
    def names(self) -> list[str]:
        """Paths of the files relative to the folder."""
        return [os.path.relpath(each, self.folder) for each in self.files]

    @property
    def has_numbers(self) -> bool:
        """Whether the labels are numbers, for a regression."""
        return self.labels.dtype.kind == "f"

    def part(self, rows: NDArray[np.bool_]) -> "Labelled":
        """Return some of the images."""
        files = [file for file, used in zip(self.files, rows, strict=True) if used]
        return Labelled(
            self.folder,
            files,
            self.images.take(np.flatnonzero(rows).tolist()),
            self.labels[rows],
            self.checksums[rows],
            None if self.groups is None else self.groups[rows],
        )
