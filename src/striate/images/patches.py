"""Patches of images: sampled at random, normalized, and scaled into an activation's range."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.compile import jit_reassociating, kernel, like
from striate.estimators.sklearn_private import Interval, fit_context
from striate.files.prefetch import ImagesInTurn

#: Added to a patch's variance (pixels in [0, 1]) before the division: what is fainter than a
#: standard deviation of 3 grey levels out of 255 is not amplified to full contrast.
CONTRAST_FLOOR = 10 / 255**2


def sample_patches(images, patch_size, n_patches, random_state, progress=iter):
    """Patches at random places of random images.

    Parameters
    ----------
    images : ImageCollection
    patch_size : (int, int)
        Height and width in pixels.
    n_patches : int
    random_state : RandomState
    progress : callable
        Goes through the indices of the images that are read, and tells whoever watches.

    Returns
    -------
    ndarray of shape (n_patches, height * width * n_channels)
        Of the images' type; each image is read once.

    Raises
    ------
    ValueError
        If an image is smaller than a patch.
    """
    height, width = patch_size
    of_image = random_state.randint(len(images), size=n_patches)
    places = random_state.random_sample((n_patches, 2))
    patches = None
    which = np.unique(of_image).tolist()
    with ImagesInTurn(images, which) as in_turn:
        for _, (i, get) in zip(progress(which), in_turn, strict=True):
            image = get()
            check_holds_patch(image, patch_size, images.name(i))
            if patches is None:
                patches = np.empty((n_patches, height * width * image.shape[2]), dtype=image.dtype)
            room = (image.shape[0] - height + 1, image.shape[1] - width + 1)
            for k in np.flatnonzero(of_image == i):
                y, x = (places[k] * room).astype(int)
                patches[k] = image[y : y + height, x : x + width].ravel()
    return patches


def check_holds_patch(image, patch_size, name):
    """Raises a ValueError where the image is smaller than a patch."""
    if image.shape[0] < patch_size[0] or image.shape[1] < patch_size[1]:
        raise ValueError(
            f"{name}: is {image.shape[0]} x {image.shape[1]} pixels, smaller than a patch of "
            f"{patch_size[0]} x {patch_size[1]}; choose a smaller patch_size or larger images"
        )


#: How patches are normalized, as a number in compiled code.
NORMALIZATIONS = {False: 0, "mean": 1, True: 2}


@jit_reassociating
def normalize(patch, how, contrast_floor):
    """x − mean and, for how = 2, (x − mean) / √(variance + contrast_floor), in place."""
    if how == 0:
        return
    mean = like(0, patch[0])
    for j in range(patch.size):
        mean += patch[j]
    mean /= like(patch.size, mean)
    squares = like(0, mean)
    for j in range(patch.size):
        patch[j] -= mean
        squares += patch[j] * patch[j]
    if how == 2:
        variance = squares / like(patch.size, mean)
        scale = like(1, mean) / np.sqrt(variance + like(contrast_floor, mean))
        for j in range(patch.size):
            patch[j] *= scale


@kernel
def normalize_patches(patches, how, contrast_floor):
    """Normalizes every row of `patches` (n_patches, n_pixels), in place."""
    for i in range(len(patches)):
        normalize(patches[i], how, contrast_floor)


class PatchScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scales all values alike into the range of an activation, and clips the rare outliers.

    center ± n_deviations standard deviations of all values together are mapped onto
    `feature_range`; what lies beyond is cut off. The shape of a patch is kept, unlike with a
    scaler that treats each feature for itself.

    Parameters
    ----------
    feature_range : (float, float), default=(0.1, 0.9)
        For sigmoid outputs, which reach 0 and 1 only for infinite inputs. (-0.8, 0.8) suits tanh.
    n_deviations : float, default=3.0
        Half the width of the range of values that is kept, in standard deviations.

    Attributes
    ----------
    center_, half_width_ : float
        Mean of all values, and n_deviations times their standard deviation.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    References
    ----------
    .. [1] Stanford UFLDL tutorial, exercise "Sparse autoencoder", which scales its patches so.

    Examples
    --------
    >>> import numpy as np
    >>> from striate import PatchScaler
    >>> patches = np.random.default_rng(0).normal(size=(100, 64))
    >>> scaled = PatchScaler().fit_transform(patches)
    >>> bool(scaled.min() >= 0.1 and scaled.max() <= 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "feature_range": [tuple],
        "n_deviations": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, feature_range=(0.1, 0.9), *, n_deviations=3.0):
        self.feature_range = feature_range
        self.n_deviations = n_deviations

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find center and width.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values, or `feature_range` is not (low, high).
        """
        bounds = self.feature_range
        numbers = len(bounds) == 2 and all(isinstance(bound, Real) for bound in bounds)
        if not numbers or not bounds[0] < bounds[1]:
            raise ValueError(f"feature_range must be (low, high), got {bounds}.")
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.center_ = float(X.mean(dtype=np.float64))
        self.half_width_ = self.n_deviations * float(X.std(dtype=np.float64))
        return self

    def as_layer(self):
        """W, b and "identity", such that ``transform(X)`` is X W + b for X within `limits`.

        Returns
        -------
        W : ndarray of shape (n_features, n_features)
        b : ndarray of shape (n_features,)
        activation : "identity"
        """
        scale, shift = self._scale_and_shift()
        d = self.n_features_in_
        return scale * np.eye(d), np.full(d, shift), "identity"

    @property
    def limits(self):
        """Lowest and highest value that is not clipped."""
        check_is_fitted(self)
        return self.center_ - self.half_width_, self.center_ + self.half_width_

    def _scale_and_shift(self):
        check_is_fitted(self)
        low, high = self.feature_range
        scale = (high - low) / (2 * self.half_width_) if self.half_width_ else 1.0
        return scale, (low + high) / 2 - scale * self.center_

    def transform(self, X):
        """Scale and clip.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        scale, shift = self._scale_and_shift()
        clipped = np.clip(X, *self.limits) * X.dtype.type(scale) + X.dtype.type(shift)
        return np.clip(clipped, *self.feature_range)  # rounding must not leave the range

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
