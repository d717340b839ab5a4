"""MLPRegressor: scikit-learn's interface, ours is the engine."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Self

import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from .conformal_intervals import ConformalIntervals
from .fitted_attributes import Attribute, Floats
from .number_targets import PerceptronOfNumbers, has_unscaled_targets
from .sklearn_private import Interval, StrOptions, fit_context
from .training import takes_minibatches

Array = npt.NDArray[Any]


class MLPRegressor(RegressorMixin, PerceptronOfNumbers, ConformalIntervals):
    """Multilayer perceptron regressor: scikit-learn's model in a fraction of the time.

    The same data and `random_state` give the same numbers as
    ``sklearn.neural_network.MLPRegressor``. Parameters that scikit-learn does not have change
    nothing by default; `output_activation` and `initialization` are the lecture's variants.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson"}, \
            default="squared_error"
        ½ (ŷ − y)²; ``|ŷ − y|``; "huber", squared up to `huber_delta` and absolute beyond;
        "quantile", the pinball loss of `quantile`; or for counts half the Poisson deviance, with
        ŷ = exp(z).
    hidden_layer_sizes : array-like of int, default=(100,)
        Number of units in each hidden layer; () for none.
    activation : str or list of str, default="relu"
        Activation of the hidden units, or of each hidden layer: "identity", "logistic", "tanh",
        "relu", "leaky_relu" (slope 0.01), "elu", "selu", "softplus", "silu", "gelu" or "mish".
    solver : {"adam", "sgd", "lbfgs", "gd"}, default="adam"
        Adam or stochastic gradient descent over minibatches; L-BFGS, or the lecture's gradient
        descent with constant step α = `learning_rate_init`, over all rows.
    alpha : float, default=0.0001
        Strength of the ridge α / (2 n) Σ W², with n the number (or total weight) of a batch's rows.
    batch_size : int or "auto", default="auto"
        Number of rows per minibatch; "auto" is min(200, n_samples).
    learning_rate : str or callable, default="constant"
        Schedule of "sgd": "constant"; "invscaling", divided by t ** `power_t` after t rows; or
        "adaptive", divided by 5 each time the loss (or validation score) does not improve for
        `n_iter_no_change` epochs. Schedules of "sgd" and "adam" by the share of `max_iter` epochs
        that is done, which are not ended by `tol`: "cosine", half a cosine down to 0;
        "exponential", down to 0.01; "warmup", up in the first 5%; "one_cycle", up in the first 30%
        and down by half a cosine; or a function of the share that returns the factor.
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
        Whether to print the loss of each iteration, and at the end the most serious fault of the
        training, if there is any (see `diagnose`). For a progress bar:
        ``set_callbacks(sklearn.callback.ProgressBar())``.
    warm_start : bool, default=False
        Whether `fit` continues from the last solution.
    momentum : float, default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether the momentum is Nesterov's.
    early_stopping : bool, default=False
        Whether "sgd" and "adam" stop when the score of validation rows does not improve.
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
    initialization : {"auto", "glorot", "he", "lecun", "normal"}, default="auto"
        Initial weights: "glorot", uniform in ±√(6 / (n_in + n_out)) (±√(2 / …) for sigmoid units);
        normal with variance 2 / n_in ("he"), 1 / n_in ("lecun") or 0.01² ("normal"). "auto" is
        "glorot" for scikit-learn's activations, "lecun" for "selu", and "he" for the others.
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
    huber_delta : float, default=1.0
        Size of the error, in units of y, from which the Huber loss is absolute.
    quantile : float or list of float, default=0.5
        Level of the quantile loss, or several in increasing order for a single target: predictions
        then have a column for each, and never cross.
    dropout : float or list of float, default=0.0
        Probability that a hidden unit is dropped in a step of "sgd" or "adam"; a list has one
        number for the inputs and one for each hidden layer. Nothing is dropped in prediction.
    weight_decay : float, default=0.0
        λ of W ← (1 − η λ) W in each step of "sgd" or "adam": with "adam" this is AdamW.
    max_grad_norm : float or None, default=None
        Norm to which the gradient of a batch is scaled down if it is larger.
    weight_averaging : float, default=0.0
        Share that an average of the weights keeps in each step, such as 0.999. Predictions and
        validation use the average; 0 for none.
    learning_rate_factors : dict or None, default=None
        By what the learning rate is multiplied for "weights", "biases" or the number of a layer, as
        in ``{0: 0.1, "biases": 2.0}``; a factor of 0 leaves a layer as it is.
    scoring : str, callable or None, default=None
        Score of the validation rows: a scorer of scikit-learn, or "loss"; by default R², or D² with
        several quantiles.
    restore_best : bool, default=True
        Whether the weights of the epoch with the best validation score are kept, not the last.
    n_restarts : int, default=1
        Number of trainings from different initial weights. The best is kept: by the score of the
        validation rows if there are any, otherwise by the final loss. The first is the one of
        ``n_restarts=1``. Small networks are trained side by side, with the same results.

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
    validation_scores_, validation_loss_curve_ : list of float or None
        Score and loss (without penalties) of the validation rows after each epoch, if there are
        any.
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
    calibration_errors_ : ndarray of shape (n_calibration, n_outputs)
        y minus the predictions, after `calibrate_intervals`.

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
        **PerceptronOfNumbers._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"})],
        "output_activation": [StrOptions({"auto", "logistic", "tanh"})],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **PerceptronOfNumbers._fitted,
        "target_scale_": Floats(("n_outputs_",), optional=has_unscaled_targets),
        "target_offset_": Floats(("n_outputs_",), optional=has_unscaled_targets),
        "calibration_errors_": Floats(("*", "n_outputs_"), optional=True),
    }

    def __init__(  # noqa: PLR0915 (one for each parameter)
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
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
        initialization: str = "auto",
        pretraining: Any = None,
        connectivity: Any = None,
        l1_weight: float = 0.0,
        huber_delta: float = 1.0,
        quantile: Any = 0.5,
        dropout: Any = 0.0,
        weight_decay: float = 0.0,
        max_grad_norm: float | None = None,
        weight_averaging: float = 0.0,
        learning_rate_factors: Any = None,
        scoring: Any = None,
        restore_best: bool = True,
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
        self.huber_delta = huber_delta
        self.quantile = quantile
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.weight_averaging = weight_averaging
        self.learning_rate_factors = learning_rate_factors
        self.scoring = scoring
        self.restore_best = restore_best
        self.n_restarts = n_restarts

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R²; with several quantiles, the mean of their D² (of the pinball loss).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return self._fit_of(y, self.predict(X), sample_weight)

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
