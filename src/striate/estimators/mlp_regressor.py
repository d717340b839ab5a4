"""MLPRegressor: scikit-learn's interface, ours is the engine."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from striate.core.activations import ACTIVATIONS, range_of

from .base_mlp import MultilayerPerceptron
from .fitted_attributes import Attribute, Floats
from .sklearn_private import StrOptions, fit_context
from .training import takes_minibatches
from .validated_input import FLOATS, validated

Array = npt.NDArray[Any]
# Margin between the targets and the ends of a bounded output's range, which z reaches at infinity.
_TARGET_MARGIN = 0.1


def _has_unscaled_targets(attributes: Mapping[str, Any]) -> bool:
    return attributes.get("out_activation_") not in [*filter(_is_bounded, ACTIVATIONS)]


def _is_bounded(activation: str) -> bool:
    return bool(np.isfinite(np.subtract(*range_of(activation))))


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """Multilayer perceptron regressor: scikit-learn's model in a fraction of the time.

    The same data and `random_state` give the same numbers as
    ``sklearn.neural_network.MLPRegressor``. `output_activation` and `initialization` are the
    lecture's variants.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        ½ (ŷ − y)², or for counts half the Poisson deviance, with ŷ = exp(z).
    hidden_layer_sizes : array-like of int, default=(100,)
        Number of units in each hidden layer; () for none.
    activation : {"identity", "logistic", "tanh", "relu", "silu"}, default="relu"
        Activation of the hidden units.
    solver : {"adam", "sgd", "lbfgs", "gd"}, default="adam"
        Adam or stochastic gradient descent over minibatches; L-BFGS, or the lecture's gradient
        descent with constant step α = `learning_rate_init`, over all rows.
    alpha : float, default=0.0001
        Strength of the ridge α / (2 n) Σ W², with n the number (or total weight) of a batch's rows.
    batch_size : int or "auto", default="auto"
        Number of rows per minibatch; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of "sgd": constant; divided by t ** `power_t` after t rows; or divided by 5 each
        time the loss (or validation score) does not improve for `n_iter_no_change` epochs.
    learning_rate_init : float, default=0.001
        Initial learning rate of "sgd", "adam" and "gd".
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Maximum number of epochs or iterations.
    shuffle : bool, default=True
        Whether to shuffle the rows before each epoch.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of rows and the validation rows.
    tol : float, default=1e-4
        Smallest improvement of loss or score that counts; for "lbfgs", the largest component of
        the gradient at which training stops; for "gd", the relative decrease of the loss.
    verbose : bool, default=False
        Whether to print the loss of each iteration. For a progress bar:
        ``set_callbacks(sklearn.callback.ProgressBar())``.
    warm_start : bool, default=False
        Whether `fit` continues from the last solution.
    momentum : float, default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether the momentum is Nesterov's.
    early_stopping : bool, default=False
        Whether "sgd" and "adam" stop when the score of held-out rows does not improve.
    validation_fraction : float, default=0.1
        Fraction of the rows to hold out.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Parameters of "adam".
    n_iter_no_change : int or inf, default=10
        Number of epochs without improvement after which "sgd" and "adam" stop.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss by "lbfgs".
    output_activation : {"auto", "logistic", "tanh"}, default="auto"
        "auto": the identity, or exp for counts. "logistic" and "tanh" are the lecture's: targets
        are scaled to the range 0.1 to 0.9, or −0.8 to 0.8, and predictions are scaled back.
        `partial_fit` keeps the scale of its first call.
    initialization : {"glorot", "normal"}, default="glorot"
        Initial weights: uniform in ±√(6 / (n_in + n_out)) (±√(2 / …) for sigmoid units), or normal
        with standard deviation 0.01.
    pretraining : SparseAutoencoder, StackedAutoencoder or FrozenEstimator of one, default=None
        Autoencoder that initializes the hidden layers and decides `hidden_layer_sizes` and
        `activation`; all layers are then trained together. It is cloned and fitted on the rows
        passed to `fit`, so that nothing leaks in cross-validation; a frozen one is used as it is.
    connectivity : mask, LocalReceptiveFields, list of these and None, or None, default=None
        Sparsity pattern: which inputs each unit sees. Time and memory are those of the connections.
        A mask is an array or sparse matrix (n_in, n_out), nonzero where there is a connection, for
        the first layer; a list has an entry per layer, None for a dense one. Masks decide the
        sizes of hidden layers. The rows of a data frame must have the names of the columns of X.
    l1_weight : float, default=0.0
        μ of the penalty ``μ Σ |W|``, which makes weights exactly 0: see `sparsify`.
    n_restarts : int, default=1
        Number of trainings from different initial weights, of which the best is kept: by the best
        validation score with `early_stopping`, otherwise by the final loss. The first is the one
        of ``n_restarts=1``. Small networks are trained side by side, with the same results.

    Attributes
    ----------
    coefs_ : list of ndarray or csc_array of shape (n_in, n_out)
        Weights of each layer, the transpose of the lecture's W; sparse for masked layers.
    intercepts_ : list of ndarray of shape (n_out,)
    loss_ : float
        Final loss, with ridge and L1 penalty.
    best_loss_ : float or None
        Lowest loss; None with early stopping.
    loss_curve_ : list of float
        Loss after each epoch or iteration.
    validation_scores_ : list of float or None
    best_validation_score_ : float or None
    n_iter_ : int
        Number of epochs or iterations.
    t_ : int
        Number of rows seen in training.
    n_layers_, n_outputs_ : int
    out_activation_ : str
    pretraining_ : SparseAutoencoder or StackedAutoencoder
        The fitted autoencoder, with `pretraining`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
    target_scale_, target_offset_ : ndarray of shape (n_outputs,)
        With "logistic" and "tanh" outputs: scaled targets are `y * target_scale_ + target_offset_`.

    See Also
    --------
    MLPClassifier : The classifier.
    sklearn.neural_network.MLPRegressor : The model that this one reproduces.

    Notes
    -----
    float32 data are computed in float32, others in float64. Sparse X is never converted to a
    dense array. The result is the same to the last bit for any number of threads.

    With several outputs, the reported loss is the mean over them, as in scikit-learn, although both
    minimise the sum.

    References
    ----------
    .. [1] Guillot, "Neural networks II" (2016).
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR (2015).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from striate import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> regressor = MLPRegressor(
    ...     hidden_layer_sizes=(10,), solver="lbfgs", max_iter=1000, tol=10.0, random_state=0
    ... )
    >>> regressor.fit(scale(X), y).score(scale(X), y) > 0.5
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
        "output_activation": [StrOptions({"auto", "logistic", "tanh"})],
    }

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **MultilayerPerceptron._fitted,
        "target_scale_": Floats(("n_outputs_",), optional=_has_unscaled_targets),
        "target_offset_": Floats(("n_outputs_",), optional=_has_unscaled_targets),
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        output_activation: str = "auto",
        initialization: str = "glorot",
        pretraining: Any = None,
        connectivity: Any = None,
        l1_weight: float = 0.0,
        n_restarts: int = 1,
    ) -> None:
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
        self.pretraining = pretraining
        self.connectivity = connectivity
        self.l1_weight = l1_weight
        self.n_restarts = n_restarts

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = validated(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=FLOATS,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError("loss='poisson' is for counts: y must not have negative values.")
        return X, y

    def _output(self) -> tuple[str, str]:
        if self.output_activation == "auto":
            return self.loss, "exp" if self.loss == "poisson" else "identity"
        if self.loss == "poisson":
            raise ValueError(
                "loss='poisson' has exp as its output activation: leave output_activation='auto'."
            )
        return self.loss, self.output_activation

    def _targets(self, y: Any, first: bool) -> Any:
        if not _is_bounded(self.out_activation_):
            return y
        low, high = range_of(self.out_activation_)
        margin = _TARGET_MARGIN * (high - low)
        low, high = low + margin, high - margin
        if first:
            lowest, highest = y.min(axis=0), y.max(axis=0)
            spread = np.where(highest > lowest, highest - lowest, 1)
            self.target_scale_ = (high - low) / spread
            self.target_offset_ = low - self.target_scale_ * lowest
        return y * self.target_scale_ + self.target_offset_

    def _reported(self, terms: dict[str, float]) -> float:
        # scikit-learn reports the mean over outputs, though its gradient is of their sum.
        n_outputs = self.n_outputs_ if self.loss == "squared_error" else 1
        return sum(terms.values()) - terms["data"] * (1 - 1 / n_outputs)

    def _validation_score(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        predictions = self._predictions(outputs)
        if not np.isfinite(predictions).all():
            return np.nan
        return float(r2_score(y, predictions, sample_weight=sample_weight))

    def _predictions(self, outputs: Array) -> Array:
        """Return outputs in the user's units."""
        if _is_bounded(self.out_activation_):
            outputs = (outputs - self.target_offset_) / self.target_scale_
            outputs = outputs.astype(self.coefs_[0].dtype, copy=False)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def predict(self, X: Any) -> Array:
        """Predict numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._predictions(self._output_of(X))

    @available_if(takes_minibatches)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one more epoch, over the given rows.

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
