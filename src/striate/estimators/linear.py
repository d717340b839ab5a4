"""A linear classifier for many features: everything is done to their Gram matrix."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy import linalg
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.inputs import as_input
from striate.core.network import Network, layer_output
from striate.core.objective import Objective
from striate.core.threads import team
from striate.solvers.lbfgs import lbfgs

# Rows that are standardized at a time.
_BLOCK_ROWS = 4096


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
        α, of which the one is taken that classifies most of the rows that are held out. With one
        number alone no rows are held out.
    standardize : bool, default=True
        Whether features are centered and scaled to unit variance; X is not copied for it.
    validation_fraction : float, default=0.1
        Share of the rows that choose α. Afterwards they are trained on, too.
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
        Accuracy of each α on the rows that were held out; empty if none were.
    n_iter_ : int
        Iterations of L-BFGS in the last fit; 1 for squared error.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    Notes
    -----
    Memory beyond X is that of two matrices (n_features, n_features), for the Gram matrix and its
    factor. Its sum takes n_samples × n_features² multiplications, a factor n_features³ / 6. With
    the factor L of G/m + α I the weights are written as W = L⁻ᵀ V, and in V the curvature of the
    losses is nearly the same in all directions.

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
        max_iter=30,
        tol=1e-5,
        random_state=None,
    ):
        self.loss = loss
        self.alphas = alphas
        self.standardize = standardize
        self.validation_fraction = validation_fraction
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
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
        problem = _Problem(self, X, binarizer.transform(y).astype(X.dtype))
        self.validation_scores_: dict[float, float] = {}
        if alphas.size > 1:
            self._choose(problem, y, alphas.tolist())
        else:
            self.alpha_ = float(alphas[0])
        W, b, self.n_iter_ = problem.solve(self.alpha_)
        self._set_weights(problem, W, b)
        return self

    def _choose(self, problem, y, alphas):
        """Sets α to the one that is right on most of the rows held out."""
        rows = np.arange(len(y))
        _, held_out = train_test_split(
            rows,
            test_size=self.validation_fraction,
            stratify=y,
            random_state=check_random_state(self.random_state),
        )
        held_out.sort()
        problem.hold_out(held_out)
        for alpha in alphas:
            W, b, _ = problem.solve(alpha)
            self._set_weights(problem, W, b)
            right = self._labels(self._scores(problem.X[held_out])) == y[held_out]
            self.validation_scores_[alpha] = float(np.mean(right))
        self.alpha_ = max(self.validation_scores_, key=self.validation_scores_.__getitem__)
        problem.put_back()

    def _set_weights(self, problem, W, b):
        self.coef_, self.intercept_ = problem.in_units_of_x(W, b)

    def _scores(self, X):
        return layer_output(X, self.coef_.T, self.intercept_, "identity")

    def _labels(self, scores):
        if scores.shape[1] == 1:
            return self.classes_[(scores.ravel() > 0).astype(np.intp)]
        return self.classes_[scores.argmax(axis=1)]

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
        scores = self._scores(X)
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
        return self._labels(scores.reshape(len(scores), -1))

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
        if scores.ndim == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)


class _Problem:
    """The rows, their Gram matrix and targets, and the weights that minimise J for an α.

    Weights W (n_features, k) are of features (x − mean) / scale.
    """

    def __init__(self, settings, X, T):
        self.settings, self.X, self.T = settings, X, T
        self.weight = np.ones(len(X))
        self._find_mean_and_scale()
        if not settings.standardize:
            self.scale[:] = 1  # centered all the same: the intercept is free, so nothing changes
        d = X.shape[1]
        self.gram, self.products = np.zeros((d, d), X.dtype, order="F"), np.zeros((d, T.shape[1]))
        self._add(np.arange(len(X)), 1.0)

    def _find_mean_and_scale(self):
        X = self.X
        sums = squares = 0.0
        self.mean = X.mean(axis=0, dtype=np.float64).astype(X.dtype)
        for rows in gen_batches(len(X), _BLOCK_ROWS):
            centered = X[rows] - self.mean
            sums = sums + centered.sum(axis=0, dtype=np.float64)
            squares = squares + np.einsum("ij,ij->j", centered, centered, dtype=np.float64)
        variance = squares / len(X) - np.square(sums / len(X))
        scale = np.sqrt(np.maximum(variance, 0))
        constant = scale <= 10 * np.finfo(X.dtype).eps * np.abs(self.mean)
        self.scale = np.where(constant, 1, scale).astype(X.dtype)

    def _add(self, rows, sign):
        """Adds the rows to the lower half of the Gram matrix, or takes them away."""
        syrk = linalg.get_blas_funcs("syrk", (self.gram,))
        for part in gen_batches(len(rows), _BLOCK_ROWS):
            S = (self.X[rows[part]] - self.mean) / self.scale
            self.gram = syrk(sign, S.T, beta=1.0, c=self.gram, lower=1, overwrite_c=1)
            self.products += sign * (S.T @ self.T[rows[part]])

    def hold_out(self, rows):
        """Leaves rows out, until `put_back`."""
        self.held_out = rows
        self._add(rows, -1.0)
        self.weight[rows] = 0

    def put_back(self):
        self._add(self.held_out, 1.0)
        self.weight[:] = 1

    def solve(self, alpha):
        """W, b and the number of iterations that they took."""
        m = self.weight.sum()
        L = self._factor(alpha, m)
        b = np.average(self.T, axis=0, weights=self.weight)
        W = linalg.cho_solve((L, True), (self.products / m).astype(L.dtype), check_finite=False)
        if self.settings.loss == "squared_error":
            return W, b, 1
        return self._by_lbfgs(alpha, L, W, b)

    def _factor(self, alpha, m):
        """L, lower, with L Lᵀ = G/m + α I; in float64 where float32 is too coarse for it."""
        for dtype in (self.gram.dtype, np.float64):
            A = np.array(self.gram, dtype=dtype, order="F")
            A /= A.dtype.type(m)
            A[np.diag_indices(len(A))] += alpha
            try:
                return linalg.cholesky(A, lower=True, overwrite_a=True, check_finite=False)
            except linalg.LinAlgError:
                continue
        raise ValueError(f"alpha={alpha:g} is too small for these features; choose a larger one.")

    def _by_lbfgs(self, alpha, L, W, b):
        """L-BFGS on V, where W = L⁻ᵀ V."""
        d, k = W.shape
        softmax = self.settings.loss == "log_loss" and k > 1
        loss, output = self.settings.loss, "identity"
        if self.settings.loss == "log_loss":
            loss, output = ("cross_entropy", "softmax") if softmax else ("log_loss", "logistic")
        Y = self.T if loss == "squared_hinge" else (self.T + 1) / 2
        network = Network((d, k), (output,))

        def weights(theta):
            V, b = theta[: d * k].reshape(d, k), theta[d * k :]
            W = linalg.solve_triangular(L, V.astype(L.dtype), lower=True, trans="T")
            return W, b

        with team() as run:
            J = Objective(
                network, loss, as_input(self.X), Y.astype(self.X.dtype), run,
                sample_weight=self.weight,
            )  # fmt: skip

            def objective(theta):
                W, b = weights(theta)
                raw_W, raw_b = self.in_units_of_x(W, b)
                value, gradient = J(np.concatenate([raw_W.T.ravel(), raw_b]))
                by_W, by_b = gradient[: d * k].reshape(d, k), gradient[d * k :]
                by_W = (by_W - np.outer(self.mean, by_b)) / self.scale[:, np.newaxis] + alpha * W
                by_V = linalg.solve_triangular(L, by_W.astype(L.dtype), lower=True)
                value += alpha / 2 * float(np.einsum("ij,ij->", W, W, dtype=np.float64))
                return value, np.concatenate([by_V.ravel(), by_b])

            start = np.concatenate([(L.T @ W).ravel(), b])
            settings = self.settings
            found = lbfgs(objective, start, max_iter=settings.max_iter, ftol=settings.tol)
        return *weights(found.theta), found.n_iter

    def in_units_of_x(self, W, b):
        """coef_ (k, n_features) and intercept_ for features that are not standardized."""
        coef = (W / self.scale[:, np.newaxis]).T
        intercept = b - coef @ self.mean
        return np.ascontiguousarray(coef, self.X.dtype), intercept.astype(self.X.dtype)
