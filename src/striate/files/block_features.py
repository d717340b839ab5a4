"""Features of a block of image files: the unit of work of `extract_features`."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .image_collection import ImageCollection


class BlockTask(NamedTuple):
    """Images whose features are computed together.

    Attributes
    ----------
    k : int
        Which block of the table they fill.
    stamp : str
        Sizes and times of their files, before they are read.
    paths : list of path
    channels : {1, 3} or None
    skip : bool
        Whether rows of images that cannot be used are NaN.
    n_columns, dtype : int, dtype
        Of the table.
    """

    k: int
    stamp: str
    paths: list[Any]
    channels: int | None
    skip: bool
    n_columns: int
    dtype: np.dtype[Any]


class BlockRows(NamedTuple):
    """The features of a block, and the images that were skipped: path → reason."""

    k: int
    stamp: str
    rows: npt.NDArray[Any]
    skipped: dict[Any, str]


def rows_of_block(features: Any, task: BlockTask) -> BlockRows:
    """Return the features of a block of images."""
    try:
        rows = transformed(features, task.paths, task.channels)
        return BlockRows(task.k, task.stamp, rows, {})
    except ValueError:
        if not task.skip:
            raise
    rows, skipped = np.full((len(task.paths), task.n_columns), np.nan, task.dtype), {}
    for row, path in zip(rows, task.paths, strict=True):
        try:
            row[:] = transformed(features, [path], task.channels)
        except ValueError as error:
            skipped[path] = str(error)
    return BlockRows(task.k, task.stamp, rows, skipped)


def transformed(features: Any, paths: list[Any], channels: int | None) -> npt.NDArray[Any]:
    """Return the features (n_images, n_features) of some files."""
    return checked_rows(features.transform(ImageCollection(paths, channels=channels)))


def checked_rows(made: Any) -> npt.NDArray[Any]:
    """Return what a transformer has made, if it is a table of floats.

    Raises
    ------
    TypeError
        If it is not.
    """
    rows: npt.NDArray[Any] = np.ascontiguousarray(made)
    if rows.ndim != 2 or rows.dtype.kind != "f":
        raise TypeError(
            "features.transform must return floats of shape (n_images, n_features), got "
            f"{rows.dtype} of shape {rows.shape}"
        )
    return rows
