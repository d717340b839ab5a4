"""The maps of a layer as a collection of images, each computed when it is asked for."""

from collections.abc import Sequence
from copy import copy
from typing import Any, overload

import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.files.pixel_reading import Reading
from striate.files.sixteen_bits import WHOLE_RANGE
from striate.native.compile import as_kernel_input
from striate.native.threads import team

from .image_passes import TransformerPass, map_name, passes_for
from .layer_pooling import LayerPooling
from .patches import check_holds_patch


class MapCollection(ImageCollection):
    """Maps that layers of features make of images, one at a time: the next layer's images.

    None of them is stored, so that memory does not grow with the number of images.

    Parameters
    ----------
    images : ImageCollection
    layers : sequence of LayerPooling
        Each with a `map_step`.
    n_channels : int
        Number of channels of the maps.
    """

    def __init__(
        self, images: ImageCollection, layers: Sequence[LayerPooling], n_channels: int
    ) -> None:
        super().__init__(images, images.dtype)
        # Maps are floats, whatever the images are.
        self.used_range, self.reading = WHOLE_RANGE, Reading()
        self._source, self._layers, self._n_channels = images, layers, n_channels
        self._new_passes = passes_for(layers, images.dtype)
        # Encoders that compiled code does not know need not be fit for several threads; images
        # that are read by one thread are not, either.
        one_reader = self._new_passes is None or self._most_readers == 1
        self._most_readers = 1 if one_reader else float("inf")

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> "MapCollection": ...
    def __getitem__(self, index: int | slice) -> "npt.NDArray[Any] | MapCollection":
        if isinstance(index, slice):
            part = copy(self)
            part._source, part._rows = self._source[index], self._rows[index]
            return part
        with team(1) as run:
            if self._new_passes is None:
                return self._map(index, [TransformerPass(layer) for layer in self._layers])
            return self._map(index, self._new_passes(run))

    def name(self, index: int) -> str:
        """Return the name of a map for messages: that of its image, and the layer."""
        return map_name(self._source.name(index), len(self._layers))

    def _map(self, index: int, passes: Sequence[Any]) -> npt.NDArray[Any]:
        view = as_kernel_input(self._source[index])
        for number, (layer, encode_and_pool) in enumerate(zip(self._layers, passes, strict=True)):
            name = map_name(self._source.name(index), number)
            check_holds_patch(view, layer.patches[:2], name)
            view = layer.map(view, encode_and_pool)
        return view
