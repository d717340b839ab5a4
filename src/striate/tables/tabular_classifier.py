"""TabularClassifier: the mean of a few networks, whose settings suit tables as they are."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from striate.estimators.class_targets import smoothed
from striate.estimators.class_weights import ClassWeights
from striate.estimators.fitted_attributes import Attribute, Labels, Number
from striate.estimators.sklearn_private import Interval, StrOptions
from striate.estimators.validated_input import refuse_odd_targets

from .base_tabular import TabularModel
from .member_training import HeldOut
from .table_columns import is_missing
from .temperature import fitted_beta, log_loss_of, probabilities

Array = npt.NDArray[Any]

#: Default label smoothing, and the number of classes from which it is used.
SMOOTHING, MANY_CLASSES = 0.1, 10


class TabularClassifier(ClassifierMixin, TabularModel):
    """Classifier for tables of numbers and categories: a few networks with fitting defaults.

    Takes tables as they are: categories, missing values, numbers of any scale and outliers need no
    preparation. Each member has three hidden layers, a learned scale for each input, dropout and
    weight decay, and keeps the epoch with the least held-out log-loss. The probabilities are the
    mean of those of the members.

    Parameters
    ----------
    n_members : int, default=4
        Number of networks whose predictions are averaged. Each holds out another fifth of the rows
        to choose its epoch by, so that all of them together learn from every row.
    categorical_features : "from_dtype", None, or array-like of bool, int or str, \
            default="from_dtype"
        Columns of categories: those of text, categorical or boolean type in a data frame (pandas,
        polars, pyarrow); none; or a mask, indices or names. See :class:`TableEncoder`.
    max_one_hot : int, default=64
        Number of categories up to which each has an input of its own.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as in scikit-learn.
    label_smoothing : float or "auto", default="auto"
        Share ε of each label that is spread evenly over all classes in training, which keeps
        members from becoming too sure: 0.1 by default for 10 classes or more, 0 for fewer.
    hidden_layer_sizes : array-like of int, default=(256, 256, 256)
        Number of units in each hidden layer.
    activation : str, default="selu"
        Activation of the hidden units, as for :class:`MLPClassifier`.
    learning_rate_init : float, default=0.04
        Learning rate η, which suits layers of any width: W of a layer with n inputs has η / √n, its
        biases have η / 10, and the scales of the inputs 6 η. It rises and falls four times.
    weight_decay : float, default=0.02
        λ of W ← (1 − η λ) W in each step.
    dropout : float, default=0.15
        Probability that a hidden unit is dropped in a step.
    batch_size : int or "auto", default="auto"
        Number of rows per minibatch: by default 64, 128 or 256, for fewer than 500 or 5,000 rows or
        more.
    max_iter : int or "auto", default="auto"
        Number of epochs: by default 80 for up to 5,000 rows, fewer for more, and at least 240
        steps.
    n_iter_no_change : int or inf, default=24
        Number of epochs without a smaller held-out loss after which a member stops.
    verbose : bool, default=False
        Whether to print the loss of each epoch. For a progress bar:
        ``set_callbacks(sklearn.callback.ProgressBar())``.
    random_state : int, RandomState instance or None, default=None
        Source of the folds, the initial weights, dropout and the order of rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    temperature_ : float
        What logits are divided by, so that probabilities of held-out rows are as sure as they are
        right.
    encoder_ : TableEncoder
        The fitted encoder.
    n_members_, n_outputs_ : int
    coefs_ : list of ndarray of shape (n_members, n_in, n_out)
        Weights of each layer of each member; those of the first are with the scales of the inputs.
    intercepts_ : list of ndarray of shape (n_members, n_out)
    n_iter_ : int
        Largest number of epochs of a member.
    best_epochs_ : list of int
        The epoch whose weights each member keeps.
    loss_curves_, validation_loss_curves_ : list of list of float
        Loss of each member after each epoch, in training and for its held-out rows.
    loss_curve_, validation_loss_curve_ : list of float
        Their means, where a member that has stopped stays at its last loss.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    TabularRegressor : The regressor.
    MLPClassifier : A perceptron with scikit-learn's defaults.
    sklearn.ensemble.HistGradientBoostingClassifier : Boosted trees.

    Notes
    -----
    Computed in float32. Members are trained side by side in threads, on the same arrays. The result
    is the same to the last bit for any number of threads.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS (2024).
    .. [2] C. Szegedy and others, "Rethinking the Inception architecture for computer vision", CVPR
       (2016).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from striate import TabularClassifier
    >>> rng = np.random.default_rng(0)
    >>> flowers = pd.DataFrame(
    ...     {"height": rng.normal(size=200), "color": rng.choice(["red", "blue", None], 200)}
    ... )
    >>> bees = (flowers["height"] > 0) & (flowers["color"] == "blue")
    >>> model = TabularClassifier(2, max_iter=20, random_state=0).fit(flowers, bees)
    >>> model.score(flowers, bees) > 0.9
    True
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **TabularModel._fitted,
        "classes_": Labels(n_outputs="n_outputs_"),
        "temperature_": Number(),
    }
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **TabularModel._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "label_smoothing": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_members: int = 4,
        *,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 64,
        class_weight: Any = None,
        label_smoothing: Any = "auto",
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
        self.label_smoothing = label_smoothing
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
        if y.dtype.kind == "O" and any(is_missing(label) for label in y):
            raise ValueError(f"{name} has missing values: leave these rows out.")
        refuse_odd_targets(y, name, numeric=False)
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

    def _learned_targets(self, Y: Array) -> Array:
        share, n = self.label_smoothing, len(self.classes_)
        if share == "auto":
            share = SMOOTHING if n >= MANY_CLASSES else 0.0
        return smoothed(Y, share, 1 / n).astype(Y.dtype) if share else Y

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
