"""The patches that excite each unit most, found in many images, a few at a time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from striate.files.image_collection import ImageCollection
from striate.images.deep_patch_features import DeepPatchFeatures, LayeredFeatures
from striate.images.map_extent import MapExtent
from striate.images.patch_features import PatchFeatures
from striate.images.patches import DrawnPatches, draw_patches

from .progress_protocol import Progress, no_progress

_IMAGES_AT_A_TIME = 16
# Enough to be representative; each of them is read once more.
_MOST_IMAGES = 2000
_N_PATCHES = 50_000


@dataclass(frozen=True, eq=False)
class TopPatches:
    """The patches that excite each unit most.

    Attributes
    ----------
    patches : ndarray of shape (n_units, n_top, height, width, channels)
        Pixels as they are in the images, strongest first.
    activations : ndarray of shape (n_units, n_top)
        Activations by these patches.
    mean_activation : ndarray of shape (n_units,)
        Mean over all patches.
    n_patches : int
        Number of patches that were compared.
    """

    patches: NDArray[np.floating]
    activations: NDArray[np.floating]
    mean_activation: NDArray[np.floating]
    n_patches: int

    @property
    def by_activity(self) -> NDArray[np.intp]:
        """Indices of the units, most active first."""
        return np.argsort(-self.mean_activation, kind="stable")


def top_patches(
    features: LayeredFeatures,
    images: ImageCollection,
    n_top: int = 8,
    progress: Progress = no_progress,
    n_patches: int = _N_PATCHES,
    layer: int = 0,
) -> TopPatches:
    """Sample patches at random places, and keep those that excite each unit most.

    Parameters
    ----------
    features : PatchFeatures or DeepPatchFeatures
        Fitted features.
    images : ImageCollection
        Images to take patches from.
    n_top : int
        Number of patches to keep for each unit.
    progress : callable
        Shows progress.
    n_patches : int
        Approximate number of patches to sample.
    layer : int
        Number of the layer whose units are meant, from 0. The patches of later layers are the
        pieces of an image that a unit sees. They are large, and most of an image is in several:
        if there are enough images, each of a unit's pieces is from another one.
    """
    some = images[:: -(-len(images) // _MOST_IMAGES)]
    seen = _seen_by(features, layer, some)
    starts = range(0, len(some), _IMAGES_AT_A_TIME)
    random_state = check_random_state(0)
    top, of_different = _RunningTop(n_top), layer > 0 and len(some) >= n_top
    title = "Finding the patches that excite each feature most"
    for start in progress(starts, f"{title}, layer {layer + 1}" if layer else title):
        rows = slice(start, start + _IMAGES_AT_A_TIME)
        n_each = -(-n_patches * len(some[rows]) // len(some))
        drawn, pieces = seen.sample(rows, n_each, random_state)
        A = _activations(seen.layer, drawn.pixels)
        top.add(A, pieces, drawn.of_image if of_different else None)
    shape = (len(top.total), -1, *seen.piece_shape, some.n_channels)
    return TopPatches(
        patches=top.patches.swapaxes(0, 1).reshape(shape),
        activations=top.values.T,
        mean_activation=top.total / top.n,
        n_patches=top.n,
    )


class _Seen(NamedTuple):
    """What a layer takes as images, and the images that this is computed from."""

    layer: PatchFeatures
    inputs: ImageCollection
    images: ImageCollection
    extent: MapExtent

    @property
    def piece_shape(self) -> tuple[int, int]:
        """Height and width of what a unit sees of an image."""
        return self.extent.of_patch(self.layer.patch_shape_[:2])

    def sample(
        self, rows: slice, n_patches: int, random_state: np.random.RandomState
    ) -> tuple[DrawnPatches, NDArray[Any]]:
        """Return raw patches of some inputs, and the pieces (n_patches, n_pixels) of images."""
        shape, images = self.layer.patch_shape_[:2], self.images[rows]
        drawn = draw_patches(self.inputs[rows], shape, n_patches, random_state)
        if self.extent == MapExtent():
            return drawn, drawn.pixels
        pieces = np.empty((n_patches, np.prod(self.piece_shape) * images.n_channels), images.dtype)
        for i in np.unique(drawn.of_image).tolist():
            image = images[i]
            for k in np.flatnonzero(drawn.of_image == i):
                y, x = drawn.corners[k].tolist()
                pieces[k] = self.extent.piece(image, (y, x), shape).ravel()
        return drawn, pieces


def _seen_by(features: LayeredFeatures, layer: int, images: ImageCollection) -> _Seen:
    if isinstance(features, DeepPatchFeatures):
        inputs, extent = features.layer_input(images, layer), features.map_extent(layer)
        return _Seen(features.layers_[layer], inputs, images, extent)
    images = images.with_missing()
    return _Seen(features, images, images, MapExtent())


def _activations(features: PatchFeatures, raw: NDArray[Any]) -> NDArray[Any]:
    """Return activations (n_patches, n_units); of a unit with two signs, only the first."""
    activations = np.asarray(features.patch_encoder_.transform(raw))
    components = getattr(features.encoder_, "components_", activations.T)
    return activations[:, : components.shape[0]]


class _RunningTop:
    """The strongest patches of each unit so far, and the sum of its activations."""

    def __init__(self, n_top: int) -> None:
        self.n_top, self.n = n_top, 0
        self.total: Any = 0.0
        self.values: Any = None  # (n_top, n_units)
        self.patches: Any = None  # (n_top, n_units, n_pixels)

    def add(
        self, A: NDArray[Any], raw: NDArray[Any], of_image: NDArray[np.intp] | None = None
    ) -> None:
        """Add activations A (m, n_units) of patches `raw` (m, n_pixels).

        With `of_image` (m,), the image of each patch, only the strongest of each image is kept.
        """
        if of_image is None:
            first = max(len(A) - self.n_top, 0)
            best = np.argpartition(A, first, axis=0)[first:]
        else:
            rows = [np.flatnonzero(of_image == i) for i in np.unique(of_image)]
            best = np.stack([each[A[each].argmax(axis=0)] for each in rows])
        values, patches = np.take_along_axis(A, best, axis=0), raw[best]
        if self.n:
            values = np.concatenate([self.values, values])
            patches = np.concatenate([self.patches, patches])
        order = np.argsort(-values, axis=0, kind="stable")[: self.n_top]
        self.values = np.take_along_axis(values, order, axis=0)
        self.patches = np.take_along_axis(patches, order[:, :, np.newaxis], axis=0)
        self.total = self.total + A.sum(axis=0, dtype=np.float64)
        self.n += len(A)
