"""Labelled image files, and how it is known whether a model was trained on them."""

import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.files.image_collection import ImageCollection


class Labelled(NamedTuple):
    """Image files of a folder with one sub-folder a class.

    Attributes
    ----------
    folder : Path
    files : list of Path
    images : ImageCollection
        The files, with as many channels as the features need.
    labels : ndarray of str of shape (n_images,)
    """

    folder: Path
    files: list[Path]
    images: ImageCollection
    labels: NDArray[Any]

    @property
    def names(self) -> list[str]:
        """Names of the files below the folder."""
        return [os.path.relpath(each, self.folder) for each in self.files]

    def checksums(self) -> NDArray[np.uint32]:
        """Return a number for each file, which depends on its content and not on its name."""
        return np.array([zlib.crc32(each.read_bytes()) for each in self.files], dtype=np.uint32)
