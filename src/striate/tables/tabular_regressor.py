"""TabularRegressor: the mean of a few networks, whose settings suit tables as they are."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_is_fitted

from striate.core.losses import loss_call, mean_loss
from striate.estimators.conformal_intervals import ConformalIntervals
from striate.estimators.fitted_attributes import Attribute, Each, Floats
from striate.estimators.quantile_levels import quantile_levels
from striate.estimators.sklearn_private import Interval, StrOptions
from striate.estimators.validated_input import refuse_odd_targets

from .base_tabular import TabularModel
from .member_training import HeldOut

Array = npt.NDArray[Any]
#: How far beyond the targets of `fit` predictions may go, as a share of their range.
MARGIN = 0.05


class TabularRegressor(RegressorMixin, TabularModel, ConformalIntervals):
    """Regressor for tables of numbers and categories: a few networks with fitting defaults.

    Takes tables as they are: categories, missing values, numbers of any scale and outliers need no
    preparation. Each member has three hidden layers, a learned scale for each input, dropout and
    weight decay, and keeps the epoch with the least held-out loss. Predictions are the mean of
    those of the members, and stay within the range of the targets of `fit` and 5% beyond.

    Parameters
    ----------
    n_members : int, default=4
        Number of networks whose predictions are averaged. Each holds out another fifth of the rows
        to choose its epoch by, so that all of them together learn from every row.
    loss : {"squared_error", "absolute_error", "quantile"}, default="squared_error"
        ½ (ŷ − y)²; ``|ŷ − y|``, for medians; or the pinball loss of `quantile`.
    quantile : float or list of float, default=0.5
        Level of the quantile loss, or several in increasing order for a single target: predictions
        then have a column for each, and never cross.
    categorical_features : "from_dtype", None, or array-like of bool, int or str, \
            default="from_dtype"
        Columns of categories: those of text, categorical or boolean type in a data frame (pandas,
        polars, pyarrow); none; or a mask, indices or names. See :class:`TableEncoder`.
    max_one_hot : int, default=64
        Number of categories up to which each has an input of its own.
    hidden_layer_sizes : array-like of int, default=(256, 256, 256)
        Number of units in each hidden layer.
    activation : str, default="mish"
        Activation of the hidden units, as for :class:`MLPClassifier`.
    learning_rate_init : float, default=0.07
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
    target_mean_, target_scale_ : ndarray of shape (n_targets,)
        Mean and standard deviation of the targets.
    target_range_ : tuple of two ndarray of shape (n_targets,)
        Smallest and largest targets.
    calibration_errors_ : ndarray of shape (n_calibration, n_outputs)
        y minus the predictions, after `calibrate_intervals`.
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
    TabularClassifier : The classifier.
    MLPRegressor : A perceptron with scikit-learn's defaults.
    sklearn.ensemble.HistGradientBoostingRegressor : Boosted trees.

    Notes
    -----
    Computed in float32. Members are trained side by side in threads, on the same arrays. The result
    is the same to the last bit for any number of threads.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS (2024).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from striate import TabularRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularRegressor(2, max_iter=20, random_state=0).fit(X[:300], y[:300])
    >>> model.score(X[300:], y[300:]) > 0.4
    True
    >>> model.calibrate_intervals(X[300:400], y[300:400]).predict_interval(X[400:]).shape
    (42, 2)
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **TabularModel._fitted,
        "target_mean_": Floats(("n_targets",)),
        "target_scale_": Floats(("n_targets",)),
        "target_range_": Each(Floats(("n_targets",)), tuple, length=2),
        "calibration_errors_": Floats(("*", "n_outputs_"), optional=True),
    }
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **TabularModel._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "quantile"})],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    def __init__(
        self,
        n_members: int = 4,
        *,
        loss: str = "squared_error",
        quantile: Any = 0.5,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 64,
        hidden_layer_sizes: Any = (256, 256, 256),
        activation: str = "mish",
        learning_rate_init: float = 0.07,
        weight_decay: float = 0.02,
        dropout: float = 0.15,
        batch_size: Any = "auto",
        max_iter: Any = "auto",
        n_iter_no_change: float = 24,
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.n_members = n_members
        self.loss = loss
        self.quantile = quantile
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
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

    def _levels(self) -> list[float]:
        return quantile_levels(self.quantile) if self.loss == "quantile" else []

    def _checked_targets(self, y: Any, name: str) -> Array:
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        refuse_odd_targets(y, name, numeric=True)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name)
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _learn_targets(self, y: Array) -> None:
        columns = y.reshape(len(y), -1)
        if len(self._levels()) > 1 and columns.shape[1] > 1:
            raise ValueError(
                f"Several quantiles are of a single target, but y has {columns.shape[1]} columns."
            )
        std = columns.std(axis=0)
        if not std.all():
            warnings.warn("y is constant: so is the prediction.", stacklevel=6)
        self.target_mean_, self.target_scale_ = columns.mean(axis=0), np.where(std > 0, std, 1.0)
        self.target_range_ = columns.min(axis=0), columns.max(axis=0)
        if hasattr(self, "calibration_errors_"):
            del self.calibration_errors_  # of another model

    def _check_held_out(self, y: Array) -> None:
        n, n_fit = y.reshape(len(y), -1).shape[1], len(self.target_mean_)
        if n != n_fit:
            raise ValueError(f"y must have {n_fit} columns, as in fit, got {n}.")

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any]:
        y = self._checked_targets(y, "y")
        self._check_held_out(y)
        return X, y

    def _targets(self, y: Array) -> Array:
        Y = (y.reshape(len(y), -1) - self.target_mean_) / self.target_scale_
        return np.repeat(Y, len(self._levels()), axis=1) if len(self._levels()) > 1 else Y

    def _class_weights(self, y: Array) -> Callable[[Array], Array]:
        return lambda y: np.ones(len(y))

    def _strata(self, Y: Array) -> Array:
        return np.zeros(len(Y))

    def _output(self) -> tuple[str, str, str]:
        if len(self._levels()) > 1:
            return "increasing_quantiles", "increasing", "increasing"
        return self.loss, "identity", "identity"

    def _loss_constants(self) -> tuple[float, ...]:
        levels = self._levels()
        return tuple(levels * len(self.target_mean_) if len(levels) == 1 else levels)

    def _measure(self, outputs: Array, targets: Array, weights: Array) -> float:
        constants = self._loss_constants()
        call = loss_call(self._output()[0], outputs.dtype, outputs.shape[1], constants)
        return mean_loss(call, outputs, targets, weights)

    def _calibrate(self, outputs: Sequence[Array], held_out: Sequence[HeldOut]) -> None:
        pass

    def _gradients(self, z: Array, jacobian: Array) -> Array:
        if self._activations[-1] == "increasing":
            jacobian[:, 1:] *= expit(z[:, 1:, np.newaxis])
            jacobian = jacobian.cumsum(axis=1)
            z = np.hstack([z[:, :1], np.logaddexp(0, z[:, 1:])]).cumsum(axis=1)
        low, high = self._limits()
        y = self._in_users_units(z)
        inside = (y > low) & (y < high)
        return jacobian * (self.target_scale_ * inside)[:, :, np.newaxis]

    def predict(self, X: Any) -> Array:
        """Predict numbers, within the range of the targets of `fit` and a little beyond.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        check_is_fitted(self)
        low, high = self._limits()
        members = [
            np.clip(self._in_users_units(outputs), low, high)
            for outputs in self._outputs(self._encoded(X))
        ]
        mean = np.mean(members, axis=0)
        return mean.ravel() if mean.shape[1] == 1 else mean

    def _limits(self) -> Array:
        """Return the lowest and the highest prediction of each output."""
        low, high = self.target_range_
        margin = MARGIN * (high - low)
        return np.stack([low - margin, high + margin])

    def _in_users_units(self, outputs: Array) -> Array:
        return outputs.astype(np.float64) * self.target_scale_ + self.target_mean_
