"""`striate label`: a page for labelling images, beside a classifier that learns meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.plurals import plural
from striate.cli.shared_options import Table

if TYPE_CHECKING:
    from striate.images.patch_features import PatchFeatures

EXAMPLES = (
    "striate label photos/ --features features.skops --classes cracked,sound",
    "striate label photos/ -f features.skops --labels labels.csv",
)


def label(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    features: Annotated[
        Path,
        typer.Option("--features", "-f", metavar="FILE", help="Features from `striate learn`."),
    ],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels", "-l", metavar="CSV", help="Table of labels; it is made or continued."
        ),
    ] = Path("labels.csv"),
    classes: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Classes, separated by commas; more can be added on the page."
        ),
    ] = "",
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Port (default: a free one)."),
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    table: Table = None,
) -> None:
    """Label images on a page in the browser, in the order in which labels help most.

    The page is served by this computer, for this computer only, and needs no network. Each image is
    labelled by one key. The classifier learns meanwhile: it chooses the next images, guesses their
    class, and shows labels that it finds improbable once more.

    Each label is written to CSV at once, with the columns file, label and note. Use the table with
    `striate train FOLDER --labels CSV`. It may be edited meanwhile, by hand or by other programs.

    The features of the images are computed once, and kept for the next time.
    """
    from striate.cli.datasets import compute_features, image_channels
    from striate.cli.models import load_features
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages
    from striate.files.feature_table import FeatureTable
    from striate.labelling.label_book import LabelBook
    from striate.labelling.label_server import open_socket

    _check_packages()
    check_output(labels)
    listening = open_socket(port)
    with listening:
        if not folder.is_dir():
            reason = "is not a folder" if folder.exists() else "no such folder"
            raise NotADirectoryError(f"{folder}: {reason}")
        _, learned = load_features(features)
        skipped = SkippedImages(skip=True)
        known = None if table is None else FeatureTable(table, folder)
        channels = image_channels(learned)
        files, X = compute_features(learned, skipped.find(folder), channels, skipped, known)
        skipped.report()
        names = [str(file.relative_to(folder)) for file in files]
        book = LabelBook(labels, names)
        given = [name for name in map(str.strip, classes.split(",")) if name]
        _serve(folder, files, book, X, given, learned, listening, browser)


def _check_packages() -> None:
    from importlib.util import find_spec

    for package in ("starlette", "uvicorn"):
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"{package} is missing: pip install 'striate[label]'")


def _serve(
    folder: Path,
    files: list[Path],
    book: Any,
    X: Any,
    classes: list[str],
    learned: PatchFeatures,
    listening: Any,
    browser: bool,
) -> None:
    from striate.cli.error_messages import say
    from striate.labelling.label_pictures import LabelPictures
    from striate.labelling.label_server import HOST, label_app, new_server, new_token
    from striate.labelling.label_session import LabelSession

    session = LabelSession(
        folder, files, book, X, classes, lambda error: say(f"no more learning: {error}")
    )
    token, port = new_token(), listening.getsockname()[1]
    pictures = LabelPictures(files, learned.used_range_, learned.reading_)
    app = label_app(session, pictures, token, port)
    address = f"http://{HOST}:{port}/{token}/"
    print(f"{plural(len(files), 'image')}; the page for labelling is {address}", flush=True)
    print("Press Ctrl-C to end.", flush=True)
    session.start()
    try:
        if browser:
            typer.launch(address)
        new_server(app).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        session.close()
    n_labels = sum(map(bool, book.labels))
    print(f"{plural(n_labels, 'label')} in {book.path}")
