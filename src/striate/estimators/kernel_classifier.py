"""A classifier with a Gaussian kernel, whose α and probabilities come from rows left out."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets

from .base_kernel import Array, KernelModel
from .class_weights import weights_of_rows
from .fitted_attributes import Attribute, Labels, Number
from .sklearn_private import StrOptions, fit_context
from .validated_input import FLOATS, validated

# Bounds of the logarithm of what scores are multiplied by.
_LOG_SHARPNESS = (-5.0, 7.0)


class KernelClassifier(ClassifierMixin, KernelModel):
    """Classifier with a Gaussian kernel for some hundred to some ten thousand rows.

    One output per class is fitted to targets of −1 and 1 by kernel ridge regression, with
    k(x, c) = 1 + exp(−γ ‖x − c‖²). α is the one with the smallest squared error of rows that are
    left out, each of all rows: that is computed exactly, from one decomposition for all α.
    Probabilities are a softmax of the scores, whose sharpness is fitted to the same left-out
    scores.

    On image features, reduce and scale them first by `WhitenedComponents`.

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
    class_weight : dict, "balanced" or None, default=None
        Weight of the rows of each class: "balanced" weighs classes equally.
    random_state : int, RandomState instance or None, default=None
        Draws the centres, or the rows on which α is chosen.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    centers_ : ndarray of shape (n_centers, n_features)
    dual_coef_ : ndarray of shape (n_centers, n_classes), or (n_centers, 1) for two classes
    gamma_, alpha_ : float
    leave_one_out_errors_ : dict of float to float
        Mean squared error of left-out rows, for each α.
    sharpness_ : float
        What scores are multiplied by in the softmax.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    LinearClassifier : Takes less time and memory with more rows.
    WhitenedComponents : Features for this kernel.

    Notes
    -----
    Memory beyond X is three matrices (n_centers, n_centers) of float64: 400 MB for 4,000 centres.
    A fit takes about 10 n_centers³ multiplications on one thread, most of them for eigenvectors,
    and 2 n_samples · n_centers² on all.

    If more than 4,000 rows all serve as centres, α is chosen on 4,000 of them, and the kernel of
    all is factored in float32, on all threads: n³ / 6 multiply-adds and 2 n² bytes, which is
    0.8 GB for 20,000 rows and 5 GB for 50,000. Then 1,000 rows are left out for the probabilities.
    α is at least 10⁻⁶ n, since smaller ones are lost in rounding.

    References
    ----------
    .. [1] R. Rifkin and R. Lippert, "Notes on regularized least squares", MIT (2007).
    .. [2] C. Guo and others, "On calibration of modern neural networks", ICML (2017).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from striate import KernelClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = KernelClassifier().fit(X[:400], y[:400])
    >>> classifier.score(X[400:], y[400:]) > 0.93
    True
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **KernelModel._fitted,
        "classes_": Labels(n_outputs="n_outputs"),
        "sharpness_": Number(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        **KernelModel._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        gamma: Any = "scale",
        *,
        alphas: Sequence[float] | float = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0),
        n_centers: int | None = 4000,
        class_weight: Any = None,
        random_state: Any = None,
    ) -> None:
        self.gamma = gamma
        self.alphas = alphas
        self.n_centers = n_centers
        self.class_weight = class_weight
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the classifier, and choose α.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0. A row is left out with its whole weight.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X or the weights have NaN or infinite values, if all weights are 0, if there is only
            one class, or if an α is not positive.
        """
        X, y = validated(self, X, y, dtype=FLOATS, order="C")
        check_classification_targets(y)
        binarizer = LabelBinarizer(neg_label=-1).fit(y)
        self.classes_ = binarizer.classes_
        if len(self.classes_) < 2:
            raise ValueError(f"y has only one class, {self.classes_[0]}; at least two are needed")
        codes = np.searchsorted(self.classes_, y)
        given = weights_of_rows(X, sample_weight, self.class_weight, self.classes_, codes)
        weights = np.ones(len(X)) if given is None else given
        solution = self._solve(X, binarizer.transform(y).astype(np.float64), weights)
        rows, scores = solution.rows, _one_per_class(solution.left_out)
        self.sharpness_ = _sharpness(scores, codes[rows], weights[rows])
        return self

    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Return the score of each class; with two classes, of the second.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the class with the largest score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        codes = _one_per_class(self._outputs(X)).argmax(axis=1)
        labels: Array = self.classes_[codes]
        return labels

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        scores = _one_per_class(self._outputs(X))
        probabilities: Array = softmax(self.sharpness_ * scores, axis=1)
        return probabilities


def _one_per_class(scores: Array) -> Array:
    """Return scores (n, n_classes): of two classes, the first has those of the second, negated."""
    return scores if scores.shape[1] > 1 else np.hstack([-scores, scores])


def _sharpness(scores: Array, codes: Array, weights: Array) -> float:
    """Return the factor of the scores for which the true classes are most likely."""

    def loss(logarithm: float) -> float:
        log_probabilities = log_softmax(np.exp(logarithm) * scores, axis=1)
        return -float(weights @ log_probabilities[np.arange(len(codes)), codes])

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_SHARPNESS, method="bounded").x))
