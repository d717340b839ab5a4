"""`striate segment`: a class for every pixel of the images in a folder, from a few strokes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.plurals import plural
from striate.cli.reading_options import Bands, Page, ValueRange, reading_choices

if TYPE_CHECKING:
    from striate.files.image_collection import ImageCollection
    from striate.images.pixel_classifier import PixelClassifier

EXAMPLES = (
    "striate segment micrographs/ --labels strokes/ --out segmented/",
    "striate segment micrographs/ --labels strokes/ --out segmented/ --probabilities",
)


def segment(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    labels: Annotated[
        Path,
        typer.Option("--labels", "-l", metavar="MASKS", help="Folder with masks of strokes."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="RESULTS", help="Folder for the results; it is made."),
    ],
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities", help="Also write the probability of each class, as NumPy arrays."
        ),
    ] = False,
    grey: Annotated[
        bool, typer.Option("--grey", "--gray", help="Convert colour images to grey.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Random seed: the same seed gives the same result."),
    ] = 0,
    data_masks: Annotated[
        Path | None,
        typer.Option(
            "--data-masks",
            metavar="FOLDER",
            help="Folder with masks of the names of their images: black where there are no data.",
        ),
    ] = None,
    page: Page = None,
    bands: Bands = None,
    value_range: ValueRange = None,
) -> None:
    """Segment images: a class for every pixel, learned from a few strokes.

    FOLDER has the images, of any sizes. MASKS has an image for some of them, of the same name and
    size: grey or with a palette, 0 where there is no label, and 1, 2, and so on for the classes.
    Mark some pixels of each class, the background included, in at least two images.

    The features are learned from all images. The intersection over union is measured by
    cross-validation over images, on strokes in images that the classifier was not trained on. The
    final classifier is trained on all strokes.

    Pixels without data are left out, and get class 0 and no probability (NaN).

    RESULTS gets, for an image a.jpg, the classes a.png and the picture a_overlay.png, and the model
    model.skops.
    """
    from striate.cli.stroke_masks import masks_of
    from striate.files.atomic_writing import check_writable
    from striate.files.image_collection import ImageCollection
    from striate.files.image_folders import find_images
    from striate.persistence import save

    files = find_images(folder)
    masks = masks_of(files, labels)
    made = not out.exists()
    targets = _results(out, files, probabilities)
    _check_results(out, targets, [*files, *filter(None, masks)])
    choices = reading_choices(page, bands, value_range)
    data = None if data_masks is None else masks_of(files, data_masks)
    images = ImageCollection(files, channels=1 if grey else None, masks=data, **choices)
    model = _trained(images, masks, seed)
    if made:
        out.mkdir(parents=True)
    check_writable(out / "model.skops")
    _segment_all(model, images, targets)
    save(model, out / "model.skops")
    print(f"Wrote the classes and pictures of {plural(len(files), 'image')} to {out}")
    print(f"Wrote the model to {out / 'model.skops'}")


def _results(out: Path, files: list[Path], probabilities: bool) -> list[dict[str, Path]]:
    """Return the files that are written for each image."""
    kinds = {"classes": ".png", "overlay": "_overlay.png"}
    if probabilities:
        kinds["probabilities"] = "_probabilities.npy"
    return [{kind: out / f"{file.stem}{end}" for kind, end in kinds.items()} for file in files]


def _check_results(out: Path, targets: list[dict[str, Path]], given: list[Path]) -> None:
    """Raise an error if results cannot be written, or would overwrite images or each other."""
    import os

    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"--out {out}: is not a folder")
    sources = set(map(os.path.realpath, given))
    written: set[str] = set()
    for target in (path for each in targets for path in each.values()):
        real = os.path.realpath(target)
        if real in sources:
            raise ValueError(f"--out {out}: would overwrite {target}; choose another folder")
        if real in written:
            raise ValueError(f"--out {out}: two results would be {target}; rename an image")
        written.add(real)


def _trained(images: ImageCollection, masks: list[Path | None], seed: int) -> PixelClassifier:
    """Return a model that is trained on all strokes; print how it does on held-out images."""
    from striate.analysis.image_cross_validation import cross_validate_images
    from striate.cli.progress_bar import progress
    from striate.files.image_collection import MixedChannelsError

    labels = [None if mask is None else _mask(mask, images, i) for i, mask in enumerate(masks)]
    try:
        model = new_classifier(random_state=seed).fit(images, labels)
    except MixedChannelsError as error:
        raise ValueError(f"{error}, or convert all to grey with --grey") from error
    n_labelled = sum(mask is not None for mask in labels)
    print(
        f"Learned {plural(len(model.classes_), 'class', 'classes')} from "
        f"{plural(model.n_pixels_, 'pixel')} in {plural(n_labelled, 'image')}"
    )
    pixels = model.labelled_pixels(images, labels)
    _print_scores(cross_validate_images(model.classifier_, pixels, progress))
    return model


def new_classifier(**params: Any) -> PixelClassifier:
    """Return an unfitted classifier."""
    from striate.images.pixel_classifier import PixelClassifier

    return PixelClassifier(**params)


def _mask(path: Path, images: ImageCollection, i: int) -> Any:
    """Read a mask, and check its size."""
    from striate.files.label_masks import read_mask

    mask, shape = read_mask(path), images.to_find_range().with_missing()[i].shape[:2]
    if mask.shape != shape:
        raise ValueError(
            f"{path}: is of {mask.shape[0]} x {mask.shape[1]} pixels, but {images.name(i)} of "
            f"{shape[0]} x {shape[1]}; masks have the size of their images"
        )
    return mask


def _print_scores(scores: Any) -> None:
    import numpy as np

    if scores is None:
        print(
            "intersection over union: not estimated, because two images with labels of several "
            "classes are needed"
        )
        return
    each = scores.intersections_over_unions
    print(
        f"intersection over union on strokes in {plural(scores.n_images, 'held-out image')}, in "
        f"{plural(scores.n_folds, 'fold')}:"
    )
    for label, score in zip(scores.classes, each, strict=True):
        missing = np.isnan(score)
        print(f"  class {label}: " + ("labels in one image only" if missing else f"{score:.1%}"))
    if not np.isnan(each).all():
        print(f"  mean: {np.nanmean(each):.1%}")


def _segment_all(
    model: PixelClassifier, images: ImageCollection, targets: list[dict[str, Path]]
) -> None:
    import numpy as np

    from striate.cli.progress_bar import progress
    from striate.display.segmentation_overlay import segmentation_overlay

    images = images.as_learned(model.features_).with_missing()
    classes = np.asarray(model.classes_)
    for i in progress(range(len(images)), "Segmenting images"):
        image, target = images[i], targets[i]
        found = model.predict(image)
        _write_png(target["classes"], found.astype(np.uint8 if classes.max() < 256 else np.uint16))
        _write_png(target["overlay"], segmentation_overlay(image, found, classes))
        if "probabilities" in target:
            model.predict_proba(image, out=target["probabilities"])


def _write_png(path: Path, pixels: Any) -> None:
    import io

    from PIL import Image

    from striate.files.atomic_writing import write_file

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="png")
    write_file(path, content.getvalue())
