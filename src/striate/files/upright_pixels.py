"""Images turned and flipped as the tag for orientation of EXIF and TIFF says."""

from typing import Any

import numpy.typing as npt

#: Number of the tag.
ORIENTATION = 274
# What to do about each orientation: rows and columns exchanged, then each reversed.
_UPRIGHT = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Return an image (h, w, c) upright; an orientation that is unknown counts as 1."""
    transposed, upside_down, mirrored = _UPRIGHT.get(int(orientation), _UPRIGHT[1])
    pixels = pixels.swapaxes(0, 1) if transposed else pixels
    pixels = pixels[::-1] if upside_down else pixels
    return pixels[:, ::-1] if mirrored else pixels
