"""The multilayer perceptron behind both MLPClassifier and MLPRegressor."""

import contextlib
import warnings
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.design_matrix import as_input
from striate.core.inference import NotFiniteError, network_output
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.core.sparse_matrices import canonical, dense, stored
from striate.core.threads import team
from striate.solvers.minibatch import Minibatch
from striate.solvers.update_rules import Adam, Momentum, Nesterov

from .connectivity_masks import (
    all_finite_arrays,
    check_same_pattern,
    check_shapes,
    check_warm_start,
    patterns_of,
    resolve_masks,
    resolve_sizes,
    without_zeros,
)
from .local_receptive_fields import LocalReceptiveFields
from .pretraining import check_agreement, pretrained
from .sklearn_private import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from .stopping import AfterEpoch, begin_record
from .training import MINIBATCH_SOLVERS, Progress, epochs, full_batch, threads_for

_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. Scale it, with StandardScaler for instance, or lower "
    "learning_rate_init (now {:g})."
)


class MultilayerPerceptron(CallbackSupportMixin, BaseEstimator, ABC):
    """Fits a network to data as scikit-learn does; targets and losses are its subclasses'."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam", "gd"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "initialization": [StrOptions({"glorot", "normal"})],
        "pretraining": [HasMethods(["fit", "transform"]), None],
        "connectivity": ["array-like", "sparse matrix", LocalReceptiveFields, None],
        "l1_weight": [Interval(Real, 0, None, closed="left")],
    }

    @abstractmethod
    def _validate_input(self, X, y, incremental, reset):
        """X, and y as targets in the user's units (for a classifier: indicators of classes)."""

    @abstractmethod
    def _output(self):
        """Name of the loss (of `LOSSES`) and of the output activation."""

    @abstractmethod
    def _targets(self, y, first):
        """Targets (n_samples, n_outputs) in the range of the output activation."""

    @abstractmethod
    def _validation_score(self, X, y, sample_weight):
        """Score of rows that are not trained on; NaN where predictions are not finite."""

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or the weights have NaN or infinite values, if all weights are zero, or if the
            training diverges.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X, y, sample_weight, incremental):
        self._hidden_layer_sizes()
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        told = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        X, y = self._validate_input(X, y, incremental, first)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        if sparse.issparse(X):
            X = X.tocsr()
        y = y.reshape(len(y), -1)
        self.n_outputs_ = y.shape[1]
        self._random_state = check_random_state(self.random_state)
        loss, self.out_activation_ = self._output()
        network = self._network(X, first)
        if first:
            self._initialize(network, X.dtype)
        theta = network.pack(self.coefs_, self.intercepts_).astype(X.dtype, copy=False)
        self._set_theta(network, theta)
        data = (X, y, sample_weight)
        train = self._train_in_batches if self.solver in MINIBATCH_SOLVERS else self._train_whole
        with team(threads_for(network, X.shape[0])) as run:
            progress = self._begin(network, told, incremental)
            train(network, loss, data, theta, run, first, progress)
            progress.end()
        self._check_finite()
        return self

    def _hidden_layer_sizes(self):
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if any(n <= 0 for n in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return sizes

    def _network(self, X, first):
        hidden, activations, connections = self._hidden_layers(X, first)
        self._activations = [*activations, self.out_activation_]
        sizes = [X.shape[1], *hidden, self.n_outputs_]
        return Network(sizes, self._activations, patterns=connections)

    def _hidden_layers(self, X, first):
        """Sizes and activations of the hidden layers, and the connections of all layers."""
        names = getattr(self, "feature_names_in_", None)
        masks = resolve_masks(self.connectivity, names) if first or self.warm_start else []
        if self.pretraining is None:
            sizes = resolve_sizes(self, masks) if first else [W.shape[1] for W in self.coefs_[:-1]]
            activations = [self.activation] * len(sizes)
        else:
            if first:
                self.pretraining_ = pretrained(self.pretraining, X, self._random_state)
            layers = self.pretraining_.encoder_layers()
            sizes, activations = [len(b) for _, b, _ in layers], [f for _, _, f in layers]
            check_agreement(self, sizes, activations)
            check_same_pattern(masks, layers)
            if first:
                pretrained_masks = patterns_of(W for W, _, _ in layers)
                masks = pretrained_masks + masks[len(pretrained_masks) :]
        if not first:
            check_warm_start(masks, self.coefs_)
            return sizes, activations, patterns_of(self.coefs_)
        check_shapes(masks, [X.shape[1], *sizes, self.n_outputs_])
        return sizes, activations, masks + [None] * (len(sizes) + 1 - len(masks))

    def _initialize(self, network, dtype):
        activation = self.activation if self.pretraining is None else self._activations[0]
        gain = 2.0 if activation == "logistic" else 6.0
        theta = network.initial_theta(self._random_state, self.initialization, dtype, gain)
        self._set_theta(network, theta)
        if self.pretraining is not None:
            layers = zip(
                self.coefs_, self.intercepts_, self.pretraining_.encoder_layers(), strict=False
            )
            for W, b, (pretrained_W, pretrained_b, _) in layers:
                if sparse.issparse(W):
                    pretrained_W = canonical(pretrained_W)
                stored(W)[:], b[:] = stored(pretrained_W), pretrained_b
        self.n_layers_ = len(network.sizes)
        begin_record(self)

    def _set_theta(self, network, theta):
        self.coefs_, self.intercepts_ = network.unpack(theta)

    def _check_finite(self):
        if not all_finite_arrays([*self.coefs_, *self.intercepts_]):
            raise ValueError(_NOT_FINITE.format(self.learning_rate_init))

    def _check_finite_loss(self):
        if not np.isfinite(self.loss_):
            raise ValueError(_NOT_FINITE.format(self.learning_rate_init))

    def _reported(self, terms):
        """J as scikit-learn reports it."""
        return sum(terms.values())

    def _begin(self, network, told, incremental):
        """Opens the fit for callbacks, unless it is `partial_fit`; what follows its progress."""
        context = None
        if not incremental:
            context = self._init_callback_context(max_subtasks=self.max_iter)
            context.call_on_fit_task_begin(estimator=self, **told)
        return Progress(self, told, context, lambda theta: self._attributes(network, theta))

    def _attributes(self, network, theta):
        coefs, intercepts = network.unpack(np.array(theta, dtype=self.coefs_[0].dtype))
        return {"coefs_": coefs, "intercepts_": intercepts}

    def _train_whole(self, network, loss, data, theta, run, first, progress):
        """L-BFGS or gradient descent over all rows."""
        if self.early_stopping:
            warnings.warn(
                f"early_stopping=True has no effect: solver={self.solver!r} trains on all rows and "
                "ends by tol and max_iter. Choose 'adam' or 'sgd' to stop by a validation score.",
                stacklevel=4,
            )
        X, y, sample_weight = data
        Y = self._targets(y, first).astype(X.dtype, copy=False)
        problem = Problem(
            network,
            loss,
            as_input(X),
            Y,
            sample_weight,
            decay_over_n=self.alpha,
            l1_weight=self.l1_weight,
        )
        objective = Objective(problem, run)
        self.loss_curve_: list[float] = []
        solution = full_batch(
            objective,
            theta,
            solver=self.solver,
            max_iter=self.max_iter,
            callback=lambda theta, _: progress(theta, self._reported(objective.terms)),
            learning_rate=self.learning_rate_init,
            tol=self.tol,
            **self._lbfgs_limits(),
        )
        self._set_theta(network, solution.theta)
        objective(solution.theta)
        self.n_iter_, self.loss_ = solution.n_iter, self._reported(objective.terms)
        self.best_loss_ = min([*self.loss_curve_, self.loss_])
        if not solution.converged and solution.message != "callback":
            warnings.warn(
                f"{self.solver} failed to converge after {self.n_iter_} iteration(s): "
                f"{solution.message}. Increase max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _lbfgs_limits(self):
        # scikit-learn's settings, which are SciPy's but for gtol.
        return {"gtol": self.tol, "ftol": 2.220446049250313e-09, "max_fun": self.max_fun}

    def _train_in_batches(self, network, loss, data, theta, run, first, progress):
        """SGD or Adam."""
        incremental = progress.context is None
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        data, validation = self._split(*data) if self.early_stopping else (data, None)
        X, y, sample_weight = data
        Y = self._targets(y, first).astype(X.dtype, copy=False)
        problem = Problem(
            network,
            loss,
            as_input(X),
            Y,
            sample_weight,
            decay_over_n=self.alpha,
            l1_weight=self.l1_weight,
        )
        batches = Minibatch(
            problem, run, theta, batch_size=self._batch_size(X.shape[0]), rule=self._rule()
        )
        batches.learning_rate = self.learning_rate_init
        if incremental:
            state = getattr(self, "_optimizer", {})
            batches.resume(state)
            batches.learning_rate = state.get("learning_rate", batches.learning_rate)
        self.n_iter_ = 0
        after_epoch = AfterEpoch(self, batches, validation, progress, incremental)
        try:
            epochs(
                batches,
                max_iter=self.max_iter,
                random_state=self._random_state,
                after_epoch=after_epoch,
                shuffle=self.shuffle,
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self._optimizer = batches.state | {"learning_rate": batches.learning_rate}
        if self.early_stopping:
            self._set_theta(network, after_epoch.best_theta)

    def _rule(self):
        if self.solver == "adam":
            return Adam(self.beta_1, self.beta_2, self.epsilon)
        return (Nesterov if self.nesterovs_momentum else Momentum)(self.momentum)

    def _batch_size(self, n_samples):
        if self.batch_size == "auto":
            return min(200, n_samples)
        if self.batch_size > n_samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                f"clipped to the {n_samples} rows that there are.",
                stacklevel=5,
            )
        return self.batch_size

    def _split(self, X, y, sample_weight):
        """Rows to train on, and rows to validate with, their targets in the user's units."""
        arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(y),
        )
        training, validation = parts[::2], parts[1::2]
        if validation[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        none = [None] * (3 - len(arrays))
        return (*training, *none), (*validation, *none)

    def _strata(self, y):
        return None

    def sparsify(self):
        """Keep only the weights that are not 0, so that a prediction costs what they cost.

        It pays where few are left, as after training with `l1_weight`. A later `partial_fit`, or
        `fit` with `warm_start`, trains these weights and adds no others.

        Returns
        -------
        self
            With a sparse matrix for each array of `coefs_`.
        """
        check_is_fitted(self)
        return self._with_coefs([without_zeros(W) for W in self.coefs_])

    def densify(self):
        """Undo `sparsify`: keep the weights that are 0, too.

        Also those that `connectivity` left out: a later `partial_fit`, or `fit` with `warm_start`,
        trains all of them.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        return self._with_coefs([dense(W) for W in self.coefs_])

    def _with_coefs(self, coefs):
        self.coefs_ = coefs
        self._optimizer = {}  # which remembers something for each old weight
        return self

    def as_layer(self):
        """W (n_features, n_units), b and f of the first hidden layer: f(X W + b).

        Returns
        -------
        W : ndarray or csc_array of shape (n_features, n_units)
        b : ndarray of shape (n_units,)
        activation : str
        """
        check_is_fitted(self)
        return self._layers()[0]

    def _output_of(self, X):
        """Outputs of the network for the user's X, once it is checked.

        An array of floats is checked on its way through the network: scikit-learn's validation
        would read it once more, and takes longer than the network for a single row.
        """
        check_is_fitted(self)
        plain = type(X) is np.ndarray and X.dtype.char in "fd" and X.ndim == 2 and len(X) > 0
        if plain and X.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_"):
            with contextlib.suppress(NotFiniteError):
                return self._network_output(X, check=True)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._network_output(X.tocsr() if sparse.issparse(X) else X)

    def _network_output(self, X, check=False):
        dtype = X.dtype if X.dtype.char in "fd" else self.coefs_[0].dtype
        return network_output(X, self._layers(), dtype, check)

    def _layers(self):
        return list(zip(self.coefs_, self.intercepts_, self._activations, strict=True))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
