"""One image of any size, read block by block as floats."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from .array_packages import imported
from .filled_pixels import filled
from .given_images import checked, is_path, is_pillow_image
from .image_collection import ImageCollection, as_float
from .missing_pixels import check_no_missing
from .pixel_reading import Reading
from .sixteen_bits import UsedRange


def opened_array(image: Any) -> Any:
    """Return the array in a .npy or .zarr file, without reading it; anything else as it is."""
    if not is_path(image):
        return image
    match os.path.splitext(image)[1].lower():
        case ".npy":
            return np.load(image, mmap_mode="r", allow_pickle=False)
        case ".zarr":
            return imported("zarr", "reading Zarr", "scale").open_array(os.fspath(image), mode="r")
        case _:
            return image


class LargeImage:
    """An image whose blocks are read as floats (h, w, c), as `ImageCollection` reads whole ones.

    An array that is indexed when it is read, such as a memory map of NumPy or a data set of h5py or
    Zarr, is never in memory as a whole.

    Parameters
    ----------
    image : array of shape (h, w) or (h, w, c), image of Pillow, or path
        The path of an image file, which is read as a whole, or of a .npy or .zarr file, which is
        not.
    features : PatchFeatures
        Fitted: it must have their number of channels, and is read as their images were.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour, for files and images of Pillow.
    with_missing : bool, default=False
        Whether pixels may be NaN for want of data.
    fill_missing : bool, default=False
        Whether such pixels take the values of the nearest others, if the image is in memory.

    Attributes
    ----------
    shape : (int, int)
        Height and width.
    n_channels : int
    dtype : dtype
        float64 if the image is, and float32 otherwise.
    missing : ndarray of bool of shape (h, w), or None
        Which pixels were filled.

    Raises
    ------
    ValueError
        If it is not an image, or has another number of channels.
    """

    def __init__(
        self,
        image: Any,
        features: Any,
        *,
        channels: int | None = None,
        with_missing: bool = False,
        fill_missing: bool = False,
    ) -> None:
        self.n_channels = n_channels = int(features.patch_shape_[2])
        self._with_missing = with_missing
        self._name, self._range = "the image", UsedRange(*features.used_range_)
        self._reading = Reading.of(features.reading_)
        if is_path(image):
            self._name = str(image)
        image = opened_array(image)
        if is_path(image) or is_pillow_image(image):
            images = ImageCollection([image], channels=channels).as_learned(features)
            image = (images.with_missing() if with_missing or fill_missing else images)[0]
        (self._pixels,) = checked([image])
        in_memory = type(self._pixels) is np.ndarray and not isinstance(image, np.memmap)
        self.missing: npt.NDArray[np.bool_] | None = None
        if fill_missing and in_memory:
            self._pixels, self.missing = filled(self._pixels)
        shape = tuple(self._pixels.shape)
        if min(shape) == 0:
            raise ValueError(f"{self._name}: is empty, its shape is {shape}")
        found = shape[2] if len(shape) == 3 else 1
        if found != n_channels:
            raise ValueError(
                f"{self._name}: its shape {shape} has {found} channels, but the features were "
                f"learned on {n_channels}"
            )
        self.shape = int(shape[0]), int(shape[1])
        is_double = np.dtype(self._pixels.dtype) == np.float64
        self.dtype = np.dtype(np.float64 if is_double else np.float32)

    def read(self, rows: slice, columns: slice) -> npt.NDArray[Any]:
        """Return the pixels (h, w, c) of a block.

        Raises
        ------
        ValueError
            If some are infinite, or NaN where no data may be missing.
        """
        try:
            pixels = as_float(np.asarray(self._pixels[rows, columns]), self.dtype)
            if not self._with_missing:
                check_no_missing(pixels.values)
        except ValueError as error:
            raise ValueError(f"{self._name}: {error}") from None
        return np.asarray(self._reading.scaled(pixels, self._range))
