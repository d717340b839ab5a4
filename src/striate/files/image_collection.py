"""Collections of images as floating-point arrays (h, w, c), from arrays or files."""

import operator
import os
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from .read_images import find_images, read_image, with_channels


class MixedChannelsError(ValueError):
    """Error for images of different numbers of channels; the message names them."""


class ImageCollection(Sequence[npt.NDArray[Any]]):
    """Images from an array, a list of arrays or files, or a folder, one at a time, as floats.

    A file is read each time its image is accessed. Integers of 8 and 16 bits are scaled by the
    range of their type to [0, 1]; floats and booleans are taken as they are.

    Parameters
    ----------
    images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, path of a folder
        In a list, sizes may differ; each array has shape (h, w) or (h, w, c). In a folder, the
        images that `find_images` lists. Or an ImageCollection.
    dtype : dtype, default=float32
        Floating-point type of the resulting images.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour, None requires images that agree.

    Attributes
    ----------
    n_channels : int
        Number of channels of the first image, and hence of all.

    Raises
    ------
    ValueError
        From the constructor if there are no images, or arrays of a wrong dimension or without
        numbers; on access, if an image is empty, has NaN or infinity, or differs in its number of
        channels from the first, with its index or file in the message.

    Examples
    --------
    >>> import numpy as np
    >>> from striate.files.image_collection import ImageCollection
    >>> images = ImageCollection(np.full((5, 12, 8), 255, np.uint8))
    >>> len(images), images[0].shape, images[0].max()
    (5, (12, 8, 1), np.float32(1.0))
    """

    def __init__(
        self, images: Any, dtype: npt.DTypeLike = np.float32, *, channels: int | None = None
    ) -> None:
        self.dtype = np.dtype(dtype)
        self._n_channels: int | None = None
        self._whole: ImageCollection | None = None  # what this is a slice of
        self._first: npt.NDArray[Any] | None = None  # read for its channels, not yet accessed
        given = images if isinstance(images, ImageCollection) else None
        self._images: Sequence[Any] = given._images if given is not None else _checked(images)
        self._rows: range = given._rows if given is not None else range(len(self._images))
        self._channels: int | None = channels or (given._channels if given is not None else None)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> "ImageCollection": ...
    def __getitem__(self, index: int | slice) -> "npt.NDArray[Any] | ImageCollection":
        if isinstance(index, slice):
            part = ImageCollection(self, self.dtype)
            part._rows = self._rows[index]
            part._whole = self
            return part
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
            first = self._load(0)
            self._n_channels = first.shape[-1]
            self._first = first if self.from_files else None
        return self._n_channels

    @property
    def from_files(self) -> bool:
        """Whether images are read from files."""
        return any(isinstance(item, str | os.PathLike) for item in self._images[:1])

    def name(self, index: int) -> str:
        """Return the name of an image for messages: its file, or "image 3"."""
        return _name(self._images, self._rows[index])

    def _channels_of_first(self, row: int, image: npt.NDArray[Any]) -> int:
        if row == 0:  # avoids reading it again
            self._n_channels = image.shape[-1]
        return self.n_channels

    def _load(self, row: int) -> npt.NDArray[Any]:
        item = self._images[row]
        if row == 0 and self._first is not None:
            first, self._first = self._first, None
            return first
        if isinstance(item, str | os.PathLike):
            return read_image(item, self.dtype, channels=self._channels)
        try:
            image = _as_float(item, self.dtype)
        except ValueError as error:
            raise ValueError(f"{_name(self._images, row)}: {error}") from None
        return np.ascontiguousarray(with_channels(image, self._channels))


def as_collection(images: Any) -> ImageCollection:
    """Return a collection in float64 if all images are float64, and in float32 otherwise."""
    if isinstance(images, ImageCollection):
        return images
    arrays = [images] if isinstance(images, np.ndarray | str | os.PathLike) else images
    double = all(getattr(image, "dtype", None) == np.float64 for image in arrays)
    return ImageCollection(images, np.float64 if double else np.float32)


def _name(images: Sequence[Any], row: int) -> str:
    item = images[row]
    return os.fspath(item) if isinstance(item, str | os.PathLike) else f"image {row}"


def _count(channels: int) -> str:
    known = {1: " (grey)", 3: " (colour)"}.get(channels, "")
    return f"{channels} channel{'s' if channels != 1 else ''}{known}"


def _checked(images: Any) -> Any:
    """Return the images as an array (n, h, w[, c]) or as a list of paths and arrays."""
    if isinstance(images, str | os.PathLike):
        return _files_of_folder(images)
    if not isinstance(images, list | tuple):
        images = np.asarray(images)
        if images.ndim == 1 and images.dtype.kind in "OUT":
            images = images.tolist()  # of strings or arrays, or pandas' column of paths
    if isinstance(images, np.ndarray):
        _check_array(images, "images", "(n, h, w) or (n, h, w, c)", (3, 4))
        checked: Any = images
    else:
        checked = [_checked_item(item, row) for row, item in enumerate(images)]
    if len(checked) == 0:
        raise ValueError("images is empty; at least one image is needed")
    return checked


def _files_of_folder(path: str | os.PathLike[str]) -> Sequence[Any]:
    if not os.path.isdir(path):
        missing = "" if os.path.exists(path) else ", which does not exist"
        raise ValueError(
            f"images must be a list or a folder, got the single path {os.fspath(path)!r}{missing}; "
            "pass [path] for one image"
        )
    return find_images(path)


def _checked_item(item: Any, row: int) -> Any:
    if isinstance(item, str | os.PathLike):
        return item
    try:
        array = np.asarray(item)
    except ValueError:  # lists of several lengths
        raise ValueError(f"image {row} is not a rectangular array") from None
    _check_array(array, f"image {row}", "(h, w) or (h, w, c)", (2, 3))
    return array


def _check_array(array: npt.NDArray[Any], name: str, shapes: str, ndims: tuple[int, int]) -> None:
    if array.ndim not in ndims:
        hint = "; pass a single image as a list: [image]" if array.ndim == 2 else ""
        raise ValueError(f"{name} must have shape {shapes}, got {array.shape}{hint}")
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.dtype.kind in "ui" and array.itemsize > 2:
        raise ValueError(
            f"{name} must be floats, or integers of 8 or 16 bits, got {array.dtype}, whose value "
            "for white is unknown; convert with .astype(np.uint8), or divide by the largest value"
        )


def _as_float(image: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Turn an array (h, w[, c]) into finite floats (h, w, c), integers scaled to [0, 1]."""
    if image.size == 0:
        raise ValueError(f"is empty, its shape is {image.shape}")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.dtype.kind in "ui":
        low, high = np.iinfo(image.dtype).min, np.iinfo(image.dtype).max
        scaled: npt.NDArray[Any] = (image.astype(dtype) - dtype.type(low)) / dtype.type(high - low)
        return scaled
    with np.errstate(over="ignore"):  # too large for dtype: reported as infinity
        image = image.astype(dtype, copy=False)
    if not np.isfinite(image).all():
        raise ValueError("has NaN or infinity; remove or replace those values")
    return image
