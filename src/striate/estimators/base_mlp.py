"""The multilayer perceptron behind both MLPClassifier and MLPRegressor."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from striate.core.activations import ACTIVATIONS
from striate.core.block_views import LazyTargets
from striate.core.design_matrix import as_input, with_noise
from striate.core.inference import NotFiniteError, network_output
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.problem import Problem
from striate.core.row_blocks import RowBlocks
from striate.core.sparse_matrices import canonical, stored
from striate.solvers.result import Result, Status

from .connectivity_masks import (
    check_shapes,
    check_warm_start,
    patterns_of,
    resolve_masks,
    resolve_sizes,
)
from .default_parameters import whole_sizes
from .fitted_attributes import Attribute
from .hidden_layers import HiddenLayers, of_pretraining
from .mlp_parameters import CONSTRAINTS, activation_names, check_options, dropout_levels
from .mlp_solvers import solver_of
from .mlp_validation import validation_of
from .perceptron_attributes import PERCEPTRON
from .pretraining import pretrained
from .progress import Progress
from .reconstruction import Layer
from .restarts import Training, adopt, reporting, restarted
from .sklearn_conversion import SklearnConversion
from .sklearn_private import fit_context
from .sparse_weights import SparseWeights
from .stopping import ScorePlateau
from .training import Epochs, Solver, Theta, train
from .training_faults import report_worst_fault
from .training_record import TrainingRecord, record_of
from .training_rows import checked_weights, divide, given_to_validate, named, product
from .validated_input import FLOATS, validated
from .validation import Rows

_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. Scale it, with StandardScaler for instance, or lower "
    "learning_rate_init (now {:g})."
)


class MultilayerPerceptron(
    SklearnConversion,
    CallbackSupportMixin,
    SparseWeights,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
    ABC,
):
    """Fit a network as scikit-learn does; subclasses define targets and losses."""

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = PERCEPTRON

    _parameter_constraints: ClassVar[dict[str, Any]] = {**CONSTRAINTS}

    #: Whether targets are numbers, not labels.
    _has_numeric_targets: ClassVar[bool]

    @abstractmethod
    def _check_targets(self, y: Any, incremental: bool) -> Any:
        """Learn what y holds; return it in the user's units (for a classifier: as indicators)."""

    @abstractmethod
    def _check_held_out_targets(self, y: Any) -> Any:
        """Check y of validation rows; return it as `_check_targets` does."""

    @abstractmethod
    def _output(self) -> tuple[str, str]:
        """Return the names of the loss (from `LOSSES`) and of the output activation."""

    def _learn_targets(self, y: Any) -> None:
        """Learn what `_targets` needs to know of all rows."""

    @abstractmethod
    def _targets(self, y: Any) -> Any:
        """Return targets (n_samples, n_outputs) in the range of the output activation."""

    @abstractmethod
    def _validation_score(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        """Return the default score of outputs, which are finite, for validation rows."""

    @abstractmethod
    def _in_users_units(self, y: Any) -> Any:
        """Return y as a scorer takes it, from what `_check_targets` returned."""

    def _loss_constants(self) -> tuple[float, ...]:
        """Return what the loss needs beside outputs and targets."""
        return ()

    def _count_outputs(self, y: Any) -> int:
        """Return the number of outputs of the network for y (n_samples, n)."""
        return int(y.shape[1])

    def _class_weights(self, y: Any) -> Callable[[Any], Any]:
        """Return a function of y that gives the weights of its rows by class; None for 1."""
        return lambda y: None

    def _strata(self, y: Any) -> Any:
        """Return what the split into training and validation rows is stratified by, if anything."""

    def _reported(self, terms: dict[str, float]) -> float:
        """Return J as scikit-learn reports it."""
        return sum(terms.values())

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Rows to validate with after each epoch, for "sgd" and "adam". With `early_stopping`
            they take the place of the rows that would be held out.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
        sample_weight_val : array-like of shape (n_val,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or the weights have NaN or infinite values, if all weights are zero, if the
            validation rows have other columns or classes, or if the training diverges.
        """
        held_out = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, incremental=False, held_out=held_out)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        held_out: tuple[Any, Any, Any] = (None, None, None),
    ) -> Self:
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        given = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        whole_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        check_options(self, has_validation=any(each is not None for each in held_out))
        X, y = self._validated(X, y, reset=first)
        y = self._check_targets(y, incremental).reshape(len(y), -1)
        weights = None if sample_weight is None else checked_weights(sample_weight, X)
        class_weights = self._class_weights(y)
        rows = Rows(X, y, product(weights, class_weights(y)))
        self.n_outputs_ = self._count_outputs(y)
        validation_rows = given_to_validate(self, held_out, class_weights)
        data = named(rows, validation_rows)
        record = TrainingRecord() if incremental else record_of(self, **data)
        self._random_state = record.random_state(self.random_state)
        network, loss = self._network(X, first, record)
        theta = self._initial_theta(network, X.dtype) if first else self._theta(network, X.dtype)
        if first:
            self._begin_record(network)
        if validation_rows is None:
            rows, validation_rows = divide(self, rows, incremental)
        problem = self._problem(network, loss, rows, first)
        trainings, attributes = [], partial(_attributes, network)
        for model in restarted(self, self.n_restarts if first and not incremental else 1):
            if model is not self:
                theta = model._initial_theta(network, X.dtype)
                model._begin_record(network)
            model._begin_watch(first, validation_rows is not None)
            validation = validation_of(model, problem, theta, validation_rows)
            solver = solver_of(model, problem, validation, incremental)
            progress = Progress(self, model.loss_curve_, given, attributes, self._reported)
            trainings.append(Training(model, theta, solver, progress))
        with nullcontext() if incremental else reporting(self, trainings, record):
            best = train(problem, trainings, to_convergence=not incremental)
            adopt(self, best.model)
            self._keep(network, best.result, best.solver, problem.n_rows)
            report_worst_fault(best.progress, self._layers(), X, y)
        return self

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """Check the user's X and y, without looking at what y holds."""
        X, y = validated(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            by_blocks=True,
            multi_output=True,
            y_numeric=self._has_numeric_targets,
            dtype=FLOATS,
            reset=reset,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Check rows that the fit does not train on."""
        X, y = self._validated(X, y, reset=False)
        return X, self._check_held_out_targets(y)

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
        else:
            sizes = resolve_sizes(self, masks) if first else [W.shape[1] for W in self.coefs_[:-1]]
            names = activation_names(self.activation, len(sizes))
            layers = HiddenLayers(sizes, names, masks)
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
        hidden = self._activations[:-1]
        # As in scikit-learn, the outputs start as the layer before them does.
        last = (hidden or [self.activation if isinstance(self.activation, str) else "identity"])[-1]
        last = last if ACTIVATIONS[last].initialization == "glorot" else "identity"
        theta = network.initial_theta(
            self._random_state, self.initialization, dtype, [*hidden, last]
        )
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

    def _begin_watch(self, first: bool, validates: bool) -> None:
        """Set what decides about the end of training to its first values, where it must be new."""
        watches_score = self.early_stopping or validates
        unlike = not first and (
            (self.best_loss_ is None) != self.early_stopping
            or (self.validation_scores_ is None) == watches_score
        )
        if first or unlike:
            self._no_improvement_count = 0
            self.best_loss_: Any = None if self.early_stopping else np.inf
            self.validation_scores_: Any = [] if watches_score else None
            self.validation_loss_curve_: Any = [] if watches_score else None
            self.best_validation_score_: Any = -np.inf if watches_score else None

    def _problem(self, network: Network, loss: str, rows: Rows, first: bool) -> Problem:
        """Return what the solver minimizes."""
        if first:
            self._learn_targets(rows.y)
        X, Y, seed = as_input(rows.X), LazyTargets(rows.y, self._targets, rows.X.dtype), 0
        if not isinstance(X, RowBlocks):
            Y = self._targets(rows.y).astype(rows.X.dtype, copy=False)
        levels = dropout_levels(self.dropout, len(network.sizes) - 2)
        if any(levels):
            seed = self._random_state.randint(2**31)
        if levels[0]:
            X = with_noise(X, NOISE["dropout"], levels[0], seed)
        return Problem(
            network,
            loss,
            X,
            Y,
            rows.sample_weight,
            decay_over_n=self.alpha,
            l1_weight=self.l1_weight,
            loss_constants=self._loss_constants(),
            dropout=levels[1:],
            seed=seed,
        )

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
        if rule.validation is not None:
            self.best_validation_score_ = rule.validation.best
        if not isinstance(rule, ScorePlateau):
            self.best_loss_ = rule.best

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

    def transform(self, X: Any, layer: int = -1) -> npt.NDArray[Any]:
        """Return the activations of a hidden layer, as features for another estimator.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int, default=-1
            Which hidden layer, from 0, or from the last one, -1.

        Returns
        -------
        ndarray of shape (n_samples, n_units)

        Raises
        ------
        ValueError
            If there is no such hidden layer.
        """
        check_is_fitted(self)
        n_hidden = len(self.coefs_) - 1
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(f"layer={layer}, but there are {n_hidden} hidden layers.")
        return self._output_of(X, self._layers()[: layer % n_hidden + 1])

    @property
    def _n_features_out(self) -> int:
        return int(self.coefs_[-1].shape[0])

    def _output_of(self, X: Any, layers: list[Layer] | None = None) -> npt.NDArray[Any]:
        """Check the user's X, and return the outputs of the network, or of other layers.

        An array of floats is checked on its way through the network: scikit-learn's validation
        would read it a second time, and takes longer than the network for a single row.
        """
        check_is_fitted(self)
        plain = type(X) is np.ndarray and X.dtype in FLOATS and X.ndim == 2 and len(X) > 0
        if plain and X.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_"):
            with suppress(NotFiniteError):
                return network_output(X, layers or self._layers(), X.dtype, check=True)
        X = validated(self, X, by_blocks=True, accept_sparse=["csr", "csc"], reset=False)
        dtype = X.dtype if X.dtype in FLOATS else self.coefs_[0].dtype
        return network_output(X, layers or self._layers(), dtype)

    def _layers(self) -> list[Layer]:
        return list(zip(self.coefs_, self.intercepts_, self._activations, strict=True))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _attributes(network: Network, theta: Theta) -> dict[str, Any]:
    """Return the fitted attributes that θ stands for."""
    coefs, intercepts = network.unpack(theta)
    return {"coefs_": coefs, "intercepts_": intercepts}
