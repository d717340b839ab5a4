"""From codes and values of pixels to few features: principal components of codes, and values.

Codes are many and alike. A classifier that chooses among all features, such as a forest, would see
little else; their first components say nearly as much.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from striate.native.interruptible import interruptible
from striate.native.threads import team

Array = npt.NDArray[Any]
# Components with less than this share of the first one's variance are rounding errors.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class CodeComponents:
    """Square roots of codes, then standardization; then components of codes, of variance 1.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,)
        Mean of each feature after square roots, and its factor; codes come first.
    components : ndarray of shape (n_codes, n_components)
    """

    mean: Array
    scale: Array
    components: Array

    @classmethod
    def fitted(cls, X: Array, n_codes: int, n_components: int) -> Self:
        """Return the map that suits some pixels (n_pixels, n_features); it changes X."""
        _take_roots(X[:, :n_codes])
        deviation = X.std(axis=0, dtype=np.float64)
        scale = 1 / np.where(deviation > 1e-7, deviation, np.inf)  # 0 for a constant feature
        mean = X.mean(axis=0, dtype=np.float64)
        codes = (X[:, :n_codes] - mean[:n_codes]) * scale[:n_codes]
        n_components = min(n_components, *codes.shape)
        with team(1):  # the same bits for any number of threads
            pca = PCA(n_components, svd_solver="covariance_eigh")
            interruptible(pca.fit, codes)
        s = pca.explained_variance_
        kept = s > _ROUNDING * max(s[0], _ROUNDING)
        components = pca.components_[kept].T / np.sqrt(s[kept])
        return cls(mean.astype(X.dtype), scale.astype(X.dtype), components.astype(X.dtype))

    def apply(self, X: Array) -> Array:
        """Return the features of pixels, in the order components, values; it changes X."""
        n_codes = len(self.components)
        _take_roots(X[..., :n_codes])
        X -= self.mean
        X *= self.scale
        return np.concatenate([X[..., :n_codes] @ self.components, X[..., n_codes:]], axis=-1)


def _take_roots(codes: Array) -> None:
    np.copysign(np.sqrt(np.abs(codes)), codes, out=codes)
