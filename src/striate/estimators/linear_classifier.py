"""A linear classifier for many features, which works on their Gram matrix."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from striate.core.inference import layer_output
from striate.core.row_blocks import RowBlocks

from .alpha_choice import choose_alpha, class_codes, one_per_class
from .class_weights import weights_of_rows
from .fitted_attributes import INPUT, Attribute, Floats, Instance, Labels, Number, Whole
from .held_out_rows import Rows, held_out_rows
from .linear_maps import Array, row_space
from .linear_problem import GramProblem
from .sklearn_private import Interval, StrOptions, fit_context
from .validated_input import FLOATS, validated


def _has_probabilities(estimator: Any) -> bool:
    if estimator.loss != "log_loss":
        raise AttributeError("only loss='log_loss' gives probabilities")
    return True


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """Linear classifier for tens of thousands of rows and thousands of features.

    It minimises 1/m Σ_i w_i loss(z_i, y_i) + α/2 Σ W² with z = W x + b, x standardized, and m the
    sum of the weights w of the rows, 1 by default. Pooled features of images are strongly
    correlated, so a solver that sees only gradients needs several hundred passes over the data.
    Here one pass computes the Gram matrix of the features. For squared error it is all that is
    needed, for every α; for the other losses it preconditions L-BFGS, which then needs about ten
    passes.

    Parameters
    ----------
    loss : {"squared_error", "squared_hinge", "log_loss"}, default="squared_error"
        - "squared_error": ½ (z − t)² for targets t of −1 and 1, one per class, in closed form;
        - "squared_hinge": ½ max(0, 1 − t z)², the support vector machine with squared slack;
        - "log_loss": softmax regression, which gives probabilities.
    alphas : sequence of float, default=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0)
        Candidates for α. The one with the best accuracy on held-out rows is chosen, or with
        "log_loss" the one with the largest likelihood. A single number needs no held-out rows.
    standardize : bool, default=True
        Whether to center the features and scale them to unit variance, without a copy of X.
    validation_fraction : float, default=0.1
        Fraction of the rows that is held out to choose α. The final fit uses all rows.
    validation_folds : int or None, default=None
        Number of stratified folds used to choose α; use it with fewer than about 1,000 rows.
        Overrides `validation_fraction`. The only row of a class is never held out; if no row can
        be held out, the largest α is chosen.
    max_iter : int, default=30
        Maximum number of L-BFGS iterations, for the losses that need them.
    tol : float, default=1e-5
        Relative decrease of J per iteration below which L-BFGS stops.
    class_weight : dict, "balanced" or None, default=None
        Weight of the rows of each class: "balanced" weighs classes equally.
    calibrate : bool, default=False
        Whether to calibrate the probabilities of "log_loss" on the held-out rows: W and b are
        divided by one temperature, so that the classifier is as sure of rows that it has not seen
        as it is right. Of few rows, which tell little, the temperature is near 1. Predicted classes
        stay the same.
    random_state : int, RandomState instance or None, default=None
        Seed for the choice of held-out rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        W in the units of X.
    intercept_ : ndarray of shape (n_classes,) or (1,)
        b.
    alpha_ : float
        The chosen α.
    validation_scores_ : dict of float to float
        Score of each α on the held-out rows: accuracy, or with "log_loss" the mean log-probability
        of the true class. Empty if no rows were held out; an α that is too small for the precision
        of the features is left out.
    temperature_ : float
        What W and b were divided by; 1 without `calibrate`, or if no rows were held out.
    n_iter_ : int
        Number of L-BFGS iterations of the final fit; 1 for squared error.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had any.

    Notes
    -----
    Memory beyond X is one matrix (n_features, n_features), the Gram matrix, and a second one for
    its factor while α is chosen. The Gram matrix takes n_samples × n_features² multiplications,
    each factorization n_features³ / 6. With fewer rows than features, the problem is solved in the
    space spanned by the rows, and n_features in these numbers becomes n_samples. With the factor L
    of G/m + α I, L-BFGS works on V with W = L⁻ᵀ V: in V the curvature of the losses is nearly the
    same in all directions.

    References
    ----------
    .. [1] A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in unsupervised
       feature learning", AISTATS (2011), which classifies by the squared hinge.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from striate import LinearClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> classifier = LinearClassifier(loss="squared_hinge", random_state=0)
    >>> classifier.fit(X_train, y_train).score(X_test, y_test) > 0.93
    True
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "coef_": Floats(("n_outputs", "n_features_in_")),
        "intercept_": Floats(("n_outputs",)),
        "classes_": Labels(n_outputs="n_outputs"),
        "alpha_": Number(),
        "validation_scores_": Instance(dict),
        "temperature_": Number(),
        "n_iter_": Whole(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "loss": [StrOptions({"squared_error", "squared_hinge", "log_loss"})],
        "alphas": ["array-like", Interval(Real, 0, None, closed="neither")],
        "standardize": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation_folds": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "calibrate": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        alphas: Sequence[float] | float = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0),
        standardize: bool = True,
        validation_fraction: float = 0.1,
        validation_folds: int | None = None,
        max_iter: int = 30,
        tol: float = 1e-5,
        class_weight: Any = None,
        calibrate: bool = False,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.alphas = alphas
        self.standardize = standardize
        self.validation_fraction = validation_fraction
        self.validation_folds = validation_folds
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Choose α and fit the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient. The rows of a group are held out together, so that
            α suits groups that the classifier has not seen; folds are stratified as far as groups
            allow.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            If X or the weights have NaN or infinite values, if all weights are 0, if there is only
            one class, if an α is not positive, if a class has too few rows to hold one of them out,
            if `groups` has another length than X, or if `calibrate` is set for a loss without
            probabilities.
        """
        X, y = validated(self, X, y, by_blocks=True, dtype=FLOATS, order="C")
        check_classification_targets(y)
        binarizer = LabelBinarizer(neg_label=-1).fit(y)
        self.classes_ = binarizer.classes_
        if len(self.classes_) < 2:
            raise ValueError(f"y has only one class, {self.classes_[0]}; at least two are needed")
        alphas = positive_numbers(self.alphas)
        groups = None if groups is None else _checked_groups(groups, len(X))
        if self.calibrate and self.loss != "log_loss":
            raise ValueError(
                f"calibrate=True needs probabilities: loss='log_loss', not {self.loss!r}"
            )
        codes = np.searchsorted(self.classes_, y)
        weights = weights_of_rows(X, sample_weight, self.class_weight, self.classes_, codes)
        wide = _is_wide(X)
        rows, maps = row_space(X, self.standardize, weights) if wide else (X, [])
        problem = GramProblem(
            rows,
            binarizer.transform(y).astype(X.dtype),
            scale=self.standardize and not wide,  # the rows of the row space are standardized
            loss=self.loss,
            max_iter=self.max_iter,
            tol=self.tol,
            sample_weight=weights,
        )
        parts: list[Rows] = []
        if len(alphas) > 1 or self.calibrate:
            parts = held_out_rows(
                y, self.validation_fraction, self.validation_folds, self.random_state, groups
            )
        choice = choose_alpha(problem, codes, alphas.tolist(), parts, calibrate=self.calibrate)
        self.alpha_, self.validation_scores_, self.temperature_ = choice
        W, b, self.n_iter_ = problem.solve(self.alpha_, last=True)
        for linear_map in (problem.standardize, *maps):
            W, b = linear_map.apply(W, b)
        self.coef_ = np.ascontiguousarray(W.T / self.temperature_, X.dtype)
        self.intercept_ = (b / self.temperature_).astype(X.dtype)
        return self

    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Return z = W x + b for each class; with two classes, for the second.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Decision values.
        """
        check_is_fitted(self)
        X = validated(self, X, by_blocks=True, dtype=FLOATS, order="C", reset=False)
        z = layer_output(X, self.coef_.T, self.intercept_, "identity")
        return z.ravel() if z.shape[1] == 1 else z

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the class with the largest z.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data to classify.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        z = self.decision_function(X)
        labels: Array = self.classes_[class_codes(z.reshape(len(z), -1))]
        return labels

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the probability of each class, for loss="log_loss".

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        z = self.decision_function(X)
        probabilities: Array = softmax(one_per_class(z.reshape(len(z), -1)), axis=1)
        return probabilities


def positive_numbers(given: Any) -> npt.NDArray[np.float64]:
    """Return a number or a sequence of numbers as an array; raise a ValueError for others."""
    try:
        numbers = np.atleast_1d(np.asarray(given, dtype=float))
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or not numbers.size or not ((numbers > 0) & np.isfinite(numbers)).all():
        raise ValueError(f"alphas must be positive numbers, got {given!r}")
    return numbers


def _is_wide(X: Any) -> bool:
    return len(X) < int(X.shape[1]) and not isinstance(X, RowBlocks)


def _checked_groups(groups: Any, n_samples: int) -> Array:
    groups = column_or_1d(groups)
    if len(groups) != n_samples:
        raise ValueError(
            f"groups has {len(groups)} entries for {n_samples} rows; give one for each"
        )
    return groups
