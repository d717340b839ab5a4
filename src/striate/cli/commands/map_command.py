"""`striate map`: a page with all images of a folder, laid out by similarity."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from striate.cli.plurals import plural
from striate.cli.reading_options import Shrink
from striate.cli.shared_options import FeaturesOf, Grey, SkipErrors

EXAMPLES = (
    "striate map photos/ --out map.html",
    "striate map photos/ --model features.skops --out map.html",
    "striate map photos/ --method umap --out map.html",
)

_SIMILAR = 12


class Method(StrEnum):
    """Choices of `--method`."""

    tsne = "tsne"
    umap = "umap"
    pacmap = "pacmap"


def map(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="PAGE", help="Output file for the page (.html).")
    ] = Path("map.html"),
    model: FeaturesOf = None,
    method: Annotated[
        Method,
        typer.Option(
            metavar="METHOD",
            help="tsne, or umap or pacmap, if they are installed; umap and pacmap are faster with "
            "many images.",
        ),
    ] = Method.tsne,
    grey: Grey = False,
    shrink: Shrink = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Random seed: the same seed, the same map.")
    ] = 0,
    skip_errors: SkipErrors = False,
) -> None:
    """Write a page with all images of a folder, similar ones near each other.

    FOLDER is searched for images. The page is one HTML file, with small pictures of the images
    inside, and needs no network. Click an image, or go to it with the arrow keys, to see the images
    most similar to it. Files can be found by parts of their names, and opened if they are still
    where they were.

    Similarity is that of features: of FILE, or learned from the folder itself.
    """
    from striate.analysis.image_layout import check_method, nearest_images, similarity_layout
    from striate.cli.described_folder import DescribedFolder
    from striate.cli.output_paths import check_output
    from striate.cli.progress_bar import progress, working
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import write_file
    from striate.labelling.label_order import similarity_space
    from striate.report.map_page import map_page
    from striate.report.thumbnail_sheet import thumbnail_sheet

    check_output(out, ".html", ".htm")
    check_method(method)
    skipped = SkippedImages(skip_errors)
    found = DescribedFolder.of(folder, model, skipped, grey=grey, shrink=shrink, seed=seed)
    Z = similarity_space(found.X)
    with working("Arranging images"):
        points = similarity_layout(Z, method, seed=seed)
        nearest = nearest_images(Z, _SIMILAR)
    rows = progress(range(len(found.files)), "Drawing images")
    images = found.images.to_look_at()
    sheet = thumbnail_sheet((images[i] for i in rows), len(found.files))
    page = map_page(folder, found.names, points, nearest, sheet, page=out)
    write_file(out, page.encode("utf-8", "replace"))  # file names may hold any bytes
    print(f"Wrote a map of {plural(len(found.files), 'image')} to {out}")
    skipped.report()
