"""The sparse autoencoder: a network that learns features by reproducing its input."""

from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import gen_batches
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from striate.core.block_sums import sums_over
from striate.core.design_matrix import as_input
from striate.core.inference import network_output
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.tree_sum import Term
from striate.solvers.result import Result, Status

from .autoencoder_problem import check_ranges, network_of, problem_of, solver_of
from .connectivity_masks import without_zeros
from .fitted_attributes import INPUT, OPTIMIZER, Attribute, Each, Floats, Instance, Number, Whole
from .local_receptive_fields import LocalReceptiveFields
from .outlier_detection import OutlierDetection, outlier_offset
from .progress import Progress
from .reconstruction import Layer, Reconstruction
from .restarts import Training, adopt, reporting, restarted
from .sklearn_private import Interval, StrOptions, fit_context
from .training import Theta, takes_minibatches, train
from .training_faults import report_worst_fault
from .training_record import TrainingRecord, record_of

# Number of rows whose activations are averaged at a time.
_BLOCK_ROWS = 4096
# Multiplications in J that take a fraction of a second.
_QUICK_OBJECTIVE = 1_000_000_000


class SparseAutoencoder(CallbackSupportMixin, OutlierDetection, Reconstruction):
    """Learn features by reproducing the input from hidden units that are mostly inactive.

    It minimises the lecture's

    J = 1/m Σ_i ½ ‖x̂_i − x_i‖² + λ/2 Σ W² + β Σ_j KL(ρ ‖ ρ̂_j),

    with a = f(W x + b) the hidden units, x̂ = g(W′ a + b′) the reconstruction, and ρ̂_j the mean of
    a_j over all rows.

    Parameters
    ----------
    n_components : int, default=100
        Number of hidden units; `connectivity` decides it if given.
    activation : {"logistic", "tanh", "relu"}, default="logistic"
        Activation f of the hidden units.
    output_activation : {"identity", "logistic", "tanh"}, default="identity"
        Activation g of the reconstruction. "logistic" needs X between 0 and 1, "tanh" between -1
        and 1: scale X with `PatchScaler` or `sklearn.preprocessing.MinMaxScaler`.
    weight_decay : float, default=1e-4
        λ of the ridge.
    sparsity_target : float, default=0.05
        Target ρ for the mean activation of each hidden unit: between 0 and 1 for "logistic",
        between -1 and 1 for "tanh", above 0 for "relu".
    sparsity_weight : float, default=3.0
        β; 0 for no sparsity term.
    tied_weights : bool, default=False
        Whether the decoder uses the encoder's weights, W′ = Wᵀ, which halves the number of
        parameters; the ridge counts them once.
    noise : float, default=0.0
        Noise of the inputs from which rows are reproduced (a denoising autoencoder [3]_):
        for "masking", the probability with which a number is replaced by 0; for "gaussian", the
        standard deviation of added noise. "adam" draws new noise in each epoch; the other solvers,
        which need the same J at every step, use one noisy copy.
    noise_type : {"masking", "gaussian"}, default="masking"
        Kind of noise.
    solver : {"lbfgs", "adam", "gd"}, default="lbfgs"
        L-BFGS over all rows, Adam over minibatches, or the lecture's gradient descent over all
        rows with constant step.
    max_iter : int, default=400
        Maximum number of iterations (epochs, for Adam).
    tol : float, default=1e-7
        Relative decrease of J in one iteration below which training stops (Adam: in each of ten
        consecutive epochs).
    learning_rate : float or "auto", default="auto"
        Learning rate of "adam" ("auto": 0.001) and "gd" ("auto": 0.1).
    batch_size : int, default=200
        Number of rows per minibatch of "adam".
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the noise, and the order of rows for "adam".
    warm_start : bool, default=False
        Whether `fit` continues from the last solution.
    verbose : bool, default=False
        Whether to print J after each iteration, and at the end the most serious fault of the
        training, if there is any (see `diagnose`). For a progress bar:
        ``set_callbacks(sklearn.callback.ProgressBar())``.
    connectivity : mask, LocalReceptiveFields or None, default=None
        Sparsity pattern: which inputs each hidden unit sees and helps to reproduce. Time and memory
        are those of the connections. A mask is an array or sparse matrix (n_features,
        n_components), nonzero where there is a connection; the rows of a data frame must have the
        names of the columns of X.
    l1_weight : float, default=0.0
        μ of the penalty ``μ Σ |W|``, which makes weights exactly 0: see `sparsify`.
    n_restarts : int, default=1
        Number of trainings from different initial weights; the one with the lowest J is kept. The
        first is the one of ``n_restarts=1``.
    contamination : "auto" or float, default="auto"
        Share of the training rows that are outliers, above 0 and at most 0.5, which decides
        `offset_` and nothing else. "auto" for one in a hundred, and more if the errors of more rows
        are larger than usual: than one in a hundred of the χ² distribution with their quartiles.

    Attributes
    ----------
    components_ : ndarray or csr_array of shape (n_components, n_features)
        Weights W of the hidden units; sparse with `connectivity`.
    intercept_ : ndarray of shape (n_components,)
        Biases b.
    decoder_components_ : ndarray, csc_array or csr_array of shape (n_components, n_features)
        Weights W′ of each hidden unit in the reconstruction.
    decoder_intercept_ : ndarray of shape (n_features,)
        Biases b′.
    loss_ : float
        Final J; after `partial_fit`, and after Ctrl-C with "adam" and much data, its mean over
        the last epoch.
    loss_curve_ : list of float
        J after each iteration (Adam: its mean over the epoch); with `warm_start` and `partial_fit`,
        of all calls.
    n_iter_ : int
        Number of iterations or epochs.
    mean_activation_ : ndarray of shape (n_components,)
        ρ̂ on the training data.
    offset_ : float
        Score below which `predict` returns -1, from the rows of the last `fit` or `partial_fit`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    PatchFeatures : Features of images, learned from patches and convolved over the images.
    FeatureDisplay : Picture of the feature of each hidden unit.

    Notes
    -----
    float32 data are computed in float32, others in float64. The same `random_state` gives the same
    result to the last bit, whatever the number of threads.

    Memory beyond X is that of a block of rows or a batch, the weights (L-BFGS remembers ten steps)
    and at most 64 MB of activations. Sparse X is never converted to a dense array as a whole, but
    the reconstruction of each block is dense.

    With Adam, ρ̂ is a running mean over batches. For relu units, whose mean is not bounded by 1,
    the sparsity term is the divergence ρ log(ρ/ρ̂) − ρ + ρ̂.

    References
    ----------
    .. [1] Guillot, "Neural networks II" (2016): autoencoders, sparse autoencoders.
    .. [2] A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford (2011).
    .. [3] P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol, "Extracting and composing robust
       features with denoising autoencoders", ICML (2008).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from striate import SparseAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = SparseAutoencoder(25, sparsity_weight=0.3, tol=0.003, random_state=0)
    >>> autoencoder.fit_transform(X).shape
    (1797, 25)
    >>> autoencoder.loss_ < autoencoder.loss_curve_[0]
    True
    """

    components_: Any  # arrays, or sparse matrices
    decoder_components_: Any

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "components_": Floats(("n_components", "n_features_in_"), sparse=True),
        "intercept_": Floats(("n_components",)),
        "decoder_components_": Floats(("n_components", "n_features_in_"), sparse=True),
        "decoder_intercept_": Floats(("n_features_in_",)),
        "mean_activation_": Floats(("n_components",)),
        "loss_": Number(),
        "loss_curve_": Each(Number()),
        "n_iter_": Whole(),
        "offset_": Number(optional=True),  # models of earlier versions have none
        "_optimizer": OPTIMIZER,
        "_random_state": Instance(np.random.RandomState),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"logistic", "tanh", "relu"})],
        "output_activation": [StrOptions({"identity", "logistic", "tanh"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "sparsity_target": [Interval(Real, None, None, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "tied_weights": ["boolean"],
        "noise": [Interval(Real, 0, None, closed="left")],
        "noise_type": [StrOptions({"masking", "gaussian"})],
        "solver": [StrOptions({"lbfgs", "adam", "gd"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "connectivity": ["array-like", "sparse matrix", LocalReceptiveFields, None],
        "l1_weight": [Interval(Real, 0, None, closed="left")],
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
        "contamination": OutlierDetection._contamination_constraint,
    }

    def __init__(
        self,
        n_components: int = 100,
        *,
        activation: str = "logistic",
        output_activation: str = "identity",
        weight_decay: float = 1e-4,
        sparsity_target: float = 0.05,
        sparsity_weight: float = 3.0,
        tied_weights: bool = False,
        noise: float = 0.0,
        noise_type: str = "masking",
        solver: str = "lbfgs",
        max_iter: int = 400,
        tol: float = 1e-7,
        learning_rate: float | str = "auto",
        batch_size: int = 200,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        connectivity: Any = None,
        l1_weight: float = 0.0,
        n_restarts: int = 1,
        contamination: float | str = "auto",
    ) -> None:
        self.n_components = n_components
        self.activation = activation
        self.output_activation = output_activation
        self.weight_decay = weight_decay
        self.sparsity_target = sparsity_target
        self.sparsity_weight = sparsity_weight
        self.tied_weights = tied_weights
        self.noise = noise
        self.noise_type = noise_type
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.connectivity = connectivity
        self.l1_weight = l1_weight
        self.n_restarts = n_restarts
        self.contamination = contamination

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values or is outside the output activation's range, if
            `sparsity_target` is outside the hidden activation's, if `noise` is no probability, or
            if the training diverges.
        """
        return self._fit(X, incremental=False)

    @available_if(takes_minibatches)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn for one more epoch, over the given rows, with solver="adam".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As from `fit`.
        """
        return self._fit(X, incremental=True)

    def _fit(self, X: Any, incremental: bool) -> Self:
        given, go_on = X, hasattr(self, "components_") and (incremental or self.warm_start)
        X = self._validated(X, reset=not go_on)
        check_ranges(self, X)
        network = network_of(self, X, go_on)
        record = TrainingRecord() if incremental else record_of(self, X=X)
        if not (go_on and incremental):
            self._random_state = record.random_state(self.random_state)
        theta = self._start(network, X.dtype, go_on)
        problem = problem_of(self, network, as_input(X))
        trainings = []
        for model in restarted(self, 1 if go_on or incremental else self.n_restarts):
            if model is not self:
                theta = model._start(network, X.dtype, go_on)
            attributes = partial(self._attributes, network)
            progress = Progress(self, model.loss_curve_, {"X": given}, attributes)
            trainings.append(Training(model, theta, solver_of(model, incremental), progress))

        def finish(result: Result, run: Any) -> Result:
            """Return J over all rows, where an epoch has the mean over changing parameters."""
            # Whoever presses Ctrl-C shall not wait long for J.
            quick = X.shape[0] * network.n_weights < _QUICK_OBJECTIVE
            if self.solver != "adam" or incremental or result.status is Status.DIVERGED:
                return result
            if result.status is Status.INTERRUPTED and not quick:
                return result
            return result._replace(value=Objective(problem, run)(result.theta)[0])

        with nullcontext() if incremental else reporting(self, trainings, record):
            best = train(problem, trainings, to_convergence=not incremental, finish=finish)
            result = best.result
            if result.status is Status.DIVERGED:
                raise ValueError(result.message)
            adopt(self, best.model)
            for name, value in self._attributes(network, result.theta).items():
                setattr(self, name, value)
            self.loss_, self.n_iter_ = result.value, result.n_iter
            self._optimizer = dict(result.state)
            self.mean_activation_ = self._mean_activation(X)
            with np.errstate(over="ignore"):  # `outlier_offset` takes infinite errors
                self.offset_ = outlier_offset(self._scores(X), self.contamination)
            layers = [*self.encoder_layers(), *self.decoder_layers()]
            report_worst_fault(best.progress, layers, X)
        return self

    def _start(self, network: Network, dtype: Any, go_on: bool) -> Theta:
        """Return θ to start with."""
        if not go_on:
            self.loss_curve_: list[float] = []
            return network.initial_theta(self._random_state, "uniform", dtype)
        W = self.components_.T, self.decoder_components_
        theta = network.pack(W, (self.intercept_, self.decoder_intercept_))
        return theta.astype(dtype, copy=False)

    def _attributes(self, network: Network, theta: Theta) -> dict[str, Any]:
        (W, W_decoder), (b, b_decoder) = network.unpack(theta)
        return {
            "components_": W.T.copy(),
            "intercept_": b.copy(),
            "decoder_components_": W_decoder.copy(),
            "decoder_intercept_": b_decoder.copy(),
        }

    def _mean_activation(self, X: Any) -> npt.NDArray[Any]:
        """Return ρ̂ over the rows of X."""
        (total,) = sums_over(X)(_sum_of_activations, self.encoder_layers())
        mean: npt.NDArray[Any] = (total / X.shape[0]).astype(X.dtype)
        return mean

    def __setstate__(self, state: Any) -> None:
        super().__setstate__({"contamination": "auto", **state})  # earlier versions have none

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "components_")

    def sparsify(self) -> Self:
        """Keep only the nonzero weights, so that `transform` costs in proportion to them.

        It pays off if few are left, as after training with `l1_weight`. A later `partial_fit`, or
        `fit` with `warm_start`, trains these weights and adds no others.

        Returns
        -------
        self
            With sparse matrices for `components_` and `decoder_components_`.
        """
        check_is_fitted(self)
        self.components_ = without_zeros(self.components_.T).T
        self.decoder_components_ = without_zeros(self.decoder_components_)
        self._optimizer = {}  # it holds moments for each old weight
        return self

    def as_layer(self) -> Layer:
        """Return W (n_features, n_components), b and f of ``transform(X)`` = f(X W + b).

        Returns
        -------
        W : ndarray or csc_array of shape (n_features, n_components)
        b : ndarray of shape (n_components,)
        activation : str
        """
        check_is_fitted(self)
        return self.components_.T, self.intercept_, self.activation

    def encoder_layers(self) -> list[Layer]:
        """Return the hidden layer in a list: see `as_layer`.

        Returns
        -------
        list of tuple
        """
        return [self.as_layer()]

    def decoder_layers(self) -> list[Layer]:
        """Return W (n_components, n_features), b and g of the reconstruction, in a list.

        Returns
        -------
        list of tuple
        """
        check_is_fitted(self)
        return [(self.decoder_components_, self.decoder_intercept_, self.output_activation)]


def _sum_of_activations(X: Any, first: int, run: Any, encoder: list[Layer]) -> Term:
    """Return the sum over the rows of X of each unit's activation, in float64."""
    total = np.zeros(len(encoder[-1][1]))
    for rows in gen_batches(X.shape[0], _BLOCK_ROWS):
        total += network_output(X[rows], encoder).sum(axis=0, dtype=np.float64)
    return (total,)
