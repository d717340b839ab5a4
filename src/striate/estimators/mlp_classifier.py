"""MLPClassifier: scikit-learn's interface, ours is the engine."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels

from .base_mlp import MultilayerPerceptron
from .fitted_attributes import Attribute, Instance, Labels, OneOf
from .sklearn_private import StrOptions, check_partial_fit_first_call, fit_context
from .training import takes_minibatches
from .validated_input import FLOATS, validated

Array = npt.NDArray[Any]


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """Multilayer perceptron classifier: scikit-learn's model in a fraction of the time.

    The same data and `random_state` give the same numbers as
    ``sklearn.neural_network.MLPClassifier``. `loss`, `output_activation` and `initialization` are
    the lecture's variants.

    Parameters
    ----------
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
    loss : {"log_loss", "squared_error"}, default="log_loss"
        "squared_error" is the lecture's J = 1/m Σ ½ ‖a − y‖² on outputs a of `output_activation`,
        one per class (a single one for two classes).
    output_activation : {"auto", "logistic", "tanh"}, default="auto"
        With squared error: sigmoid outputs for targets 0 and 1 ("auto"), or tanh outputs for
        targets −1 and 1.
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
    classes_ : ndarray of shape (n_classes,)
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

    See Also
    --------
    MLPRegressor : The regressor.
    sklearn.neural_network.MLPClassifier : The model that this one reproduces.

    Notes
    -----
    float32 data are computed in float32, others in float64. Sparse X is never converted to a
    dense array. The result is the same to the last bit for any number of threads.

    References
    ----------
    .. [1] Guillot, "Neural networks II" (2016).
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR (2015).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from striate import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> classifier = MLPClassifier(solver="lbfgs", max_iter=60, tol=1e-2, random_state=0)
    >>> classifier.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"log_loss", "squared_error"})],
        "output_activation": [StrOptions({"auto", "logistic", "tanh"})],
    }

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **MultilayerPerceptron._fitted,
        "classes_": Labels(n_outputs="n_outputs_"),
        "_label_binarizer": Instance(
            LabelBinarizer,
            {
                "classes_": Labels(n_outputs="n_outputs_"),
                "y_type_": OneOf({"binary", "multiclass", "multilabel-indicator"}),
            },
        ),
    }

    def __init__(
        self,
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
        loss: str = "log_loss",
        output_activation: str = "auto",
        initialization: str = "glorot",
        pretraining: Any = None,
        connectivity: Any = None,
        l1_weight: float = 0.0,
        n_restarts: int = 1,
    ) -> None:
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
            dtype=FLOATS,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._learn_classes(y)
        else:
            self._check_classes(y)
        return X, self._label_binarizer.transform(y).astype(bool)

    def _learn_classes(self, y: Any) -> None:
        self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._label_binarizer.classes_

    def _check_classes(self, y: Any) -> None:
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

    def _output(self) -> tuple[str, str]:
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

    def _targets(self, y: Any, first: bool) -> Any:
        return 2.0 * y - 1.0 if self.out_activation_ == "tanh" else y

    def _strata(self, y: Any) -> Any:
        return y if y.shape[1] == 1 else None

    def _validation_score(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        probabilities = self._probabilities(outputs)
        if not np.isfinite(probabilities).all():
            return np.nan
        truth = self._label_binarizer.inverse_transform(y)
        labels = self._labels(probabilities)
        return float(accuracy_score(truth, labels, sample_weight=sample_weight))

    def _probabilities(self, outputs: Array) -> Array:
        """Return probabilities (n_samples, n_outputs)."""
        if self.out_activation_ == "tanh":
            outputs = (outputs + 1) / 2
        if self.loss == "squared_error" and self._label_binarizer.y_type_ == "multiclass":
            total = outputs.sum(axis=1, keepdims=True)
            outputs /= np.maximum(total, np.finfo(outputs.dtype).tiny)
        return outputs

    def _labels(self, probabilities: Array) -> Array:
        if probabilities.shape[1] == 1 and len(self.classes_) == 2:
            return self.classes_[(probabilities.ravel() > 0.5).astype(np.intp)]
        if self._label_binarizer.y_type_ == "multiclass":
            return self.classes_[probabilities.argmax(axis=1)]
        if probabilities.shape[1] == 1:
            probabilities = probabilities.ravel()
        return self._label_binarizer.inverse_transform(probabilities)

    def predict(self, X: Any) -> Array:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._labels(self._probabilities(self._output_of(X)))

    @available_if(takes_minibatches)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one more epoch, over the given rows.

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
        if check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict_proba(self, X: Any) -> Array:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        probabilities = self._probabilities(self._output_of(X))
        if self.n_outputs_ == 1:
            return np.hstack([1 - probabilities, probabilities])
        return probabilities

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
