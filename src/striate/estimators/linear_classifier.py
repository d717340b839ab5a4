"""A linear classifier for many features: everything is done to their Gram matrix."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.inference import layer_output

from .linear_problem import FewRows, Problem
from .sklearn_private import Interval, StrOptions, fit_context


def _has_probabilities(estimator):
    if estimator.loss != "log_loss":
        raise AttributeError("only loss='log_loss' gives probabilities")
    return True


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """Linear classifier that keeps up with tens of thousands of rows and features.

    It minimises 1/m Σ_i loss(z_i, y_i) + α/2 Σ W² with z = W x + b, x standardized. Pooled features
    of images are strongly correlated, so that a solver which only sees gradients needs many hundred
    passes over the data. Here one pass sums the Gram matrix of the features, which has all that
    squared error needs for every α, and which turns the other losses into problems of some ten
    passes.

    Parameters
    ----------
    loss : {"squared_error", "squared_hinge", "log_loss"}, default="squared_error"
        - "squared_error": ½ (z − t)² for targets t of −1 and 1, one for each class: in closed form;
        - "squared_hinge": ½ max(0, 1 − t z)², the support vector machine with squared slack;
        - "log_loss": softmax regression, which gives probabilities.
    alphas : sequence of float, default=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0)
        α, of which the one is taken that classifies most of the rows that are held out, or with
        "log_loss" gives them the largest likelihood. With one number alone no rows are held out.
    standardize : bool, default=True
        Whether features are centered and scaled to unit variance; X is not copied for it.
    validation_fraction : float, default=0.1
        Share of the rows that choose α. Afterwards they are trained on, too.
    validation_folds : int or None, default=None
        In place of `validation_fraction`, which some hundred rows are too few for: the rows are
        divided into so many parts, each with its share of each class, which are held out in turn.
        A row that is alone in its class is never held out; if all are, the largest α is taken.
    max_iter : int, default=30
        Iterations of L-BFGS at most, for the losses that need it.
    tol : float, default=1e-5
        L-BFGS ends when an iteration lowers J by less than this share of itself.
    random_state : int, RandomState instance or None, default=None
        Draws the rows that are held out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        W in the units of X.
    intercept_ : ndarray of shape (n_classes,) or (1,)
    alpha_ : float
        The chosen α.
    validation_scores_ : dict of float to float
        Of each α on the rows that were held out: accuracy, or with "log_loss" the mean logarithm
        of the probability of the true class. Empty if none were held out.
    n_iter_ : int
        Iterations of L-BFGS in the last fit; 1 for squared error.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    Notes
    -----
    Memory beyond X is that of a matrix (n_features, n_features), the Gram matrix, and of another
    for its factor while α is chosen. Its sum takes n_samples × n_features² multiplications, a
    factor n_features³ / 6. Where there are fewer rows than features, X is turned into the space
    that the rows span, and all these numbers are n_samples. With the factor L of G/m + α I the
    weights are written as W = L⁻ᵀ V, and in V the curvature of the losses is nearly the same in
    all directions.

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

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "loss": [StrOptions({"squared_error", "squared_hinge", "log_loss"})],
        "alphas": ["array-like", Interval(Real, 0, None, closed="neither")],
        "standardize": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation_folds": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        alphas=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0),
        standardize=True,
        validation_fraction=0.1,
        validation_folds=None,
        max_iter=30,
        tol=1e-5,
        random_state=None,
    ):
        self.loss = loss
        self.alphas = alphas
        self.standardize = standardize
        self.validation_fraction = validation_fraction
        self.validation_folds = validation_folds
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Fit the classifier, and choose α.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values, if there is one class only, if an α is not above 0, or
            if a class has too few rows to hold one of them out.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], order="C")
        check_classification_targets(y)
        binarizer = LabelBinarizer(neg_label=-1).fit(y)
        self.classes_ = binarizer.classes_
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]}: there must be two classes")
        alphas = np.atleast_1d(np.asarray(self.alphas, dtype=float))
        if alphas.size == 0 or not np.all(alphas > 0) or not np.isfinite(alphas).all():
            raise ValueError(f"alphas must be numbers above 0, got {self.alphas!r}")
        T = binarizer.transform(y).astype(X.dtype)
        few = FewRows(X, self.standardize) if _few(X) else None
        rows, standardize = (few.rows, False) if few else (X, self.standardize)
        problem = Problem(self, rows, T, standardize)
        self.alpha_, self.validation_scores_ = self._choose(problem, y, alphas.tolist())
        W, b, self.n_iter_ = problem.solve(self.alpha_, last=True)
        coef, intercept = problem.in_units_of_x(W, b)
        self.coef_, self.intercept_ = (
            few.in_units_of_x(coef, intercept) if few else (coef, intercept)
        )
        return self

    def _choose(self, problem, y, alphas):
        """The α that does best on rows held out, and how each did; the largest if none can be."""
        parts = self._held_out(y) if len(alphas) > 1 else []
        if not parts:
            return max(alphas), {}
        codes = np.searchsorted(self.classes_, y)
        merits = dict.fromkeys(alphas, 0.0)
        for rows in parts:
            problem.hold_out(rows)
            for alpha in alphas:
                W, b, _ = problem.solve(alpha)
                scores = _layer(problem.X[rows], *problem.in_units_of_x(W, b))
                merits[alpha] += float(self._merits(scores, codes[rows]).sum())
            problem.put_back()
        n_rows = sum(map(len, parts))
        scores = {alpha: merit / n_rows for alpha, merit in merits.items()}
        return max(scores, key=scores.__getitem__), scores

    def _held_out(self, y):
        """Rows that are held out together, ascending."""
        random_state = check_random_state(self.random_state)
        if self.validation_folds is not None:
            fold = _folds(y, self.validation_folds, random_state)
            parts = [np.flatnonzero(fold == k) for k in range(self.validation_folds)]
            return [part for part in parts if len(part)]
        share = self.validation_fraction
        _, rows = train_test_split(
            np.arange(len(y)), test_size=share, stratify=y, random_state=random_state
        )
        return [np.sort(rows)]

    def _merits(self, scores, codes):
        """How well the scores of each row fit its class."""
        if self.loss == "log_loss":
            return log_softmax(_of_each_class(scores), axis=1)[np.arange(len(codes)), codes]
        return self._codes(scores) == codes

    def _codes(self, scores):
        return (
            (scores.ravel() > 0).astype(np.intp) if scores.shape[1] == 1 else scores.argmax(axis=1)
        )

    def decision_function(self, X):
        """z = W x + b for each class, or for the second of two.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        scores = _layer(X, self.coef_, self.intercept_)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X):
        """Class of the largest z.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        return self.classes_[self._codes(scores.reshape(len(scores), -1))]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Probability of each class, for loss="log_loss".

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        scores = self.decision_function(X)
        return softmax(_of_each_class(scores.reshape(len(scores), -1)), axis=1)


def _few(X):
    return len(X) < X.shape[1]


def _layer(X, coef, intercept):
    return layer_output(X, coef.T, intercept, "identity")


def _of_each_class(scores):
    """z (n, n_classes); of two classes it is that of the second, and the first has 0."""
    return scores if scores.shape[1] > 1 else np.column_stack([np.zeros_like(scores), scores])


def _folds(y, n_folds, random_state):
    """In which part each row is, -1 for one that is alone in its class; parts are stratified."""
    fold, n_dealt = np.full(len(y), -1), 0
    for label in np.unique(y):
        rows = random_state.permutation(np.flatnonzero(y == label))
        if len(rows) > 1:
            fold[rows] = (n_dealt + np.arange(len(rows))) % n_folds
            n_dealt += len(rows)
    return fold
