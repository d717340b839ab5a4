"""The option `--unlabelled` of `striate train`: images without labels, for self-training."""

import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from striate.analysis.cross_validation import cross_validate
from striate.analysis.features_choice import choose_features
from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.analysis.self_trained_images import (
    calibrated,
    new_self_trained_classifier,
    sharpen,
    unlabeled_parameter,
)
from striate.images.deep_patch_features import LayeredFeatures
from striate.report.labelled_images import Labelled

from .datasets import compute_features, image_channels
from .feature_trials import hold_out_classes, measurable
from .plurals import plural
from .progress_bar import progress
from .skip_errors import SkippedImages


def unlabelled_files(folder: Path, labelled: list[Path], skipped: SkippedImages) -> list[Path]:
    """Return the images in a folder that have no label, without copies of those that have one.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "no such folder"
        raise NotADirectoryError(f"--unlabelled {folder}: {reason}")
    known = set(map(os.path.realpath, labelled))
    sums = {_checksum(file) for file in labelled}
    found = [
        file
        for file in skipped.find(folder)
        if os.path.realpath(file) not in known and _checksum(file) not in sums
    ]
    if not found:
        raise ValueError(f"--unlabelled {folder}: all images in it have labels")
    return found


def unlabelled_features(
    features: LayeredFeatures, files: list[Path], skipped: SkippedImages
) -> npt.NDArray[Any]:
    """Return the features of the images that can be used."""
    return compute_features(features, files, image_channels(features), skipped)[1]


class SelfTraining(NamedTuple):
    """What comes of images without labels.

    Attributes
    ----------
    classifier : Pipeline or None
        Fitted classifier; None if one without these images is better.
    held_out : HeldOutPredictions or None
        Predictions whose scores are not biased by the choice; None if nothing can be held out.
    """

    classifier: Pipeline | None
    held_out: HeldOutPredictions | None


def self_training(
    labelled: Labelled, X: npt.NDArray[Any], U: npt.NDArray[Any], class_weight: str | None
) -> SelfTraining:
    """Train a classifier on images with and without labels, unless one without is better.

    Images of the fold that is held out are never among those without labels.

    Parameters
    ----------
    labelled : Labelled
        Images with labels.
    X, U : ndarray of shape (n_images, n_features)
        Features of images with labels, and without.
    class_weight : {"balanced"} or None
        Whether classes count equally.
    """
    classifier = new_self_trained_classifier(X, U, class_weight)
    used = measurable(labelled)
    factor, held_out = 1.0, None
    if used.any():
        groups = None if labelled.groups is None else labelled.groups[used]
        found, factor = calibrated(
            cross_validate(
                classifier, X[used], labelled.labels[used], progress, groups=groups, unlabeled=U
            )
        )
        without = hold_out_classes(labelled, X, class_weight)
        best, unbiased = choose_features([found, without])
        assert isinstance(unbiased, HeldOutPredictions)
        print(_sentence(len(U), found, without, helps=best == 0))
        held_out = unbiased
        if best > 0:
            return SelfTraining(None, held_out)
    with threadpool_limits(1, user_api="blas"):  # as in cross-validation
        classifier.fit(X, labelled.labels, **unlabeled_parameter(U))
    sharpen(classifier, factor)
    return SelfTraining(classifier, held_out)


def _sentence(
    n_images: int, found: HeldOutPredictions, without: HeldOutPredictions, *, helps: bool
) -> str:
    what = "used" if helps else "left out, since they do not help"
    return (
        f"--unlabelled: {plural(n_images, 'image')} without labels, {what}; accuracy with them "
        f"{found.accuracies.mean():.1%}, without {without.accuracies.mean():.1%} (in the next "
        "lines, whether they are used for a fold is decided by the other folds)"
    )


def _checksum(file: Path) -> tuple[int, int] | None:
    """Return what equal files share; None for one that cannot be read, which is reported later."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    return len(content), zlib.crc32(content)
