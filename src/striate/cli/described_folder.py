"""The images of a folder with their features: of a given model, or learned from the folder."""

import warnings
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.images.deep_patch_features import LayeredFeatures

from .datasets import compute_features, image_channels
from .encoder_options import Encoder, new_features, settings_for
from .learning import fit_features
from .models import load_features
from .skip_errors import SkippedImages

# Random patches: nothing needs to be learned, and they are nearly as good as other dictionaries.
_ENCODER = Encoder.patches
_SETTINGS = {"n_features": 100, "n_patches": 20_000}


class DescribedFolder(NamedTuple):
    """Images of a folder and their features.

    Attributes
    ----------
    folder : Path
    files : list of Path
        The images that can be used.
    images : ImageCollection
        The same.
    features : PatchFeatures or DeepPatchFeatures
        What describes them.
    X : ndarray of shape (n_images, n_features)
        Their features.
    """

    folder: Path
    files: list[Path]
    images: ImageCollection
    features: LayeredFeatures
    X: npt.NDArray[Any]

    @classmethod
    def of(
        cls,
        folder: Path,
        model: Path | None,
        skipped: SkippedImages,
        *,
        grey: bool,
        shrink: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Compute the features of the images in a folder.

        Parameters
        ----------
        folder : Path
        model : Path or None
            File of features, or of a model; None to learn features from the folder.
        skipped : SkippedImages
            Collects the images that cannot be used.
        grey : bool
            Whether to convert colour to grey; a model decides itself.
        shrink : int or None
            Factor by which images are reduced to learn; a model decides itself.
        seed : int
            Seed of what is learned.

        Raises
        ------
        OSError, ValueError
            If there is no such folder or no image in it; as from `load_features`; or if an image
            cannot be used and is not to be skipped; or if both a model and `shrink` are given.
        """
        if model is not None and shrink is not None:
            raise ValueError("--shrink: --model says how images are read; leave one of them out")
        if not folder.is_dir():
            reason = "is not a folder" if folder.exists() else "no such folder"
            raise NotADirectoryError(f"{folder}: {reason}")
        if model is None:
            files = skipped.find(folder)
            channels: int | None
            features, channels = _learned(files, skipped, shrink, grey=grey, seed=seed)
        else:
            _, features = load_features(model)
            channels = image_channels(features)
            files = skipped.find(folder)
        files = [file for file in files if file not in skipped.reasons]
        files, X = compute_features(features, files, channels, skipped)
        images = ImageCollection(files, channels=channels).as_learned(features)
        return cls(folder, files, images, features, X)

    @property
    def names(self) -> list[str]:
        """Paths of the files relative to the folder, with slashes."""
        return [file.relative_to(self.folder).as_posix() for file in self.files]


def _learned(
    files: list[Path], skipped: SkippedImages, shrink: int | None, *, grey: bool, seed: int
) -> tuple[LayeredFeatures, int]:
    """Learn features from the files; return them and the number of channels."""
    features: Any = new_features(_ENCODER, settings_for(_ENCODER, **_SETTINGS), seed)
    channels = 1 if grey else None
    smallest = features.patch_size + 1  # for 2 × 2 cells
    usable = skipped.check(files, channels, min_size=smallest, shrink=shrink)
    images = ImageCollection(usable, channels=channels, shrink=shrink)
    with warnings.catch_warnings():
        # Of images that are all constant, there is nothing to learn, and nothing is unusual.
        warnings.simplefilter("ignore", UserWarning)
        fit_features(features, images)
    return features, images.n_channels
