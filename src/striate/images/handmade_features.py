"""Features that nobody learned, for comparison: pixels, colours, textures and gradients.

Each is a transformer of images (h, w, c) with values in [0, 1]; they need scikit-image.

References
----------
T. Ojala, M. Pietikäinen and T. Mäenpää, "Multiresolution gray-scale and rotation invariant texture
classification with local binary patterns", IEEE PAMI (2002).
N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR (2005).
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from striate.files.image_collection import as_collection
from striate.files.sixteen_bits import WHOLE_RANGE

Image = npt.NDArray[Any]

_PIXELS = (32, 32)
_GRADIENT_PIXELS = (64, 64)
# Bins of hue, saturation and value, and of grey.
_COLOR_BINS = (8, 4, 4)
_GREY_BINS = 32
# Points on a circle, and its radius in pixels.
_PATTERNS = ((8, 1), (16, 2), (24, 3))


class HandmadeFeatures(BaseEstimator):
    """Base of these features.

    Parameters
    ----------
    used_range : (float, float), default=(0.0, 1.0)
        Black and white in images of 16 bits, as `PatchFeatures` finds them.
    reading : dict or None, default=None
        How files are read, as `reading_` of `PatchFeatures`.
    """

    def __init__(
        self,
        used_range: tuple[float, float] = WHOLE_RANGE,
        reading: Mapping[str, Any] | None = None,
    ) -> None:
        self.used_range = used_range
        self.reading = reading

    def transform(self, images: Any) -> npt.NDArray[np.float32]:
        """Return the features (n_images, n_features).

        Raises
        ------
        ValueError
            If an image cannot be read.
        """
        collection = as_collection(images).with_range(self.used_range, self.reading)
        return np.stack([self._of(image) for image in collection]).astype(np.float32)

    def _of(self, image: Image) -> Image:
        raise NotImplementedError


class ResizedPixels(HandmadeFeatures):
    """The pixels of images that are resized to 32 × 32."""

    def _of(self, image: Image) -> Image:
        return _resized(image, _PIXELS).ravel()


class ColorHistogram(HandmadeFeatures):
    """Square roots of the shares of hue, saturation and value, or of grey, in 128 or 32 bins."""

    def _of(self, image: Image) -> Image:
        bins: tuple[int, ...]
        if image.shape[2] == 3:
            values, bins = _module("color").rgb2hsv(image.clip(0, 1)), _COLOR_BINS
        else:
            values, bins = image[..., :1].clip(0, 1), (_GREY_BINS,)
        pixels = values.reshape(-1, values.shape[2])
        counts, _ = np.histogramdd(pixels, bins=bins, range=[(0, 1)] * len(bins))
        return np.sqrt(counts.ravel() / len(pixels))


class LocalBinaryPatterns(HandmadeFeatures):
    """Square roots of the shares of uniform local binary patterns, on circles of three radii."""

    def _of(self, image: Image) -> Image:
        grey = np.rint(255 * _grey(image).clip(0, 1)).astype(np.uint8)
        shares = []
        for n_points, radius in _PATTERNS:
            codes = _module("feature").local_binary_pattern(grey, n_points, radius, "uniform")
            shares.append(np.bincount(codes.astype(int).ravel(), minlength=n_points + 2))
        return np.sqrt(np.concatenate(shares) / grey.size)


class OrientedGradients(HandmadeFeatures):
    """Histograms of the directions of gradients, in images that are resized to 64 × 64."""

    def _of(self, image: Image) -> Image:
        pixels = _resized(image, _GRADIENT_PIXELS)
        return np.asarray(
            _module("feature").hog(
                pixels,
                orientations=9,
                pixels_per_cell=(8, 8),
                cells_per_block=(2, 2),
                channel_axis=-1,
            )
        )


#: Name of each kind of features, and their class.
HANDMADE = {
    "pixels": ResizedPixels,
    "colour histogram": ColorHistogram,
    "local binary patterns": LocalBinaryPatterns,
    "gradients (HOG)": OrientedGradients,
}


def require_skimage() -> None:
    """Raise an error that says how to install scikit-image if it is missing."""
    _module("feature")


def _module(name: str) -> Any:
    try:
        return import_module(f"skimage.{name}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "hand-made features need scikit-image: pip install 'striate[app]'", name="skimage"
        ) from error


def _resized(image: Image, size: tuple[int, int]) -> Image:
    resized: Image = _module("transform").resize(
        image, size, anti_aliasing=min(image.shape[:2]) > min(size)
    )
    return resized


def _grey(image: Image) -> Image:
    if image.shape[2] != 3:
        return image[..., 0]
    grey: Image = _module("color").rgb2gray(image)
    return grey
