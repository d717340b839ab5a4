"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

# Arguments are hidden, since typer would list them with their Python types: the help text of the
# command describes them.
Images = Annotated[list[Path], typer.Argument(metavar="IMAGES", hidden=True)]
Model = Annotated[Path, typer.Argument(metavar="MODEL", hidden=True)]
FeaturesOrModel = Annotated[Path, typer.Argument(metavar="FILE", hidden=True)]

SkipErrors = Annotated[
    bool,
    typer.Option(
        "--skip-errors", help="Skip images that cannot be used, and list them at the end."
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        "-l",
        metavar="CSV",
        help="Table of labels, with the columns file and label: files are relative to FOLDER.",
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="GROUPS",
        help="Images to hold out together: a column of the table (default: group, if there is "
        'one), "folder" for sub-folders of classes, or a regular expression such as "^(.*)_".',
    ),
]
FeaturesOf = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        metavar="FILE",
        help="Features or a model, from `striate learn` or `striate train` (default: features are "
        "learned from the folder).",
    ),
]
Grey = Annotated[bool, typer.Option("--grey", "--gray", help="Convert colour images to grey.")]
Table = Annotated[
    Path | None,
    typer.Option(
        "--table",
        metavar="NPY",
        help="Features of the images from `striate features`, which need not be computed again.",
    ),
]
