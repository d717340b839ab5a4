"""`striate outliers`: images of a folder that are unlike the rest, and where."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.plurals import plural
from striate.cli.reading_options import Shrink
from striate.cli.shared_options import FeaturesOf, Grey, SkipErrors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from striate.analysis.image_outliers import ImageOutliers

EXAMPLES = (
    "striate outliers photos/",
    "striate outliers photos/ --contamination 0.02 --top 50 --out odd.html",
    "striate outliers photos/ --model features.skops --out odd.html",
)


def outliers(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="PAGE",
            help="Output file for the page (.html); the table is written beside it (.csv).",
        ),
    ] = Path("outliers.html"),
    model: FeaturesOf = None,
    contamination: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the images that are outliers, above 0 and at most 0.5 (default: one in "
            "a hundred, and more if more are farther from others than usual).",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Number of images on the page.")
    ] = 24,
    grey: Grey = False,
    shrink: Shrink = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Random seed: the same seed, the same scores.")
    ] = 0,
    skip_errors: SkipErrors = False,
) -> None:
    """Find the images of a folder that are unlike the rest, and the regions that make them so.

    FOLDER is searched for images. The score of an image is its mean distance to the five images
    most similar to it, in multiples of the median score. Distances are those of features: of FILE,
    or learned from the folder. The page shows the most unusual images, with the regions in which
    they differ from similar ones.

    The table has a row for each image, the most unusual first, with the columns file, score,
    outlier (yes or no), and for the images on the page left, top, right and bottom: the most
    unusual region, in shares of the width and height.
    """
    from striate.analysis.image_outliers import image_outliers, region_shares
    from striate.cli.described_folder import DescribedFolder
    from striate.cli.output_paths import check_output
    from striate.cli.progress_bar import progress
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import write_file
    from striate.report.outlier_page import outlier_page

    if contamination is not None and not 0 < contamination <= 0.5:
        raise ValueError(f"--contamination {contamination:g}: give a share above 0, at most 0.5")
    table = out.with_suffix(".csv")
    check_output(out, ".html", ".htm")
    check_output(table)
    skipped = SkippedImages(skip_errors)
    described = DescribedFolder.of(folder, model, skipped, grey=grey, shrink=shrink, seed=seed)
    found = image_outliers(described.X, "auto" if contamination is None else contamination)
    shares = region_shares(described.features, described.images, found, found.order[:top])
    shown = described.images.to_look_at()
    page = outlier_page(folder, described.names, shown, found, shares, progress=progress)
    rows = _table(described.files, found, shares)
    write_file(table, rows.encode("utf-8", "surrogateescape"))
    write_file(out, page.encode("utf-8", "replace"))  # file names may hold any bytes
    n_outliers = int(found.are_outliers.sum())
    verb = "is" if n_outliers == 1 else "are"
    images = plural(len(described.X), "image")
    print(f"{n_outliers} of {images} {verb} farther from similar ones than usual")
    print(f"Wrote a page to {out} and a table to {table}")
    skipped.report()


def _table(files: list[Path], found: ImageOutliers, shares: NDArray[np.floating]) -> str:
    """Return the table as CSV; `shares` are those of the most unusual images."""
    import numpy as np

    from striate.files.spreadsheet_cells import file_cell

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "score", "outlier", "left", "top", "right", "bottom"])
    answers = np.where(found.are_outliers, "yes", "no")
    for rank, i in enumerate(found.order.tolist()):
        region = _region(shares[rank]) if rank < len(shares) else [""] * 4
        writer.writerow([file_cell(files[i]), f"{found.scores[i]:.6g}", answers[i], *region])
    return text.getvalue()


def _region(shares: NDArray[np.floating]) -> list[str]:
    """Return left, top, right and bottom of the cell with the largest share."""
    (down, across), k = shares.shape, int(shares.argmax())
    y, x = divmod(k, across)
    edges = x / across, y / down, (x + 1) / across, (y + 1) / down
    return [f"{edge:.4g}" for edge in edges]
