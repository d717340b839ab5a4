"""MLPClassifier and MLPRegressor: scikit-learn's interface, ours is the engine."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from striate.estimators.multilayer import MultilayerPerceptron, takes_minibatches

# Where targets lie for an output activation that is reached only at infinity.
_TARGET_RANGE = {"logistic": (0.1, 0.9), "tanh": (-0.8, 0.8)}


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """PLACEHOLDER."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"log_loss", "squared_error"})],
        "output_activation": [StrOptions({"auto", "logistic", "tanh"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        loss="log_loss",
        output_activation="auto",
        initialization="glorot",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.output_activation = output_activation
        self.initialization = initialization

    def _validate_input(self, X, y, incremental, reset):
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._learn_classes(y)
        else:
            self._check_classes(y)
        return X, self._label_binarizer.transform(y).astype(bool)

    def _learn_classes(self, y):
        self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._label_binarizer.classes_

    def _check_classes(self, y):
        classes = unique_labels(y)
        if self.warm_start and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _output(self):
        multiclass = self._label_binarizer.y_type_ == "multiclass"
        if self.loss == "squared_error":
            chosen = self.output_activation
            return "squared_error", "logistic" if chosen == "auto" else chosen
        if self.output_activation != "auto":
            raise ValueError(
                "loss='log_loss' has its own output activation, softmax or logistic: leave "
                "output_activation='auto', or choose loss='squared_error'."
            )
        return ("cross_entropy", "softmax") if multiclass else ("log_loss", "logistic")

    def _targets(self, y, first):
        return 2.0 * y - 1.0 if self.out_activation_ == "tanh" else y

    def _strata(self, y):
        return y if y.shape[1] == 1 else None

    def _validation_score(self, X, y, sample_weight):
        probabilities = self._probabilities(X)
        if not np.isfinite(probabilities).all():
            return np.nan
        truth = self._label_binarizer.inverse_transform(y)
        return accuracy_score(truth, self._labels(probabilities), sample_weight=sample_weight)

    def _probabilities(self, X):
        """(n_samples, n_outputs) in [0, 1], from valid X."""
        outputs = self._network_output(X)
        if self.out_activation_ == "tanh":
            outputs = (outputs + 1) / 2
        if self.loss == "squared_error" and self._label_binarizer.y_type_ == "multiclass":
            total = outputs.sum(axis=1, keepdims=True)
            outputs /= np.maximum(total, np.finfo(outputs.dtype).tiny)
        return outputs

    def _labels(self, probabilities):
        if probabilities.shape[1] == 1 and len(self.classes_) == 2:
            return self.classes_[(probabilities.ravel() > 0.5).astype(np.intp)]
        if self._label_binarizer.y_type_ == "multiclass":
            return self.classes_[probabilities.argmax(axis=1)]
        if probabilities.shape[1] == 1:
            probabilities = probabilities.ravel()
        return self._label_binarizer.inverse_transform(probabilities)

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._labels(self._probabilities(self._validated(X)))

    @available_if(takes_minibatches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on training with one epoch over the given rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array of shape (n_classes,), default=None
            All classes that there will be; needed in the first call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If y has a class that was not announced, and as from `fit`.
        """
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        probabilities = self._probabilities(self._validated(X))
        if self.n_outputs_ == 1:
            return np.hstack([1 - probabilities, probabilities])
        return probabilities

    def predict_log_proba(self, X):
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """PLACEHOLDER."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
        "output_activation": [StrOptions({"auto", "logistic", "tanh"})],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        output_activation="auto",
        initialization="glorot",
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.output_activation = output_activation
        self.initialization = initialization

    def _validate_input(self, X, y, incremental, reset):
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError("loss='poisson' is for counts: y must not have negative values.")
        return X, y

    def _output(self):
        if self.output_activation == "auto":
            return self.loss, "exp" if self.loss == "poisson" else "identity"
        if self.loss == "poisson":
            raise ValueError(
                "loss='poisson' has exp as its output activation: leave output_activation='auto'."
            )
        return self.loss, self.output_activation

    def _targets(self, y, first):
        if self.out_activation_ not in _TARGET_RANGE:
            return y
        low, high = _TARGET_RANGE[self.out_activation_]
        if first:
            lowest, highest = y.min(axis=0), y.max(axis=0)
            spread = np.where(highest > lowest, highest - lowest, 1)
            self.target_scale_ = (high - low) / spread
            self.target_offset_ = low - self.target_scale_ * lowest
        return y * self.target_scale_ + self.target_offset_

    def _reported(self, terms):
        # scikit-learn reports the mean over outputs, though its gradient is of their sum.
        n_outputs = self.n_outputs_ if self.loss == "squared_error" else 1
        return terms["data"] / n_outputs + terms["ridge"]

    def _validation_score(self, X, y, sample_weight):
        predictions = self._predictions(X)
        if not np.isfinite(predictions).all():
            return np.nan
        return r2_score(y, predictions, sample_weight=sample_weight)

    def _predictions(self, X):
        outputs = self._network_output(X)
        if self.out_activation_ in _TARGET_RANGE:
            outputs = (outputs - self.target_offset_) / self.target_scale_
            outputs = outputs.astype(self.coefs_[0].dtype, copy=False)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def predict(self, X):
        """Predict numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._predictions(self._validated(X))

    @available_if(takes_minibatches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Go on training with one epoch over the given rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)
