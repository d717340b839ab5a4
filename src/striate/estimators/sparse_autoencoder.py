"""The sparse autoencoder: a network that learns features by reproducing its input."""

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from striate.core.activations import range_of
from striate.core.design_matrix import as_input, with_noise
from striate.core.inference import network_output
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.solvers.result import Status
from striate.solvers.schedules import Constant
from striate.solvers.update_rules import Adam

from .connectivity_masks import (
    check_shapes,
    check_warm_start,
    patterns_of,
    resolve_masks,
    resolve_sizes,
    without_zeros,
)
from .local_receptive_fields import LocalReceptiveFields
from .progress import Progress
from .reconstruction import Layer, Reconstruction
from .sklearn_private import Interval, StrOptions, fit_context
from .stopping import RelativeLossPlateau
from .training import (
    LBFGS,
    Epochs,
    GradientDescent,
    Solver,
    Theta,
    takes_minibatches,
    team_for,
    train,
)

#: Number of epochs without progress after which Adam stops.
PATIENCE = 10
# Number of rows whose activations are averaged at a time.
_BLOCK_ROWS = 4096


class SparseAutoencoder(CallbackSupportMixin, Reconstruction):
    """Learn features by reproducing the input through a few, mostly silent, hidden units.

    It minimises the lecture's

    J = 1/m Σ_i ½ ‖x̂_i − x_i‖² + λ/2 Σ W² + β Σ_j KL(ρ ‖ ρ̂_j),

    with a = f(W x + b) the hidden units, x̂ = g(W′ a + b′) the reconstruction, and ρ̂_j the mean of
    a_j over all rows.

    Parameters
    ----------
    n_components : int, default=100
        Number of hidden units; with `connectivity` it follows from that.
    activation : {"logistic", "tanh", "relu"}, default="logistic"
        f of the hidden units.
    output_activation : {"identity", "logistic", "tanh"}, default="identity"
        g of the reconstruction. "logistic" needs X within 0 and 1, "tanh" within -1 and 1:
        `PatchScaler` or `sklearn.preprocessing.MinMaxScaler` put it there.
    weight_decay : float, default=1e-4
        λ of the ridge.
    sparsity_target : float, default=0.05
        ρ, the mean activation that every hidden unit is drawn to; in units of the activation, so
        from 0 to 1 for "logistic", from -1 to 1 for "tanh", and above 0 for "relu".
    sparsity_weight : float, default=3.0
        β; 0 leaves the term out.
    tied_weights : bool, default=False
        Whether the decoder has the encoder's weights, W′ = Wᵀ, which halves the parameters; the
        ridge counts them once.
    noise : float, default=0.0
        Learns to reproduce rows from noisy copies of themselves (a denoising autoencoder [3]_).
        "masking": the probability with which a number is replaced by 0; "gaussian": the standard
        deviation of the noise that is added. The noise is drawn anew for each epoch of "adam"; the
        other solvers, which need the same J at every step, see one noisy copy.
    noise_type : {"masking", "gaussian"}, default="masking"
        The kind of noise.
    solver : {"lbfgs", "adam", "gd"}, default="lbfgs"
        L-BFGS over all rows; Adam over minibatches; or the lecture's gradient descent over all
        rows, with constant step.
    max_iter : int, default=400
        Iterations, or epochs of Adam, at most.
    tol : float, default=1e-7
        The training ends when J falls by less than this share of itself in one iteration (Adam: in
        each of ten epochs).
    learning_rate : float or "auto", default="auto"
        Step length of "adam" ("auto": 0.001) and "gd" ("auto": 0.1).
    batch_size : int, default=200
        Rows of a minibatch of "adam".
    random_state : int, RandomState instance or None, default=None
        Draws the first weights, the noise, and the order of rows for "adam".
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last one.
    verbose : bool, default=False
        Prints J after each iteration. For a progress bar:
        ``set_callbacks(sklearn.callback.ProgressBar())``.
    connectivity : mask, LocalReceptiveFields or None, default=None
        Which inputs each hidden unit sees, and takes part in reproducing; weights, time and memory
        are those of the connections. A mask is an array or a sparse matrix (n_features,
        n_components), with connections where it is not 0; the rows of a data frame are named as
        the columns of X.
    l1_weight : float, default=0.0
        μ of a term ``μ Σ |W|`` of J, which makes weights exactly 0: see `sparsify`.

    Attributes
    ----------
    components_ : ndarray or csr_array of shape (n_components, n_features)
        W: what each hidden unit weighs; sparse with `connectivity`.
    intercept_ : ndarray of shape (n_components,)
        b.
    decoder_components_ : ndarray, csc_array or csr_array of shape (n_components, n_features)
        W′: what each hidden unit adds to the reconstruction.
    decoder_intercept_ : ndarray of shape (n_features,)
        b′.
    loss_ : float
        J at the end.
    loss_curve_ : list of float
        J after each iteration (Adam: its mean over the epoch); with `warm_start` and `partial_fit`
        those of all calls.
    n_iter_ : int
        Iterations or epochs made.
    mean_activation_ : ndarray of shape (n_components,)
        ρ̂ on the training data.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X had any.

    See Also
    --------
    PatchFeatures : Learns on patches of images, and convolves what it learned over the images.
    FeatureDisplay : The picture of what each hidden unit looks for.

    Notes
    -----
    float32 data are computed in float32, others in float64. The same `random_state` gives the same
    result to the last bit, whatever the number of threads.

    Memory beyond X is that of a block of rows or a batch, of the weights (L-BFGS remembers ten
    steps) and of at most 64 MB of activations. Sparse X is never made dense whole, but the
    reconstruction of each block is dense.

    With Adam ρ̂ is a running mean over batches. For relu units, whose mean is not bounded by 1, the
    term is the divergence ρ log(ρ/ρ̂) − ρ + ρ̂.

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
    >>> autoencoder = SparseAutoencoder(25, sparsity_weight=0.3, tol=1e-3, random_state=0)
    >>> autoencoder.fit_transform(X).shape
    (1797, 25)
    >>> autoencoder.loss_ < autoencoder.loss_curve_[0]
    True
    """

    components_: Any  # arrays, or sparse matrices
    decoder_components_: Any

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"logistic", "tanh", "relu"})],
        "output_activation": [StrOptions({"identity", "logistic", "tanh"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "sparsity_target": [Interval(Real, None, None, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "tied_weights": ["boolean"],
        "noise": [Interval(Real, 0, None, closed="left")],
        "noise_type": [StrOptions(set(NOISE))],
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
        self._check_ranges(X)
        network = self._network(X, go_on)
        if not (go_on and incremental):
            self._random_state = check_random_state(self.random_state)
        theta = self._start(network, X.dtype, go_on)
        problem = self._problem(network, as_input(X))
        progress = Progress(
            self, self.loss_curve_, {"X": given}, partial(self._attributes, network)
        )
        if not incremental:
            progress.begin(self._init_callback_context(max_subtasks=self.max_iter))
        with team_for(network, X.shape[0]) as run:
            solver = self._solver(incremental)
            result = train(problem, theta, solver, progress, run, to_convergence=not incremental)
            if result.status is Status.DIVERGED:
                raise ValueError(result.message)
            if self.solver == "adam" and not incremental:
                # Over all rows, where an epoch has the mean over changing parameters.
                result = result._replace(value=Objective(problem, run)(result.theta)[0])
        for name, value in self._attributes(network, result.theta).items():
            setattr(self, name, value)
        self.loss_, self.n_iter_ = result.value, result.n_iter
        self._optimizer = dict(result.state)
        self.mean_activation_ = self._mean_activation(X)
        progress.end()
        return self

    def _network(self, X: Any, go_on: bool) -> Network:
        masks = []
        if self.connectivity is not None and (self.warm_start or not go_on):
            masks = resolve_masks([self.connectivity], getattr(self, "feature_names_in_", None))
        if go_on:
            check_warm_start(masks, [self.components_.T])
            k = len(self.intercept_)
            connections = patterns_of([self.components_.T, self.decoder_components_])
            if self.connectivity is None and k != self.n_components:
                raise ValueError(
                    f"n_components={self.n_components}, but the earlier fit has {k} hidden units. "
                    "Set warm_start=False to refit."
                )
        else:
            (k,) = resolve_sizes(self, masks, "n_components")
            check_shapes(masks, (X.shape[1], k, X.shape[1]), "n_components")
            connections = [masks[0], masks[0].T] if masks else [None, None]
        if self.tied_weights:
            connections = connections[:1]
        activations = self.activation, self.output_activation
        return Network((X.shape[1], k, X.shape[1]), activations, self.tied_weights, connections)

    def _start(self, network: Network, dtype: Any, go_on: bool) -> Theta:
        """Return θ to start with."""
        if not go_on:
            self.loss_curve_: list[float] = []
            return network.initial_theta(self._random_state, "uniform", dtype)
        W = self.components_.T, self.decoder_components_
        theta = network.pack(W, (self.intercept_, self.decoder_intercept_))
        return theta.astype(dtype, copy=False)

    def _problem(self, network: Network, X: Any) -> Problem:
        """Return what the solver minimizes."""
        noisy = X
        if self.noise > 0:
            seed = self._random_state.randint(2**31)
            noisy = with_noise(X, NOISE[self.noise_type], self.noise, seed)
        names = ("weight_decay", "l1_weight", "sparsity_target", "sparsity_weight")
        terms = {name: getattr(self, name) for name in names}
        return Problem(network, "squared_error", noisy, X, **terms)

    def _solver(self, incremental: bool) -> Solver:
        """Return the settings of the solver."""
        if self.solver == "lbfgs":
            return LBFGS(self.max_iter, self.tol)
        if self.solver == "gd":
            return GradientDescent(self._rate(), self.max_iter, self.tol)
        state = getattr(self, "_optimizer", {}) if incremental else {}
        return Epochs(
            rule=Adam(),
            batch_size=self.batch_size,
            max_iter=1 if incremental else self.max_iter,
            schedule=Constant(state["rate"] if state else self._rate()),
            stopping=RelativeLossPlateau(self.tol, PATIENCE - 1, best=np.inf),
            random_state=self._random_state,
            state=state,
        )

    def _rate(self) -> float:
        if self.learning_rate != "auto":
            return float(self.learning_rate)
        return 0.1 if self.solver == "gd" else 0.001

    def _check_ranges(self, X: Any) -> None:
        lowest, highest = range_of(self.activation)
        if self.sparsity_weight > 0 and not lowest < self.sparsity_target < highest:
            raise ValueError(
                f"sparsity_target={self.sparsity_target} is outside the range of {self.activation} "
                f"units, {lowest:g} to {highest:g}. Choose it inside, or sparsity_weight=0."
            )
        if self.noise_type == "masking" and self.noise >= 1:
            raise ValueError(
                f"noise={self.noise}: with noise_type='masking' it is the probability with which a "
                "number is replaced by 0, so it must be below 1."
            )
        lowest, highest = range_of(self.output_activation)
        if X.min() < lowest or X.max() > highest:
            raise ValueError(
                f"output_activation={self.output_activation!r} reproduces values from {lowest:g} "
                f"to {highest:g}, but X has values from {X.min():g} to {X.max():g}. Scale X with "
                "PatchScaler or MinMaxScaler, or choose output_activation='identity'."
            )

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
        encoder, total = self.encoder_layers(), np.zeros(len(self.intercept_))
        for rows in gen_batches(X.shape[0], _BLOCK_ROWS):
            total += network_output(X[rows], encoder).sum(axis=0, dtype=np.float64)
        mean: npt.NDArray[Any] = (total / X.shape[0]).astype(X.dtype)
        return mean

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
