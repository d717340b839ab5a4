"""Pixels of images that Pillow has decoded, or decodes here, in any of its modes."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .tiff_planes import array_shape, is_array, number_of_images, several

# Formats whose first frame is the image: phones append a preview or a depth map to JPEGs.
_FIRST_FRAME_IS_THE_IMAGE = ("MPO",)

# Modes of grey images, with and without transparency.
_GREY = ("1", "L", "LA", "La")

# The upper 8 bits of images of 12 bits are below this.
_DARK = 16

# How Pillow calls grey of 16 bits with transparency.
_DEEP_GREY = "LA;16B"

# Grey of 2 and 4 bits in PNG files, and by what Pillow multiplies it.
_SCALES = {"L;2": 85, "L;4": 17}


class ImageError(ValueError):
    """Error for an image that cannot be used; the message says why, and names its file."""


class Pixels(NamedTuple):
    """Pixels of an image.

    Attributes
    ----------
    values : ndarray of shape (h, w, c)
        Floats; 0 is black and 1 is white.
    sixteen_bits : bool
        Whether the file holds integers of 16 bits, also where only their upper 8 bits could be
        read. The largest counts as white, although cameras of 10 or 12 bits never reach it.
    is_open : bool
        Whether they are as in the file, with black and white unknown: floats, or integers of 32
        bits. NaN is where there are no data.
    lowest : int
        Value that 0 stands for if they were integers of 16 bits: not 0 for signed ones.
    """

    values: npt.NDArray[Any]
    sixteen_bits: bool = False
    is_open: bool = False
    lowest: int = 0


def pixels_of(image: Any, dtype: npt.DTypeLike, page: int | str | None = None) -> Pixels:
    """Convert an image of Pillow, or one of its pages, to grey (h, w, 1) or RGB (h, w, 3).

    Raises
    ------
    ImageError
        If it holds several images, or pixels whose value for white is unknown.
    """
    from PIL import ImageOps

    if page is None:
        _check_single(image)
    else:
        _turn_to(image, page)
    kind, layout = image.format, layout_of(image)
    _scale_transparent_value(image, layout)
    image.load()
    if ";16" in layout and not image.mode.startswith("I"):
        _check_upper_bits(image)
    dtype, upright = np.dtype(dtype), ImageOps.exif_transpose(image)
    if upright.mode == "F":
        return Pixels(_floats(upright, dtype), is_open=True)
    if upright.mode.startswith("I"):
        if upright.mode == "I" and kind not in ("PNG", "PPM"):
            raise ImageError("has 32-bit or signed integer pixels; scale them to 8 or 16 bits")
        grey = _divided(upright, 65535, dtype)
        if "transparency" in upright.info:
            grey[np.asarray(upright) == upright.info["transparency"]] = 1
        return Pixels(grey[..., np.newaxis], sixteen_bits=True)
    values = _eight_bits(upright, dtype)
    # Pillow knows no grey of 16 bits with transparency.
    values = np.ascontiguousarray(values[..., :1]) if layout == _DEEP_GREY else values
    return Pixels(values, sixteen_bits=";16" in layout)


def _turn_to(image: Any, page: int | str) -> None:
    n_pages = getattr(image, "n_frames", 1)
    if page == "all":
        raise ImageError('is not a TIFF file, whose pages page="all" would take as bands')
    if int(page) >= n_pages:
        raise ImageError(f"has {n_pages} pages, numbered from 0: there is no page {page}")
    image.seek(int(page))


def _check_single(image: Any) -> None:
    frames = getattr(image, "n_frames", 1)
    if image.format in _FIRST_FRAME_IS_THE_IMAGE:
        return
    if image.format == "TIFF":
        frames = max(frames, number_of_images(image))
        shape = array_shape(image)
        if frames > 1 and is_array(shape):
            raise ImageError(
                f"holds an array of shape {shape}, as {frames} images; if it is one image of "
                f'{shape[2]} bands, pass page="all"; or choose one of its pages'
            )
    if frames > 1:
        raise ImageError(several(frames))


def layout_of(image: Any) -> str:
    """Return how Pillow calls the layout of pixels in a file, "" for a decoded image."""
    if not getattr(image, "tile", None):
        return ""
    layout = image.tile[0][3]
    return str(layout[0] if isinstance(layout, tuple) and layout else layout)


def _check_upper_bits(image: Any) -> None:
    """Refuse colour of 10 or 12 bits in 16: Pillow keeps the upper 8, and few of these are used."""
    bands = image.getbands()
    brightest = max(image.getchannel(band).getextrema()[1] for band in bands if band not in "Aa")
    if 0 < brightest < _DARK:
        raise ImageError(
            "has colour of 16 bits and uses the lowest of them; the upper 8 are read: scale it to "
            "8 bits, or, if it is a PNG file, pip install 'striate[images]' to read it in full"
        )


def _scale_transparent_value(image: Any, layout: str) -> None:
    """Scale the value of transparent pixels like the others: Pillow leaves it as it is in a PNG."""
    value = image.info.get("transparency")
    if layout in _SCALES and isinstance(value, int):
        image.info["transparency"] = value * _SCALES[layout]
    elif layout == "RGB;16B" and isinstance(value, tuple):
        image.info["transparency"] = tuple(part >> 8 for part in value)


def _floats(image: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.asarray(image)
    if np.isinf(values).any():
        raise ImageError("has infinite pixels; replace them by NaN, or by numbers")
    return values.astype(dtype)[..., np.newaxis]


def _eight_bits(image: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return grey or RGB; transparent pixels are shown on white."""
    grey = image.mode in _GREY
    if image.has_transparency_data:
        rgba = _divided(image.convert("RGBA"), 255, dtype)
        opacity = rgba[..., 3:]
        on_white = (rgba[..., :3] * opacity + (1 - opacity)).clip(0, 1)
        return np.ascontiguousarray(on_white[..., :1]) if grey else on_white
    pixels = _divided(image.convert("L" if grey else "RGB"), 255, dtype)
    return pixels[..., np.newaxis] if grey else pixels


def _divided(image: Any, white: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the pixels of a decoded image, divided by the value for white."""
    pixels: npt.NDArray[Any] = np.divide(np.asarray(image), white, dtype=dtype)
    return pixels
