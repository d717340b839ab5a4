"""Learning of features from image files, with progress."""

import warnings
from pathlib import Path
from typing import Any

from rich import get_console
from sklearn.exceptions import ConvergenceWarning

from striate.files.decoded_pixels import ImageError
from striate.files.image_collection import ImageCollection, MixedChannelsError
from striate.images.deep_patch_features import DeepPatchFeatures, LayeredFeatures

from .progress_bar import progress


def fit_features(features: LayeredFeatures, images: ImageCollection) -> None:
    """Fit features; show progress on a terminal.

    Raises
    ------
    ValueError
        If an image cannot be used, or if some are grey and others in colour.
    """
    if get_console().is_terminal:
        from sklearn.callback import ProgressBar

        features.set_callbacks(ProgressBar())
    try:
        with warnings.catch_warnings():
            # Stopping at max_iter is the recipe, not a failure: the default of 400 iterations gives
            # edges, and a user who sets --max-iter chooses where to stop.
            warnings.simplefilter("ignore", ConvergenceWarning)
            features.fit(images)
    except MixedChannelsError as error:
        raise ValueError(f"{error}, or convert all to grey with --grey") from error


def smallest_to_learn_from(features: LayeredFeatures) -> Any:
    """Return the side, or height and width, of the smallest image that `fit` takes."""
    if isinstance(features, DeepPatchFeatures):
        return features.smallest_image()
    return features.patch_size


def common_channels(files: list[Path]) -> int | None:
    """Return the number of channels to convert all images to: 3 if any is in colour, otherwise 1.

    None if they have other bands, which are not converted. Images that cannot be used are passed
    over.
    """
    most = 1
    for file in progress(files, "Looking for colour"):
        try:
            most = max(most, ImageCollection([file]).n_channels)
        except ImageError:
            continue
        if most >= 3:
            break
    return most if most in (1, 3) else None
