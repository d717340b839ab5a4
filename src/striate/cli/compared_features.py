"""What `striate compare` compares: learned features of several kinds and sizes, and others."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from striate.files.feature_table import FeatureTable
from striate.files.image_collection import ImageCollection
from striate.images.handmade_features import HANDMADE, HandmadeFeatures, require_skimage
from striate.report.labelled_images import Labelled

from .datasets import as_labelled, compute_features, image_channels
from .encoder_options import Encoder, EncoderSettings, new_features, settings_for
from .feature_trials import Trial, hold_out, measurable, seconds_per_image
from .labelled_files import LabelledFiles
from .learning import common_channels, fit_features
from .models import load_features
from .skip_errors import SkippedImages


class Candidate(NamedTuple):
    """Features to try.

    Attributes
    ----------
    name : str
        What to call them.
    make : callable
        Function of the images that returns a fitted transformer of images, or a FeatureTable.
    smallest : int
        Height and width of the smallest image that they can be computed of.
    is_learned : bool
        Whether `make` learns them, which takes time.
    """

    name: str
    make: Callable[[ImageCollection], Any]
    smallest: int = 1
    is_learned: bool = False


class EncoderChoice(NamedTuple):
    """An encoder and its settings."""

    name: str
    encoder: Encoder
    settings: EncoderSettings
    seed: int


def encoder_choices(
    encoders: str, n_features: str, flips: bool | None, seed: int
) -> list[EncoderChoice]:
    """Return the encoders and sizes that options name.

    Parameters
    ----------
    encoders, n_features : str
        Names and numbers, separated by commas; no numbers for the default of each encoder.
    flips : bool or None
        Whether mirror images get the same features; None for the default of each encoder.
    seed : int
        Random seed.

    Raises
    ------
    ValueError
        If there is no such encoder, or if a number is none.
    """
    sizes: list[int | None] = [_whole_number(text) for text in _listed(n_features)]
    choices = []
    for name in _listed(encoders):
        if name not in list(Encoder) or name == Encoder.auto:
            known = ", ".join(each for each in Encoder if each is not Encoder.auto)
            raise ValueError(f"--encoders: {name!r} is not one of {known}")
        for n in sizes or [None]:
            settings = settings_for(Encoder(name), n_features=n, flips=flips)
            title = name if n is None else f"{name} {n}"
            choices.append(EncoderChoice(title, Encoder(name), settings, seed))
    return choices


def candidates_of(
    choices: list[EncoderChoice], others: list[Path], folder: Path, *, handmade: bool
) -> list[Candidate]:
    """Return all features to try.

    Parameters
    ----------
    choices : list of EncoderChoice
        Features to learn.
    others : list of Path
        Files of features, and tables of them.
    folder : Path
        Folder that names in tables may be relative to.
    handmade : bool
        Whether to try the hand-made ones, too.

    Raises
    ------
    ValueError
        If there is nothing to try, or if a file is neither.
    OSError
        If a file cannot be read.
    """
    found = [_learned(choice) for choice in choices]
    found += [_from_file(path, folder) for path in others]
    if handmade:
        require_skimage()
        found += [Candidate(name, partial(_handmade, kind)) for name, kind in HANDMADE.items()]
    if not found:
        raise ValueError("there is nothing to compare: give --encoders, --handmade or --with")
    return found


def compare_all(
    given: LabelledFiles,
    candidates: list[Candidate],
    skipped: SkippedImages,
    shrink: int | None = None,
) -> list[Trial]:
    """Try features on the same images and folds; return the best first.

    Images are reduced `shrink` times, but for features that were learned before.

    Raises
    ------
    ValueError
        If an image cannot be used and is not to be skipped, or if nothing can be held out.
    """
    smallest = max(each.smallest for each in candidates)
    usable = skipped.check(given.files, 3, smallest, shrink=shrink)
    common = common_channels(usable)
    images = ImageCollection(usable, channels=common, shrink=shrink)
    labelled: Labelled | None = None
    trials = []
    for candidate in candidates:
        start = time.perf_counter()
        features = candidate.make(images)
        seconds = time.perf_counter() - start if candidate.is_learned else None
        images = images.with_range(getattr(features, "used_range_", images.used_range))
        if isinstance(features, FeatureTable):
            X, image_seconds = features.all_rows_of(usable), None
        else:
            is_handmade = isinstance(features, HandmadeFeatures)
            channels = common if is_handmade else image_channels(features)
            kept, X = compute_features(features, usable, channels, skipped)
            if len(kept) < len(usable):
                raise ValueError(next(iter(skipped.reasons.values())))
            image_seconds = seconds_per_image(features, usable, channels)
        if labelled is None:
            labelled = as_labelled(given, usable, images, X, skipped)
            _check_measurable(labelled)
        held_out = hold_out(labelled, X)
        trials.append(Trial(candidate.name, X.shape[1], held_out, seconds, image_seconds))
    sign = 1 if given.source.regression else -1
    return sorted(trials, key=lambda each: sign * float(each.scores.mean()))


def _learned(choice: EncoderChoice) -> Candidate:
    settings = choice.settings
    (n_down, n_across) = settings.pool_grid if isinstance(settings.pool_grid, tuple) else (1, 1)
    smallest = settings.patch_size + settings.stride * (max(n_down, n_across) - 1)

    def make(images: ImageCollection) -> Any:
        features = new_features(choice.encoder, settings, choice.seed)
        fit_features(features, images)
        return features

    return Candidate(choice.name, make, smallest, is_learned=True)


def _from_file(path: Path, folder: Path) -> Candidate:
    if path.suffix.lower() == ".npy":
        table = FeatureTable(path, folder)
        return Candidate(path.name, lambda images: table)
    if path.suffix.lower() != ".skops":
        raise ValueError(f"--with {path}: give a table (.npy), or features (.skops)")
    _, features = load_features(path)
    return Candidate(path.name, lambda images: features, max(features.min_image_size_))


def _handmade(kind: type[HandmadeFeatures], images: ImageCollection) -> HandmadeFeatures:
    return kind(images.used_range, images.reading.as_dict())


def _check_measurable(labelled: Labelled) -> None:
    if not measurable(labelled).any():
        what = "images" if labelled.groups is None else "groups of images"
        raise ValueError(
            f"{labelled.folder}: nothing can be compared, because no image can be held out; give "
            f"at least two {what} of each of two classes"
        )


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"--n-features: {text!r} is not a whole number of features")
    return int(text)
