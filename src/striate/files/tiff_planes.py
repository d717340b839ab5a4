"""Images and bands that a TIFF file holds, beyond those that Pillow counts."""

import json
import math
import re
from typing import IO, Any

_DESCRIPTION, _SAMPLES_PER_PIXEL, _IMAGE_DEPTH = 270, 277, 32997


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


def number_of_bands(file: IO[bytes]) -> int | None:
    """Return the number of samples per pixel of a TIFF file, None if it is not one."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file.seek(0)
    header = file.read(8)
    if header[:4] in (b"II\x2b\0", b"MM\0\x2b"):  # more than 4 GB
        header += file.read(8)
    try:
        directory = ImageFileDirectory_v2(header)
        file.seek(directory.next)
        directory.load(file)
        bands = directory.get(_SAMPLES_PER_PIXEL)
    except Exception:  # damaged bytes raise anything
        return None
    return bands if isinstance(bands, int) else None
