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
