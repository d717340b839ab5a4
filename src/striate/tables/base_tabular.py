"""What TabularClassifier and TabularRegressor share: encoder, members, and their mean."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import validate_data

from striate.core.problem import Problem
from striate.estimators.default_parameters import whole_sizes
from striate.estimators.fitted_attributes import (
    Attribute,
)
from striate.estimators.held_out_rows import held_out_rows
from striate.estimators.progress import Progress
from striate.estimators.restarts import SEED_LIMIT, reporting
from striate.estimators.sklearn_private import (
    check_sample_weight,
    fit_context,
)
from striate.estimators.training_record import record_of
from striate.estimators.validated_input import refuse_kinds

from .member_ensemble import MemberEnsemble
from .member_network import MemberNetwork
from .member_training import HeldOut, Member, Recipe, TableRows, run_members, solver_of
from .table_columns import Column, read_columns
from .table_encoder import TableEncoder
from .table_leaks import warn_of_leaks
from .tabular_parameters import CONSTRAINTS, TABULAR

Array = npt.NDArray[Any]

#: Each member holds out one of this many parts of the rows.
N_FOLDS = 5
#: Rows below which none are held out.
_FEWEST_ROWS = 10
# Share of the learning rate with which a member begins anew whose loss was not finite.
_FALLBACK = 0.25


class TabularModel(CallbackSupportMixin, MemberEnsemble):
    """Fit members on an encoded table; subclasses define targets, losses and their mean."""

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    #: For `LossCurveDisplay`: the curves are over epochs.
    solver: ClassVar[str] = "adam"
    _fitted: ClassVar[Mapping[str, Attribute]] = TABULAR
    _parameter_constraints: ClassVar[dict[str, Any]] = {**CONSTRAINTS}

    n_members: int
    categorical_features: Any
    max_one_hot: int
    hidden_layer_sizes: Any
    activation: str
    learning_rate_init: float
    weight_decay: float
    dropout: float
    batch_size: Any
    max_iter: Any
    n_iter_no_change: float
    verbose: bool
    random_state: Any

    @abstractmethod
    def _checked_targets(self, y: Any, name: str) -> Array:
        """Return y as an array, without missing values."""

    @abstractmethod
    def _learn_targets(self, y: Array) -> None:
        """Learn what `_targets` needs."""

    @abstractmethod
    def _check_held_out(self, y: Array) -> None:
        """Raise a ValueError if `y_val` does not fit the targets of `fit`."""

    @abstractmethod
    def _targets(self, y: Array) -> Array:
        """Return targets (n_samples, n_outputs) of the network."""

    @abstractmethod
    def _class_weights(self, y: Array) -> Callable[[Array], Array]:
        """Return a function of y that gives the weights of its rows by class."""

    @abstractmethod
    def _output(self) -> tuple[str, str, str]:
        """Return the loss, and the output activation in training and in predictions."""

    def _learned_targets(self, Y: Array) -> Array:
        """Return the targets of training; those of held-out rows stay as they are."""
        return Y

    def _loss_constants(self) -> tuple[float, ...]:
        """Return what the loss needs beside outputs and targets."""
        return ()

    @abstractmethod
    def _measure(self, outputs: Array, targets: Array, weights: Array) -> float:
        """Return the loss of outputs for held-out rows."""

    @abstractmethod
    def _strata(self, y: Array) -> Array:
        """Return the classes of the rows that folds are to have equal shares of."""

    @abstractmethod
    def _calibrate(self, outputs: Sequence[Array], held_out: Sequence[HeldOut]) -> None:
        """Learn from the members' outputs for rows that they were not trained on."""

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
        """Fit the members.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows of weight 0 are left out.
        X_val : data frame or array-like of shape (n_val, n_features), default=None
            Rows to choose the epoch by, for all members. Without them, each member holds out one
            row of five.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
        sample_weight_val : array-like of shape (n_val,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is no table of numbers and categories, if y has missing values or one class, if
            the validation rows have other columns or classes, or if the training diverges.

        Warns
        -----
        UserWarning
            If a column seems to be an identifier, free text, or to give the target away.
        """
        whole_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        given = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        columns, y, weights = self._rows_with_weight(X, y, sample_weight)
        self.encoder_ = TableEncoder(self.categorical_features, max_one_hot=self.max_one_hot)
        self.encoder_.fit_columns(columns, X)
        self._learn_targets(y)
        warn_of_leaks(self.encoder_, columns, y)
        class_weights = self._class_weights(y)
        rows = self._rows(columns, y, weights * class_weights(y))
        held_out = self._given_rows((X_val, y_val, sample_weight_val), class_weights)
        named = {"X": rows.X, "y": rows.Y, "sample_weight": rows.weights}
        record = record_of(self, **named, **_named_held_out(held_out))
        random_state = record.random_state(self.random_state)
        net, members = self._members(rows, held_out, random_state, given)
        with reporting(self, members, record, "member"):
            run_members(members)
            self._begin_failed_ones_anew(net, members, given)
        self._keep(net, members)
        return self

    def _rows_with_weight(
        self, X: Any, y: Any, sample_weight: Any, name: str = "y"
    ) -> tuple[list[Column], Array, Array]:
        """Check rows; return columns, targets and weights of those whose weight is not 0."""
        columns = read_columns(X)
        validate_data(self, X, skip_check_array=True, reset=name == "y")
        y = self._checked_targets(y, name)
        check_consistent_length(columns[0].values, y)
        refuse_kinds(sample_weight, "sample_weight", "VMmUST")
        weights = check_sample_weight(sample_weight, columns[0].values, dtype=np.float64)
        if (weights < 0).any():
            raise ValueError("sample_weight must not be negative.")
        if not weights.any():
            raise ValueError("sample_weight is zero for all samples.")
        if weights.all():
            return columns, y, weights
        kept = weights > 0
        columns = [column._replace(values=column.values[kept]) for column in columns]
        return columns, y[kept], weights[kept]

    def _rows(self, columns: list[Column], y: Array, weights: Array) -> TableRows:
        """Return rows as the members take them."""
        Y = self._targets(y).astype(np.float32)
        return TableRows(self.encoder_.encode(columns), Y, weights)

    def _given_rows(
        self, held_out: tuple[Any, Any, Any], class_weights: Callable[[Array], Array]
    ) -> TableRows | None:
        """Return the validation rows that `fit` was given, if any."""
        X_val, y_val, weight_val = held_out
        if X_val is None and y_val is None and weight_val is None:
            return None
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together.")
        columns, y, weights = self._rows_with_weight(X_val, y_val, weight_val, "y_val")
        self._check_held_out(y)
        return self._rows(columns, y, weights * class_weights(y))

    def _members(
        self,
        rows: TableRows,
        given_rows: TableRows | None,
        random_state: np.random.RandomState,
        given: dict[str, Any],
    ) -> tuple[MemberNetwork, list[Member]]:
        """Return the network of all members, and their trainings."""
        loss, out_activation, prediction_activation = self._output()
        sizes = whole_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        hidden = [self.activation] * len(sizes)
        self._activations = [*hidden, prediction_activation]
        self.n_outputs_ = rows.Y.shape[1]
        net = MemberNetwork([rows.X.shape[1], *sizes, self.n_outputs_], [*hidden, out_activation])
        problem = Problem(
            net.network,
            loss,
            rows.X,
            self._learned_targets(rows.Y),
            rows.weights,
            loss_constants=self._loss_constants(),
            dropout=[0.0, *[float(self.dropout)] * len(sizes)],
        )
        folds = self._folds(rows, given_rows, random_state)
        members = []
        for seed, fold in zip(
            random_state.randint(SEED_LIMIT, size=len(folds)), folds, strict=True
        ):
            held_out = None
            if given_rows is not None:
                every = np.arange(len(given_rows.X))
                held_out = HeldOut(net, self._activations, given_rows, every)
            elif len(fold):
                held_out = HeldOut(net, self._activations, rows, fold)
            trained = np.setdiff1d(np.arange(len(rows.X)), fold, assume_unique=True)
            own = replace(problem, seed=int(seed))
            members.append(self._member(net, own, trained, held_out, given))
        return net, members

    def _folds(
        self,
        rows: TableRows,
        given_rows: TableRows | None,
        random_state: np.random.RandomState,
    ) -> list[Array]:
        """Return the rows that each member holds out: parts that do not overlap, five at a time."""
        n, strata = len(rows.X), self._strata(rows.Y)
        nothing = np.empty(0, dtype=np.intp)
        if given_rows is not None or n < _FEWEST_ROWS:
            return [nothing] * self.n_members
        folds: list[Array] = []
        while len(folds) < self.n_members:
            folds += held_out_rows(strata, 0.0, N_FOLDS, random_state) or [nothing]
        return folds[: self.n_members]

    def _member(
        self,
        net: MemberNetwork,
        problem: Problem,
        rows: Array,
        held_out: HeldOut | None,
        given: dict[str, Any],
        share: float = 1.0,
    ) -> Member:
        """Return a training; `share` is that of the learning rate."""
        random_state = np.random.RandomState(problem.seed)
        theta = net.initial_theta(random_state)
        validation = None if held_out is None else held_out.validation(self._measure, theta)
        recipe = Recipe(
            self.learning_rate_init * share,
            self.weight_decay,
            self.batch_size,
            self.max_iter,
            self.n_iter_no_change,
        )
        solver = solver_of(recipe, net, rows, validation, random_state, self.n_members > 1)
        progress = Progress(self, [], given, partial(_attributes, self, net))
        return Member(self, theta, solver, progress, problem=problem, held_out=held_out)

    def _begin_failed_ones_anew(
        self, net: MemberNetwork, members: list[Member], given: dict[str, Any]
    ) -> None:
        """Train members whose loss was not finite again, with a quarter of the learning rate."""
        failed = [k for k, member in enumerate(members) if member.has_failed]
        if not failed:
            return
        for k in failed:
            old = members[k]
            members[k] = self._member(
                net, old.problem, old.solver.rows, old.held_out, given, _FALLBACK
            )
        run_members([members[k] for k in failed])
        if any(members[k].has_failed for k in failed):
            raise ValueError(
                "The loss became infinite, although a member began anew with a quarter of "
                f"learning_rate_init (now {self.learning_rate_init:g}). Lower it."
            )

    def _keep(self, net: MemberNetwork, members: Sequence[Member]) -> None:
        """Keep what the members learned as fitted attributes."""
        self.n_members_ = len(members)
        stacked = _stacked([net.layers(member.result.theta) for member in members])
        self.coefs_, self.intercepts_ = stacked
        self.loss_curves_ = [[float(x) for x in member.progress.losses] for member in members]
        validations = [member.solver.stopping.validation for member in members]
        validated = [each for each in validations if each is not None]
        self.validation_loss_curves_ = [list(map(float, each.losses)) for each in validated]
        self.best_epochs_ = [
            int(np.nanargmax(each.scores)) + 1 if each is not None else member.result.n_iter
            for each, member in zip(validations, members, strict=True)
        ]
        self.n_iter_ = max(member.result.n_iter for member in members)
        self.loss_curve_ = _mean_curve(self.loss_curves_)
        self.validation_loss_curve_ = _mean_curve(self.validation_loss_curves_)
        held = [(m.held_out.outputs(m.result.theta), m.held_out) for m in members if m.held_out]
        self._calibrate([outputs for outputs, _ in held], [held_out for _, held_out in held])


def _stacked(members: Sequence[Sequence[tuple[Array, Array]]]) -> tuple[list[Array], list[Array]]:
    """Return W (n_members, n_in, n_out) and b (n_members, n_out) of each layer."""
    layers = list(zip(*members, strict=True))
    W = [np.stack([w for w, _ in each]) for each in layers]
    return W, [np.stack([b for _, b in each]) for each in layers]


def _attributes(model: TabularModel, net: MemberNetwork, theta: Array) -> dict[str, Any]:
    """Return the fitted attributes that θ of one member stands for."""
    coefs, intercepts = _stacked([net.layers(theta)])
    return {"coefs_": coefs, "intercepts_": intercepts, "n_members_": 1}


def _mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean of curves; a curve that has ended keeps its last value."""
    longest = max(map(len, curves), default=0)
    padded = [[*curve, *[curve[-1]] * (longest - len(curve))] for curve in curves]
    return [float(np.mean(values)) for values in zip(*padded, strict=True)]


def _named_held_out(rows: TableRows | None) -> dict[str, Any]:
    values = (None, None, None) if rows is None else rows
    return dict(zip(("X_val", "y_val", "sample_weight_val"), values, strict=True))
