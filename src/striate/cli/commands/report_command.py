"""`striate report`: an HTML page on a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.shared_options import Groups, Labels, Model, SkipErrors, Table

if TYPE_CHECKING:
    import numpy.typing as npt

    from striate.cli.labelled_files import LabelledFiles
    from striate.cli.skip_errors import SkippedImages
    from striate.images.deep_patch_features import LayeredFeatures
    from striate.report.label_scores import Decisions
    from striate.report.labelled_images import Labelled

EXAMPLES = (
    "striate report model.skops --out report.html",
    "striate report model.skops other-labelled/ --out report.html",
    "striate report model.skops photos/ --labels labels.csv --out report.html",
)


def report(
    model: Model,
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", hidden=True)] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="PAGE", help="Output file for the page (.html).")
    ] = Path("report.html"),
    labels: Labels = None,
    groups: Groups = None,
    table: Table = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Write a page on a model: what it learned and where it errs.

    MODEL comes from `striate train`. FOLDER has one sub-folder of images per class, or CSV has the
    labels; the default is what the model was trained on. The page is one HTML file that includes
    its pictures: the features, the image patches that activate them most, the confusion matrix, the
    accuracy by number of labels, whether probabilities hold, the worst mistakes, and the settings.

    The accuracy is measured on images that the classifier was not trained on. If the model was
    trained on any of the images, they are classified by cross-validation, as by `striate train`.
    """
    from sklearn.base import is_regressor

    from striate.cli.datasets import labelled_features
    from striate.cli.labelled_files import LabelSource, files_with_labels
    from striate.cli.models import label_names, load_model
    from striate.cli.output_paths import check_output
    from striate.cli.progress_bar import progress
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import write_file
    from striate.files.feature_table import FeatureTable
    from striate.report.report_page import report_page

    check_output(out, ".html", ".htm")
    estimator, features = load_model(model)
    columns = tuple(label_names(estimator))
    regression = is_regressor(estimator)
    if folder is None:
        folder, labels, groups = _training_source(estimator, model, labels, groups)
    if columns and labels is None:
        raise ValueError(f"{model}: has several labels per image; give their table with --labels")
    skipped = SkippedImages(skip_errors)
    given = files_with_labels(LabelSource(folder, labels, groups, regression, columns), skipped)
    if not (regression or columns):
        _check_classes(estimator, given)
    known = None if table is None else FeatureTable(table, folder)
    labelled, X = labelled_features(given, features, skipped, known)
    page = report_page(
        model.name,
        features,
        estimator[1:],
        labelled,
        X,
        new=_are_new(estimator, labelled),
        unlabeled=_unlabelled(estimator, model, features, labelled, skipped),
        decisions=_decisions(columns, labelled),
        progress=progress,
    )
    write_file(out, page.encode("utf-8", "replace"))  # file names may hold any bytes
    print(f"Wrote the report to {out}")
    skipped.report()


def _training_source(
    estimator: Any, model: Path, labels: Path | None, groups: str | None
) -> tuple[Path, Path | None, str | None]:
    """Return the folder, the table and the groups that a model was trained with."""
    known = getattr(estimator, "trained_on_", {})
    folder, table = known.get("folder"), known.get("labels")
    if folder is None:
        raise ValueError(f"{model}: does not name the folder it was trained on; give FOLDER")
    if not Path(folder).is_dir():
        raise ValueError(
            f"{model}: was trained on the images in {folder}, which does not exist; give FOLDER"
        )
    if labels is None and table is not None:
        labels = Path(table)
        if not labels.is_file():
            raise ValueError(
                f"{model}: was trained with the labels in {table}, which does not exist; give "
                "--labels"
            )
    return Path(folder), labels, groups if groups is not None else known.get("groups")


def _decisions(columns: tuple[str, ...], labelled: Labelled) -> Decisions | None:
    from striate.cli.label_decisions import decisions_of
    from striate.report.label_scores import Decisions

    return Decisions(list(columns), decisions_of(labelled.labels, columns)) if columns else None


def _unlabelled(
    estimator: Any,
    model: Path,
    features: LayeredFeatures,
    labelled: Labelled,
    skipped: SkippedImages,
) -> npt.NDArray[Any] | None:
    """Return the features of the images without labels that a model was trained on."""
    from striate.cli.unlabelled_images import unlabelled_features, unlabelled_files

    folder = getattr(estimator, "trained_on_", {}).get("unlabelled")
    if folder is None:
        return None
    if not Path(folder).is_dir():
        raise ValueError(
            f"{model}: was trained with the unlabelled images in {folder}, which does not exist"
        )
    files = unlabelled_files(Path(folder), labelled.files, skipped)
    return unlabelled_features(features, files, skipped)


def _check_classes(classifier: Any, given: LabelledFiles) -> None:
    known = sorted(str(each) for each in classifier.classes_)
    for name in dict.fromkeys(given.labels):
        if name not in known:
            where = given.source.table or given.source.folder / str(name)
            what = f"{name} " if given.source.table else ""
            raise ValueError(
                f"{where}: {what}is not a class of the model; its classes are {', '.join(known)}"
            )


def _are_new(classifier: Any, labelled: Labelled) -> bool:
    """Return whether the model is known to be trained on none of the images."""
    import numpy as np

    if not hasattr(classifier, "trained_on_"):
        return False
    return not np.isin(labelled.checksums, classifier.trained_on_["checksums"]).any()
