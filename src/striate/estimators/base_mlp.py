"""The multilayer perceptron behind both MLPClassifier and MLPRegressor."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from striate.core.activations import HIDDEN_ACTIVATIONS
from striate.core.design_matrix import as_input
from striate.core.inference import NotFiniteError, network_output
from striate.core.network import Network
from striate.core.problem import Problem
from striate.core.sparse_matrices import canonical, dense, stored
from striate.solvers.result import Result, Status

from .connectivity_masks import (
    check_shapes,
    check_warm_start,
    patterns_of,
    resolve_masks,
    resolve_sizes,
    without_zeros,
)
from .default_parameters import whole_sizes
from .fitted_attributes import Attribute
from .hidden_layers import HiddenLayers, of_pretraining
from .local_receptive_fields import LocalReceptiveFields
from .mlp_solvers import solver_of
from .perceptron_attributes import PERCEPTRON
from .pretraining import pretrained
from .progress import Progress
from .reconstruction import Layer
from .restarts import Training, adopt, reporting, restarted
from .sklearn_private import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from .stopping import ScorePlateau
from .training import (
    MINIBATCH_SOLVERS,
    Epochs,
    Solver,
    Theta,
    train,
)
from .training_record import TrainingRecord, record_of
from .validated_input import FLOATS, refuse_kinds, validated

_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. Scale it, with StandardScaler for instance, or lower "
    "learning_rate_init (now {:g})."
)


class MultilayerPerceptron(CallbackSupportMixin, BaseEstimator, ABC):
    """Fit a network as scikit-learn does; subclasses define targets and losses."""

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = PERCEPTRON

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(HIDDEN_ACTIVATIONS))],
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
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
    }

    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Return X, and y as targets in the user's units (for a classifier: class indicators)."""

    @abstractmethod
    def _output(self) -> tuple[str, str]:
        """Return the names of the loss (from `LOSSES`) and of the output activation."""

    @abstractmethod
    def _targets(self, y: Any, first: bool) -> Any:
        """Return targets (n_samples, n_outputs) in the range of the output activation."""

    @abstractmethod
    def _validation_score(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        """Return the score of outputs for held-out rows; NaN if they are not finite."""

    def _strata(self, y: Any) -> Any:
        """Return what the split into training and validation rows is stratified by, if anything."""

    def _reported(self, terms: dict[str, float]) -> float:
        """Return J as scikit-learn reports it."""
        return sum(terms.values())

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
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

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Self:
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        given = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        whole_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        X, y = self._validate_input(X, y, incremental, first)
        if sample_weight is not None:
            refuse_kinds(sample_weight, "sample_weight", "VMmUST")
            sample_weight = check_sample_weight(sample_weight, X)
        y = y.reshape(len(y), -1)
        self.n_outputs_ = y.shape[1]
        record = TrainingRecord()
        if not incremental:
            record = record_of(self, X=X, y=y, sample_weight=sample_weight)
        self._random_state = record.random_state(self.random_state)
        network, loss = self._network(X, first, record)
        theta = self._initial_theta(network, X.dtype) if first else self._theta(network, X.dtype)
        if first:
            self._begin_record(network)
        if first or (self.best_loss_ is None) != self.early_stopping:
            self._begin_watch()
        data, validation = self._split(X, y, sample_weight, incremental)
        problem = self._problem(network, loss, data, first)
        trainings = []
        for model in restarted(self, self.n_restarts if first and not incremental else 1):
            if model is not self:
                theta = model._initial_theta(network, X.dtype)
                model._begin_record(network)
                model._begin_watch()
            solver = solver_of(model, problem, theta, validation, incremental)
            progress = Progress(
                self, model.loss_curve_, given, partial(_attributes, network), self._reported
            )
            trainings.append(Training(model, theta, solver, progress))
        with contextlib.nullcontext() if incremental else reporting(self, trainings, record):
            best = train(problem, trainings, to_convergence=not incremental)
            adopt(self, best.model)
            self._keep(network, best.result, best.solver, problem.n_rows)
        return self

    def _network(self, X: Any, first: bool, record: TrainingRecord) -> tuple[Network, str]:
        """Return the network, and the name of its loss."""
        loss, self.out_activation_ = self._output()
        layers = self._hidden_layers(X, first, record)
        self._activations = [*layers.activations, self.out_activation_]
        sizes = [X.shape[1], *layers.sizes, self.n_outputs_]
        return Network(sizes, self._activations, patterns=layers.patterns), loss

    def _hidden_layers(self, X: Any, first: bool, record: TrainingRecord) -> HiddenLayers:
        """Resolve sizes, activations and patterns from parameters, pretraining or earlier fit."""
        names = getattr(self, "feature_names_in_", None)
        masks = resolve_masks(self.connectivity, names) if first or self.warm_start else []
        if self.pretraining is not None:
            if first:
                self.pretraining_ = pretrained(self.pretraining, X, self._random_state, record)
            layers = of_pretraining(self, masks, self.pretraining_.encoder_layers())
        elif first:
            sizes = resolve_sizes(self, masks)
            layers = HiddenLayers(sizes, [self.activation] * len(sizes), masks)
        else:
            sizes = [W.shape[1] for W in self.coefs_[:-1]]
            layers = HiddenLayers(sizes, [self.activation] * len(sizes), masks)
        if not first:
            check_warm_start(masks, self.coefs_)
            return layers._replace(patterns=patterns_of(self.coefs_))
        check_shapes(layers.patterns, [X.shape[1], *layers.sizes, self.n_outputs_])
        n_dense = len(layers.sizes) + 1 - len(layers.patterns)
        return layers._replace(patterns=[*layers.patterns, *[None] * n_dense])

    def _theta(self, network: Network, dtype: Any) -> Theta:
        """Return θ of the earlier fit."""
        return network.pack(self.coefs_, self.intercepts_).astype(dtype, copy=False)

    def _initial_theta(self, network: Network, dtype: Any) -> Theta:
        """Return a new θ, with the layers of a pretraining where there is one."""
        activation = self.activation if self.pretraining is None else self._activations[0]
        gain = 2.0 if activation == "logistic" else 6.0
        theta = network.initial_theta(self._random_state, self.initialization, dtype, gain)
        if self.pretraining is not None:
            layers = zip(*network.unpack(theta), self.pretraining_.encoder_layers(), strict=False)
            for W, b, (pretrained_W, pretrained_b, _) in layers:
                if sparse.issparse(W):
                    pretrained_W = canonical(pretrained_W)
                stored(W)[:], b[:] = stored(pretrained_W), pretrained_b
        return theta

    def _begin_record(self, network: Network) -> None:
        """Set what is recorded over the epochs to its first values."""
        self.n_layers_ = len(network.sizes)
        self.n_iter_ = self.t_ = 0
        self.loss_curve_: list[float] = []

    def _begin_watch(self) -> None:
        """Set what decides about the end of training to its first values."""
        self._no_improvement_count = 0
        self.best_loss_: Any = None if self.early_stopping else np.inf
        self.validation_scores_: Any = [] if self.early_stopping else None
        self.best_validation_score_: Any = -np.inf if self.early_stopping else None

    def _problem(self, network: Network, loss: str, data: Any, first: bool) -> Problem:
        """Return what the solver minimizes."""
        X, y, sample_weight = data
        Y = self._targets(y, first).astype(X.dtype, copy=False)
        alpha, l1_weight = self.alpha, self.l1_weight
        return Problem(
            network, loss, as_input(X), Y, sample_weight, decay_over_n=alpha, l1_weight=l1_weight
        )

    def _split(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> tuple[Any, Any]:
        """Return rows to train on, and rows to validate with if there are any.

        The targets of the latter are in the user's units.
        """
        if not self.early_stopping or self.solver not in MINIBATCH_SOLVERS:
            return (X, y, sample_weight), None
        if incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
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

    def _keep(self, network: Network, result: Result, solver: Solver, n_rows: int) -> None:
        """Keep the result of a training as fitted attributes."""
        if result.status is Status.DIVERGED or not np.isfinite(result.theta).all():
            raise ValueError(_NOT_FINITE.format(self.learning_rate_init))
        self.coefs_, self.intercepts_ = network.unpack(result.theta)
        self.n_iter_, self.loss_ = result.n_iter, result.value
        self._optimizer = dict(result.state)
        if not isinstance(solver, Epochs):
            self.best_loss_ = min([*self.loss_curve_, self.loss_])
            return
        self.t_ += result.n_iter * n_rows
        rule = solver.stopping
        self._no_improvement_count = rule.n_no_improvement
        if isinstance(rule, ScorePlateau):
            self.best_validation_score_ = rule.best
        else:
            self.best_loss_ = rule.best

    def sparsify(self) -> Self:
        """Keep only the nonzero weights, so that predictions cost in proportion to them.

        It pays off if few are left, as after training with `l1_weight`. A later `partial_fit`, or
        `fit` with `warm_start`, trains these weights and adds no others.

        Returns
        -------
        self
            With a sparse matrix for each array of `coefs_`.
        """
        check_is_fitted(self)
        return self._with_coefs([without_zeros(W) for W in self.coefs_])

    def densify(self) -> Self:
        """Undo `sparsify`: store the zero weights, too.

        This includes those that `connectivity` excluded: a later `partial_fit`, or `fit` with
        `warm_start`, trains all of them.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        return self._with_coefs([dense(W) for W in self.coefs_])

    def _with_coefs(self, coefs: list[Any]) -> Self:
        self.coefs_ = coefs
        self._optimizer = {}  # it holds moments for each old weight
        return self

    def as_layer(self) -> Layer:
        """Return W (n_features, n_units), b and f of the first hidden layer: f(X W + b).

        Returns
        -------
        W : ndarray or csc_array of shape (n_features, n_units)
        b : ndarray of shape (n_units,)
        activation : str
        """
        check_is_fitted(self)
        return self._layers()[0]

    def _output_of(self, X: Any) -> npt.NDArray[Any]:
        """Check the user's X, and return the outputs of the network.

        An array of floats is checked on its way through the network: scikit-learn's validation
        would read it a second time, and takes longer than the network for a single row.
        """
        check_is_fitted(self)
        plain = type(X) is np.ndarray and X.dtype in FLOATS and X.ndim == 2 and len(X) > 0
        if plain and X.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_"):
            with contextlib.suppress(NotFiniteError):
                return self._network_output(X, check=True)
        X = validated(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._network_output(X)

    def _network_output(self, X: Any, check: bool = False) -> npt.NDArray[Any]:
        dtype = X.dtype if X.dtype in FLOATS else self.coefs_[0].dtype
        return network_output(X, self._layers(), dtype, check)

    def _layers(self) -> list[Layer]:
        return list(zip(self.coefs_, self.intercepts_, self._activations, strict=True))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _attributes(network: Network, theta: Theta) -> dict[str, Any]:
    """Return the fitted attributes that θ stands for."""
    coefs, intercepts = network.unpack(theta)
    return {"coefs_": coefs, "intercepts_": intercepts}
