"""Learning features from image files."""

import warnings
from pathlib import Path

from rich import get_console
from sklearn.exceptions import ConvergenceWarning

from striate import PatchFeatures
from striate.files.atomic_writing import replacing
from striate.files.image_collection import ImageCollection, MixedChannelsError
from striate.files.read_images import find_images
from striate.persistence import save

from .encoders import Encoder, Sizes, new_features
from .outputs import check_output, picture_beside
from .showing import describe, draw_features
from .skipping import Skipping


def learn_features(
    images: list[Path],
    out: Path,
    sizes: Sizes,
    *,
    encoder: Encoder,
    seed: int,
    grey: bool,
    skip_errors: bool = False,
) -> None:
    """Learn features, and write them and their picture."""
    check_output(out)
    files = find_images(images)
    picture = picture_beside(out, files)
    skipping, channels = Skipping(skip_errors), 1 if grey else None
    files = skipping.usable(files, channels, sizes.patch_size)
    features = new_features(encoder, sizes, seed)
    _fit(features, ImageCollection(files, channels=channels))
    with replacing(picture) as temporary:
        draw_features(features, temporary)
        save(features, out)
    print(f"Learned {describe(features)}, from {len(files)} images")
    print(f"Wrote them to {out}, and their picture to {picture}")
    skipping.tell()


def _fit(features: PatchFeatures, images: ImageCollection) -> None:
    if get_console().is_terminal:
        from sklearn.callback import ProgressBar

        features.set_callbacks(ProgressBar())
    try:
        with warnings.catch_warnings():
            # To stop after max_iter steps is the rule, not a failure.
            warnings.simplefilter("ignore", ConvergenceWarning)
            features.fit(images)
    except MixedChannelsError as error:
        raise ValueError(f"{error}, or turn all to grey with --grey") from error
