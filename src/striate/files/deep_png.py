"""PNG files with 16 bits per channel; Pillow reads only the upper 8 bits of colours."""

import warnings
from functools import cache
from importlib.util import find_spec
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import Pixels, layout_of
from .upright_pixels import ORIENTATION, upright

_LAYOUTS = ("RGB;16B", "RGBA;16B", "LA;16B")
_WHITE = 65535


def is_deep_png(image: Any) -> bool:
    """Return whether an image that Pillow has opened is such a file, and can be read in full.

    Warns
    -----
    UserWarning
        If it is, and imagecodecs is missing; once.
    """
    if image.format != "PNG" or layout_of(image) not in _LAYOUTS:
        return False
    if getattr(image, "n_frames", 1) > 1:
        return False
    if find_spec("imagecodecs") is None:
        warn_of_lost_bits()
        return False
    return True


@cache
def warn_of_lost_bits() -> None:
    """Say, once for all files, that 8 bits of 16 are read."""
    warnings.warn(
        "in PNG files with 16 bits per colour, only the upper 8 are read; to read all of them: "
        "pip install 'striate[images]'",
        stacklevel=1,  # those of the modules that call Pillow are not shown
    )


def read_deep_png(file: IO[bytes], image: Any, dtype: npt.DTypeLike) -> Pixels:
    """Read such a file as grey (h, w, 1) or RGB (h, w, 3); transparent pixels are on white.

    Parameters
    ----------
    file : file object
        Opened for reading.
    image : PIL.Image.Image
        The same file, opened by Pillow, which knows its orientation.
    dtype : dtype
        Floating-point type of the pixels.
    """
    import imagecodecs

    orientation = image.getexif().get(ORIENTATION, 1)
    file.seek(0)
    samples = imagecodecs.png_decode(file.read())
    values: npt.NDArray[Any] = np.divide(samples, _WHITE, dtype=dtype)
    if values.shape[2] % 2 == 0:  # the last one is opacity
        opacity = values[..., -1:]
        values = (values[..., :-1] * opacity + (1 - opacity)).clip(0, 1)
    return Pixels(np.ascontiguousarray(upright(values, orientation)), sixteen_bits=True)
