"""Collections of images as floating-point arrays (h, w, c), from arrays or files."""

import math
import operator
import os
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt

from striate.native.threads import available_threads

from .decoded_pixels import ImageError, Pixels
from .given_images import all_double, checked, is_path, is_pillow_image, is_stored, listed
from .missing_pixels import check_no_missing, check_some_data, masked
from .pixel_reading import Range, Reading, extremes, new_reading
from .read_images import pillow_pixels, read_pixels, with_channels
from .sixteen_bits import WHOLE_RANGE, UsedRange
from .stored_images import StoredImages


class MixedChannelsError(ValueError):
    """Error for images of different numbers of channels; the message names them."""


class ImageCollection(Sequence[npt.NDArray[Any]]):
    """Images from an array, a list of arrays or files, or a folder, one at a time, as floats.

    A file is read each time its image is accessed. Images of an object that is indexed like an
    array, such as a data set of h5py or Zarr, are read chunk by chunk. Integers of 8 and 16 bits
    are scaled by the range of their type to [0, 1]; floats and booleans are taken as they are.

    Parameters
    ----------
    images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, path of a folder
        In a list, sizes may differ; each array has shape (h, w) or (h, w, c), and images of Pillow
        are taken as their files would be. In a folder, the images that `find_images` lists. Or an
        ImageCollection.
    dtype : dtype, default=float32
        Floating-point type of the resulting images.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour, None requires images that agree.
    page, bands, value_range, shrink : optional
        As in `read_image`, for files and images of Pillow; the range also for arrays of 16 bits.
        Features that are fitted to the images keep these choices, and read other files likewise.

    masks : list of paths or None, optional
        For each file an image of its size, before it is reduced, that is 0 (black) where there are
        no data; or None.

    Attributes
    ----------
    n_channels : int
        Number of channels of the first image, and hence of all.
    used_range : UsedRange
        Values of black and white of images of 16 bits.
    reading : Reading
        Page, bands, range and size.

    Raises
    ------
    ValueError
        From the constructor if there are no images, or arrays of a wrong dimension or without
        numbers; on access, if an image is empty, has NaN or infinity, or differs in its number of
        channels from the first, with its index or file in the message.

    Examples
    --------
    >>> import numpy as np
    >>> from striate import ImageCollection
    >>> images = ImageCollection(np.full((5, 12, 8), 255, np.uint8))
    >>> len(images), images[0].shape, images[0].max()
    (5, (12, 8, 1), np.float32(1.0))
    """

    def __init__(
        self,
        images: Any,
        dtype: npt.DTypeLike = np.float32,
        *,
        channels: int | None = None,
        page: int | str | None = None,
        bands: Sequence[int] | None = None,
        value_range: tuple[float, float] | None = None,
        shrink: int | None = None,
        masks: Sequence[Any] | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self._n_channels: int | None = None
        self._whole: ImageCollection | None = None  # what this is a slice of
        self._first: npt.NDArray[Any] | None = None  # read for its channels, not yet accessed
        self._of_sixteen_bits: set[int] = set()
        self._of_open_range: dict[int, Range] = {}
        self._finds_range = self._takes_missing = False
        self.reading: Reading = new_reading(page, bands, value_range, shrink)
        self._images: Any
        if isinstance(images, ImageCollection):
            self._images = images._images
            self._rows: Sequence[int] = images._rows
            self._channels: int | None = channels or images._channels
            self.used_range: UsedRange = images.used_range
            self.reading = self.reading.or_else(images.reading)
            self._finds_range = images._finds_range
            self._takes_missing = images._takes_missing
            self._most_readers: float = images._most_readers
            self._masks: Sequence[Any] | None = images._masks
        else:
            images = checked(listed(images))
            self._images = StoredImages(images) if is_stored(images) else images
            self._rows = range(len(self._images))
            self._channels = channels
            self.used_range = WHOLE_RANGE
            self._most_readers = _most_readers(self._images)
            self._masks = masks
            if masks is not None and len(masks) != len(self._images):
                raise ValueError(f"there are {len(masks)} masks for {len(self._images)} images")

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> "ImageCollection": ...
    def __getitem__(self, index: int | slice) -> "npt.NDArray[Any] | ImageCollection":
        if isinstance(index, slice):
            return self._part(self._rows[index])
        row = self._rows[operator.index(index)]
        image = self._load(row)
        if image.shape[-1] != self._channels_of_first(row, image):
            raise MixedChannelsError(
                f"{_name(self._images, row)}: has {_count(image.shape[-1])}, but "
                f"{_name(self._images, 0)} has {_count(self.n_channels)}; use only one kind"
            )
        return image

    @property
    def n_channels(self) -> int:
        """Number of channels of the first image."""
        if self._n_channels is None and self._whole is not None:
            self._n_channels = self._whole.n_channels
        if self._n_channels is None:
            first = self._load(0, missing=True)
            self._n_channels = first.shape[-1]
            sound = self._takes_missing or not np.isnan(first).any()
            self._first = first if sound and self.n_readers else None
        return self._n_channels

    @property
    def n_readers(self) -> int:
        """Number of threads that may read images at a time; 0 if they are arrays in memory."""
        return int(min(available_threads(), self._most_readers))

    @property
    def n_together(self) -> int:
        """Number of images that a thread reads one after the other: more of small stored ones."""
        return self._images.n_together if isinstance(self._images, StoredImages) else 1

    def read(self, index: int) -> npt.NDArray[Any]:
        """Return an image, which may have other channels than the first."""
        return self._load(self._rows[operator.index(index)])

    def take(self, indices: Sequence[int]) -> "ImageCollection":
        """Return some of the images, in this order."""
        return self._part([self._rows[i] for i in indices])

    def with_range(
        self, used_range: tuple[float, float], reading: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the same images, read as images were in `fit`, but for choices made here.

        Parameters
        ----------
        used_range : (float, float)
        reading : dict or None
            As the fitted attributes `used_range_` and `reading_` of `PatchFeatures`.
        """
        return self._changed(
            used_range=UsedRange(*used_range),
            reading=self.reading.or_else(Reading.of(reading or {})),
            _finds_range=False,
        )

    def as_learned(self, features: Any) -> Self:
        """Return the same images as fitted features read theirs, but for choices made here."""
        return self.with_range(features.used_range_, features.reading_)

    def to_find_range(self) -> Self:
        """Return the same images, with pixels as in the files if black and white are unknown."""
        return self._changed(
            used_range=WHOLE_RANGE,
            reading=self.reading._replace(float_range=None),
            _finds_range=True,
        )

    def to_look_at(self) -> Self:
        """Return the same images, not reduced, and with pixels that may have no data."""
        reading = self.reading._replace(shrink=None)
        return self._changed(reading=reading, _takes_missing=True)

    def with_missing(self) -> Self:
        """Return the same images, in which pixels may be NaN for want of data."""
        return self._changed(_takes_missing=True)

    def has_sixteen_bits(self, index: int) -> bool:
        """Return whether an image is made of integers of 16 bits; it must have been accessed."""
        return self._rows[index] in self._of_sixteen_bits

    def open_range(self, index: int) -> Range | None:
        """Return the smallest and largest value of an image that was accessed, as in its file.

        None unless they are floats or large integers, whose black and white are unknown.
        """
        return self._of_open_range.get(self._rows[index])

    def name(self, index: int) -> str:
        """Return the name of an image for messages: its file, or "image 3"."""
        return _name(self._images, self._rows[index])

    def _changed(self, **attributes: Any) -> Self:
        images = copy(self)
        if attributes.keys() - {"_takes_missing"}:  # what was read may be read otherwise now
            images._first, images._of_sixteen_bits, images._of_open_range = None, set(), {}
        if attributes.get("reading", self.reading) != self.reading:
            images._n_channels = images._whole = None
        vars(images).update(attributes)
        return images

    def _part(self, rows: Sequence[int]) -> "ImageCollection":
        part = ImageCollection(self, self.dtype)
        part._rows = rows
        part._whole = self
        return part

    def _channels_of_first(self, row: int, image: npt.NDArray[Any]) -> int:
        if row == 0:  # avoids reading it again
            self._n_channels = image.shape[-1]
        return self.n_channels

    def _load(self, row: int, *, missing: bool = False) -> npt.NDArray[Any]:
        if row == 0 and self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            pixels = self._pixels(row)
            check_some_data(pixels.values)
            if not (missing or self._takes_missing):
                check_no_missing(pixels.values)
            values = self._scaled(row, pixels)
        except ValueError as error:
            name = f"{_name(self._images, row)}: "
            if str(error).startswith(name):
                raise
            raise (ImageError if isinstance(error, ImageError) else ValueError)(
                f"{name}{error}"
            ) from None
        return np.ascontiguousarray(with_channels(values, self._channels), dtype=self.dtype)

    def _scaled(self, row: int, pixels: Pixels) -> npt.NDArray[Any]:
        if pixels.sixteen_bits and self.reading.value_range is None:
            self._of_sixteen_bits.add(row)
        if pixels.is_open:
            self._of_open_range[row] = extremes(pixels.values)
            if self._finds_range and self.reading.value_range is None:
                return pixels.values
        return self.reading.scaled(pixels, self.used_range)

    def _pixels(self, row: int) -> Pixels:
        item = self._images[row]
        if is_path(item):
            pixels = read_pixels(item, self.dtype, self.reading)
            mask = None if self._masks is None else self._masks[row]
            if mask is not None:
                pixels = masked(pixels, read_pixels(mask, np.float32).values)
            return self.reading.shrunk(pixels)
        if is_pillow_image(item):
            return self.reading.shrunk(pillow_pixels(item, self.dtype, self.reading))
        return as_float(_in_memory(item), self.dtype)


def as_collection(images: Any) -> ImageCollection:
    """Return a collection in float64 if all images are float64, and in float32 otherwise."""
    if isinstance(images, ImageCollection):
        return images
    images = listed(images)
    return ImageCollection(images, np.float64 if all_double(images) else np.float32)


def _most_readers(images: Sequence[Any]) -> float:
    """Return how many threads may read images: any number for files, none for arrays in memory."""
    items = images if isinstance(images, list) else [images]
    if any(is_pillow_image(item) or is_stored(item) for item in items):
        return 1
    return math.inf if any(map(is_path, items)) else 0


def _in_memory(image: Any) -> npt.NDArray[Any]:
    if is_stored(image) and not hasattr(image, "__array__"):
        image = [image[i] for i in range(len(image))]
    array: npt.NDArray[Any] = np.asarray(image)
    return array


def _name(images: Sequence[Any], row: int) -> str:
    # Other than from a list, an image would be read.
    if isinstance(images, list) and is_path(images[row]):
        return os.fspath(images[row])
    return f"image {row}"


def _count(channels: int) -> str:
    known = {1: " (grey)", 3: " (colour)"}.get(channels, "")
    return f"{channels} channel{'s' if channels != 1 else ''}{known}"


def as_float(image: npt.NDArray[Any], dtype: np.dtype[Any]) -> Pixels:
    """Turn an array (h, w[, c]) into floats (h, w, c), integers scaled to [0, 1].

    NaN stays.
    """
    if image.size == 0:
        raise ValueError(f"is empty, its shape is {image.shape}")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.dtype.kind in "ui":
        low, high = np.iinfo(image.dtype).min, np.iinfo(image.dtype).max
        scaled: npt.NDArray[Any] = (image.astype(dtype) - dtype.type(low)) / dtype.type(high - low)
        return Pixels(scaled, sixteen_bits=image.itemsize == 2, lowest=low)
    with np.errstate(over="ignore"):  # too large for dtype: reported as infinity
        image = image.astype(dtype, copy=False)
    if np.isinf(image).any():
        raise ValueError("has NaN or infinity; remove or replace those values")
    return Pixels(image)
