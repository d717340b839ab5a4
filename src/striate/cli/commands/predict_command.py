"""`striate predict`: a table of labels and probabilities for new images."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.plurals import plural
from striate.cli.shared_options import Images, Model, SkipErrors

if TYPE_CHECKING:
    import numpy.typing as npt

EXAMPLES = (
    "striate predict model.skops new/ > predictions.csv",
    "striate predict model.skops a.png b.png --out predictions.csv",
)


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
    skip_errors: SkipErrors = False,
) -> None:
    """Predict the class of images.

    MODEL comes from `striate train`. IMAGES are image files, or folders to search for them. The
    output is a CSV table with the columns file, label and probability.
    """
    from striate.cli.datasets import compute_features, image_channels
    from striate.cli.models import load_model
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages

    if out is not None:
        check_output(out)
    classifier, features = load_model(model)
    skipped = SkippedImages(skip_errors)
    files = skipped.find(images)
    channels = image_channels(features, model)
    files, X = compute_features(features, files, channels, skipped)
    table = _table(files, classifier.classes_, classifier[1:].predict_proba(X))
    _write(table.encode("utf-8", "surrogateescape"), len(files), out)
    skipped.report()


def _table(files: list[Path], classes: npt.NDArray[Any], probabilities: npt.NDArray[Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "probability"])
    for file, row in zip(files, probabilities, strict=True):
        writer.writerow([file, classes[row.argmax()], f"{row.max():.4f}"])
    return text.getvalue()


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
