"""From a raw patch to its code: normalize, whiten, encode."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.native.threads import team

from .encoding import encoding_of, n_features
from .operator_fusion import Folded, fold
from .patches import normalize_patches


@dataclass(frozen=True, eq=False)
class PatchEncoder:
    """The steps from a raw patch to its code.

    Attributes
    ----------
    n_pixels : int
        Number of values in a patch, over all channels.
    normalization : int
        One of `NORMALIZATIONS`.
    contrast_floor : float
        Constant added to a patch's variance.
    whitening : transformer or None
    encoder : transformer
    """

    n_pixels: int
    normalization: int
    contrast_floor: float
    whitening: Any
    encoder: Any

    def normalize(self, patches: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Normalize raw patches (n_patches, n_pixels) in place, and return them."""
        normalize_patches(patches, self.normalization, self.contrast_floor)
        return patches

    def fit_whitening(self, normalized: npt.NDArray[Any]) -> Any:
        """Fit the whitening to normalized patches, and return them whitened."""
        return normalized if self.whitening is None else self.whitening.fit_transform(normalized)

    def whiten(self, normalized: npt.NDArray[Any]) -> Any:
        """Whiten normalized patches."""
        return normalized if self.whitening is None else self.whitening.transform(normalized)

    def encode(self, normalized: npt.NDArray[Any]) -> Any:
        """Return the codes of normalized patches."""
        return self.encoder.transform(self.whiten(normalized))

    def transform(self, patches: npt.NDArray[Any]) -> Any:
        """Return the codes (n_patches, n_codes) of raw patches (n_patches, n_pixels)."""
        return self.encode(self.normalize(patches.copy()))

    @property
    def n_codes(self) -> int:
        """Number of features of one patch."""
        encoding = encoding_of(self.encoder)
        if encoding is not None:
            return n_features(encoding)
        n_codes: int = self.encode(np.zeros((1, self.n_pixels))).shape[1]
        return n_codes

    def folded(self, dtype: npt.DTypeLike) -> Folded | None:
        """Fold the steps after the normalization; None if compiled code does not know them."""
        # With one thread of BLAS: more would keep busy-waiting on their cores after their work.
        with team(1):
            return fold(self.whitening, self.encoder, self.n_pixels, dtype)
