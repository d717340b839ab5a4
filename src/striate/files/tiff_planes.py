"""What a TIFF file holds beyond what Pillow reads, by the tags that Pillow shows."""

import json
import math
import os
import re
from importlib.util import find_spec
from typing import Any

import numpy as np

_BITS_PER_SAMPLE, _DESCRIPTION, _IMAGE_DEPTH = 258, 270, 32997
# Pillow keeps this number of bits of each channel of a colour image.
_MOST_BITS = 8
#: Tag of GDAL with the value of pixels without data.
NO_DATA = 42113


def number_of_images(image: Any) -> int:
    """Return the number of planes of an opened TIFF file.

    Microscopy software writes a stack under one directory of the file, and the number of its
    planes into the description.
    """
    width, height = image.size
    description = str(image.tag_v2.get(_DESCRIPTION, ""))
    depth = image.tag_v2.get(_IMAGE_DEPTH, 1)
    planes = [depth if isinstance(depth, int) else 1]
    if description.startswith("ImageJ="):
        planes += [int(n) for n in re.findall(r"^images=(\d{1,9})\s*$", description, re.MULTILINE)]
    written = math.prod(array_shape(image))
    planes.append(written // (width * height * len(image.getbands())))
    return max(planes)


def array_shape(image: Any) -> tuple[int, ...]:
    """Return the shape of the array that tifffile wrote, or () if another program wrote the file.

    An array (h, w, bands) that is not said to be one image becomes h images of w x bands pixels.
    """
    try:
        shape = json.loads(str(image.tag_v2.get(_DESCRIPTION, "")))["shape"]
    except (ValueError, KeyError, TypeError):
        return ()
    if not isinstance(shape, list) or not all(isinstance(n, int) and n > 0 for n in shape):
        return ()
    return tuple(shape)


def is_array(shape: tuple[int, ...]) -> bool:
    """Return whether an array that tifffile wrote is rather an image of bands than a stack."""
    return len(shape) == 3 and shape[2] < min(shape[:2])


def several(n_images: int, words: str = "") -> str:
    """Return what is wrong with a file of several images, and what to do."""
    return (
        f"holds {n_images} images{words}; choose one by its page, from 0 to {n_images - 1}, or "
        'take all as bands with page="all"; or save the one you want as its own file'
    )


def mask_beside(path: str | os.PathLike[str]) -> bool:
    """Return whether a mask of pixels without data, as GDAL writes it, is beside a file."""
    return os.path.isfile(f"{os.fspath(path)}.msk")


def is_beyond_pillow(image: Any, path: str | os.PathLike[str], chosen: bool) -> bool:
    """Return whether an opened TIFF file must be read by tifffile.

    `chosen` says whether a page or bands are chosen.
    """
    if chosen or NO_DATA in image.tag_v2 or mask_beside(path):
        return True
    bits = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))
    is_colour = len(image.getbands()) > 1
    if image.mode == "I" or (is_colour and max(np.atleast_1d(bits)) > _MOST_BITS):
        return True
    # Channels, a mask, or smaller versions; Pillow's reader refuses the rest.
    try:
        several_images = max(getattr(image, "n_frames", 1), number_of_images(image)) > 1
    except SyntaxError:  # from Pillow, for a page of a kind that it does not know
        several_images = True
    return several_images and not is_array(array_shape(image)) and find_spec("tifffile") is not None
