"""Label masks: a class for some pixels of an image, and 0 for all others."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError
from .given_images import is_path, is_pillow_image
from .pillow_warnings import quiet_pillow
from .read_images import explaining_errors
from .regular_files import ENDLESS, is_endless

Mask = npt.NDArray[Any]

# Modes of Pillow whose values are numbers of classes: bits, grey, palette, 16 and 32 bits.
_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")


def as_masks(masks: Any, n_images: int) -> list[Mask | None]:
    """Return one mask of whole numbers for each image, None for images without one.

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
    return [None if mask is None else as_mask(mask, f"mask {i}") for i, mask in enumerate(masks)]


def as_mask(mask: Any, name: str) -> Mask:
    """Return a mask, given as an array, an image of Pillow or a path.

    Raises
    ------
    ValueError
        If it is not of shape (h, w), or has values that are not whole numbers of at least 0.
    """
    if is_path(mask):
        return read_mask(mask)
    values = np.asarray(_pillow_values(mask) if is_pillow_image(mask) else mask)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2:
        raise ValueError(f"{name}: must have shape (h, w), got {values.shape}")
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if values.dtype.kind not in "ui":
        raise ValueError(
            f"{name}: must hold whole numbers, 0 for no label and 1, 2, … for classes, got "
            f"{values.dtype}"
        )
    if values.size and values.min() < 0:
        raise ValueError(f"{name}: has {values.min()}; no label is 0, and classes are 1, 2, …")
    return values


def read_mask(path: str | os.PathLike[str]) -> Mask:
    """Read a mask from an image file or a .npy file.

    The numbers of classes are the values of grey pixels, or the indices into a palette. Needs
    Pillow, but for .npy files.

    Raises
    ------
    ImageError
        If the file cannot be read, or holds colours.
    """
    name = os.fspath(path)
    try:
        if name.lower().endswith(".npy"):
            return as_mask(np.load(path, allow_pickle=False), name)
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
