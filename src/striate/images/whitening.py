"""Whitening: of patches by ZCA, of whole images by the filter of Olshausen and Field."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy import fft, linalg
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.inference import layer_output
from striate.estimators.sklearn_private import Interval, fit_context
from striate.files.image_collection import in_own_precision

# Rows whose centred copy is held at a time.
_BLOCK_ROWS = 4096


class ZCAWhitening(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Decorrelates the features, and leaves each as close to what it was as can be.

    x ↦ C (x − mean) with C = U diag(1 / √(s + ε)) Uᵀ, where U and s are the eigenvectors and
    eigenvalues of the covariance matrix.

    Parameters
    ----------
    epsilon : float, default=0.1
        ε, in units of the features' variance. Directions of much less variance than ε are not
        amplified: on natural images, where those are the finest details, a large ε smooths. The
        default is for patches of unit variance, and a strong smoothing for pixels in [0, 1].
    n_components : int, float or None, default=None
        How many of the directions of largest variance to keep: all, a number, or, between 0 and 1,
        as many as have this share of the variance. The result still has as many features as X.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
    components_ : ndarray of shape (n_features, n_features)
        C, symmetric.
    explained_variance_ : ndarray of shape (n_features,)
        s, largest first.
    n_components_ : int
        Directions kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    Notes
    -----
    The covariance is summed in float64 over blocks of rows; no centred copy of X is made.

    References
    ----------
    .. [1] A. J. Bell and T. J. Sejnowski, "The 'independent components' of natural scenes are edge
       filters", Vision Research 37 (1997).
    .. [2] Stanford UFLDL tutorial, "Whitening".

    Examples
    --------
    >>> import numpy as np
    >>> from striate import ZCAWhitening
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3)) @ rng.normal(size=(3, 3))
    >>> np.cov(ZCAWhitening(epsilon=0).fit_transform(X).T).round(2) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "n_components": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
    }

    def __init__(self, epsilon=0.1, *, n_components=None):
        self.epsilon = epsilon
        self.n_components = n_components

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the whitening matrix.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values or one row only, or if n_components is more than the
            number of features.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        s, U = linalg.eigh(_covariance(X))
        s, U = np.maximum(s[::-1], 0), U[:, ::-1]
        k = self.n_components_ = self._n_kept(s)
        # A direction without any variance holds nothing to scale: it is left at zero.
        kept = s[:k] > s[0] * len(s) * np.finfo(s.dtype).eps
        root = np.sqrt(s[:k][kept] + self.epsilon)
        U = U[:, :k][:, kept]
        self.mean_ = X.mean(axis=0, dtype=np.float64).astype(X.dtype)
        self.components_ = ((U / root) @ U.T).astype(X.dtype)
        self._inverse = ((U * root) @ U.T).astype(X.dtype)
        self.explained_variance_ = s.astype(X.dtype)
        return self

    def _n_kept(self, s):
        n = self.n_components
        if n is None:
            return len(s)
        if isinstance(n, int | np.integer):
            if n > len(s):
                raise ValueError(f"n_components={n} must be at most the {len(s)} features of X.")
            return int(n)
        share = np.cumsum(s) / max(s.sum(), np.finfo(s.dtype).tiny)
        return int(min(np.searchsorted(share, n) + 1, len(s)))

    def as_layer(self):
        """W, b and "identity", such that ``transform(X)`` is X W + b.

        Returns
        -------
        W : ndarray of shape (n_features, n_features)
        b : ndarray of shape (n_features,)
        activation : "identity"
        """
        check_is_fitted(self)
        return self.components_, -self.mean_ @ self.components_, "identity"

    def transform(self, X):
        """Whiten.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return layer_output(X, *self.as_layer())

    def inverse_transform(self, X):
        """Undo the whitening, up to the directions that were left out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = check_array(X, dtype=[np.float64, np.float32])
        if X.shape[1] != len(self.mean_):
            raise ValueError(f"X has {X.shape[1]} features, but whitening has {len(self.mean_)}.")
        return layer_output(X, self._inverse, self.mean_, "identity")

    @property
    def _n_features_out(self):
        return len(self.mean_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _covariance(X):
    """Covariance (n_features, n_features) in float64, from blocks of centred rows."""
    mean = X.mean(axis=0, dtype=np.float64)
    total = np.zeros((X.shape[1], X.shape[1]))
    for rows in gen_batches(len(X), _BLOCK_ROWS):
        centred = X[rows] - mean
        total += centred.T @ centred
    return total / len(X)


class ImageWhitening(TransformerMixin, BaseEstimator):
    """Whitens whole images: flattens the 1/f spectrum of natural scenes, without its noisy end.

    Each channel is filtered by r exp(−(r / f₀)⁴), with r the spatial frequency, and brought to
    mean 0 and variance 1. The edges at the border of an image are avoided by mirroring it.

    Parameters
    ----------
    cutoff : float, default=0.4
        f₀ in cycles a pixel, of which 0.5 is the finest.

    Notes
    -----
    Nothing is learned from the data. A channel of one value becomes zeros.

    References
    ----------
    .. [1] B. A. Olshausen and D. J. Field, "Sparse coding with an overcomplete basis set: a
       strategy employed by V1?", Vision Research 37 (1997).

    Examples
    --------
    >>> import numpy as np
    >>> from striate import ImageWhitening
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    >>> white = ImageWhitening().fit_transform(images)
    >>> white.shape, white.dtype
    ((4, 32, 32, 1), dtype('float32'))
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "cutoff": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, cutoff=0.4):
        self.cutoff = cutoff

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, images, y=None):
        """Only check the parameters.

        Parameters
        ----------
        images : as for `transform`
        y : ignored

        Returns
        -------
        self
        """
        return self

    def transform(self, images):
        """Whiten each image.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), or list of arrays or of paths

        Returns
        -------
        array of shape (n, h, w, c) or list of arrays of shape (h, w, c)
            An array if `images` is one.

        Raises
        ------
        ValueError
            If there are no images, or one is empty or has NaN or infinity.
        """
        white = [self._whiten(image) for image in in_own_precision(images)]
        return np.stack(white) if isinstance(images, np.ndarray) else white

    def _whiten(self, image):
        margin = [(min(n // 2, 32),) * 2 for n in image.shape[:2]]
        padded = np.pad(image, [*margin, (0, 0)], mode="symmetric")
        vertical = fft.fftfreq(padded.shape[0])[:, np.newaxis]
        r = np.hypot(vertical, fft.rfftfreq(padded.shape[1]))
        spectrum = r * np.exp(-((r / self.cutoff) ** 4))
        filtered = fft.irfft2(
            fft.rfft2(padded, axes=(0, 1)) * spectrum[..., np.newaxis],
            padded.shape[:2],
            axes=(0, 1),
        )
        (top, _), (left, _) = margin
        filtered = filtered[top : top + image.shape[0], left : left + image.shape[1]]
        filtered -= filtered.mean(axis=(0, 1))
        deviation = filtered.std(axis=(0, 1))
        # What is left of a channel of one value is rounding.
        flat = deviation < 1e-5 * np.abs(image).max(axis=(0, 1))
        white = filtered / np.where(flat | (deviation == 0), np.inf, deviation)
        return white.astype(image.dtype)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags
