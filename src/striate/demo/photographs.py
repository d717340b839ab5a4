"""The photographs that ship with scikit-image, their halves, and tiles cut from them."""

import numpy as np
from numpy.typing import NDArray

from striate.files.image_collection import ImageCollection

NAMES = ("astronaut", "camera", "coffee", "chelsea", "rocket", "gravel", "brick", "grass")

Image = NDArray[np.float32]  # (h, w, 1), grey, values in [0, 1]


def photographs() -> list[Image]:
    """Return the photographs in the order of `NAMES`, grey, of several sizes.

    Raises
    ------
    ModuleNotFoundError
        If scikit-image is not installed.
    """
    try:
        from skimage import data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "scikit-image, which has the demo's photographs, is missing: pip install 'striate[app]'"
        ) from error
    return list(ImageCollection([getattr(data, name)() for name in NAMES], channels=1))


def halves(images: list[Image]) -> tuple[list[Image], list[Image]]:
    """Cut each image into its left and its right half."""
    middles = [image.shape[1] // 2 for image in images]
    pairs = list(zip(images, middles, strict=True))
    return [image[:, :middle] for image, middle in pairs], [image[:, m:] for image, m in pairs]


def tiles(images: list[Image], size: int) -> tuple[Image, NDArray[np.intp]]:
    """Cut images into square tiles that do not overlap.

    Returns
    -------
    tiles : ndarray of shape (n_tiles, size, size, 1)
        The tiles.
    source : ndarray of shape (n_tiles,)
        Index of the image that each tile is from.
    """
    cut = []
    for image in images:
        rows, columns = image.shape[0] // size, image.shape[1] // size
        grid = image[: rows * size, : columns * size].reshape(rows, size, columns, size, 1)
        cut.append(grid.swapaxes(1, 2).reshape(-1, size, size, 1))
    return np.concatenate(cut), np.repeat(np.arange(len(cut)), [len(each) for each in cut])
