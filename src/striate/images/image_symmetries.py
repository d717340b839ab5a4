"""Flips and quarter turns of an image: the copies over which features are pooled together."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class ImageCopy(NamedTuple):
    """A way to flip or turn an image: rows and columns exchanged first, then each reversed."""

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False

    def of(self, image: Array) -> Array:
        """Return the copy of an image (h, w, c), in the memory of the image."""
        turned = image.swapaxes(0, 1) if self.transposed else image
        turned = turned[::-1] if self.upside_down else turned
        return turned[:, ::-1] if self.mirrored else turned


Copies = tuple[ImageCopy, ...]

_ALL = tuple(
    ImageCopy(t, u, m) for t in (False, True) for u in (False, True) for m in (False, True)
)
_MIRROR = (ImageCopy(), ImageCopy(mirrored=True))
#: The copies of each group, by its name: two copies in succession are a copy of the group again.
GROUPS: dict[str | None, Copies] = {
    None: (ImageCopy(),),
    "flips": _ALL[:4],
    "rotations": tuple(copy for copy in _ALL if sum(copy) % 2 == 0),
    "all": _ALL,
}


def copies_of(flips: bool, symmetries: str | None) -> Copies:
    """Return the copies of the group of `symmetries` and, with `flips`, of mirror images.

    Parameters
    ----------
    flips : bool
        Whether left and right are exchanged.
    symmetries : {"flips", "rotations", "all"} or None
    """
    copies = GROUPS[symmetries]
    if not flips or _MIRROR[1] in copies:
        return copies
    return _MIRROR if symmetries is None else _ALL


def ordered_copies(image: Array, copies: Copies) -> list[Array]:
    """Return copies of an image in an order that is the same for each of them.

    Sums over the copies are then the same, to the last bit, for an image and its copies.
    """
    views = [copy.of(image) for copy in copies]
    return views if len(views) == 1 else sorted(views, key=_by_content)


def _by_content(view: Array) -> tuple[tuple[int, ...], bytes]:
    return view.shape, hashlib.blake2b(np.ascontiguousarray(view).data).digest()


def turns(copies: Copies) -> bool:
    """Return whether rows and columns are exchanged in some of the copies."""
    return any(copy.transposed for copy in copies)


def smallest_size(size: tuple[int, int], copies: Copies) -> tuple[int, int]:
    """Return the smallest height and width of an image all of whose copies are of this size."""
    return (max(size), max(size)) if turns(copies) else size
