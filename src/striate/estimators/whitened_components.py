"""Partly whitened principal components."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state
from sklearn.utils.extmath import randomized_range_finder, svd_flip
from sklearn.utils.validation import check_is_fitted

from striate.core.inference import layer_output
from striate.core.row_blocks import RowBlocks
from striate.native.interruptible import interruptible
from striate.native.lapack import eigh, svd

from .fitted_attributes import INPUT, Attribute, Floats, Whole
from .linear_maps import column_means, covariance_of
from .sklearn_private import Interval, fit_context
from .validated_input import FLOATS, validated

Array = npt.NDArray[Any]
_ALL_EQUAL = "All rows are equal: there are no components."
# Variance, relative to the largest, below which a direction is rounding.
_ROUNDING = 1e-10


class WhitenedComponents(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Project onto principal components, and whiten them in part.

    A component with variance s is multiplied by s^(−p/2): p = 0 leaves it as it is, p = 1 gives all
    components the same variance. Pooled features of images have variances that differ by 10⁵.
    Without whitening a Gaussian kernel sees the first few components only, and with full whitening
    mostly noise; p = ½ suits it best. The rows are then standardized, as contrast is for patches.

    Parameters
    ----------
    n_components : int, default=1000
        Number of components; fewer if there are fewer rows, features or directions.
    whitening : float, default=0.5
        p, from 0 to 1.
    standardize_rows : bool, default=True
        Whether each row is scaled to a mean square of 1.
    random_state : int, RandomState instance or None, default=None
        For the randomized method by which scikit-learn's PCA finds few of many components.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
    components_ : ndarray of shape (n_features, n_components)
        Directions times s^(−p/2).
    explained_variance_ : ndarray of shape (n_components,)
        s, largest first.
    n_components_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    ZCAWhitening : Whitens in full, and keeps features like those of X.
    KernelClassifier : Takes such features.

    Notes
    -----
    Fit it on all rows, also those without labels. The directions are made orthogonal in float64,
    since rounding in float32 mixes much of strong ones into weak ones.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from striate import KernelClassifier, WhitenedComponents
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(WhitenedComponents(30, random_state=0), KernelClassifier())
    >>> model.fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.93
    True
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "mean_": Floats(("n_features_in_",)),
        "components_": Floats(("n_features_in_", "n_components_")),
        "explained_variance_": Floats(("n_components_",)),
        "n_components_": Whole("n_components_"),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "whitening": [Interval(Real, 0, 1, closed="both")],
        "standardize_rows": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 1000,
        *,
        whitening: float = 0.5,
        standardize_rows: bool = True,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.whitening = whitening
        self.standardize_rows = standardize_rows
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components.

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
            If X has NaN or infinite values, or if all rows are equal.
        """
        X = validated(self, X, by_blocks=True, dtype=FLOATS, ensure_min_samples=2)
        mean, s, directions = self._of_blocks(X) if isinstance(X, RowBlocks) else self._of_rows(X)
        self.explained_variance_ = s
        scaled = directions * s ** (-self.whitening / 2)
        self.components_ = scaled.astype(X.dtype)
        self.mean_ = mean.astype(X.dtype)
        self.n_components_ = len(s)
        return self

    def _of_rows(self, X: Array) -> tuple[Array, Array, Array]:
        """Return the mean, the variances and the directions (n_features, n) of rows in memory."""
        if not np.ptp(X, axis=0).any():
            raise ValueError(_ALL_EQUAL)
        random_state = check_random_state(self.random_state)
        most = min(self.n_components, *X.shape)
        mean, s, components = interruptible(_principal_components, X, most, random_state)
        kept = s > _ROUNDING * s[0]
        directions = interruptible(np.linalg.qr, components[kept].T.astype(np.float64))[0]
        # QR may turn a direction round: keep the signs that scikit-learn chooses.
        directions *= np.sign(np.einsum("ij,ji->i", components[kept], directions))
        return mean, s[kept], directions

    def _of_blocks(self, X: RowBlocks) -> tuple[Array, Array, Array]:
        """Return the same of rows that are read by blocks, from their covariance."""
        mean = column_means(X)
        covariance = covariance_of(X, mean) * (len(X) / (len(X) - 1))
        n = len(covariance)
        most = min(self.n_components, len(X), n)
        s, U = interruptible(eigh, covariance, n_last=most)
        s, U = s[::-1], U[:, ::-1]
        # A column of equal values may have a variance by rounding of its mean, of some last digits.
        if s[0] <= (32 * np.finfo(np.float64).eps * np.abs(mean).max()) ** 2 * n:
            raise ValueError(_ALL_EQUAL)
        kept = s > _ROUNDING * s[0]
        U = U[:, kept]
        # As scikit-learn chooses the sign: that of the largest number is positive.
        largest = U[np.abs(U).argmax(axis=0), np.arange(U.shape[1])]
        return mean, s[kept], U * np.sign(largest)

    def transform(self, X: Any) -> npt.NDArray[Any]:
        """Return the components of the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        X = validated(self, X, by_blocks=True, dtype=FLOATS, reset=False)
        W = self.components_
        shift = -(self.mean_.astype(np.float64) @ W).astype(W.dtype)
        X = X if isinstance(X, RowBlocks) else X.astype(W.dtype, copy=False)
        A = layer_output(X, W, shift, "identity").astype(W.dtype, copy=False)
        if self.standardize_rows:
            scale = np.sqrt(np.mean(A**2, axis=1, keepdims=True))
            A /= np.where(scale > 0, scale, 1)
        return A

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _principal_components(
    X: Array, n: int, random_state: np.random.RandomState
) -> tuple[Array, Array, Array]:
    """Return the mean of the rows, variances in float64, and directions (n, n_features).

    They are those of scikit-learn's PCA, by the method that it chooses; but its decompositions hold
    the GIL, so that Ctrl-C would wait.
    """
    n_rows, n_features = X.shape
    if n_features <= 1000 and n_rows >= 10 * n_features:
        pca = PCA(n, svd_solver="covariance_eigh").fit(X)
        return pca.mean_, pca.explained_variance_.astype(np.float64), pca.components_
    mean = X.mean(axis=0)
    centred = X - mean
    if max(X.shape) > 500 and n < 0.8 * min(X.shape):
        s, components = _few_components(centred, n, random_state)
    else:
        _, s, components = svd(centred)
    _, components = svd_flip(None, components[:n], u_based_decision=False)
    return mean, (s[:n] ** 2 / (n_rows - 1)).astype(np.float64), components


def _few_components(
    centred: Array, n: int, random_state: np.random.RandomState
) -> tuple[Array, Array]:
    """Return singular values and right singular vectors by a random projection.

    N. Halko, P. Martinsson and J. Tropp, "Finding structure with randomness", SIAM Review (2011).
    """
    is_wide = centred.shape[0] < centred.shape[1]
    M = centred.T if is_wide else centred
    n_iter = 7 if n < 0.1 * min(M.shape) else 4
    Q = randomized_range_finder(M, size=n + 10, n_iter=n_iter, random_state=random_state)
    U, s, V = svd(Q.T @ M)
    return s, (Q @ U).T if is_wide else V
