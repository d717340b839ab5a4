"""Patches of images: sampled at random places, and normalized."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.files.pixel_reading import found_range
from striate.files.prefetch import PrefetchedImages
from striate.files.sixteen_bits import WHOLE_RANGE, UsedRange, used_range
from striate.native.compile import jit_reassociating, kernel
from striate.native.intrinsics import like

from .complete_patches import complete_patches

#: Added to a patch's variance (pixels in [0, 1]) before the division: contrast below a standard
#: deviation of 3 grey levels out of 255 is not amplified to full contrast.
CONTRAST_FLOOR = 10 / 255**2

#: How patches are normalized, as a number in compiled code.
NORMALIZATIONS: dict[bool | str, int] = {False: 0, "mean": 1, True: 2}


class DrawnPatches(NamedTuple):
    """Patches of images, and where they are from.

    Attributes
    ----------
    pixels : ndarray of shape (n_patches, height * width * n_channels)
    of_image : ndarray of int of shape (n_patches,)
        Index of the image.
    corners : ndarray of int of shape (n_patches, 2)
        Row and column of the first pixel.
    """

    pixels: npt.NDArray[Any]
    of_image: npt.NDArray[np.intp]
    corners: npt.NDArray[np.intp]

    def warn_if_constant(self, n_channels: int) -> None:
        """Warn if all pixels of each patch are equal, so that there is no shape to learn."""
        pixels = self.pixels.reshape(len(self.pixels), -1, n_channels)
        if (pixels == pixels[:, :1]).all():
            warnings.warn(
                "each patch is of one grey or colour, so that there is nothing to learn from; give "
                "images with structure",
                stacklevel=3,
            )

    def use_ranges(self, images: ImageCollection) -> tuple[tuple[float, float], dict[str, Any]]:
        """Find black and white of images that do not say, and scale their patches by them.

        Returns
        -------
        used_range : (float, float)
            Black and white of images of 16 bits, as parts of the range of their type.
        reading : dict
            How the files were read, with black and white of floats and integers of 32 bits.
        """
        drawn, reading = np.unique(self.of_image), images.reading
        deep = np.isin(self.of_image, [i for i in drawn if images.has_sixteen_bits(i)])
        used = used_range(self.pixels[deep]) if deep.any() else WHOLE_RANGE
        if used != WHOLE_RANGE:
            self.pixels[deep] = used.scaled(self.pixels[deep])
        ends = {i: images.open_range(i) for i in drawn.tolist()}
        values = [value for each in ends.values() if each is not None for value in each]
        if values and reading.value_range is None and not 0 <= min(values) <= max(values) <= 1:
            unscaled = np.isin(self.of_image, [i for i, each in ends.items() if each is not None])
            found = found_range(self.pixels[unscaled])
            self.pixels[unscaled] = UsedRange(*found).scaled(self.pixels[unscaled])
            reading = reading._replace(float_range=found)
        return (float(used.black), float(used.white)), reading.as_dict()


def draw_patches(
    images: ImageCollection,
    patch_size: tuple[int, int],
    n_patches: int,
    random_state: np.random.RandomState,
    progress: Callable[[list[int]], Iterable[int]] = iter,
) -> DrawnPatches:
    """Sample patches at random places of random images.

    Parameters
    ----------
    images : ImageCollection
    patch_size : (int, int)
        Height and width in pixels.
    n_patches : int
    random_state : RandomState
    progress : callable
        Wraps the iteration over the indices of the images that are read, as a progress bar does.

    Returns
    -------
    DrawnPatches
        Patches in the images' dtype, without NaN; each image is read once.

    Raises
    ------
    ValueError
        If an image is smaller than a patch, or each of its patches holds a pixel without data.
    """
    height, width = patch_size
    of_image = random_state.randint(len(images), size=n_patches)
    places = random_state.random_sample((n_patches, 2))
    patches, corners = np.empty((0, 0)), np.empty((n_patches, 2), dtype=np.intp)
    indices = np.unique(of_image).tolist()
    with PrefetchedImages(images, indices) as prefetched:
        for _, (i, get) in zip(progress(indices), prefetched, strict=True):
            image = get()
            check_holds_patch(image, patch_size, images.name(i))
            if not patches.size:  # a size that images have
                patches = np.empty((n_patches, height * width * images.n_channels), images.dtype)
            of_this = np.flatnonzero(of_image == i)
            corners[of_this] = _corners(image, patch_size, places[of_this], images.name(i))
            for k in of_this:
                y, x = corners[k]
                patches[k] = image[y : y + height, x : x + width].ravel()
    return DrawnPatches(patches, of_image, corners)


def _corners(
    image: npt.NDArray[Any], size: tuple[int, int], places: npt.NDArray[Any], name: str
) -> npt.NDArray[np.intp]:
    """Return first pixels of patches, given pairs of numbers between 0 and 1."""
    complete = complete_patches(image, size)
    if complete is None:
        room = (image.shape[0] - size[0] + 1, image.shape[1] - size[1] + 1)
        return (places * room).astype(np.intp)
    rows, columns = np.nonzero(complete)
    if not rows.size:
        raise ValueError(f"{name}: each patch holds a pixel without data")
    chosen = (places[:, 0] * rows.size).astype(np.intp)
    return np.stack([rows[chosen], columns[chosen]], axis=1)


def sample_patches(
    images: ImageCollection,
    patch_size: tuple[int, int],
    n_patches: int,
    random_state: np.random.RandomState,
) -> npt.NDArray[Any]:
    """Sample patches (n_patches, height * width * n_channels); see `draw_patches`."""
    return draw_patches(images, patch_size, n_patches, random_state).pixels


def check_holds_patch(image: npt.NDArray[Any], patch_size: tuple[int, int], name: str) -> None:
    """Raise a ValueError if the image is smaller than a patch."""
    if image.shape[0] < patch_size[0] or image.shape[1] < patch_size[1]:
        raise ValueError(
            f"{name}: is {image.shape[0]} x {image.shape[1]} pixels, smaller than a patch of "
            f"{patch_size[0]} x {patch_size[1]}; choose a smaller patch_size or larger images"
        )


@jit_reassociating
def normalize(patch, how, contrast_floor):  # patch (n_pixels,)
    """Compute x − mean and, for how = 2, (x − mean) / √(variance + contrast_floor), in place."""
    if how == 0:
        return
    mean = like(0, patch[0])
    for j in range(patch.size):
        mean += patch[j]
    mean /= like(patch.size, mean)
    squares = like(0, mean)
    for j in range(patch.size):
        patch[j] -= mean
        squares += patch[j] * patch[j]
    if how == 2:
        variance = squares / like(patch.size, mean)
        scale = like(1, mean) / np.sqrt(variance + like(contrast_floor, mean))
        for j in range(patch.size):
            patch[j] *= scale


@kernel
def normalize_patches(patches, how, contrast_floor):
    """Normalize every row of `patches` (n_patches, n_pixels), in place."""
    for i in range(len(patches)):
        normalize(patches[i], how, contrast_floor)
