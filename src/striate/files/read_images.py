"""Image files read into floating-point arrays (h, w, c)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError, Pixels, pixels_of
from .pillow_warnings import quiet_pillow
from .regular_files import ENDLESS, is_endless
from .tiff_planes import number_of_bands

# Pillow reads many more formats, some of them by other programs (EPS by Ghostscript).
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000", "AVIF")

# Pillow decodes images of up to four bands.
_MOST_BANDS = 4

# Luma weights of red, green and blue (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def read_image(
    path: str | os.PathLike[str], dtype: npt.DTypeLike = np.float32, *, channels: int | None = None
) -> npt.NDArray[Any]:
    """Read an image file into an array with values in [0, 1].

    Palettes, CMYK and the like become RGB; transparent pixels are shown on white; the camera's
    orientation (EXIF) is respected. Grey images of 16 bits are read in full, colour images of 16
    bits as 8. Colour is converted to grey as 0.299 R + 0.587 G + 0.114 B. Needs Pillow.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, BMP, GIF, WebP, PNM, JPEG 2000 or AVIF file that holds one image.
    dtype : dtype, default=float32
        Floating-point type of the result.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour, None keeps the file's channels.

    Returns
    -------
    ndarray of shape (h, w, 1) or (h, w, 3)
        Grey or RGB, C-contiguous.

    Raises
    ------
    ImageError
        If the file is missing, empty, truncated, damaged or not an image; if it holds several
        images (an animation, pages, the planes of a stack) or more than four bands; if it has more
        pixels than ``PIL.Image.MAX_IMAGE_PIXELS``, or pixels whose value for white is unknown
        (integers of 32 bits, floats outside [0, 1]); if it is a pipe or a device.
    """
    return with_channels(read_pixels(path, dtype).values, channels)


def read_pixels(path: str | os.PathLike[str], dtype: npt.DTypeLike) -> Pixels:
    """Read an image file with the channels it has; errors are those of `read_image`."""
    _import_pillow()
    from PIL import Image, UnidentifiedImageError

    name = os.fspath(path)
    try:
        with explaining_errors(), quiet_pillow:
            return _decode(path, dtype)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error.__cause__
    except UnidentifiedImageError:
        raise ImageError(f"{name}: {_why_unidentified(path)}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(
            f"{name}: more than {Image.MAX_IMAGE_PIXELS} pixels; cut it into tiles, "
            "or raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file"
        ) from None


def pillow_pixels(image: Any, dtype: npt.DTypeLike) -> Pixels:
    """Convert an image that Pillow has opened or made, as if it were read from its file.

    Raises
    ------
    ImageError
        As from `read_image`.
    """
    if 0 in image.size:
        raise ImageError(f"is empty, its size is {image.size}")
    with explaining_errors(), quiet_pillow:
        return pixels_of(image, dtype)


@contextmanager
def explaining_errors() -> Iterator[None]:
    """Turn what a decoder raises into an ImageError with a reason in one line.

    Damaged bytes make a decoder raise anything: SyntaxError, struct.error, KeyError.
    """
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombWarning, Image.DecompressionBombError)
    try:
        yield
    except (ImageError, UnidentifiedImageError, *bombs):
        raise
    except Exception as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        reason = " ".join(reason.split()) or type(error).__name__
        raise ImageError(f"cannot be read ({reason})") from error


def _import_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401  (imported to see whether it is installed)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading image files needs Pillow: pip install 'striate[app]'", name="PIL"
        ) from error


def _decode(path: str | os.PathLike[str], dtype: npt.DTypeLike) -> Pixels:
    from PIL import Image

    if os.path.isdir(path):
        raise ImageError("is a folder; list the images in it with find_images")
    if is_endless(path):
        raise ImageError(ENDLESS)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ImageError("the file is empty (0 bytes)")
        Image.init()
        with Image.open(file, formats=[f for f in _FORMATS if f in Image.OPEN]) as image:
            return pixels_of(image, dtype)


def _why_unidentified(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        bands = number_of_bands(file)
    if bands is not None and bands > _MOST_BANDS:
        return (
            f"has {bands} bands; image files are read as grey or colour: read it with another "
            "library, and pass arrays"
        )
    kinds = ", ".join(_FORMATS)
    return (
        f"not an image in a supported format: {kinds}; grey or colour, with 8 or 16 bits per "
        "channel; read others, such as images of many bands, with another library, and pass arrays"
    )


def with_channels(image: npt.NDArray[Any], channels: int | None) -> npt.NDArray[Any]:
    """Convert colour to grey (1) or grey to colour (3); None keeps the channels."""
    if channels == 1 and image.shape[-1] == 3:
        grey: npt.NDArray[Any] = image @ np.array(_LUMA, image.dtype)[:, np.newaxis]
        return grey.clip(image.min(), image.max())
    if channels == 3 and image.shape[-1] == 1:
        return np.repeat(image, 3, axis=-1)
    return image
