"""`striate train`: a classifier, or a regression, on learned features."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.plurals import plural
from striate.cli.shared_options import Groups, Labels, SkipErrors, Table

if TYPE_CHECKING:
    import numpy.typing as npt
    from sklearn.pipeline import Pipeline

    from striate.analysis.held_out_predictions import HeldOutPredictions
    from striate.report.labelled_images import Labelled

EXAMPLES = (
    "striate train labelled/ --features features.skops --out model.skops",
    "striate train photos/ --labels labels.csv --features features.skops --out model.skops",
    "striate train tiles/ --groups '([^/]*)_tile' -f features.skops -o model.skops",
)

# Classes whose recall is printed, the lowest first.
_MOST_RECALLS = 10


class ClassWeight(StrEnum):
    """Choices of `--class-weight`."""

    none = "none"
    balanced = "balanced"


def train(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    features: Annotated[
        Path,
        typer.Option("--features", "-f", metavar="FILE", help="Features from `striate learn`."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="MODEL", help="Output file for the model (.skops)."),
    ],
    labels: Labels = None,
    groups: Groups = None,
    regression: Annotated[
        bool, typer.Option("--regression", help="Labels are numbers; predict numbers.")
    ] = False,
    class_weight: Annotated[
        ClassWeight,
        typer.Option(
            metavar="WEIGHT",
            help='"balanced" weighs classes equally, however many images each has.',
        ),
    ] = ClassWeight.none,
    table: Table = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Train a classifier on learned features.

    FOLDER has one sub-folder per class, for example cracked/ and sound/, or CSV has the labels.
    Images are converted to grey or to colour, to match those that the features were learned from.

    The accuracy is measured by cross-validation, on images that the classifier was not trained
    on. There are five folds, or fewer if a class has fewer images. Equal files, and images of one
    group, such as those of a patient, are in one fold. The features stay the same in all folds,
    since they were learned without labels. The final model is trained on all images.

    Probabilities are calibrated on images that the classifier was not trained on. Where one class
    has over three times as many images as another, more scores are printed than the accuracy.
    """
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import Pipeline

    from striate.cli.datasets import labelled_features
    from striate.cli.labelled_files import LabelSource, files_with_labels
    from striate.cli.models import load_only_features
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages
    from striate.files.feature_table import FeatureTable
    from striate.persistence import save

    check_output(out)
    balanced = class_weight is ClassWeight.balanced
    if regression and balanced:
        raise ValueError("--class-weight balanced: numbers have no classes; leave it out")
    skipped = SkippedImages(skip_errors)
    source = LabelSource(folder, labels, groups, regression)
    given = files_with_labels(source, skipped)
    learned = load_only_features(features)
    known = None if table is None else FeatureTable(table, folder)
    labelled, X = labelled_features(given, learned, features, skipped, known)
    fit = _fit_regression if regression else _fit_classifier
    head, scores = fit(labelled, X, balanced)
    model = Pipeline([("features", FrozenEstimator(learned)), *head.steps])
    # For `striate report` and `striate show`.
    model.trained_on_ = {
        "folder": str(folder),
        "labels": None if labels is None else str(labels),
        "groups": groups,
        "checksums": labelled.checksums,
    }
    if scores:
        model.cross_validation_ = scores
    save(model, out)
    print(f"Wrote the model to {out}")
    skipped.report()


def _fit_classifier(
    labelled: Labelled, X: npt.NDArray[Any], balanced: bool
) -> tuple[Pipeline, dict[str, Any]]:
    """Fit the classifier, print how it does on held-out images, and return both."""
    from threadpoolctl import threadpool_limits

    from striate.analysis.image_classifier import group_parameter, new_image_classifier

    _print_class_sizes(labelled.labels)
    _print_groups(labelled)
    head = new_image_classifier(len(X), "balanced" if balanced else None)
    held_out = _cross_validate(head, X, labelled, balanced)
    with threadpool_limits(1, user_api="blas"):  # as in cross-validation
        head.fit(X, labelled.labels, **group_parameter(head, labelled.groups))
    return head, {} if held_out is None else held_out.summary()


def _fit_regression(
    labelled: Labelled, X: npt.NDArray[Any], balanced: bool
) -> tuple[Pipeline, dict[str, Any]]:
    """Fit the regression, print its errors on held-out images, and return both."""
    from threadpoolctl import threadpool_limits

    from striate.analysis.image_classifier import fit_image_regressor
    from striate.analysis.number_validation import cross_validate_numbers, group_codes
    from striate.cli.progress_bar import progress

    y, groups = labelled.labels, labelled.groups
    print(f"{plural(len(y), 'image')} with numbers from {y.min():g} to {y.max():g}")
    _print_groups(labelled)
    n_parts = int(group_codes(groups, len(y)).max()) + 1
    if n_parts < 2:
        raise ValueError(f"{labelled.folder}: has a single image; a regression needs at least two")
    with threadpool_limits(1, user_api="blas"):
        held_out = cross_validate_numbers(X, y, progress, groups=groups)
        model = fit_image_regressor(X, y, groups)
    print(f"on held-out images, over {held_out.n_folds} folds, with 95% intervals:")
    for line in held_out.lines():
        print(f"  {line}")
    return model, held_out.summary()


def _print_class_sizes(labels: npt.NDArray[Any]) -> None:
    import numpy as np

    for name, n_images in zip(*np.unique(labels, return_counts=True), strict=True):
        print(f"{name}: {plural(n_images, 'image')}")


def _print_groups(labelled: Labelled) -> None:
    import numpy as np

    if labelled.groups is not None:
        n_groups = len(np.unique(labelled.groups))
        print(f"{plural(n_groups, 'group')} of images, each held out as a whole")


def _cross_validate(
    head: Pipeline, X: npt.NDArray[Any], labelled: Labelled, balanced: bool
) -> HeldOutPredictions | None:
    """Print the accuracy on held-out images; return None if two classes cannot be held out."""
    import numpy as np

    from striate.analysis.cross_validation import cross_validate, is_measurable
    from striate.cli.confusion_text import print_confusion
    from striate.cli.progress_bar import progress

    used = is_measurable(labelled.labels, labelled.groups)
    alone = sorted(set(labelled.labels[~used]))
    what = "a single image" if labelled.groups is None else "images in a single group"
    if len(np.unique(labelled.labels[used])) < 2:
        print(
            f"accuracy on held-out images: not estimated, because {alone[0]} has {what}; "
            "give at least two per class"
        )
        return None
    for name in alone:
        print(f"{name} has {what}, and is left out of the following measurements")
    groups = None if labelled.groups is None else labelled.groups[used]
    held_out = cross_validate(head, X[used], labelled.labels[used], progress, groups=groups)
    print(f"accuracy on held-out images: {held_out.sentence()}")
    _print_more(held_out, balanced)
    print_confusion([str(each) for each in held_out.classes], held_out.confusion)
    return held_out


def _print_more(held_out: HeldOutPredictions, balanced: bool) -> None:
    """Print whether probabilities hold, and what the accuracy hides if classes differ in size."""
    if held_out.is_imbalanced:
        print(
            f"balanced accuracy: {held_out.balanced_accuracy:.1%}, F1: {held_out.f1:.1%}, "
            f"area under the ROC curve: {held_out.roc_auc:.3f}"
        )
        recalls = sorted(zip(held_out.recalls, held_out.classes, strict=True))[:_MOST_RECALLS]
        print("recall: " + ", ".join(f"{name} {recall:.1%}" for recall, name in recalls))
        if not balanced:
            print("one class is over three times as large as another: see --class-weight balanced")
    print(f"probabilities: {held_out.reliability.sentence()}")
