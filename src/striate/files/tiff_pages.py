"""Pages of TIFF files, as tifffile lists them: which there are, and the samples of one or all."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError
from .tiff_planes import is_array, several

Array = npt.NDArray[Any]

# Axes of a page: rows, columns and samples.
_OF_PAGE = "YXS"
_NAMES = {"Z": "planes of a volume", "T": "times", "C": "channels"}
# More samples than this times Pillow's limit of pixels are not read.
_MOST_BANDS = 16


class Samples(NamedTuple):
    """Samples of a page, or of several as bands, as they are in the file.

    Attributes
    ----------
    values : ndarray of shape (h, w, n_bands)
    keyframe : tifffile.TiffPage
        What the file says about them.
    n_pages : int
        Number of pages that they are from.
    """

    values: Array
    keyframe: Any
    n_pages: int


class _Page(NamedTuple):
    """Page number k of a series of equal pages."""

    series: Any
    k: int


def read_samples(file: Any, page: int | str | None) -> Samples:
    """Read a page of an opened TIFF file, or with "all" its pages as bands.

    Channels that the description of a microscope's file calls so are bands of one page.

    Raises
    ------
    ImageError
        If there are several pages and none is chosen, or not the one that is chosen.
    """
    series = [each for each in file.series if not _is_aside(each.keyframe)] or list(file.series)
    pages = [_Page(each, k) for each in series for k in range(_n_pages(each))]
    if not pages:
        raise ImageError("holds no image")
    if page is None and (len(pages) == 1 or _are_channels(file, series)):
        page = "all"
    if page is None:
        raise ImageError(several(len(pages), _words(series)))
    if page == "all":
        if len(series) == 1 and file.is_shaped and is_array(tuple(series[0].shape)):
            _check_size(series[0], len(pages))
            return Samples(series[0].asarray(maxworkers=1), series[0].keyframe, len(pages))
        if len({(_page_shape(each), each.dtype) for each in series}) > 1:
            raise ImageError(f"holds {len(pages)} images of several sizes or types; choose a page")
        _check_size(series[0], len(pages))
        values = np.concatenate([bands for each in series for bands in _all_pages(each)], 2)
        return Samples(values, series[0].keyframe, len(pages))
    if int(page) >= len(pages):
        raise ImageError(f"has {len(pages)} pages, numbered from 0: there is no page {page}")
    chosen = pages[int(page)]
    _check_size(chosen.series, 1)
    return Samples(_one_page(file, chosen), chosen.series.keyframe, 1)


def _is_aside(page: Any) -> bool:
    """Return whether a page is a smaller version of another one, or its mask."""
    return bool(page.is_reduced or page.is_mask)


def _are_channels(file: Any, series: list[Any]) -> bool:
    axes = set(series[0].axes) - set(_OF_PAGE)
    return len(series) == 1 and axes == {"C"} and bool(file.is_ome or file.is_imagej)


def _words(series: list[Any]) -> str:
    if len(series) > 1:
        return ""
    pairs = zip(series[0].axes, series[0].shape, strict=True)
    named = [f"{n} {_NAMES[axis]}" for axis, n in pairs if axis in _NAMES]
    return f" ({', '.join(named)})" if named else ""


def _n_pages(series: Any) -> int:
    if not {"Y", "X"} <= set(series.axes):
        raise ImageError(f"holds an array with the axes {series.axes}, which is not an image")
    return math.prod(n for n, axis in _shape(series) if axis not in _OF_PAGE)


def _page_shape(series: Any) -> tuple[int, int, int]:
    sizes = {axis: n for n, axis in _shape(series)}
    return sizes["Y"], sizes["X"], sizes.get("S", 1)


def _shape(series: Any) -> list[tuple[int, str]]:
    return list(zip(series.shape, series.axes, strict=True))


def _check_size(series: Any, n_pages: int) -> None:
    from PIL import Image

    height, width, n_bands = _page_shape(series)
    limit = Image.MAX_IMAGE_PIXELS
    if height * width * n_bands == 0:
        raise ImageError(f"is empty, its shape is {series.shape}")
    if limit is not None and (
        height * width > limit or height * width * n_bands * n_pages > _MOST_BANDS * limit
    ):
        raise Image.DecompressionBombError


def _one_page(file: Any, page: _Page) -> Array:
    """Read a page without the others, where the file allows it."""
    series, k = page
    n_pages = _n_pages(series)
    if series.dataoffset is not None and not set(series.axes[: -len(_page_axes(series))]) & set(
        _OF_PAGE
    ):
        size = series.size // n_pages
        found = file.filehandle.read_array(
            file.byteorder + series.dtype.char,
            size,
            series.dataoffset + k * size * series.dtype.itemsize,
        )
        kept = [(n, axis) for n, axis in _shape(series) if axis in _OF_PAGE]
        return _bands_last(found.reshape([n for n, _ in kept]), "".join(axis for _, axis in kept))
    if len(series) == n_pages and series.dataoffset is None:
        frame = series[k]
        if frame is None:
            raise ImageError(f"page {k} is missing")
        return _bands_last(frame.asarray(maxworkers=1), frame.keyframe.axes)
    return list(_all_pages(series))[k]


def _page_axes(series: Any) -> list[str]:
    return [axis for axis in series.axes if axis in _OF_PAGE]


def _all_pages(series: Any) -> Iterator[Array]:
    if series.dataoffset is None and any(frame is None for frame in series):
        raise ImageError("a page is missing")
    values = series.asarray(maxworkers=1)
    if values.shape != tuple(series.shape):
        raise ImageError(f"is truncated, or not of the shape {tuple(series.shape)} that it says")
    others = [i for i, axis in enumerate(series.axes) if axis not in _OF_PAGE]
    values = np.moveaxis(values, others, range(len(others)))
    axes = "".join(_page_axes(series))
    for each in values.reshape(-1, *values.shape[len(others) :]):
        yield _bands_last(each, axes)


def _bands_last(values: Array, axes: str) -> Array:
    if "S" not in axes:
        return values[..., np.newaxis]
    return np.moveaxis(values, axes.index("S"), -1)
