"""Features of folders with one sub-folder per class, for the benchmarks of labels."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.cli.encoder_options import Encoder, new_features, settings_for
from striate.files.image_collection import ImageCollection
from striate.files.image_folders import find_images


class FolderFeatures(NamedTuple):
    """Features and classes of images, in random order."""

    name: str
    X: NDArray[Any]
    y: NDArray[np.intp]


def folder_features(folder: Path, encoder: str = "patches", seed: int = 0) -> FolderFeatures:
    files = find_images(folder)
    names = [file.relative_to(folder).parts[0] for file in files]
    y = np.unique(names, return_inverse=True)[1]
    return features_of(folder.name, ImageCollection(files), y, encoder, seed)


def features_of(
    name: str, images: Any, y: NDArray[np.intp], encoder: str = "patches", seed: int = 0
) -> FolderFeatures:
    """Learn features without labels, as `striate learn` does, and compute them."""
    kind = Encoder(encoder)
    features = new_features(kind, settings_for(kind), seed)
    X = features.fit_transform(images)
    order = np.random.default_rng(seed).permutation(len(y))
    return FolderFeatures(name, X[order], y[order])
