"""Writing the report on a model."""

from pathlib import Path
from typing import Any

import numpy as np

from striate.analysis.cross_validation import single_image_classes
from striate.files.atomic_writing import replacing
from striate.report.labelled_images import Labelled
from striate.report.report_page import report_page

from .classifying import load_model
from .extracting import extract, files_by_class, labelled_images
from .outputs import check_page
from .progress import watched
from .skipping import Skipping


def write_report(
    model_file: Path, folder: Path | None, out: Path, skip_errors: bool = False
) -> None:
    """Write a page on a model, measured on the images that it was trained on, or on others."""
    check_page(out)
    model, features = load_model(model_file)
    folder = folder or _trained_on(model, model_file)
    files = files_by_class(folder)
    _check_classes(model, files, folder)
    skipping = Skipping(skip_errors)
    files = {name: skipping.usable_by(features)(each) for name, each in files.items()}
    labelled = labelled_images(folder, files, features, model_file)
    single = single_image_classes(labelled.labels)
    if single:
        raise ValueError(
            f"{folder / single[0]}: has a single image; to judge a class, the report needs two or "
            "more"
        )
    X = extract(model[0], labelled.images)
    new = _are_new(model, labelled)
    page = report_page(model_file.name, features, model[1:], labelled, X, new=new, progress=watched)
    with replacing(out) as temporary:
        temporary.write_bytes(page.encode("utf-8", "replace"))  # file names may hold any bytes
    print(f"Wrote the report to {out}")
    skipping.tell()


def _trained_on(model: Any, model_file: Path) -> Path:
    folder = getattr(model, "trained_on_", {}).get("folder")
    if folder is None:
        raise ValueError(f"{model_file}: does not say what it was trained on; name the FOLDER")
    if not Path(folder).is_dir():
        raise ValueError(
            f"{model_file}: was trained on the images in {folder}, which is not there; name the "
            "FOLDER"
        )
    return Path(folder)


def _check_classes(model: Any, files: dict[str, list[Path]], folder: Path) -> None:
    known = {str(each) for each in model.classes_}
    for name in files:
        if name not in known:
            raise ValueError(
                f"{folder / name}: the model knows no such class, but {', '.join(sorted(known))}"
            )


def _are_new(model: Any, labelled: Labelled) -> bool:
    """Whether the model was trained on none of the images, as far as it says."""
    if not hasattr(model, "trained_on_"):
        return False
    return not np.isin(labelled.checksums(), model.trained_on_["checksums"]).any()
