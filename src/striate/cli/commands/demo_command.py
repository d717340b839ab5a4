"""`striate demo`: a tour of the library on photographs."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = ("striate demo --out demo/",)


def demo(
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Output folder for the pictures and the page."
        ),
    ] = Path("striate-demo"),
) -> None:
    """Learn features from photographs and compare them with baselines.

    The demo draws the learned features and compares them with raw pixels and random filters when
    labels are few. It takes about a minute and needs no network.
    """
    from striate.files.atomic_writing import check_writable

    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out}: is a file; give the name of a folder")
    out.mkdir(parents=True, exist_ok=True)
    check_writable(out / "index.html")
    from striate.cli.progress_bar import progress
    from striate.demo import run

    run(out, progress=progress)
