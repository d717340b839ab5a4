"""Image files read into floating-point arrays (h, w, c)."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError, Pixels, pixels_of
from .deep_png import is_deep_png, read_deep_png
from .missing_pixels import check_some_data, masked
from .pillow_warnings import quiet_pillow
from .pixel_reading import Reading, new_reading
from .regular_files import ENDLESS, is_endless
from .sixteen_bits import WHOLE_RANGE
from .tiff_planes import is_beyond_pillow
from .tiff_values import chosen_bands, read_tiff

# Pillow reads many more formats, some of them by other programs (EPS by Ghostscript).
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000", "AVIF")

# How TIFF files begin, those of more than 4 GB included.
_TIFF = (b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b")
_NOTHING_CHOSEN = Reading()

# Luma weights of red, green and blue (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def read_image(
    path: str | os.PathLike[str],
    dtype: npt.DTypeLike = np.float32,
    *,
    channels: int | None = None,
    page: int | str | None = None,
    bands: Sequence[int] | None = None,
    value_range: tuple[float, float] | None = None,
    shrink: int | None = None,
    mask: str | os.PathLike[str] | None = None,
) -> npt.NDArray[Any]:
    """Read an image file into an array with values in [0, 1].

    Palettes, CMYK and the like become RGB; transparent pixels are shown on white; the camera's
    orientation (EXIF) is respected. Images of 16 bits are read in full, but for those in colour
    that are neither TIFF nor PNG files, which are read as 8. Colour is converted to grey as
    0.299 R + 0.587 G + 0.114 B. Needs Pillow; tifffile for TIFF files of several pages, of two
    bands or more than four, with colour of 16 bits, or with integers of 32 bits; and imagecodecs
    for PNG files with colour of 16 bits.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, BMP, GIF, WebP, PNM, JPEG 2000 or AVIF file that holds one image.
    dtype : dtype, default=float32
        Floating-point type of the result.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour, None keeps the file's channels.
    page : int, "all" or None, default=None
        Page of a TIFF file, or frame of an animation, from 0. "all" takes the pages of a TIFF file,
        such as the planes of a volume (z, y, x), as the bands of one image.
    bands : sequence of int or None, default=None
        Bands to keep, from 0, in this order; of a TIFF file, transparency counts as a band.
    value_range : (float, float) or None, default=None
        Values of black and white, for floats and integers of 16 or 32 bits. None is [0, 1] for
        floats, and the range of the type for integers of 16 bits.
    shrink : int or None, default=None
        Factor by which the image is reduced: each pixel is the mean of `shrink` × `shrink`. Rows
        and columns that are left over, at the bottom and on the right, are left out.
    mask : path or None, default=None
        Image of the same size, before it is reduced, that is 0 (black) where there are no data.

    Returns
    -------
    ndarray of shape (h, w, n_bands)
        Grey, RGB or other bands, C-contiguous. NaN where a mask or the TIFF file itself says that
        there are no data.

    Raises
    ------
    ImageError
        If the file is missing, empty, truncated, damaged or not an image; if it holds several
        images (an animation, pages, the planes of a stack) and none is chosen, or not the one that
        is; if it has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``, or pixels whose black and
        white are unknown (integers of 32 bits, floats outside [0, 1]); if it is a pipe or a device;
        if no pixel has data, or the mask has another size.
    ModuleNotFoundError
        If it needs a package that is missing; the message names it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from PIL import Image
    >>> from striate import read_image
    >>> with TemporaryDirectory() as folder:
    ...     Image.fromarray(np.array([[-5, 45]], np.float32)).save(f"{folder}/celsius.tif")
    ...     read_image(f"{folder}/celsius.tif", value_range=(-10, 50)).ravel().round(2)
    array([0.08, 0.92], dtype=float32)
    """
    reading = new_reading(page, bands, value_range, shrink)
    pixels = read_pixels(path, dtype, reading)
    try:
        if mask is not None:
            pixels = masked(pixels, read_pixels(mask, np.float32).values)
        pixels = reading.shrunk(pixels)
        check_some_data(pixels.values)
        values = reading.scaled(pixels, WHOLE_RANGE)
    except ImageError as error:
        raise ImageError(f"{os.fspath(path)}: {error}") from None
    return with_channels(values.astype(dtype, copy=False), channels)


def read_pixels(
    path: str | os.PathLike[str], dtype: npt.DTypeLike, reading: Reading = _NOTHING_CHOSEN
) -> Pixels:
    """Read an image file with the channels it has; errors are those of `read_image`.

    Pixels whose black and white are unknown are returned as they are, and images are not reduced.
    """
    _import_pillow()
    from PIL import Image, UnidentifiedImageError

    name = os.fspath(path)
    try:
        with explaining_errors(), quiet_pillow:
            return _decode(path, dtype, reading)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error.__cause__
    except UnidentifiedImageError:
        kinds = ", ".join(_FORMATS)
        raise ImageError(f"{name}: not an image in a supported format: {kinds}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(
            f"{name}: more than {Image.MAX_IMAGE_PIXELS} pixels; cut it into tiles, "
            "or raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file"
        ) from None


def pillow_pixels(image: Any, dtype: npt.DTypeLike, reading: Reading = _NOTHING_CHOSEN) -> Pixels:
    """Convert an image that Pillow has opened or made, as if it were read from its file.

    Raises
    ------
    ImageError
        As from `read_image`.
    """
    if 0 in image.size:
        raise ImageError(f"is empty, its size is {image.size}")
    with explaining_errors(), quiet_pillow:
        return _with_bands(pixels_of(image, dtype, reading.page), reading)


@contextmanager
def explaining_errors() -> Iterator[None]:
    """Turn what a decoder raises into an ImageError with a reason in one line.

    Damaged bytes make a decoder raise anything: SyntaxError, struct.error, KeyError.
    """
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombWarning, Image.DecompressionBombError)
    try:
        yield
    except (ImageError, ModuleNotFoundError, UnidentifiedImageError, *bombs):
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


def _decode(path: str | os.PathLike[str], dtype: npt.DTypeLike, reading: Reading) -> Pixels:
    from PIL import Image, UnidentifiedImageError

    if os.path.isdir(path):
        raise ImageError("is a folder; list the images in it with find_images")
    if is_endless(path):
        raise ImageError(ENDLESS)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ImageError("the file is empty (0 bytes)")
        Image.init()
        is_tiff = file.read(4) in _TIFF
        file.seek(0)
        try:
            opened = Image.open(file, formats=[f for f in _FORMATS if f in Image.OPEN])
        except UnidentifiedImageError:
            if not is_tiff:
                raise
            return read_tiff(path, reading, dtype)
        with opened as image:
            chosen = reading.page is not None or reading.bands is not None
            if image.format == "TIFF" and is_beyond_pillow(image, path, chosen):
                return read_tiff(path, reading, dtype)
            if is_deep_png(image) and reading.page in (None, 0):
                return _with_bands(read_deep_png(file, image, dtype), reading)
            return _with_bands(pixels_of(image, dtype, reading.page), reading)


def _with_bands(pixels: Pixels, reading: Reading) -> Pixels:
    if reading.bands is None:
        return pixels
    return pixels._replace(values=chosen_bands(pixels.values, reading.bands))


def as_picture(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an image as grey or colour, for display.

    Of other numbers of bands, the first three are red, green and blue, or the first is grey. Pixels
    without data are black.
    """
    n_bands = image.shape[-1]
    shown = image if n_bands in (1, 3) else image[..., : 3 if n_bands > 3 else 1]
    return np.nan_to_num(shown, nan=0.0) if np.isnan(shown).any() else shown


def with_channels(image: npt.NDArray[Any], channels: int | None) -> npt.NDArray[Any]:
    """Convert colour to grey (1) or grey to colour (3); None keeps the channels."""
    if channels == 1 and image.shape[-1] == 3:
        grey: npt.NDArray[Any] = image @ np.array(_LUMA, image.dtype)[:, np.newaxis]
        return grey.clip(image.min(), image.max())
    if channels == 3 and image.shape[-1] == 1:
        return np.repeat(image, 3, axis=-1)
    return image
