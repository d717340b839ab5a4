"""Pixels without data: NaN in arrays; values or masks in TIFF files that say so."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError, Pixels
from .tiff_pages import Samples
from .tiff_planes import NO_DATA, mask_beside

Array = npt.NDArray[Any]


def declared_missing(
    path: str | os.PathLike[str], file: Any, samples: Samples
) -> npt.NDArray[np.bool_] | None:
    """Return where a TIFF file says that samples are without data, (h, w, n_bands) or (h, w, 1).

    Either by a value, in the tag that GDAL writes, or by a mask: a page of the file, or the file
    with ``.msk`` after its name, which are read by rasterio.

    Raises
    ------
    ModuleNotFoundError
        If there is a mask, and rasterio is missing.
    ImageError
        If the mask has another size than the page.
    """
    tag, found = samples.keyframe.tags.get(NO_DATA), None
    if tag is not None:
        found = _equal(samples.values, str(tag.value))
    if any(each.keyframe.is_mask for each in file.series) or mask_beside(path):
        masked = _masked(path)
        if masked.shape[:2] != samples.values.shape[:2]:
            raise ImageError(
                f"has a mask of {masked.shape[0]} x {masked.shape[1]} pixels, but a page of "
                f"{samples.values.shape[0]} x {samples.values.shape[1]}"
            )
        found = masked if found is None else found | masked
    return found


def masked(pixels: Pixels, mask: Array) -> Pixels:
    """Return pixels with NaN where an image (h, w, c) of the same size is 0.

    Raises
    ------
    ImageError
        If it has another size.
    """
    values = pixels.values.copy()
    if mask.shape[:2] != values.shape[:2]:
        sizes = [f"{each.shape[0]} x {each.shape[1]}" for each in (values, mask)]
        raise ImageError(f"is of {sizes[0]} pixels, but its mask of {sizes[1]}")
    values[(mask == 0).all(axis=2)] = np.nan
    return pixels._replace(values=values)


def check_some_data(values: Array) -> None:
    """Raise an ImageError if each pixel of an image (h, w, c) is NaN in some channel."""
    missing = np.isnan(values)
    if missing.any() and missing.any(axis=-1).all():
        raise ImageError("has no pixel with data: each is NaN")


def check_no_missing(values: Array) -> None:
    """Raise an ImageError if a pixel of an image is NaN."""
    if np.isnan(values).any():
        raise ImageError("has NaN or infinity: pixels without data; remove or replace them")


def _equal(values: Array, text: str) -> npt.NDArray[np.bool_] | None:
    """Return where samples have the value of a text; None if no sample can have it."""
    try:
        value = float(text.strip("\0 "))
    except ValueError:
        return None
    if values.dtype.kind == "f":
        value = float(values.dtype.type(value))
    return np.asarray(values == value)


def _masked(path: str | os.PathLike[str]) -> npt.NDArray[np.bool_]:
    try:
        import rasterio
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{os.fspath(path)}: reading its mask of pixels without data needs rasterio: "
            "pip install 'striate[images]'",
            name="rasterio",
        ) from error
    with rasterio.open(os.fspath(path)) as dataset:
        return np.asarray(dataset.dataset_mask() == 0)[..., np.newaxis]
