"""The options `--page`, `--bands`, `--value-range` and `--shrink`: how files are read."""

from typing import Annotated, Any

import typer

Page = Annotated[
    str | None,
    typer.Option(
        metavar="PAGE",
        help="Page of TIFF files of several, from 0, or all, to take the pages (the planes of a "
        "volume, for example) as bands.",
    ),
]
Bands = Annotated[
    str | None,
    typer.Option(metavar="N,N,...", help="Bands of the files to use, from 0, as 3,2,1."),
]
ValueRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="BLACK WHITE",
        help="Values of black and white, for floats and integers of 16 or 32 bits (default: found "
        "in the images).",
    ),
]

Shrink = Annotated[
    int | None,
    typer.Option(
        "--shrink",
        metavar="N",
        min=1,
        help="Reduce images N times while they are read: each pixel is the mean of N x N. Features "
        "and models keep it.",
    ),
]


def reading_choices(
    page: str | None,
    bands: str | None,
    value_range: tuple[float, float] | None,
    shrink: int | None = None,
) -> dict[str, Any]:
    """Return the choices as parameters of `ImageCollection`.

    Raises
    ------
    ValueError
        If an option is not of the form that it must have.
    """
    from striate.files.pixel_reading import new_reading

    chosen: dict[str, Any] = {"page": None, "bands": None, "value_range": value_range}
    chosen["shrink"] = shrink
    if page is not None:
        if page != "all" and not page.isdecimal():
            raise ValueError(f"--page {page}: must be a number from 0, or all")
        chosen["page"] = page if page == "all" else int(page)
    if bands is not None:
        numbers = [each.strip() for each in bands.split(",")]
        if not all(each.isdecimal() for each in numbers):
            raise ValueError(f"--bands {bands}: must be numbers from 0 with commas, as 3,2,1")
        chosen["bands"] = tuple(map(int, numbers))
    if value_range is not None and not value_range[0] < value_range[1]:
        black, white = value_range
        raise ValueError(f"--value-range {black:g} {white:g}: black must be below white")
    new_reading(**chosen)
    return chosen


def range_text(features: Any) -> str | None:
    """Return in one line which values were taken as black and white; None if files say it."""
    black, white = features.used_range_
    reading = features.reading_
    if "value_range" in reading:
        return None  # it was given
    if "float_range" in reading:
        black, white = reading["float_range"]
        return f"Floats and large integers: {black:.6g} is black, and {white:.6g} is white"
    if (black, white) == (0, 1):
        return None
    black, white = (round(65535 * end) for end in (black, white))
    return f"Images of 16 bits: {black} is black, and {white} is white"
