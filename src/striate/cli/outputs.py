"""Names of files to write, looked at before any work is done."""

from pathlib import Path

from striate.files.atomic_writing import check_writable
from striate.files.read_images import IMAGE_SUFFIXES


def check_output(out: Path) -> None:
    """Find out whether a file of features, a model or a table can be written.

    Raises
    ------
    ValueError
        If it has the name of an image: a slip could replace one, and does not look like one.
    OSError
        If it cannot be written.
    """
    if out.suffix.lower() in IMAGE_SUFFIXES:
        raise ValueError(f"--out {out}: this is the name of an image; choose another")
    check_writable(out)


def picture_beside(path: Path, images: list[Path] | None = None) -> Path:
    """Name the picture of the features in a file, and find out whether it can be written.

    Raises
    ------
    ValueError
        If it would replace one of the images.
    OSError
        If it cannot be written.
    """
    picture = path.parent / f"{path.stem}.png"
    check_writable(picture)
    if picture.resolve() in {each.resolve() for each in images or []}:
        raise ValueError(
            f"--out {path}: the picture of the features would replace {picture}, which is one of "
            "the images; choose another name"
        )
    return picture


def check_picture(out: Path) -> None:
    """Find out whether a picture can be written under a name that was given for it.

    Raises
    ------
    ValueError
        If it is no name of a PNG file.
    OSError
        If it cannot be written.
    """
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out {out}: pictures are PNG files; give a name that ends in .png")
    check_writable(out)


def check_page(out: Path) -> None:
    """Find out whether a page can be written under a name that was given for it.

    Raises
    ------
    ValueError
        If it is no name of an HTML file.
    OSError
        If it cannot be written.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--out {out}: a report is a page; give a name that ends in .html")
    check_writable(out)
