"""Large images as pieces: what features are learned from, without reading the images as a whole."""

from typing import Any

import numpy as np
import numpy.typing as npt

from striate.core.stored_arrays import described, loaded
from striate.files.large_image import opened_array

# An image with more pixels is cut into pieces: their number, and the pixels of their sides.
_MOST_PIXELS, _N_PIECES, _SIDE = 2**24, 16, 512


class ImagePiece:
    """A part of an array of an image, read each time it is needed.

    Parameters
    ----------
    array : array of NumPy, h5py or Zarr
    place : tuple of int or slice
        Index into the array.
    shape : tuple of int
    """

    def __init__(self, array: Any, place: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        self.shape, self.dtype = shape, np.dtype(array.dtype)
        self._array, self._place = array, place

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        part: npt.NDArray[Any] = self.__array__()[index]
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(loaded(self._array[self._place]), dtype=dtype)


def with_pieces(images: Any, random_state: np.random.RandomState) -> Any:
    """Return images with pieces at random places instead of large ones.

    Files of images stay: they are read as a whole, one at a time.

    Parameters
    ----------
    images : array or list, as `listed` returns it
    random_state : RandomState

    Returns
    -------
    array or list
        The images themselves if none is large.
    """
    whole = not isinstance(images, list | tuple)
    items = [images] if whole else list(map(opened_array, images))
    if not any(_is_large(item, whole) for item in items):
        return images if whole else items
    found: list[Any] = []
    for i in range(len(images)):
        array, first = (images, (i,)) if whole else (items[i], ())
        shape = described(array)
        if shape is None or not _is_large(array, whole):
            found.append(items[i])
            continue
        size = shape[0][len(first) :]
        for _ in range(_N_PIECES):
            sides = [min(_SIDE, n) for n in size[:2]]
            corner = [
                int(random_state.randint(n - side + 1))
                for n, side in zip(size[:2], sides, strict=True)
            ]
            place = [slice(a, a + n) for a, n in zip(corner, sides, strict=True)]
            found.append(ImagePiece(array, (*first, *place), (*sides, *size[2:])))
    return found


def _is_large(item: Any, whole: bool) -> bool:
    """Return whether an array of one image, or of `whole` images, is of large ones."""
    known = described(item)
    return known is not None and int(np.prod(known[0][whole:][:2])) > _MOST_PIXELS
