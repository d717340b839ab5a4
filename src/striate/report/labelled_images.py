"""Labelled image files, with checksums that tell whether a model was trained on them."""

import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.files.image_collection import ImageCollection


class Labelled(NamedTuple):
    """Image files of a folder with one sub-folder per class.

    Attributes
    ----------
    folder : Path
        The folder.
    files : list of Path
        The image files.
    images : ImageCollection
        The images, with the number of channels that the features need.
    labels : ndarray of str of shape (n_images,)
        Name of the class of each image.
    """

    folder: Path
    files: list[Path]
    images: ImageCollection
    labels: NDArray[Any]

    @property
    def names(self) -> list[str]:
        """Paths of the files relative to the folder."""
        return [os.path.relpath(each, self.folder) for each in self.files]

    def checksums(self) -> NDArray[np.uint32]:
        """Return the CRC-32 of each file's content."""
        return np.array([zlib.crc32(each.read_bytes()) for each in self.files], dtype=np.uint32)
