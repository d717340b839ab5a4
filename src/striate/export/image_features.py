"""Features of patches as arrays: patches, layers, an encoding by a dictionary, windows to pool."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from striate.images.encoding import DistanceEncoding, Encoding
from striate.images.layer_pooling import MapStep
from striate.images.patch_features import PatchFeatures
from striate.images.patches import NORMALIZATIONS
from striate.images.pool_layout import PoolLayout, two_integers
from striate.images.pooling import Cells

from .folded_layers import Layer, fold

#: First and last row, first and last column of the positions of a cell; "last" is exclusive.
Window = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class ImageLayer:
    """From an image, or a map, to its features.

    Attributes
    ----------
    features : PatchFeatures
        The fitted transformer, for its parameters.
    layers : sequence of Layer
        From a normalized patch upwards: the whitening, and the encoder or its part before signs
        and distances.
    encoding : Encoding, DistanceEncoding or None
        What follows the layers: of an `Encoding` only the signs and the threshold.
    map_step : MapStep or None
        What makes the map that the next layer takes.
    """

    features: PatchFeatures
    layers: Sequence[Layer]
    encoding: Encoding | DistanceEncoding | None
    map_step: MapStep | None = None

    @classmethod
    def of(
        cls,
        features: PatchFeatures,
        whitening: Sequence[Layer],
        encoder: Sequence[Layer] | None,
        map_step: MapStep | None,
    ) -> Self:
        """Combine the layers of whitening and encoder; None for an encoder with `as_encoding`."""
        if encoder is not None:
            return cls(features, fold([*whitening, *encoder]), None, map_step)
        encoding = features.encoder_.as_encoding()
        if isinstance(encoding, DistanceEncoding):
            return cls(features, fold(whitening), encoding, map_step)
        layer = Layer(encoding.W, encoding.b, str(encoding.f))
        return cls(features, fold([*whitening, layer]), encoding, map_step)

    @property
    def normalization(self) -> int:
        """How patches are normalized: one of `NORMALIZATIONS`."""
        return NORMALIZATIONS[self.features.normalize]

    def map_shape(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the number of positions, down and across, of images or maps of a size.

        Raises
        ------
        ValueError
            If they are smaller than a patch.
        """
        height, width, _ = self.features.patch_shape_
        if size[0] < height or size[1] < width:
            raise ValueError(
                f"image_size: maps of {size[0]} x {size[1]} pixels are smaller than a patch of "
                f"{height} x {width} of the next layer"
            )
        stride = int(self.features.stride)
        return (size[0] - height) // stride + 1, (size[1] - width) // stride + 1

    def windows(self, size: tuple[int, int]) -> list[Window]:
        """Return the positions of each cell, in the order of the features.

        Raises
        ------
        ValueError
            If the images are too small for the cells.
        """
        features = self.features
        layout = PoolLayout(features.pool_grid, features.pool_overlap, features.pool_size)
        n_cells = layout.n_cells(features.map_shape_)
        return list(_windows(layout.cells(self.map_shape(size), n_cells, f"image_size={size}")))


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """From an image to its features, layer after layer.

    Attributes
    ----------
    layers : sequence of ImageLayer
    """

    layers: Sequence[ImageLayer]

    @property
    def features(self) -> PatchFeatures:
        """The first layer's transformer, for what it says about images."""
        return self.layers[0].features

    @property
    def n_features(self) -> int:
        """Number of features of an image."""
        return sum(len(layer.features.get_feature_names_out()) for layer in self.layers)

    def image_size(self, given: Any = None) -> tuple[int, int]:
        """Return height and width of the images: the given ones, or those of the images in fit.

        Raises
        ------
        ValueError
            If they are not two positive integers, or smaller than a patch.
        """
        (height, width, _), (n_y, n_x) = self.features.patch_shape_, self.features.map_shape_
        stride = int(self.features.stride)
        if given is None:
            return height + stride * (n_y - 1), width + stride * (n_x - 1)
        size = two_integers("image_size", given)
        if size[0] < height or size[1] < width:
            raise ValueError(f"image_size={given} is smaller than a patch of {height} x {width}")
        return size


def _windows(cells: Cells) -> Iterator[Window]:
    rows, columns = cells.part_of[0] // cells.shape[1], cells.part_of[1]
    for down, across in cells.covers:
        yield (*_positions(rows, down), *_positions(columns, across))


def _positions(part_of: npt.NDArray[np.intp], parts: slice) -> tuple[int, int]:
    """Return the first position that lies in the parts, and the one after the last."""
    first, last = np.searchsorted(part_of, [parts.start, parts.stop]).tolist()
    return first, last
