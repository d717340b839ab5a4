"""`striate predict`: a table of labels and probabilities, or of numbers, for new images."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.plurals import plural
from striate.cli.shared_options import Images, Model, SkipErrors, Table

if TYPE_CHECKING:
    from striate.cli.predictions import Predictions

EXAMPLES = (
    "striate predict model.skops new/ > predictions.csv",
    "striate predict model.skops a.png b.png --out predictions.jsonl",
    "striate predict model.skops new/ --sort-by uncertainty --out predictions.csv",
    "striate predict model.skops new/ --copy-to sorted/ --out predictions.csv",
)


class Order(StrEnum):
    """Choices of `--sort-by`."""

    file = "file"
    uncertainty = "uncertainty"


class Format(StrEnum):
    """Choices of `--format`."""

    csv = "csv"
    jsonl = "jsonl"


def predict(
    model: Model,
    images: Images,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Output file for the table (default: standard output).",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, or jsonl for one JSON object per line with the probabilities of all classes "
            "(default: by the suffix of FILE, or else csv).",
        ),
    ] = None,
    sort_by: Annotated[
        Order,
        typer.Option(
            metavar="ORDER",
            help="file (the order of IMAGES), or uncertainty: the least sure first.",
        ),
    ] = Order.file,
    copy_to: Annotated[
        Path | None,
        typer.Option(
            "--copy-to",
            metavar="FOLDER",
            help="Copy the images to FOLDER, into one sub-folder per predicted class.",
        ),
    ] = None,
    table: Table = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Predict the class of images, or a number for a regression.

    MODEL comes from `striate train`. IMAGES are image files, or folders to search for them. The
    output is a CSV table with the columns file, label and probability, or file and value. With
    several labels per image, it has a column for each, with its probability.

    Names that a spreadsheet would take for a formula are written with ./ in front of a file, and
    with an apostrophe in front of a label.
    """
    from striate.cli.datasets import compute_features, image_channels
    from striate.cli.models import load_model
    from striate.cli.output_paths import check_output
    from striate.cli.predictions import predicted
    from striate.cli.skip_errors import SkippedImages
    from striate.cli.sorted_copies import check_copies
    from striate.files.feature_table import FeatureTable

    if out is not None:
        check_output(out)
    estimator, features = load_model(model)
    _check_options(estimator, sort_by, copy_to)
    if copy_to is not None:
        check_copies(copy_to, estimator.classes_)
    skipped = SkippedImages(skip_errors)
    files = skipped.find(images)
    channels = image_channels(features)
    known = None if table is None else FeatureTable(table)
    files, X = compute_features(features, files, channels, skipped, known)
    found = predicted(estimator, files, X)
    if sort_by is Order.uncertainty:
        found = found.least_sure_first()
    as_json = form is Format.jsonl or (form is None and out is not None and _is_json(out))
    text = found.json_lines() if as_json else found.csv()
    _write(text.encode("utf-8", "surrogateescape"), len(files), out)
    if copy_to is not None:
        _copy(found, copy_to, images, quiet=out is None)
    skipped.report()


def _is_json(out: Path) -> bool:
    return out.suffix.lower() in (".jsonl", ".ndjson")


def _check_options(estimator: Any, sort_by: Order, copy_to: Path | None) -> None:
    from sklearn.base import is_regressor

    from striate.cli.models import label_names

    if copy_to is not None and label_names(estimator):
        raise ValueError("--copy-to: images with several labels cannot be sorted by them")
    if not is_regressor(estimator):
        return
    if sort_by is Order.uncertainty:
        raise ValueError("--sort-by uncertainty: a regression gives no probabilities")
    if copy_to is not None:
        raise ValueError("--copy-to: a regression has no classes to sort images by")


def _copy(table: Predictions, copy_to: Path, images: list[Path], *, quiet: bool) -> None:
    from striate.cli.sorted_copies import copy_files

    copy_files(table.files, table.labels, copy_to, images)
    said = f"Copied {plural(len(table.files), 'image')} to {copy_to}"
    print(said, file=sys.stderr if quiet else sys.stdout)


def _write(table: bytes, n_rows: int, out: Path | None) -> None:
    from striate.files.atomic_writing import write_file
    from striate.files.disk_space import naming_full_disk

    if out is None:
        with naming_full_disk("standard output", len(table)):
            sys.stdout.buffer.write(table)
            sys.stdout.flush()
        return
    write_file(out, table)
    print(f"Wrote {plural(n_rows, 'prediction')} to {out}")
