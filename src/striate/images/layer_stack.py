"""Fitted layers of features, one above the other: the maps between them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.estimators.whitened_components import WhitenedComponents
from striate.files.image_collection import ImageCollection
from striate.native.threads import team

from .layer_pooling import LayerPooling, MapStep
from .map_collection import MapCollection
from .map_extent import MapExtent, smallest_image
from .patch_features import PatchFeatures
from .patches import draw_patches

# Positions of maps from which components are learned.
_N_POSITIONS = 20_000
# Standard deviation of a channel, on average: as of pixels in [0, 1], for which the default
# contrast_floor is meant.
_DEVIATION = 0.25


@dataclass(frozen=True, eq=False)
class LayerStack:
    """Layers of features, each but the first on maps of the one before.

    Attributes
    ----------
    layers : sequence of PatchFeatures
        Fitted.
    channels : sequence of WhitenedComponents
        Components of the pooled codes of each layer but the last; also of the last while a next
        one is to be fitted.
    pool_sizes : sequence of int
        Side of the windows of each layer whose codes are pooled to a map.
    """

    layers: Sequence[PatchFeatures]
    channels: Sequence[WhitenedComponents]
    pool_sizes: Sequence[int]

    def poolings(self, dtype: npt.DTypeLike) -> list[LayerPooling]:
        """Return what computes the layers: those with a pool size make maps.

        Where the components are not known, a map holds all pooled codes.

        Raises
        ------
        ValueError
            If the layers do not fit each other: they were changed after fit.
        """
        steps: list[MapStep | None] = [MapStep((n, n)) for n in self.pool_sizes]
        for number, channels in enumerate(self.channels):
            n = self.pool_sizes[number]
            steps[number] = MapStep((n, n), *_projection(channels, dtype))
        steps += [None] * (len(self.layers) - len(steps))
        poolings = [
            layer.layer_pooling(step) for layer, step in zip(self.layers, steps, strict=False)
        ]
        for (before, layer), channels in zip(pairwise(poolings), self.channels, strict=False):
            patch = layer.patches.height * layer.patches.width
            fits = channels.n_features_in_ == before.n_codes and min(self.pool_sizes) > 0
            if not fits or layer.encoder.n_pixels != channels.n_components_ * patch:
                raise ValueError("the layers do not fit each other: they were changed after fit")
        return poolings

    def maps(self, images: ImageCollection, n_layers: int) -> ImageCollection:
        """Return what n layers make of images: maps, computed when they are accessed."""
        if n_layers == 0:
            return images
        layers = self.poolings(images.dtype)[:n_layers]
        known = len(self.channels) >= n_layers
        n_channels = self.channels[n_layers - 1].n_components_ if known else layers[-1].n_codes
        return MapCollection(images, layers, n_channels)

    def map_extent(self, n_layers: int) -> MapExtent:
        """Return which pixels of an image the pixels of the maps of n layers are computed from."""
        extent = MapExtent()
        for layer, n in zip(self.layers[:n_layers], self.pool_sizes, strict=False):
            extent = extent.after(layer.layer_pooling().patches, (n, n))
        return extent

    def smallest_image(self) -> tuple[int, int]:
        """Return height and width of the smallest image that has all cells of all layers."""
        layers = [layer.layer_pooling() for layer in self.layers]
        cells = [layer.layout.smallest_map for layer in layers]
        return smallest_image([layer.patches for layer in layers], self.pool_sizes, cells)

    def learn_channels(
        self,
        images: ImageCollection,
        n_channels: int,
        random_state: np.random.RandomState,
        progress: Callable[[list[int]], Iterable[int]],
    ) -> WhitenedComponents:
        """Find the components of the pooled codes of the last layer.

        Raises
        ------
        ValueError
            If these codes are the same everywhere.
        """
        n_layers = len(self.layers)
        codes = self.maps(images, n_layers)
        rows = draw_patches(codes, (1, 1), _N_POSITIONS, random_state, progress).pixels
        if not np.ptp(rows, axis=0).any():
            raise ValueError(
                f"layer {n_layers} gives the same codes everywhere, so that there is nothing for "
                "the next layer to learn from; give more images, or images with structure"
            )
        components = WhitenedComponents(
            n_channels,
            whitening=0.0,
            standardize_rows=False,
            random_state=random_state.randint(2**31),
        )
        with team(1):  # the same bits for any number of threads
            return components.fit(rows)


def _projection(
    channels: WhitenedComponents, dtype: npt.DTypeLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return W and shift from pooled codes to channels of a fixed variance, on average."""
    deviation = float(np.sqrt(channels.explained_variance_.mean()))
    W = channels.components_.astype(np.float64) * (_DEVIATION / deviation)
    return W.astype(dtype), (-channels.mean_.astype(np.float64) @ W).astype(dtype)
