"""The map of a folder: one HTML page with all images, laid out by similarity."""

import base64
import hashlib
import os
from importlib.resources import files as resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

import striate
from striate.analysis.image_layout import grid_places

from .page_templates import page_template
from .thumbnail_sheet import ThumbnailSheet

# Places are whole numbers up to this one.
_WIDEST = 10_000


def map_page(
    folder: Path,
    names: list[str],
    points: NDArray[Any],
    nearest: NDArray[np.intp],
    sheet: ThumbnailSheet,
    *,
    page: Path,
) -> str:
    """Return the page as HTML, with the thumbnails, a style and a script inside.

    The script may run because its checksum stands in the page's policy, which allows no other, and
    no address to be asked. Names are data, which the script shows as text.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    names : list of str
        Files of the images, relative to the folder.
    points : ndarray of shape (n_images, 2)
        Places of the images, across and down, from 0 to 1.
    nearest : ndarray of int of shape (n_images, n_nearest)
        The images most similar to each.
    sheet : ThumbnailSheet
        Thumbnails of the images.
    page : Path
        Where the page will be, for links to the images.
    """
    script = (resources("striate.report") / "templates" / "map.js").read_text(encoding="utf-8")
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    data = {
        "names": names,
        "folder": _address(folder, page),
        "points": np.rint(_WIDEST * points).astype(int).ravel().tolist(),
        "cells": grid_places(points).ravel().tolist(),
        "nearest": nearest.ravel().tolist(),
        "n_nearest": nearest.shape[1],
        "side": sheet.side,
        "columns": sheet.n_columns,
        "sizes": [n for size in sheet.sizes for n in size],
    }
    return page_template("map.html").render(
        folder=folder.resolve().name or str(folder),
        n_images=len(names),
        data=data,
        script=script,
        checksum=checksum,
        sheet=base64.b64encode(sheet.jpeg).decode("ascii"),
        version=striate.__version__,
    )


def _address(folder: Path, page: Path) -> str:
    """Return the address of the folder as seen from the page; it begins with . or file:."""
    try:
        relative = os.path.relpath(folder.resolve(), page.resolve().parent)
    except ValueError:  # on another drive of Windows
        return folder.resolve().as_uri() + "/"
    return f"./{quote(os.fsencode(Path(relative).as_posix()))}/"
