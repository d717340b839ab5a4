"""`striate train`: a classifier, or a regression, on learned features."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.encoder_options import Encoder
from striate.cli.plurals import plural
from striate.cli.reading_options import Shrink
from striate.cli.shared_options import Groups, Labels, SkipErrors, Table

if TYPE_CHECKING:
    import numpy.typing as npt
    from sklearn.pipeline import Pipeline

    from striate.analysis.features_choice import HeldOut
    from striate.analysis.held_out_predictions import HeldOutPredictions
    from striate.cli.encoder_choice import LearnedHere
    from striate.cli.labelled_files import LabelledFiles, LabelSource
    from striate.cli.skip_errors import SkippedImages
    from striate.report.labelled_images import Labelled

EXAMPLES = (
    "striate train labelled/ --out model.skops",
    "striate train labelled/ --features features.skops --out model.skops",
    "striate train photos/ --labels labels.csv --features features.skops --out model.skops",
    "striate train photos/ --labels labels.csv --label-columns cracked,wet --out model.skops",
    "striate train photos/ --labels labels.csv --unlabelled photos/ --out model.skops",
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
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="MODEL", help="Output file for the model (.skops)."),
    ],
    features: Annotated[
        Path | None,
        typer.Option(
            "--features",
            "-f",
            metavar="FILE",
            help="Features from `striate learn` (default: learn them from FOLDER).",
        ),
    ] = None,
    encoder: Annotated[
        Encoder | None,
        typer.Option(
            metavar="ENCODER",
            help="Kind of features to learn without --features, as for `striate learn`; auto, the "
            "default, tries omp1 with and without --flips, kmeans and patches.",
        ),
    ] = None,
    labels: Labels = None,
    label_columns: Annotated[
        str | None,
        typer.Option(
            "--label-columns",
            metavar="NAMES",
            help="Several labels per image: columns of CSV with 1 or 0, or yes or no, separated by "
            "commas.",
        ),
    ] = None,
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
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            "--unlabelled",
            "--unlabeled",
            metavar="FOLDER",
            help="Images without labels, of the same classes, to learn from, too; images in it "
            "that have labels count as such.",
        ),
    ] = None,
    table: Table = None,
    shrink: Shrink = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Train a classifier on learned features.

    FOLDER has one sub-folder per class, for example cracked/ and sound/, or CSV has the labels.
    Images are converted to grey or to colour, to match those that the features were learned from.
    Without --features, features are learned from the images in FOLDER, by the encoder that gives
    the best accuracy; those of many images without labels, from `striate learn`, may be better.

    The accuracy is measured by cross-validation, on images that the classifier was not trained
    on. There are five folds, or fewer if a class has fewer images. Equal files, and images of one
    group, such as those of a patient, are in one fold. The features stay the same in all folds,
    since they were learned without labels. The final model is trained on all images.

    With --unlabelled, the classifier also learns from its own predictions of images without labels,
    the surest first, if that does not make it worse. Useful with few labels; images of other
    classes, or classes of very different frequency, are not.

    Probabilities are calibrated on images that the classifier was not trained on. Where one class
    has over three times as many images as another, more scores are printed than the accuracy.
    """
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import Pipeline

    from striate.analysis.self_trained_images import is_self_trained
    from striate.cli.encoder_choice import learn_here
    from striate.cli.label_decisions import columns_of
    from striate.cli.labelled_files import LabelSource, files_with_labels
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages
    from striate.cli.unlabelled_images import unlabelled_features, unlabelled_files
    from striate.persistence import save

    check_output(out)
    columns = columns_of(label_columns)
    balanced = class_weight is ClassWeight.balanced
    source = LabelSource(folder, labels, groups, regression, columns)
    _check_labels(source, balanced=balanced, unlabelled=unlabelled)
    _check_features(features, encoder, shrink, table)
    skipped = SkippedImages(skip_errors)
    given = files_with_labels(source, skipped)
    weight = "balanced" if balanced else None
    others = unlabelled_files(unlabelled, given.files, skipped) if unlabelled else []
    if features is not None:
        found = _known(given, features, table, skipped)
    else:
        found = learn_here(given, encoder or Encoder.auto, skipped, weight, shrink, others)
    U = unlabelled_features(found.features, others, skipped) if unlabelled else None
    head, scores = _fit(source, found, U, weight)
    model = Pipeline([("features", FrozenEstimator(found.features)), *head.steps])
    # For `striate report` and `striate show`.
    model.trained_on_ = {
        "folder": str(folder),
        "labels": None if labels is None else str(labels),
        "groups": groups,
        "checksums": found.labelled.checksums,
        "label_columns": list(columns),
        "unlabelled": str(unlabelled) if is_self_trained(head) else None,
    }
    if scores:
        model.cross_validation_ = scores
    save(model, out)
    print(f"Wrote the model to {out}")
    skipped.report()


def _check_labels(source: LabelSource, *, balanced: bool, unlabelled: Path | None) -> None:
    """Raise an error for options on labels that do not go together."""
    if source.regression and (balanced or source.columns):
        what = "--class-weight balanced" if balanced else "--label-columns"
        raise ValueError(f"{what}: numbers have no classes; leave it out, or --regression")
    if source.columns and source.table is None:
        raise ValueError("--label-columns: needs --labels, the table with these columns")
    if unlabelled is not None and (source.regression or source.columns):
        what = "--regression" if source.regression else "--label-columns"
        raise ValueError(f"--unlabelled: needs one class per image; leave it out, or {what}")


def _check_features(
    features: Path | None, encoder: Encoder | None, shrink: int | None, table: Path | None
) -> None:
    """Raise an error for options that go with --features only, or only without."""
    if features is None:
        if table is not None:
            raise ValueError("--table: needs --features, the features that it holds")
        return
    if encoder is not None:
        raise ValueError("--encoder: --features has an encoder; leave one of them out")
    if shrink is not None:
        raise ValueError("--shrink: --features says how images are read; leave one of them out")


def _known(
    given: LabelledFiles, source: Path, table: Path | None, skipped: SkippedImages
) -> LearnedHere:
    """Return features from a file, labelled images and their features."""
    from striate.cli.datasets import labelled_features
    from striate.cli.encoder_choice import LearnedHere
    from striate.cli.models import load_only_features
    from striate.files.feature_table import FeatureTable

    features = load_only_features(source)
    known = None if table is None else FeatureTable(table, given.source.folder)
    labelled, X = labelled_features(given, features, skipped, known)
    return LearnedHere(features, labelled, X, None)


def _fit(
    source: LabelSource, found: LearnedHere, U: npt.NDArray[Any] | None, weight: str | None
) -> tuple[Pipeline, dict[str, Any]]:
    """Fit what labels need; print how it does on held-out images, and return both.

    `U` are the features of images without labels, if there are any.
    """
    _, labelled, X, held_out = found
    if source.columns:
        from striate.cli.decision_training import fit_decisions

        _print_groups(labelled)
        return fit_decisions(labelled, X, source.columns, weight), {}
    if source.regression:
        return _fit_regression(labelled, X, held_out)
    _print_class_sizes(labelled.labels)
    _print_groups(labelled)
    if U is None:
        return _fit_classifier(labelled, X, weight, held_out)
    from striate.cli.unlabelled_images import self_training

    trained = self_training(labelled, X, U, weight)
    if trained.classifier is None:
        return _fit_classifier(labelled, X, weight, trained.held_out)
    measured = _measure(labelled, X, weight, trained.held_out)
    return trained.classifier, {} if measured is None else measured.summary()


def _fit_classifier(
    labelled: Labelled, X: npt.NDArray[Any], weight: str | None, held_out: HeldOut | None
) -> tuple[Pipeline, dict[str, Any]]:
    """Fit the classifier, print how it does on held-out images, and return both."""
    from threadpoolctl import threadpool_limits

    from striate.analysis.image_classifier import group_parameter, new_image_classifier

    head = new_image_classifier(len(X), weight)
    held_out = _measure(labelled, X, weight, held_out)
    with threadpool_limits(1, user_api="blas"):  # as in cross-validation
        head.fit(X, labelled.labels, **group_parameter(head, labelled.groups))
    return head, {} if held_out is None else held_out.summary()


def _fit_regression(
    labelled: Labelled, X: npt.NDArray[Any], held_out: HeldOut | None
) -> tuple[Pipeline, dict[str, Any]]:
    """Fit the regression, print its errors on held-out images, and return both."""
    from threadpoolctl import threadpool_limits

    from striate.analysis.image_classifier import fit_image_regressor
    from striate.analysis.number_validation import HeldOutNumbers
    from striate.cli.feature_trials import hold_out_numbers, measurable

    y, groups = labelled.labels, labelled.groups
    print(f"{plural(len(y), 'image')} with numbers from {y.min():g} to {y.max():g}")
    _print_groups(labelled)
    if not measurable(labelled).any():
        raise ValueError(f"{labelled.folder}: has a single image; a regression needs at least two")
    found = held_out if isinstance(held_out, HeldOutNumbers) else hold_out_numbers(labelled, X)
    with threadpool_limits(1, user_api="blas"):
        model = fit_image_regressor(X, y, groups)
    print(f"on held-out images, over {found.n_folds} folds, with 95% intervals:")
    for line in found.lines():
        print(f"  {line}")
    return model, found.summary()


def _print_class_sizes(labels: npt.NDArray[Any]) -> None:
    import numpy as np

    for name, n_images in zip(*np.unique(labels, return_counts=True), strict=True):
        print(f"{name}: {plural(n_images, 'image')}")


def _print_groups(labelled: Labelled) -> None:
    import numpy as np

    if labelled.groups is not None:
        n_groups = len(np.unique(labelled.groups))
        print(f"{plural(n_groups, 'group')} of images, each held out as a whole")


def _measure(
    labelled: Labelled, X: npt.NDArray[Any], weight: str | None, held_out: HeldOut | None
) -> HeldOutPredictions | None:
    """Print the accuracy on held-out images; return None if two classes cannot be held out."""
    from striate.analysis.cross_validation import is_measurable
    from striate.analysis.held_out_predictions import HeldOutPredictions
    from striate.cli.confusion_text import print_confusion
    from striate.cli.feature_trials import hold_out_classes, measurable

    alone = sorted(set(labelled.labels[~is_measurable(labelled.labels, labelled.groups)]))
    what = "a single image" if labelled.groups is None else "images in a single group"
    if not measurable(labelled).any():
        print(
            f"accuracy on held-out images: not estimated, because {alone[0]} has {what}; "
            "give at least two per class"
        )
        return None
    for name in alone:
        print(f"{name} has {what}, and is left out of the following measurements")
    if isinstance(held_out, HeldOutPredictions):
        found = held_out
    else:
        found = hold_out_classes(labelled, X, weight)
    print(f"accuracy on held-out images: {found.sentence()}")
    _print_more(found, balanced=weight is not None)
    print_confusion([str(each) for each in found.classes], found.confusion)
    return found


def _print_more(held_out: HeldOutPredictions, *, balanced: bool) -> None:
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
