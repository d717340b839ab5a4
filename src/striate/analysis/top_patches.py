"""Which patches excite each unit most, found in many images a few at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from striate.files.image_collection import ImageCollection
from striate.images.patch_features import PatchFeatures
from striate.images.patches import sample_patches

from .cross_validation import Watch, unwatched

_IMAGES_AT_A_TIME = 16
# So many tell enough; each is read once more.
_MOST_IMAGES = 2000
_N_PATCHES = 50_000


@dataclass(frozen=True, eq=False)
class ExcitingPatches:
    """The patches to which each unit answers most.

    Attributes
    ----------
    patches : ndarray of shape (n_units, n_top, height, width, channels)
        Pixels as they are in the images, strongest first.
    activations : ndarray of shape (n_units, n_top)
    mean_activation : ndarray of shape (n_units,)
        Over all patches that were looked at.
    n_seen : int
        How many these were.
    """

    patches: NDArray[np.floating]
    activations: NDArray[np.floating]
    mean_activation: NDArray[np.floating]
    n_seen: int

    @property
    def by_activity(self) -> NDArray[np.intp]:
        """Units, those first that are active most."""
        return np.argsort(-self.mean_activation, kind="stable")


def exciting_patches(
    features: PatchFeatures,
    images: ImageCollection,
    n_top: int = 8,
    watch: Watch = unwatched,
    n_patches: int = _N_PATCHES,
) -> ExcitingPatches:
    """Look at patches at random places, and keep those that excite each unit most.

    Parameters
    ----------
    features : PatchFeatures
        Fitted.
    images : ImageCollection
    n_top : int
        Patches to keep for each unit.
    watch : callable
        Shows progress.
    n_patches : int
        About how many patches to look at.
    """
    some = images[:: -(-len(images) // _MOST_IMAGES)]
    starts = range(0, len(some), _IMAGES_AT_A_TIME)
    random_state = check_random_state(0)
    seen = _Seen(n_top)
    for start in watch(starts, "Finding exciting patches"):
        part = some[start : start + _IMAGES_AT_A_TIME]
        share = -(-n_patches * len(part) // len(some))
        raw = sample_patches(part, features.patch_shape_[:2], share, random_state)
        seen.add(_activations(features, raw), raw)
    shape = (len(seen.total), -1, *features.patch_shape_)
    return ExcitingPatches(
        patches=seen.patches.swapaxes(0, 1).reshape(shape),
        activations=seen.values.T,
        mean_activation=seen.total / seen.n,
        n_seen=seen.n,
    )


def _activations(features: PatchFeatures, raw: NDArray[Any]) -> NDArray[Any]:
    """Activations (n_patches, n_units); of a unit with two signs, of the first."""
    activations = np.asarray(features.patch_encoder_.transform(raw))
    components = getattr(features.encoder_, "components_", activations.T)
    return activations[:, : components.shape[0]]


class _Seen:
    """What is kept of the patches seen so far."""

    def __init__(self, n_top: int) -> None:
        self.n_top, self.n = n_top, 0
        self.total: Any = 0.0
        self.values: Any = None  # (n_top, n_units)
        self.patches: Any = None  # (n_top, n_units, n_pixels)

    def add(self, A: NDArray[Any], raw: NDArray[Any]) -> None:
        """Add activations A (m, n_units) of patches `raw` (m, n_pixels)."""
        first = max(len(A) - self.n_top, 0)
        best = np.argpartition(A, first, axis=0)[first:]
        values, patches = np.take_along_axis(A, best, axis=0), raw[best]
        if self.n:
            values = np.concatenate([self.values, values])
            patches = np.concatenate([self.patches, patches])
        order = np.argsort(-values, axis=0, kind="stable")[: self.n_top]
        self.values = np.take_along_axis(values, order, axis=0)
        self.patches = np.take_along_axis(patches, order[:, :, np.newaxis], axis=0)
        self.total = self.total + A.sum(axis=0, dtype=np.float64)
        self.n += len(A)
