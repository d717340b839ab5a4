"""`striate learn`: features from images, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.encoder_options import (
    BEST_ON_AVERAGE,
    Encoder,
    Symmetries,
    default_text,
    new_features,
    pool_grid_of,
    settings_for,
)
from striate.cli.reading_options import Bands, Page, Shrink, ValueRange, range_text, reading_choices
from striate.cli.shared_options import Images, SkipErrors

if TYPE_CHECKING:
    from striate.images.deep_patch_features import LayeredFeatures

EXAMPLES = (
    "striate learn photos/ --out features.skops",
    "striate learn photos/ --out features.skops --encoder autoencoder",
    "striate learn photos/ --out features.skops --layers 2",
    "striate learn digits/ --out features.skops --no-flips",
    "striate learn stacks/ --out features.skops --page 3",
    "striate learn photos/ --out features.skops --shrink 4",
    "striate learn tissue/ --out features.skops --symmetries all",
    "striate learn a.png b.png --out features.skops --n-features 64 --grey",
)


def learn(
    images: Images,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE", help="Output file for the features (.skops)."),
    ],
    encoder: Annotated[
        Encoder, typer.Option(metavar="ENCODER", help="Kind of features: see the list above.")
    ] = Encoder.auto,
    n_features: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help=f"Number of features ({default_text('n_features')})."
        ),
    ] = None,
    patch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help=f"Height and width of a patch in pixels ({default_text('patch_size')}).",
        ),
    ] = None,
    n_patches: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help=f"Number of random patches to learn from ({default_text('n_patches')}).",
        ),
    ] = None,
    max_iter: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Maximum number of solver iterations, or for kmeans and omp1 of passes over the "
            f"patches ({default_text('max_iter')}).",
        ),
    ] = None,
    layers: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=3,
            help="Number of layers: each one after the first learns from the activations of the "
            "layer before. Needs a dictionary.",
        ),
    ] = 1,
    flips: Annotated[
        bool | None,
        typer.Option(
            "--flips/--no-flips",
            help="Give mirror images the same features, in twice the time "
            f"({default_text('flips')}).",
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Pixels from one patch to the next; 2 takes a quarter of the time "
            f"({default_text('stride')}).",
        ),
    ] = None,
    pool_grid: Annotated[
        str | None,
        typer.Option(
            metavar="GRID",
            help="Cells that an image is divided into, such as 3 or 2x4, or several grids, such as "
            f"1,2,4 ({default_text('pool_grid')}).",
        ),
    ] = None,
    symmetries: Annotated[
        Symmetries | None,
        typer.Option(
            metavar="GROUP",
            help="Give copies of an image the same features: flips (left, right, up, down), "
            "rotations (quarter turns), or all. For images without an up; 4 or 8 times the time.",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Random seed: the same seed gives the same features."
        ),
    ] = 0,
    grey: Annotated[
        bool, typer.Option("--grey", "--gray", help="Convert colour images to grey.")
    ] = False,
    page: Page = None,
    bands: Bands = None,
    value_range: ValueRange = None,
    shrink: Shrink = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Learn features from images, without labels.

    IMAGES are image files, or folders to search for them. A picture of the features is written
    beside FILE, with the suffix .png.

    The encoder determines the kind of features:

      auto         omp1, the most accurate on average
      autoencoder  hidden units of a small network, mostly edges
      omp1         directions in the space of patches; usually the most accurate
      kmeans       typical patches; half as many values per image as omp1
      patches      random patches, without learning; nearly as accurate as omp1
      random       random numbers; a baseline to compare the others with

    `striate train` without --features tries several on the labels, `striate compare` tabulates all.

    All but the autoencoder are dictionaries, and may have two or three layers: --layers 2 usually
    classifies better. Use --no-flips with a dictionary if left and right
    differ, as in letters, digits and organs, and --symmetries if images have
    no up, as under a microscope.
    """
    is_auto = encoder is Encoder.auto
    encoder = BEST_ON_AVERAGE if is_auto else encoder
    choices = reading_choices(page, bands, value_range, shrink)
    settings = settings_for(
        encoder,
        n_features=n_features,
        patch_size=patch_size,
        n_patches=n_patches,
        max_iter=max_iter,
        flips=flips,
        stride=stride,
        pool_grid=None if pool_grid is None else pool_grid_of(pool_grid),
        symmetries=None if symmetries is None else symmetries.value,
    )
    features = new_features(encoder, settings, seed, layers)
    choices["channels"] = 1 if grey else None
    _learn(features, images, out, choices, skip_errors=skip_errors)
    if is_auto:
        print(f"--encoder auto: {encoder.value}, the most accurate on average")


def _learn(
    features: LayeredFeatures,
    paths: list[Path],
    out: Path,
    choices: dict[str, Any],
    *,
    skip_errors: bool,
) -> None:
    """Fit features to image files; write the features and their picture."""
    from striate.cli.learning import fit_features, smallest_to_learn_from
    from striate.cli.models import describe, feature_picture
    from striate.cli.output_paths import check_output, picture_beside
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import replacing
    from striate.files.disk_space import write_whole
    from striate.files.image_collection import ImageCollection
    from striate.persistence import save

    check_output(out)
    skipped = SkippedImages(skip_errors)
    files = skipped.find(paths)
    picture = picture_beside(out, files)
    files = skipped.check(files, min_size=smallest_to_learn_from(features), **choices)
    fit_features(features, ImageCollection(files, **choices))
    with replacing(picture) as temporary:
        write_whole(temporary, feature_picture(features))
        save(features, out)
    print(f"Learned {describe(features)}, from {len(files)} images")
    if text := range_text(features):
        print(text)
    print(f"Wrote the features to {out} and a picture of them to {picture}")
    skipped.report()
