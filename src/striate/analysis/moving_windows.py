"""Windows of images that can be moved by some pixels, with real image beyond their borders."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from striate.files.image_collection import ImageCollection, as_collection
from striate.images.pool_layout import two_integers


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of images, with the pixels below and to the right of them.

    Attributes
    ----------
    regions : ndarray of shape (n_windows, height + largest shift, width + largest shift, channels)
        Each window with its margin.
    of_image : ndarray of int of shape (n_windows,)
        Index of the image that each window is from.
    size : (int, int)
        Height and width of a window.
    """

    regions: NDArray[Any]
    of_image: NDArray[np.intp]
    size: tuple[int, int]

    def moved(self, down: int, across: int) -> NDArray[Any]:
        """Return the windows moved by some pixels, (n_windows, height, width, channels)."""
        height, width = self.size
        return np.ascontiguousarray(self.regions[:, down : down + height, across : across + width])


def cut_windows(
    images: Any, largest_shift: int, window_size: Any, n_windows: int, random_state: Any
) -> Windows:
    """Cut windows at random places, each with room to move by the largest shift.

    Raises
    ------
    ValueError
        If there are fewer than two images, or an image is too small, or `window_size` is invalid.
    """
    images, random_state = as_collection(images), check_random_state(random_state)
    if len(images) < 2:
        raise ValueError(
            "one image has no other to be compared with: pass at least two, such as parts of it"
        )
    size = _checked_size(images, largest_shift, window_size)
    of_image = np.repeat(np.arange(len(images)), n_windows)
    shape = (size[0] + largest_shift, size[1] + largest_shift, images.n_channels)
    regions = np.empty((len(of_image), *shape), dtype=images.dtype)
    for i, image in enumerate(images):
        _check_room(image, images.name(i), size, largest_shift)
        for k in range(i * n_windows, (i + 1) * n_windows):
            y, x = (
                random_state.randint(n - m + 1)
                for n, m in zip(image.shape[:2], shape[:2], strict=True)
            )
            regions[k] = image[y : y + shape[0], x : x + shape[1]]
    return Windows(regions, of_image, size)


def _checked_size(images: ImageCollection, largest_shift: int, window_size: Any) -> tuple[int, int]:
    """Return the height and width of the windows; None is the largest that fits."""
    if window_size is None:
        shapes = [image.shape[:2] for image in images]
        for i, shape in enumerate(shapes):
            if min(shape) <= largest_shift:
                raise ValueError(
                    f"{images.name(i)}: is {shape[0]} x {shape[1]} pixels, too small to be moved "
                    f"by {largest_shift}; choose smaller shifts or larger images"
                )
        height, width = np.min(shapes, axis=0) - largest_shift
        return int(height), int(width)
    size = two_integers("window_size", window_size)
    _check_room(images[0], images.name(0), size, largest_shift)  # before memory is taken
    return size


def _check_room(image: NDArray[Any], name: str, size: tuple[int, int], largest_shift: int) -> None:
    if any(n < m + largest_shift for n, m in zip(image.shape[:2], size, strict=True)):
        raise ValueError(
            f"{name}: is {image.shape[0]} x {image.shape[1]} pixels, too small for windows of "
            f"{size[0]} x {size[1]} that move by {largest_shift}; choose a smaller window_size, "
            "smaller shifts or larger images"
        )
