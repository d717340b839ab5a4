"""The images that a user gives: as an array, in a list, as files or as a folder; checked."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence, ValuesView
from typing import Any

import numpy as np

from striate.core.stored_arrays import described

from .image_folders import find_images

# More channels than this are more likely an axis of pixels; feature maps of networks may be 7 x 7.
_FEWEST_PIXELS = 7


def is_path(item: Any) -> bool:
    """Return whether an image is given as the path of a file."""
    return isinstance(item, str | os.PathLike)


def is_pillow_image(item: Any) -> bool:
    """Return whether an image is one of Pillow's."""
    pillow = sys.modules.get("PIL.Image")  # there is none unless it has been imported
    return pillow is not None and isinstance(item, pillow.Image)


def is_stored(item: Any) -> bool:
    """Return whether an array is read when it is indexed, as those of h5py and Zarr are."""
    return not isinstance(item, np.ndarray) and described(item) is not None


def listed(images: Any) -> Any:
    """Return the images as an array, an object that is indexed like one, or a list.

    Raises
    ------
    ValueError
        If they have no order, or are a single image.
    """
    if is_path(images):
        return _files_of_folder(images)
    if isinstance(images, list | tuple):
        return images
    if is_pillow_image(images):
        raise ValueError("images must be a list, got a single image of Pillow; pass [image]")
    if isinstance(images, set | frozenset | Mapping):
        kind = type(images).__name__
        raise ValueError(f"images must be in an order, got a {kind}; pass a list, as sorted(…)")
    found = described(images)
    if found is not None and len(found[0]) != 1:
        return images
    if isinstance(images, Iterator | ValuesView) or (
        isinstance(images, Sequence) and found is None
    ):
        return list(images)  # at once: a generator can be read only once
    images = np.asarray(images)
    if images.ndim == 1 and images.dtype.kind in "OUT":
        return images.tolist()  # of strings or arrays, or pandas' column of paths
    return images


def all_double(images: Any) -> bool:
    """Return whether all images are float64, given what `listed` returned."""
    arrays = images if isinstance(images, list | tuple) else [images]
    return all(getattr(image, "dtype", None) == np.float64 for image in arrays)


def checked(images: Any) -> Any:
    """Check what `listed` returned, and turn nested lists of numbers into arrays.

    Raises
    ------
    ValueError
        If there is no image, or if one is not made of real numbers whose white is known, in a
        shape of images.

    Warns
    -----
    UserWarning
        If the axis of channels seems to come first.
    """
    if isinstance(images, list | tuple):
        images = [_checked_item(item, row) for row, item in enumerate(images)]
    else:
        _check_array(images, "images", "(n, h, w) or (n, h, w, c)", (3, 4))
    n_images = len(images) if isinstance(images, list) else images.shape[0]  # Zarr has no len
    if n_images == 0:
        raise ValueError("images is empty; at least one image is needed")
    _warn_of_channels_first(images)
    return images


def _files_of_folder(path: str | os.PathLike[str]) -> Sequence[Any]:
    if not os.path.isdir(path):
        missing = "" if os.path.exists(path) else ", which does not exist"
        raise ValueError(
            f"images must be a list or a folder, got the single path {os.fspath(path)!r}{missing}; "
            "pass [path] for one image"
        )
    return find_images(path)


def _checked_item(item: Any, row: int) -> Any:
    if is_path(item) or is_pillow_image(item):
        return item
    if not is_stored(item):
        try:
            item = np.asarray(item)
        except ValueError:  # lists of several lengths
            raise ValueError(f"image {row} is not a rectangular array") from None
    _check_array(item, f"image {row}", "(h, w) or (h, w, c)", (2, 3))
    return item


def _check_array(array: Any, name: str, shapes: str, ndims: tuple[int, int]) -> None:
    shape, dtype = tuple(array.shape), np.dtype(array.dtype)
    if len(shape) not in ndims:
        hint = "; pass a single image as a list: [image]" if len(shape) == 2 else ""
        raise ValueError(f"{name} must have shape {shapes}, got {shape}{hint}")
    if dtype.kind not in "buif":
        raise ValueError(f"{name} must hold real numbers, got dtype {dtype}")
    if dtype.kind in "ui" and dtype.itemsize > 2:
        raise ValueError(
            f"{name} must be floats, or integers of 8 or 16 bits, got {dtype}, whose value "
            "for white is unknown; convert with .astype(np.uint8), or divide by the largest value"
        )


def _warn_of_channels_first(images: Any) -> None:
    """Warn of images (c, h, w): few rows of pixels of very many channels, or c of (h, h)."""
    whole = not isinstance(images, list)
    shape = tuple(images.shape)[1:] if whole else getattr(images[0], "shape", ())
    if len(shape) != 3:
        return
    first, second, last = shape
    if last < _FEWEST_PIXELS or first == second:
        return
    if first < min(second, last) or second == last:
        axes = "images, 1, -1" if whole else "image, 0, -1"
        warnings.warn(
            f"images of shape {shape} are taken as {first} x {second} pixels with {last} "
            f"channels; if the channels come first, pass np.moveaxis({axes})",
            stacklevel=4,
        )
