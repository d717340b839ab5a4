"""Regression with a Gaussian kernel, whose α comes from rows left out."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from .base_kernel import KernelModel
from .class_weights import weights_of_rows
from .fitted_attributes import Attribute, Floats
from .sklearn_private import fit_context
from .validated_input import FLOATS, validated


class KernelRegressor(RegressorMixin, KernelModel):
    """Kernel ridge regression for some hundred to some ten thousand rows.

    Targets are standardized, and fitted with k(x, c) = 1 + exp(−γ ‖x − c‖²). α is the one with the
    smallest squared error of rows that are left out, each of all rows: that is computed exactly,
    from one decomposition for all α.

    Parameters
    ----------
    gamma : "scale" or float, default="scale"
        γ; "scale" is 1 / (mean squared distance of two rows).
    alphas : float or sequence of float, \
            default=(1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
        Candidates for α, the weight of the norm of each output beside the sum of squared errors.
    n_centers : int or None, default=4000
        Number of rows that serve as centres of the kernel. With fewer rows, or with None, all do,
        and this is kernel ridge regression itself; with more, they are drawn, and it is
        approximated.
    random_state : int, RandomState instance or None, default=None
        Draws the centres, or the rows on which α is chosen.

    Attributes
    ----------
    centers_ : ndarray of shape (n_centers, n_features)
    dual_coef_ : ndarray of shape (n_centers, n_outputs)
    gamma_, alpha_ : float
    leave_one_out_errors_ : dict of float to float
        Mean squared error of left-out rows, for each α, in units of the variance of y.
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    KernelClassifier : The same for classes, with notes about time and memory.

    Examples
    --------
    >>> import numpy as np
    >>> from striate import KernelRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-3, 3, (200, 1))
    >>> y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=200)
    >>> KernelRegressor().fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.95
    True
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **KernelModel._fitted,
        "target_mean_": Floats(("n_outputs",)),
        "target_scale_": Floats(("n_outputs",)),
    }

    def __init__(
        self,
        gamma: Any = "scale",
        *,
        alphas: Sequence[float] | float = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0),
        n_centers: int | None = 4000,
        random_state: Any = None,
    ) -> None:
        self.gamma = gamma
        self.alphas = alphas
        self.n_centers = n_centers
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the regressor, and choose α.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0. A row is left out with its whole weight.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or the weights have NaN or infinite values, if all weights are 0, or if an α is
            not positive.
        """
        X, y = validated(
            self, X, y, dtype=FLOATS, order="C", multi_output=True, y_numeric=True,
            ensure_min_samples=2,
        )  # fmt: skip
        T = y.reshape(len(y), -1).astype(np.float64)
        given = weights_of_rows(X, sample_weight)
        weights = np.ones(len(X)) if given is None else given
        self.target_mean_ = np.average(T, axis=0, weights=weights)
        scale = np.sqrt(np.average((T - self.target_mean_) ** 2, axis=0, weights=weights))
        self.target_scale_ = np.where(scale > 0, scale, 1.0)
        self._solve(X, (T - self.target_mean_) / self.target_scale_, weights)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_outputs) for several outputs
        """
        outputs = self._outputs(X) * self.target_scale_ + self.target_mean_
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
