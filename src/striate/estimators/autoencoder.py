"""The sparse autoencoder: a network that learns features by reproducing its input."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_array, check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.compile import writable
from striate.core.network import Network, layer_output
from striate.core.objective import Objective
from striate.core.threads import team
from striate.estimators.training import Plateau, Progress, epochs, full_batch, threads_for
from striate.solvers.minibatch import ADAM, Minibatch

# What a unit with this activation can put out.
_RANGES = {"logistic": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, np.inf)}
# Rows whose reconstruction is held at a time.
_BLOCK_ROWS = 4096


class SparseAutoencoder(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Features learned by reproducing the input through a few, mostly silent, hidden units.

    It minimises the lecture's

    J = 1/m Σ_i ½ ‖x̂_i − x_i‖² + λ/2 Σ W² + β Σ_j KL(ρ ‖ ρ̂_j),

    with a = f(W x + b) the hidden units, x̂ = g(W′ a + b′) the reconstruction, and ρ̂_j the mean of
    a_j over all rows.

    Parameters
    ----------
    n_components : int, default=100
        Number of hidden units.
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
        Draws the first weights, and the order of rows for "adam".
    verbose : bool, default=False
        Prints J after each iteration. For a progress bar:
        ``set_callbacks(sklearn.callback.ProgressBar())``.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        W: what each hidden unit weighs.
    intercept_ : ndarray of shape (n_components,)
        b.
    decoder_components_ : ndarray of shape (n_components, n_features)
        W′: what each hidden unit adds to the reconstruction.
    decoder_intercept_ : ndarray of shape (n_features,)
        b′.
    loss_ : float
        J at the end.
    loss_curve_ : list of float
        J after each iteration (Adam: its mean over the epoch).
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

    With Adam ρ̂ is a running mean over batches. For relu units, whose mean is not bounded by 1, the
    term is the divergence ρ log(ρ/ρ̂) − ρ + ρ̂.

    References
    ----------
    .. [1] Guillot, "Neural networks II" (2016): autoencoders, sparse autoencoders.
    .. [2] A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford (2011).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from striate import SparseAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = SparseAutoencoder(25, sparsity_weight=0.3, max_iter=50, random_state=0)
    >>> autoencoder.fit_transform(X).shape
    (1797, 25)
    >>> autoencoder.loss_ < autoencoder.loss_curve_[0]
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"logistic", "tanh", "relu"})],
        "output_activation": [StrOptions({"identity", "logistic", "tanh"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "sparsity_target": [Interval(Real, None, None, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"lbfgs", "adam", "gd"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=100,
        *,
        activation="logistic",
        output_activation="identity",
        weight_decay=1e-4,
        sparsity_target=0.05,
        sparsity_weight=3.0,
        solver="lbfgs",
        max_iter=400,
        tol=1e-7,
        learning_rate="auto",
        batch_size=200,
        random_state=None,
        verbose=False,
    ):
        self.n_components = n_components
        self.activation = activation
        self.output_activation = output_activation
        self.weight_decay = weight_decay
        self.sparsity_target = sparsity_target
        self.sparsity_weight = sparsity_weight
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values or is outside the output activation's range, if
            `sparsity_target` is outside the hidden activation's, or if the training diverges.
        """
        X = writable(validate_data(self, X, dtype=[np.float64, np.float32], order="C"))
        self._check_ranges(X)
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(estimator=self, X=X)
        sizes = (X.shape[1], self.n_components, X.shape[1])
        network = Network(sizes, (self.activation, self.output_activation))
        self.loss_curve_ = []
        progress = Progress(self, {"X": X}, context, lambda theta: self._attributes(network, theta))
        with team(threads_for(network, len(X))) as run:
            theta, self.loss_, self.n_iter_ = self._train(network, X, run, progress)
        for name, value in self._attributes(network, theta).items():
            setattr(self, name, value)
        blocks = gen_batches(len(X), _BLOCK_ROWS)
        total = sum(self._encode(X[rows]).sum(axis=0, dtype=np.float64) for rows in blocks)
        self.mean_activation_ = (total / len(X)).astype(X.dtype)
        progress.end()
        return self

    def _train(self, network, X, run, progress):
        """θ, J there and the number of iterations."""
        random_state = check_random_state(self.random_state)
        theta = network.initial_theta(random_state, "uniform", X.dtype)
        names = ("weight_decay", "sparsity_target", "sparsity_weight")
        problem = (network, "squared_error", X, X, run)
        terms = {name: getattr(self, name) for name in names}
        rate = self.learning_rate
        if rate == "auto":
            rate = 0.1 if self.solver == "gd" else 0.001
        objective = Objective(*problem, **terms)
        if self.solver == "adam":
            batches = Minibatch(
                *problem, theta, batch_size=self.batch_size, rule=ADAM, learning_rate=rate, **terms
            )
            plateau = Plateau(self.tol, progress, batches)
            epochs(batches, max_iter=self.max_iter, random_state=random_state, after_epoch=plateau)
            return theta, objective(theta)[0], plateau.n_iter
        solution = full_batch(
            objective,
            theta,
            solver=self.solver,
            max_iter=self.max_iter,
            callback=progress,
            learning_rate=rate,
            tol=self.tol,
        )
        return solution.theta, solution.value, solution.n_iter

    def _check_ranges(self, X):
        lowest, highest = _RANGES[self.activation]
        if self.sparsity_weight > 0 and not lowest < self.sparsity_target < highest:
            raise ValueError(
                f"sparsity_target={self.sparsity_target} is outside what {self.activation} units "
                f"can put out, {lowest:g} to {highest:g}. Choose it inside, or sparsity_weight=0."
            )
        lowest, highest = _RANGES.get(self.output_activation, (-np.inf, np.inf))
        if X.min() < lowest or X.max() > highest:
            raise ValueError(
                f"output_activation={self.output_activation!r} reproduces values from {lowest:g} "
                f"to {highest:g}, but X has values from {X.min():g} to {X.max():g}. Scale X with "
                "PatchScaler or MinMaxScaler, or choose output_activation='identity'."
            )

    def _attributes(self, network, theta):
        (W, W_decoder), (b, b_decoder) = network.unpack(theta)
        return {
            "components_": np.ascontiguousarray(W.T),
            "intercept_": b.copy(),
            "decoder_components_": W_decoder.copy(),
            "decoder_intercept_": b_decoder.copy(),
        }

    def _encode(self, X):
        return layer_output(X, self.components_.T, self.intercept_, self.activation)

    def _decode(self, A):
        return layer_output(
            A, self.decoder_components_, self.decoder_intercept_, self.output_activation
        )

    def as_layer(self):
        """W (n_features, n_components), b and f of ``transform(X)`` = f(X W + b).

        Returns
        -------
        W : ndarray of shape (n_features, n_components)
        b : ndarray of shape (n_components,)
        activation : str
        """
        check_is_fitted(self)
        return self.components_.T, self.intercept_, self.activation

    def transform(self, X):
        """Activations of the hidden units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        return self._encode(self._validated(X))

    def inverse_transform(self, X):
        """Reconstruction of the input from activations of the hidden units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = check_array(X, dtype=[np.float64, np.float32])
        if X.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {X.shape[1]} columns, but this autoencoder has {len(self.components_)} "
                "hidden units: pass what transform returns."
            )
        return self._decode(X)

    def score_samples(self, X):
        """Score each row by how well it is reproduced: −½ ‖x̂ − x‖².

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            0 for a perfect reconstruction, lower for stranger rows.
        """
        check_is_fitted(self)
        X = self._validated(X)
        scores = np.empty(len(X), dtype=X.dtype)
        for rows in gen_batches(len(X), _BLOCK_ROWS):
            residuals = self._decode(self._encode(X[rows])) - X[rows]
            scores[rows] = -0.5 * np.einsum("ij,ij->i", residuals, residuals)
        return scores

    def score(self, X, y=None):
        """Mean of `score_samples`: minus the data term of J.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return float(np.mean(self.score_samples(X), dtype=np.float64))

    def _validated(self, X):
        return validate_data(self, X, dtype=[np.float64, np.float32], order="C", reset=False)

    @property
    def _n_features_out(self):
        return len(self.components_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
