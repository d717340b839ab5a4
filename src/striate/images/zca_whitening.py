"""ZCA whitening of rows, such as patches: x ↦ U diag(1 / √(s + ε)) Uᵀ (x − mean)."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from striate.core.block_sums import value_range
from striate.core.inference import layer_output
from striate.estimators.fitted_attributes import INPUT, Attribute, Floats, Whole
from striate.estimators.linear_maps import column_means, covariance_of
from striate.estimators.sklearn_private import Interval, fit_context
from striate.estimators.validated_input import FLOATS, in_native_order, validated
from striate.native.interruptible import interruptible
from striate.native.lapack import eigh


class ZCAWhitening(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Decorrelate the features, and change each as little as possible.

    x ↦ C (x − mean) with C = U diag(1 / √(s + ε)) Uᵀ, where U and s are the eigenvectors and
    eigenvalues of the covariance matrix.

    Parameters
    ----------
    epsilon : float, default=0.1
        ε, in units of the features' variance. Directions of much less variance than ε are not
        amplified: on natural images, where those are the finest details, a large ε smooths. The
        default is for patches of unit variance, and a strong smoothing for pixels in [0, 1].
    n_components : int, float or None, default=None
        Number of directions of largest variance to keep; a float between 0 and 1 keeps as many as
        have this share of the variance, None keeps all. The result still has as many features as X.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of each feature.
    components_ : ndarray of shape (n_features, n_features)
        C, symmetric.
    explained_variance_ : ndarray of shape (n_features,)
        s, largest first.
    n_components_ : int
        Number of directions kept.
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

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "mean_": Floats(("n_features_in_",)),
        "components_": Floats(("n_features_in_", "n_features_in_")),
        "_inverse": Floats(("n_features_in_", "n_features_in_")),
        "explained_variance_": Floats(("n_features_in_",)),
        "n_components_": Whole(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "n_components": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
    }

    def __init__(self, epsilon: float = 0.1, *, n_components: float | None = None) -> None:
        self.epsilon = epsilon
        self.n_components = n_components

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
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
            If X has NaN or infinite values or only one row, or if n_components is more than the
            number of features.
        """
        X = validated(self, X, by_blocks=True, dtype=FLOATS, ensure_min_samples=2)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = column_means(X)
            covariance = covariance_of(X, mean)
        if not np.isfinite(covariance).all():
            largest = max(map(abs, value_range(X)))
            raise ValueError(
                f"X has values up to {largest:.2g}, whose squares are beyond float64. "
                "Scale X, with StandardScaler for instance."
            )
        s, U = interruptible(eigh, covariance)
        s, U = np.maximum(s[::-1], 0), U[:, ::-1]
        k = self.n_components_ = self._n_kept(s)
        # A direction without any variance holds nothing to scale: it is left at zero.
        kept = s[:k] > s[0] * len(s) * np.finfo(s.dtype).eps
        root = np.sqrt(s[:k][kept] + self.epsilon)
        U = U[:, :k][:, kept]
        self.mean_ = mean.astype(X.dtype)
        self.components_ = interruptible(np.matmul, U / root, U.T).astype(X.dtype)
        self._inverse = interruptible(np.matmul, U * root, U.T).astype(X.dtype)
        self.explained_variance_ = s.astype(X.dtype)
        return self

    def _n_kept(self, s: npt.NDArray[np.float64]) -> int:
        n = self.n_components
        if n is None:
            return len(s)
        if isinstance(n, int | np.integer):
            if n > len(s):
                raise ValueError(f"n_components={n} must be at most the {len(s)} features of X.")
            return int(n)
        share = np.cumsum(s) / max(s.sum(), np.finfo(s.dtype).tiny)
        return min(int(np.searchsorted(share, n)) + 1, len(s))

    def as_layer(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], str]:
        """Return W, b and "identity", such that ``transform(X)`` is X W + b.

        Returns
        -------
        W : ndarray of shape (n_features, n_features)
        b : ndarray of shape (n_features,)
        activation : "identity"
        """
        check_is_fitted(self)
        return self.components_, -self.mean_ @ self.components_, "identity"

    def transform(self, X: Any) -> npt.NDArray[Any]:
        """Whiten.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validated(self, X, by_blocks=True, dtype=FLOATS, reset=False)
        white: npt.NDArray[Any] = layer_output(X, *self.as_layer())
        return white

    def inverse_transform(self, X: Any) -> npt.NDArray[Any]:
        """Undo the whitening, up to the directions that were left out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = check_array(in_native_order(X), dtype=FLOATS)
        if X.shape[1] != len(self.mean_):
            raise ValueError(f"X has {X.shape[1]} features, but whitening has {len(self.mean_)}.")
        original: npt.NDArray[Any] = layer_output(X, self._inverse, self.mean_, "identity")
        return original

    @property
    def _n_features_out(self) -> int:
        return len(self.mean_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
