"""What KernelClassifier and KernelRegressor share: centres, γ, α and predictions."""

from abc import ABC
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from striate.native.interruptible import interruptible

from .fitted_attributes import INPUT, Attribute, Floats, Instance, Number
from .kernel_ridge import (
    SPECTRAL_ROWS,
    GaussianKernel,
    KernelSolution,
    predict,
    scale_of,
    solve,
    solve_for_all,
)
from .linear_classifier import positive_numbers
from .sklearn_private import Interval, StrOptions
from .validated_input import FLOATS, validated

Array = npt.NDArray[Any]


class KernelModel(BaseEstimator, ABC):
    """Ridge regression on targets with a Gaussian kernel; subclasses make targets of y."""

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "centers_": Floats(("n_centers", "n_features_in_")),
        "dual_coef_": Floats(("n_centers", "n_outputs")),
        "gamma_": Number(),
        "alpha_": Number(),
        "leave_one_out_errors_": Instance(dict),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
        "alphas": ["array-like", Interval(Real, 0, None, closed="neither")],
        "n_centers": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    gamma: Any
    alphas: Sequence[float] | float
    n_centers: int | None
    random_state: Any

    def _solve(self, X: Array, T: Array, weights: Array) -> KernelSolution:
        """Choose centres, γ and α for targets T (n_samples, n_targets), and keep the solution."""
        used = np.flatnonzero(weights)
        random_state = check_random_state(self.random_state)
        centers = used
        if self.n_centers is not None and len(used) > self.n_centers:
            centers = np.sort(random_state.choice(used, self.n_centers, replace=False))
        given = self.gamma
        self.gamma_ = interruptible(scale_of, X, weights) if given == "scale" else float(given)
        gamma, alphas = self.gamma_, positive_numbers(self.alphas).tolist()
        solution: KernelSolution
        if len(centers) == len(used) > SPECTRAL_ROWS:
            data = X[used], T[used], weights[used]
            solution = interruptible(solve_for_all, *data, gamma, alphas, random_state)
            solution = solution._replace(rows=used[solution.rows])
        else:
            kernel = GaussianKernel(X[centers], gamma)
            solution = interruptible(solve, kernel, X, T, weights, alphas)
        self.centers_ = X[centers]
        self.alpha_, self.dual_coef_ = solution.alpha, solution.dual_coef
        self.leave_one_out_errors_ = solution.errors
        return solution

    def _outputs(self, X: Any) -> Array:
        """Return the outputs (n_samples, n_targets)."""
        check_is_fitted(self)
        X = validated(self, X, dtype=FLOATS, order="C", reset=False)
        return predict(GaussianKernel(self.centers_, self.gamma_), self.dual_coef_, X)
