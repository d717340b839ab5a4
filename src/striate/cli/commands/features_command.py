"""`striate features`: the features of images as a NumPy array."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.shared_options import FeaturesOrModel, Images

if TYPE_CHECKING:
    from striate.files.feature_extraction import ExtractedFeatures
    from striate.images.deep_patch_features import LayeredFeatures

EXAMPLES = (
    "striate features features.skops photos/ --out photos.npy",
    "striate features model.skops photos/ --out photos.npy --skip-errors",
    "striate features model.skops photos/ --out photos.npy --scheduler tcp://10.0.0.1:8786",
)


def features(
    file: FeaturesOrModel,
    images: Images,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="NPY", help="Output file for the features (.npy)."),
    ],
    skip_errors: Annotated[
        bool,
        typer.Option(
            "--skip-errors",
            help="Fill the rows of images that cannot be used with NaN, and list them at the end.",
        ),
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Spread the images over a cluster of Dask, whose scheduler has this address.",
        ),
    ] = None,
) -> None:
    """Compute the features of images, for use in other programs.

    FILE comes from `striate learn` or `striate train`. IMAGES are image files, or folders to
    search for them. NPY is a NumPy array with one row per image; a CSV table beside it names the
    image of each row.

    If the command is interrupted, run it again to continue.
    """
    from striate.cli.cluster import client_of
    from striate.cli.models import load_features
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import write_file

    check_output(out, ".npy")
    table = out.with_suffix(".csv")
    check_output(table)
    _, learned = load_features(file)
    skipped = SkippedImages(skip_errors)
    with client_of(scheduler) as client:
        done = _extract(learned, file, skipped.find(images), out, skip_errors, client)
    write_file(table, _table(done).encode("utf-8", "surrogateescape"))
    n_images, n_features = done.features.shape
    print(f"Wrote {n_features} features of each of {n_images} images to {out}")
    print(f"Wrote the names of the images to {table}")
    skipped.reasons |= done.skipped
    skipped.report()


def _extract(
    learned: LayeredFeatures,
    source: Path,
    files: list[Path],
    out: Path,
    skip_errors: bool,
    client: Any,
) -> ExtractedFeatures:
    from functools import partial

    from striate.cli.datasets import image_channels
    from striate.cli.error_messages import InterruptedWorkError
    from striate.cli.progress_bar import progress
    from striate.files.feature_extraction import extract_features

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # all skipped images are listed later
            return extract_features(
                learned,
                files,
                out,
                channels=image_channels(learned),
                on_error="skip" if skip_errors else "raise",
                progress=partial(progress, title="Computing features of images"),
                client=client,
            )
    except KeyboardInterrupt:
        raise InterruptedWorkError("interrupted; run the same command again to continue") from None


def _table(done: ExtractedFeatures) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "error"])
    writer.writerows([file, done.skipped.get(file, "")] for file in done.paths)
    return text.getvalue()
