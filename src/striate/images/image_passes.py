"""Features of images: passes that encode and pool an image, and their use for many images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.files.prefetch import PrefetchedImages
from striate.native.compile import as_kernel_input
from striate.native.threads import CALL_WORK, team

from .convolution import BLOCK_POSITIONS, Patches, convolve_and_pool, gather_patches, workspace
from .operator_fusion import Folded
from .patch_encoder import PatchEncoder
from .patches import check_holds_patch
from .pool_layout import PoolLayout
from .pooling import Cells, finish_pooling, pool, room_for_parts


class EncodeAndPool(Protocol):
    """A pass over an image: encode every patch, and pool the codes into parts."""

    def __call__(self, view: npt.NDArray[Any], cells: Cells, parts: npt.NDArray[Any]) -> None:
        """Add the codes of the view (h, w, c) to its parts (n_parts, n_codes)."""


class FusedPass:
    """A pass in compiled code, in a workspace of its own: one for each thread of the team `run`."""

    def __init__(
        self, patches: Patches, folded: Folded, pooling: int, n_pixels: int, run: team
    ) -> None:
        lowest, highest = map(float, folded.limits)
        self._patches = patches._replace(lowest=lowest, highest=highest)
        self._folded, self._pooling = folded, pooling
        self._run, self._work = run, workspace(folded.project, folded.encoding, n_pixels)

    def __call__(self, view: npt.NDArray[Any], cells: Cells, parts: npt.NDArray[Any]) -> None:
        """Add the codes of the view (h, w, c) to its parts (n_parts, n_codes)."""
        _, *steps = self._folded
        n_y, n_x = self._patches.map_shape(view)
        blocks = max(1, CALL_WORK // (self._folded.encoding.W.size * BLOCK_POSITIONS))
        pooling, n_each = (cells.part_of, self._pooling), blocks * BLOCK_POSITIONS
        for begin in range(0, n_y * n_x, n_each):
            if self._run.stopped:
                return
            positions = begin, min(begin + n_each, n_y * n_x)
            convolve_and_pool(
                view, self._patches, positions, tuple(steps), pooling, self._work, parts
            )


class TransformerPass:
    """A pass for any encoder: blocks of patches through its `transform`."""

    def __init__(self, patches: Patches, encoder: PatchEncoder, pooling: int) -> None:
        self._patches, self._encoder, self._pooling = patches, encoder, pooling

    def __call__(self, view: npt.NDArray[Any], cells: Cells, parts: npt.NDArray[Any]) -> None:
        """Add the codes of the view (h, w, c) to its parts (n_parts, n_codes)."""
        n_y, n_x = self._patches.map_shape(view)
        none = np.empty(0, dtype=view.dtype)  # neither signs nor thresholds
        for begin in range(0, n_y * n_x, BLOCK_POSITIONS):
            n = min(BLOCK_POSITIONS, n_y * n_x - begin)
            P = np.empty((n, self._encoder.n_pixels), dtype=view.dtype)
            gather_patches(view, self._patches, (0, 0, n_x), begin, P)
            A = np.ascontiguousarray(self._encoder.encode(P), dtype=view.dtype)
            pool(A, begin, cells.part_of, self._pooling, none, none, parts)


@dataclass(frozen=True, eq=False)
class ImagePooling:
    """From an image to its features: views of it through a pass, then cells from parts.

    Attributes
    ----------
    patches : Patches
    layout : PoolLayout
    pooling : int
        One of `POOLINGS`.
    flips, signed_sqrt : bool
        As in `PatchFeatures`.
    """

    patches: Patches
    layout: PoolLayout
    pooling: int
    flips: bool
    signed_sqrt: bool

    def pool_images(
        self, images: ImageCollection, encoder: PatchEncoder, n_cells: int
    ) -> npt.NDArray[Any]:
        """Return the features (n_images, n_cells, n_codes) of all images."""
        folded = encoder.folded(images.dtype)
        pooled = np.empty((len(images), n_cells, encoder.n_codes), dtype=images.dtype)
        new_pass: Callable[[], EncodeAndPool]
        with PrefetchedImages(images, range(len(images))) as prefetched:
            if folded is None:
                new_pass = partial(TransformerPass, self.patches, encoder, self.pooling)
                self._pool_share(0, 1, prefetched, new_pass, pooled)
            else:
                with team() as run:
                    n_pixels = encoder.n_pixels
                    new_pass = partial(FusedPass, self.patches, folded, self.pooling, n_pixels, run)
                    run(self._pool_share, prefetched, new_pass, pooled)
            prefetched.raise_first_error()
        return pooled

    def _pool_share(
        self,
        t: int,
        T: int,
        prefetched: PrefetchedImages,
        new_pass: Callable[[], EncodeAndPool],
        pooled: npt.NDArray[Any],
    ) -> None:
        """Pool the images that thread t of T is handed, by a pass of its own."""
        encode_and_pool = new_pass()

        def pool_one(i: int, image: npt.NDArray[Any]) -> None:
            self.pool_image(image, prefetched.images.name(i), encode_and_pool, pooled[i])

        prefetched.for_each(pool_one)

    def pool_image(
        self,
        image: npt.NDArray[Any],
        name: str,
        encode_and_pool: EncodeAndPool,
        pooled: npt.NDArray[Any],
    ) -> None:
        """Write the features of an image to `pooled` (n_cells, n_codes)."""
        check_holds_patch(image, self.patches[:2], name)
        image = as_kernel_input(image)
        cells = self.layout.cells(self.patches.map_shape(image), len(pooled), name)
        views = [image, np.ascontiguousarray(image[:, ::-1])] if self.flips else [image]
        parts = room_for_parts(cells, self.pooling, pooled.shape[1], pooled.dtype)
        for view in views:
            encode_and_pool(view, cells, parts)
        pooled[:] = finish_pooling(cells, self.pooling, len(views), parts)
        if self.signed_sqrt:
            np.copysign(np.sqrt(np.abs(pooled)), pooled, out=pooled)
