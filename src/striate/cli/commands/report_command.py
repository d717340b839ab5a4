"""`striate report`: an HTML page on a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.shared_options import Model, SkipErrors

if TYPE_CHECKING:
    from striate.report.labelled_images import Labelled

EXAMPLES = (
    "striate report model.skops --out report.html",
    "striate report model.skops other-labelled/ --out report.html",
)


def report(
    model: Model,
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", hidden=True)] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="PAGE", help="Output file for the page (.html).")
    ] = Path("report.html"),
    skip_errors: SkipErrors = False,
) -> None:
    """Write a page on a model: what it learned and where it errs.

    MODEL comes from `striate train`. FOLDER has one sub-folder of images per class; the default
    is the folder that the model was trained on. The page is one HTML file that includes its
    pictures: the features, the image patches that activate them most, the confusion matrix, the
    accuracy by number of labels, the worst mistakes, and the settings.

    The accuracy is measured on images that the classifier was not trained on. If the model was
    trained on any of the images, they are classified by cross-validation, as by `striate train`.
    """
    from striate.cli.datasets import files_by_class, labelled_features
    from striate.cli.models import load_model
    from striate.cli.output_paths import check_output
    from striate.cli.progress_bar import progress
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import write_file
    from striate.report.report_page import report_page

    check_output(out, ".html", ".htm")
    classifier, features = load_model(model)
    folder = folder or _training_folder(classifier, model)
    skipped = SkippedImages(skip_errors)
    files = files_by_class(folder, skipped)
    _check_classes(classifier, list(files), folder)
    labelled, X = labelled_features(folder, files, features, model, skipped)
    _check_class_sizes(labelled)
    new = _are_new(classifier, labelled)
    page = report_page(
        model.name, features, classifier[1:], labelled, X, new=new, progress=progress
    )
    write_file(out, page.encode("utf-8", "replace"))  # file names may hold any bytes
    print(f"Wrote the report to {out}")
    skipped.report()


def _training_folder(classifier: Any, model: Path) -> Path:
    folder = getattr(classifier, "trained_on_", {}).get("folder")
    if folder is None:
        raise ValueError(f"{model}: does not name the folder it was trained on; give FOLDER")
    if not Path(folder).is_dir():
        raise ValueError(
            f"{model}: was trained on the images in {folder}, which does not exist; give FOLDER"
        )
    return Path(folder)


def _check_classes(classifier: Any, names: list[str], folder: Path) -> None:
    known = sorted(str(each) for each in classifier.classes_)
    for name in names:
        if name not in known:
            raise ValueError(
                f"{folder / name}: is not a class of the model; its classes are {', '.join(known)}"
            )


def _check_class_sizes(labelled: Labelled) -> None:
    from striate.analysis.cross_validation import single_image_classes

    single = single_image_classes(labelled.labels)
    if single:
        raise ValueError(
            f"{labelled.folder / single[0]}: has a single image; the report needs at least two per "
            "class"
        )


def _are_new(classifier: Any, labelled: Labelled) -> bool:
    """Return whether the model is known to be trained on none of the images."""
    import numpy as np

    if not hasattr(classifier, "trained_on_"):
        return False
    return not np.isin(labelled.checksums(), classifier.trained_on_["checksums"]).any()
