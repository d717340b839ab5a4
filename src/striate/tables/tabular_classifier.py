"""TabularClassifier: the mean of a few networks, whose settings suit tables as they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from striate.estimators.class_weights import ClassWeights
from striate.estimators.fitted_attributes import Attribute, Labels, Number
from striate.estimators.sklearn_private import StrOptions

from .base_tabular import TabularModel
from .member_training import HeldOut
from .temperature import fitted_beta, log_loss_of, probabilities

Array = npt.NDArray[Any]


class TabularClassifier(ClassifierMixin, TabularModel):
    """DOC."""

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **TabularModel._fitted,
        "classes_": Labels(n_outputs="n_outputs_"),
        "temperature_": Number(),
    }
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **TabularModel._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        n_members: int = 4,
        *,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 64,
        class_weight: Any = None,
        hidden_layer_sizes: Any = (256, 256, 256),
        activation: str = "selu",
        learning_rate_init: float = 0.04,
        weight_decay: float = 0.02,
        dropout: float = 0.15,
        batch_size: Any = "auto",
        max_iter: Any = "auto",
        n_iter_no_change: float = 24,
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.n_members = n_members
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.class_weight = class_weight
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.verbose = verbose
        self.random_state = random_state

    def _checked_targets(self, y: Any, name: str) -> Array:
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        if y.dtype.kind == "O" and any(label is None for label in y):
            raise ValueError(f"{name} has missing values: leave these rows out.")
        assert_all_finite(y, input_name=name)
        check_classification_targets(y)
        return np.asarray(y)

    def _learn_targets(self, y: Array) -> None:
        self.classes_, self.temperature_ = np.unique(y), 1.0
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_[0]!r}: there is nothing to tell apart."
            )

    def _check_held_out(self, y: Array) -> None:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"`y_val` has classes that y has not: {unknown.tolist()}.")

    def _codes(self, y: Array) -> Array:
        return np.searchsorted(self.classes_, y)

    def _targets(self, y: Array) -> Array:
        codes, n = self._codes(y), len(self.classes_)
        Y = codes[:, np.newaxis] if n == 2 else codes[:, np.newaxis] == np.arange(n)
        return Y.astype(np.float32)

    def _class_weights(self, y: Array) -> Callable[[Array], Array]:
        if self.class_weight is None:
            return lambda y: np.ones(len(y))
        codes = self._codes(y).reshape(-1, 1)
        weights = ClassWeights(self.class_weight, [self.classes_], codes)
        return lambda y: weights.rows(self._codes(y).reshape(-1, 1))

    def _strata(self, Y: Array) -> Array:
        return _codes_of(Y)

    def _output(self) -> tuple[str, str, str]:
        if len(self.classes_) == 2:
            return "log_loss", "logistic", "identity"
        return "cross_entropy", "softmax", "identity"

    def _measure(self, outputs: Array, targets: Array, weights: Array) -> float:
        codes = _codes_of(targets)
        return log_loss_of(outputs, codes, weights, fitted_beta(outputs, codes, weights))

    def _calibrate(self, outputs: Sequence[Array], held_out: Sequence[HeldOut]) -> None:
        if not outputs:
            return
        codes = np.concatenate([_codes_of(each.Y) for each in held_out])
        weights = np.concatenate([each.weights for each in held_out])
        self.temperature_ = 1 / fitted_beta(np.concatenate(outputs), codes, weights)

    def _gradients(self, z: Array, jacobian: Array) -> Array:
        beta = 1 / self.temperature_
        p = probabilities(z, beta)[:, :, np.newaxis]
        if z.shape[1] == 1:
            return beta * p[:, 1:] * p[:, :1] * jacobian
        return beta * p * (jacobian - (p * jacobian).sum(axis=1, keepdims=True))

    def predict_proba(self, X: Any) -> Array:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        beta = 1 / self.temperature_
        members = [probabilities(logits, beta) for logits in self._outputs(self._encoded(X))]
        return np.asarray(np.mean(members, axis=0, dtype=np.float64))

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Array:
        """Predict classes.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        probability = self.predict_proba(X)
        return self.classes_[probability.argmax(axis=1)]


def _codes_of(Y: Array) -> Array:
    return Y[:, 0].astype(np.intp) if Y.shape[1] == 1 else Y.argmax(axis=1)
