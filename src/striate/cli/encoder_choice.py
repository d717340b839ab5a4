"""The option `--encoder` of `striate train`: features that are learned from the labelled images."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt

from striate.analysis.features_choice import HeldOut, choose_features
from striate.files.image_collection import ImageCollection
from striate.images.deep_patch_features import LayeredFeatures
from striate.report.labelled_images import Labelled

from .datasets import as_labelled, compute_features
from .encoder_options import BEST_ON_AVERAGE, Encoder, new_features, settings_for
from .feature_trials import Trial, hold_out, measurable
from .labelled_files import LabelledFiles
from .learning import common_channels, fit_features
from .skip_errors import SkippedImages

_NO_FLIPS = "omp1 --no-flips"


class LearnedHere(NamedTuple):
    """Features that were learned from labelled images, without the labels.

    Attributes
    ----------
    features : PatchFeatures
        The features.
    labelled : Labelled
        The images that can be used.
    X : ndarray of shape (n_images, n_features)
        Their features.
    held_out : HeldOutPredictions, HeldOutNumbers or None
        If several were tried, predictions whose scores are not biased by the choice.
    """

    features: LayeredFeatures
    labelled: Labelled
    X: npt.NDArray[Any]
    held_out: HeldOut | None


def learn_here(
    given: LabelledFiles,
    encoder: Encoder,
    skipped: SkippedImages,
    class_weight: str | None = None,
    shrink: int | None = None,
    others: Sequence[Path] = (),
) -> LearnedHere:
    """Learn features from labelled images; "auto" tries some, and takes the best.

    Parameters
    ----------
    given : LabelledFiles
        Images and labels.
    encoder : Encoder
        What to learn.
    skipped : SkippedImages
        Collects the images that cannot be used.
    class_weight : {"balanced"} or None
        Whether classes count equally.
    shrink : int or None
        Factor by which images are reduced.
    others : sequence of Path
        Images without labels, to learn features from, too. Then one encoder is learned.

    Raises
    ------
    ValueError
        If an image cannot be used and is not to be skipped.
    """
    wanted = BEST_ON_AVERAGE if encoder is Encoder.auto else encoder
    smallest = new_features(wanted, settings_for(wanted), 0).patch_size
    usable = skipped.check(given.files, 3, smallest, shrink=shrink)
    channels = common_channels(usable)
    more = skipped.check(list(others), channels, smallest, shrink=shrink) if others else []
    to_learn_from = [*usable, *more]
    features = _learned(wanted, ImageCollection(to_learn_from, channels=channels, shrink=shrink))
    usable, X = compute_features(features, usable, channels, skipped)
    images = ImageCollection(usable, channels=channels).as_learned(features)
    first = LearnedHere(features, as_labelled(given, usable, images, X, skipped), X, None)
    if encoder is not Encoder.auto:
        return first
    if others or given.source.columns or not measurable(first.labelled).any():
        print(f"--encoder auto: {wanted.value}, the most accurate on average")
        return first
    return _best(first, channels, skipped, class_weight)


def _best(
    first: LearnedHere, channels: int | None, skipped: SkippedImages, class_weight: str | None
) -> LearnedHere:
    """Try other features on the same images and folds, and return the best."""
    labelled, images = first.labelled, first.labelled.images
    others: dict[str, Callable[[], LayeredFeatures]] = {
        _NO_FLIPS: lambda: copy.copy(first.features).set_params(flips=False),
        Encoder.kmeans.value: lambda: _learned(Encoder.kmeans, images),
        Encoder.patches.value: lambda: _learned(Encoder.patches, images),
    }
    found = [first]
    held_out = [hold_out(labelled, first.X, class_weight)]
    for learn in others.values():
        features = learn()
        _, X = compute_features(features, labelled.files, channels, skipped)
        found.append(LearnedHere(features, labelled, X, None))
        held_out.append(hold_out(labelled, X, class_weight))
    best, unbiased = choose_features(held_out)
    names = [BEST_ON_AVERAGE.value, *others]
    trials = [Trial(*each) for each in zip(names, [0] * len(names), held_out, strict=True)]
    print(_sentence(trials, best, is_error=labelled.has_numbers))
    return found[best]._replace(held_out=unbiased)


def _learned(encoder: Encoder, images: ImageCollection) -> LayeredFeatures:
    features = new_features(encoder, settings_for(encoder), seed=0)
    fit_features(features, images)
    return features


def _sentence(trials: list[Trial], best: int, *, is_error: bool) -> str:
    """Return what was tried, with its scores on the same held-out images, and what was chosen."""
    form = "{:.4g}".format if is_error else "{:.1%}".format
    scores = ", ".join(f"{each.name} {form(each.scores.mean())}" for each in trials)
    what = "mean absolute error" if is_error else "accuracy"
    return (
        f"--encoder auto: {trials[best].name}; {what} of those tried: {scores} (in the next lines, "
        "each fold is predicted with the features that did best on the other folds)"
    )
