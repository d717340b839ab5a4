"""Features of images: passes that encode and pool an image, and their use for many images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.files.prefetch import PrefetchedImages
from striate.native.threads import CALL_WORK, team

from .convolution import BLOCK_POSITIONS, convolve_and_pool, gather_patches, workspace
from .image_symmetries import Copies, ImageCopy, ordered_copies
from .layer_pooling import EncodeAndPool, LayerPooling, PartOf
from .operator_fusion import Folded
from .patches import check_holds_patch
from .pooling import pool


class FusedPass:
    """A pass in compiled code, in a workspace of its own: one for each thread of the team `run`."""

    def __init__(self, layer: LayerPooling, folded: Folded, run: team) -> None:
        lowest, highest = map(float, folded.limits)
        self._patches = layer.patches._replace(lowest=lowest, highest=highest)
        self._folded, self._pooling, self._run = folded, layer.pooling, run
        self._work = workspace(folded.project, folded.encoding, layer.encoder.n_pixels)

    def __call__(self, views: npt.NDArray[Any], part_of: PartOf, parts: npt.NDArray[Any]) -> None:
        """Add the codes of views (n, h, w, c) to their parts (n_parts, n_codes)."""
        _, *steps = self._folded
        n_positions = len(part_of[0]) * len(part_of[1])
        blocks = max(1, CALL_WORK // (self._folded.encoding.W.size * BLOCK_POSITIONS))
        pooling, n_each = (part_of, self._pooling), blocks * BLOCK_POSITIONS
        for begin in range(0, n_positions, n_each):
            if self._run.stopped:
                return
            positions = begin, min(begin + n_each, n_positions)
            convolve_and_pool(
                views, self._patches, positions, tuple(steps), pooling, self._work, parts
            )


class TransformerPass:
    """A pass for any encoder: blocks of patches through its `transform`."""

    def __init__(self, layer: LayerPooling) -> None:
        self._layer = layer

    def __call__(self, views: npt.NDArray[Any], part_of: PartOf, parts: npt.NDArray[Any]) -> None:
        """Add the codes of views (n, h, w, c) to their parts (n_parts, n_codes)."""
        patches, encoder = self._layer.patches, self._layer.encoder
        n_x = len(part_of[1])
        none = np.empty(0, dtype=views.dtype)  # neither signs nor thresholds
        for begin in range(0, len(part_of[0]) * n_x, BLOCK_POSITIONS):
            n = min(BLOCK_POSITIONS, len(part_of[0]) * n_x - begin)
            P = np.empty((n, encoder.n_pixels), dtype=views.dtype)
            gather_patches(views, patches, (0, 0, n_x), begin, P)
            A = np.ascontiguousarray(encoder.encode(P), dtype=views.dtype)
            pool(A, begin, part_of, self._layer.pooling, none, none, parts)


Passes = list[EncodeAndPool]


def passes_for(
    layers: Sequence[LayerPooling], dtype: npt.DTypeLike
) -> Callable[[team], Passes] | None:
    """Return what makes the passes of a thread; None if compiled code does not know an encoder."""
    folded = [layer.encoder.folded(dtype) for layer in layers]
    known = [each for each in folded if each is not None]
    if len(known) < len(layers):
        return None
    return lambda run: [FusedPass(*each, run) for each in zip(layers, known, strict=True)]


@dataclass(frozen=True, eq=False)
class ImagePooling:
    """From images to features, through one layer or several.

    Attributes
    ----------
    layers : sequence of LayerPooling
        Each but the last makes the maps that the next one takes as images.
    copies : tuple of ImageCopy
        The copies of an image that the features describe together.
    """

    layers: Sequence[LayerPooling]
    copies: Copies = (ImageCopy(),)

    def pool_images(self, images: ImageCollection) -> npt.NDArray[Any]:
        """Return the features (n_images, n_features) of all images, layer after layer."""
        new_passes = passes_for(self.layers, images.dtype)
        n_features = sum(layer.n_features for layer in self.layers)
        pooled = np.empty((len(images), n_features), dtype=images.dtype)
        with PrefetchedImages(images, range(len(images))) as prefetched:
            if new_passes is None:
                passes: Passes = [TransformerPass(layer) for layer in self.layers]
                self._pool_share(0, 1, prefetched, lambda: passes, pooled)
            else:
                with team() as run:
                    run(self._pool_share, prefetched, partial(new_passes, run), pooled)
            prefetched.raise_first_error()
        return pooled

    def _pool_share(
        self,
        t: int,
        T: int,
        prefetched: PrefetchedImages,
        new_passes: Callable[[], Passes],
        pooled: npt.NDArray[Any],
    ) -> None:
        """Pool the images that thread t of T is handed, by passes of its own."""
        passes = new_passes()

        def pool_one(i: int, image: npt.NDArray[Any]) -> None:
            self.pool_image(image, prefetched.images.name(i), passes, pooled[i])

        prefetched.for_each(pool_one)

    def pool_image(
        self, image: npt.NDArray[Any], name: str, passes: Passes, pooled: npt.NDArray[Any]
    ) -> None:
        """Write the features of an image to `pooled` (n_features,)."""
        views, begin = ordered_copies(image, self.copies), 0
        for number, (layer, encode_and_pool) in enumerate(zip(self.layers, passes, strict=True)):
            label = map_name(name, number)
            for view in views:
                check_holds_patch(view, layer.patches[:2], label)
            row = pooled[begin : begin + layer.n_features].reshape(layer.n_cells, -1)
            views = layer.pool(views, label, encode_and_pool, row)
            begin += layer.n_features


def map_name(name: str, n_layers: int) -> str:
    """Return the name of what n layers make of an image, for messages."""
    return f"{name}, map of layer {n_layers}" if n_layers else name
