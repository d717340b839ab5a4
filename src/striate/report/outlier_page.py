"""The page of images unlike the rest, with the regions that make them so."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import striate
from striate.analysis.image_outliers import ImageOutliers
from striate.analysis.progress_protocol import Progress, no_progress
from striate.files.image_collection import ImageCollection

from .page_templates import page_template
from .report_pictures import heat_png, scores_svg, thumbnail_png

# Words for the thirds of an image.
_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")


class _Odd(NamedTuple):
    """An image, its unusual regions, and the image most similar to it."""

    file: str
    score: float
    is_outlier: bool
    picture: bytes
    is_small: bool
    heat: bytes
    place: str
    nearest: bytes
    nearest_is_small: bool
    nearest_file: str


def outlier_page(
    folder: Path,
    names: list[str],
    images: ImageCollection,
    found: ImageOutliers,
    shares: NDArray[Any],
    *,
    progress: Progress = no_progress,
) -> str:
    """Return the page as HTML with all its pictures embedded.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    names : list of str
        Files of the images, relative to the folder.
    images : ImageCollection
    found : ImageOutliers
    shares : ndarray of shape (n_shown, down, across)
        What each cell contributes, for the images that are shown: the most unusual ones, in their
        order.
    progress : callable
        Shows progress.
    """
    shown = progress(found.order[: len(shares)].tolist(), "Drawing images")
    odd = [_odd(i, each, names, images, found) for i, each in zip(shown, shares, strict=True)]
    return page_template("outliers.html").render(
        folder=folder,
        n_images=len(names),
        n_outliers=int(found.are_outliers.sum()),
        odd=odd,
        threshold=found.threshold,
        chart={
            dark: scores_svg(found.scores, found.threshold, dark=dark) for dark in (False, True)
        },
        version=striate.__version__,
    )


def _odd(
    i: int,
    shares: NDArray[Any],
    names: list[str],
    images: ImageCollection,
    found: ImageOutliers,
) -> _Odd:
    picture, is_small = thumbnail_png(images[i])
    j = int(found.nearest[i, 0])
    nearest, nearest_is_small = thumbnail_png(images[j])
    return _Odd(
        file=names[i],
        score=found.scores[i],
        is_outlier=bool(found.are_outliers[i]),
        picture=picture,
        is_small=is_small,
        heat=heat_png(images[i], shares),
        place=place_in_words(shares),
        nearest=nearest,
        nearest_is_small=nearest_is_small,
        nearest_file=names[j],
    )


def place_in_words(shares: NDArray[Any]) -> str:
    """Return where the cell with the largest share lies.

    Examples
    --------
    >>> import numpy as np
    >>> place_in_words(np.array([[0.1, 0.6], [0.2, 0.1]]))
    'top right'
    >>> place_in_words(np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    'centre'
    """
    y, x = np.unravel_index(int(shares.argmax()), shares.shape)
    down, across = (
        names[min(2, int(3 * (k + 0.5) / n))]
        for k, n, names in zip((y, x), shares.shape, (_ROWS, _COLUMNS), strict=True)
    )
    words = [word for word in (down, across) if word not in ("middle", "centre")]
    return " ".join(words) or "centre"
