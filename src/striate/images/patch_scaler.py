"""Scaling of patches into the range of an activation: clip, then one affine map for all values."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from striate.estimators.fitted_attributes import INPUT, Attribute, Number
from striate.estimators.sklearn_private import Interval, fit_context
from striate.estimators.validated_input import FLOATS, validated


class PatchScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale all values alike into the range of an activation, and clip the rare outliers.

    The mean of all values ± n_deviations of their standard deviation is mapped onto
    `feature_range`; values outside are clipped. The shape of a patch is kept, unlike with a
    scaler that treats each feature separately.

    Parameters
    ----------
    feature_range : (float, float), default=(0.1, 0.9)
        Range of the scaled values. The default suits sigmoid outputs, which reach 0 and 1 only for
        infinite inputs; (-0.8, 0.8) suits tanh.
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

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "center_": Number(),
        "half_width_": Number(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "feature_range": [tuple],
        "n_deviations": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self, feature_range: tuple[float, float] = (0.1, 0.9), *, n_deviations: float = 3.0
    ) -> None:
        self.feature_range = feature_range
        self.n_deviations = n_deviations

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
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
        X = validated(self, X, dtype=FLOATS)
        self.center_ = float(X.mean(dtype=np.float64))
        self.half_width_ = self.n_deviations * float(X.std(dtype=np.float64))
        return self

    def as_layer(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], str]:
        """Return W, b and "identity", such that ``transform(X)`` is X W + b for X within `limits`.

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
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value that is not clipped."""
        check_is_fitted(self)
        return self.center_ - self.half_width_, self.center_ + self.half_width_

    def _scale_and_shift(self) -> tuple[float, float]:
        check_is_fitted(self)
        low, high = self.feature_range
        scale = (high - low) / (2 * self.half_width_) if self.half_width_ else 1.0
        return scale, (low + high) / 2 - scale * self.center_

    def transform(self, X: Any) -> npt.NDArray[Any]:
        """Clip and scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validated(self, X, dtype=FLOATS, reset=False)
        scale, shift = self._scale_and_shift()
        scaled = np.clip(X, *self.limits) * X.dtype.type(scale) + X.dtype.type(shift)
        low, high = self.feature_range
        within: npt.NDArray[Any] = np.clip(scaled, low, high)  # rounding must not leave the range
        return within

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
