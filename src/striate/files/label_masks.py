"""Label masks: a class for some pixels of an image, and 0 for all others."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError
from .given_images import is_path, is_pillow_image, is_stored
from .large_image import opened_array
from .pillow_warnings import quiet_pillow
from .read_images import explaining_errors
from .regular_files import ENDLESS, is_endless
from .strokes import Strokes, check_no_negative

Mask = npt.NDArray[Any]

# Modes of Pillow whose values are numbers of classes: bits, grey, palette, 16 and 32 bits.
_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")


def as_strokes(masks: Any, n_images: int) -> list[Strokes | None]:
    """Return the labelled pixels of each image, None for images without a mask.

    Arrays on the disk are read band by band.

    Raises
    ------
    ValueError
        If there is another number of masks than of images, or one is not a mask.
    """
    if is_path(masks) or is_pillow_image(masks):
        raise ValueError("masks must be a list with one mask for each image, got a single one")
    if not isinstance(masks, Sequence | np.ndarray):
        masks = list(masks)
    if len(masks) != n_images:
        raise ValueError(
            f"there are {len(masks)} masks for {n_images} images; give one for each, None for "
            "images without labels"
        )
    names = [f"mask {i}" for i in range(n_images)]
    return [
        None if mask is None else Strokes.of(as_mask(mask, name), name)
        for mask, name in zip(masks, names, strict=True)
    ]


def as_mask(mask: Any, name: str) -> Any:
    """Return a mask, given as an array, an image of Pillow or a path, without reading stored ones.

    Raises
    ------
    ValueError
        If it is not of shape (h, w), or has values that are not whole numbers of at least 0.
    """
    if is_path(mask):
        return read_mask(mask)
    values = _pillow_values(mask) if is_pillow_image(mask) else mask
    if not is_stored(values):
        values = np.asarray(values)
        if values.dtype == bool:
            values = values.astype(np.uint8)
    if len(values.shape) not in (2, 3) or values.shape[2:] not in ((), (1,)):
        raise ValueError(f"{name}: must have shape (h, w), got {values.shape}")
    if np.dtype(values.dtype).kind not in "ui":
        raise ValueError(
            f"{name}: must hold whole numbers, 0 for no label and 1, 2, … for classes, got "
            f"{values.dtype}"
        )
    if is_stored(values):
        return values
    check_no_negative(values, name)
    return values.reshape(values.shape[:2])


def read_mask(path: str | os.PathLike[str]) -> Any:
    """Read a mask from an image file, or open one in a .npy or .zarr file.

    The numbers of classes are the values of grey pixels, or the indices into a palette. Needs
    Pillow, but for .npy files.

    Raises
    ------
    ImageError
        If the file cannot be read, or holds colours.
    """
    name = os.fspath(path)
    try:
        array = opened_array(path)
        if array is not path:
            return as_mask(array, name)
        if is_endless(path):
            raise ImageError(ENDLESS)
        from PIL import Image

        with explaining_errors(), quiet_pillow, Image.open(path) as image:
            values = _pillow_values(image)
    except (ValueError, OSError, EOFError) as error:
        reason = str(error).removeprefix(f"{name}: ")
        raise ImageError(f"{name}: {reason}") from error
    return as_mask(values, name)


def _pillow_values(image: Any) -> Mask:
    if image.mode in ("RGB", "RGBA", "LA"):
        return _equal_bands(image)
    if image.mode not in _MODES:
        raise ImageError(f"is an image of mode {image.mode}; {_ADVICE}")
    return np.array(image)


_ADVICE = "save masks as grey or with a palette, 0 for no label and 1, 2, … for classes"


def _equal_bands(image: Any) -> Mask:
    """Return grey that was saved as colour; transparent pixels have no label."""
    bands = np.array(image)
    opaque = bands[..., -1] > 0 if image.mode.endswith("A") else np.True_
    colours = bands[..., : 1 if image.mode == "LA" else 3]
    if (colours != colours[..., :1])[opaque if opaque.ndim else ...].any():
        raise ImageError(f"has colours, which are not numbers of classes; {_ADVICE}")
    return np.where(opaque, colours[..., 0], 0).astype(np.uint8)
