"""Samples of TIFF files as pixels: their colours, transparency, orientation and types."""

import logging
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError, Pixels
from .missing_pixels import declared_missing
from .pixel_reading import Reading
from .tiff_pages import Samples, read_samples
from .upright_pixels import ORIENTATION, upright

Array = npt.NDArray[Any]

# Values of the tag for photometric interpretation, compression and extra samples.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_JPEG = (6, 7)
_PREMULTIPLIED, _NOT_PREMULTIPLIED = 1, 2

# Without a handler, Python prints what tifffile logs, beside the error that we raise.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_tiff(path: str | os.PathLike[str], reading: Reading, dtype: npt.DTypeLike) -> Pixels:
    """Read pixels of a TIFF file by tifffile, with all bands and bits.

    Raises
    ------
    ImageError
        If it is damaged, or pixels of this kind are not known.
    ModuleNotFoundError
        If tifffile is missing, or imagecodecs for the compression of this file.
    """
    try:
        import tifffile
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{os.fspath(path)}: reading this kind of TIFF file needs tifffile: "
            "pip install 'striate[images]'",
            name="tifffile",
        ) from error

    try:
        with tifffile.TiffFile(path) as file:
            samples = read_samples(file, reading.page)
            missing = declared_missing(path, file, samples)
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise ModuleNotFoundError(
                f"{os.fspath(path)}: reading this compressed TIFF file needs imagecodecs: "
                "pip install 'striate[images]'",
                name="imagecodecs",
            ) from error
        raise
    return pixels_of_samples(samples, missing, reading, np.dtype(dtype))


def pixels_of_samples(
    samples: Samples, missing: Array | None, reading: Reading, dtype: np.dtype[Any]
) -> Pixels:
    """Return pixels with the values of samples; those that are missing are NaN."""
    values, keyframe = samples.values, samples.keyframe
    _check_colours(keyframe)
    kind = _kind(values, keyframe, dtype)
    opacity = None
    if reading.bands is not None:
        kept = list(reading.bands)
        kind = kind._replace(values=chosen_bands(kind.values, reading.bands))
        missing = missing[..., kept] if missing is not None and missing.shape[2] > 1 else missing
    elif samples.n_pages == 1:
        opacity = _opacity(keyframe, kind)
    pixels = kind.values
    if opacity is not None:
        pixels = _on_white(pixels[..., :-1], pixels[..., -1:], premultiplied=opacity)
    if missing is not None:
        pixels[missing.any(axis=2)] = np.nan
    tag = keyframe.tags.get(ORIENTATION)
    pixels = upright(pixels, int(tag.value) if tag else 1)
    return kind._replace(values=np.ascontiguousarray(pixels))


def chosen_bands(values: Array, bands: tuple[int, ...]) -> Array:
    """Return some bands of an image (h, w, c).

    Raises
    ------
    ImageError
        If there is no such band.
    """
    n_bands = values.shape[2]
    if max(bands) >= n_bands:
        raise ImageError(f"has {n_bands} bands, numbered from 0: there is no band {max(bands)}")
    return values[..., list(bands)]


def _check_colours(keyframe: Any) -> None:
    colours = keyframe.photometric
    known = colours in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    if not known and not (colours == _YCBCR and keyframe.compression in _JPEG):
        name = getattr(colours, "name", str(colours)).lower()
        raise ImageError(f"has colours of the kind {name}; save it as RGB or grey")
    if colours == _WHITE_IS_ZERO and keyframe.dtype.kind not in "bu":
        raise ImageError(
            "has floats or signed integers, and declares that 0 is white; invert them first"
        )


def _kind(values: Array, keyframe: Any, dtype: np.dtype[Any]) -> Pixels:
    """Return samples as floats, with what is known of their black and white."""
    kind, n_bytes = values.dtype.kind, values.dtype.itemsize
    if kind not in "buif":
        raise ImageError(f"has pixels of the type {values.dtype}, which are not real numbers")
    if kind == "f":
        if np.isinf(values).any():
            raise ImageError("has infinite pixels; replace them by NaN, or by numbers")
        return Pixels(values.astype(dtype), is_open=True)
    bits = keyframe.bitspersample if n_bytes == 1 and kind == "u" else 8 * n_bytes
    lowest = int(np.iinfo(values.dtype).min) if kind == "i" else 0
    white = 1 if kind == "b" else 2**bits - 1
    if keyframe.photometric == _WHITE_IS_ZERO:
        values = white - values.astype(np.float64)
    if n_bytes > 2:
        return Pixels(values.astype(np.float64), is_open=True)
    scaled = (values.astype(dtype) - dtype.type(lowest)) / dtype.type(white)
    return Pixels(scaled, sixteen_bits=n_bytes == 2, lowest=lowest)


def _opacity(keyframe: Any, pixels: Pixels) -> bool | None:
    """Return whether colours are premultiplied by their opacity; None without opacity."""
    extra = [int(each) for each in keyframe.extrasamples]
    n_colours = 3 if keyframe.photometric == _RGB else 1
    opaque = (_PREMULTIPLIED, _NOT_PREMULTIPLIED)
    if len(extra) != 1 or extra[0] not in opaque or pixels.values.shape[2] != n_colours + 1:
        return None
    if pixels.is_open:
        raise ImageError("has floats with transparency; choose the bands without it")
    return extra[0] == _PREMULTIPLIED


def _on_white(colours: Array, opacity: Array, *, premultiplied: bool) -> Array:
    shown = colours if premultiplied else colours * opacity
    return np.asarray((shown + (1 - opacity)).clip(0, 1))
