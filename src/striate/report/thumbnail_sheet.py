"""Thumbnails of many images in one picture, from which a page draws them."""

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Pixels of all thumbnails together: some megabytes as JPEG.
_MOST_PIXELS = 20_000_000
_SIDES = (24, 128)
_QUALITY = 85


class ThumbnailSheet(NamedTuple):
    """Thumbnails in rows, each in a square.

    Attributes
    ----------
    jpeg : bytes
        The picture.
    side : int
        Side of a square, in pixels.
    n_columns : int
        Number of squares in a row.
    sizes : list of (int, int)
        Width and height of each thumbnail, which lies in the upper left of its square.
    """

    jpeg: bytes
    side: int
    n_columns: int
    sizes: list[tuple[int, int]]


def thumbnail_side(n_images: int) -> int:
    """Return the side of thumbnails, in pixels: the smaller, the more images there are.

    Examples
    --------
    >>> [thumbnail_side(n) for n in (10, 2_000, 20_000, 1_000_000)]
    [128, 100, 31, 24]
    """
    return int(np.clip((_MOST_PIXELS / n_images) ** 0.5, *_SIDES))


def thumbnail_sheet(images: Iterable[NDArray[Any]], n_images: int) -> ThumbnailSheet:
    """Draw thumbnails of images.

    Parameters
    ----------
    images : iterable of ndarray of shape (h, w, 1 or 3)
        Values in [0, 1]; each is read once.
    n_images : int
        Number of images.
    """
    from PIL import Image

    side, n_columns = thumbnail_side(n_images), int(np.ceil(n_images**0.5))
    sheet = Image.new("RGB", (n_columns * side, -(-n_images // n_columns) * side), "#808080")
    sizes = []
    for i, image in enumerate(images):
        pixels = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        sheet.paste(picture, (i % n_columns * side, i // n_columns * side))
        sizes.append(picture.size)
    file = io.BytesIO()
    sheet.save(file, format="jpeg", quality=_QUALITY, subsampling=0)
    return ThumbnailSheet(file.getvalue(), side, n_columns, sizes)
