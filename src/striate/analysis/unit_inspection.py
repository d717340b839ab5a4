"""What each unit of a first layer looks for, and how active it is over the rows of a data set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from striate.estimators.estimator_state import require_fitted
from striate.estimators.validated_input import FLOATS, validated

from .fitted_weights import FirstLayer, first_layer, lowest_estimator
from .maximal_inputs import maximal_inputs
from .running_statistics import RunningStatistics

# Rows per block of activations.
_BLOCK_ROWS = 4096
# A unit is dead if its activations vary by at most this share of their possible range.
_DEAD_SPREAD = 0.01
# Two units are duplicates if their activations correlate more than this.
_DUPLICATE_CORRELATION = 0.99
# Units listed in the summary; the rest is only counted.
_LISTED_UNITS = 10


@dataclass(frozen=True, eq=False, repr=False)
class UnitInspection:
    """What each unit of a layer looks for, and how active it was over the rows of X.

    The result of `inspect_units`. Printing it shows a summary; `table` has a row for each unit.

    Attributes
    ----------
    maximal_inputs : ndarray or csr_array of shape (n_units, n_features)
        The input of norm 1 that excites each unit most; sparse if the weights are.
    mean_activation : ndarray of shape (n_units,)
        ρ̂: mean over the rows.
    std_activation : ndarray of shape (n_units,)
        Standard deviation over the rows.
    min_activation : ndarray of shape (n_units,)
        Minimum over the rows. The maximum is ``top_activations[:, 0]``.
    top_rows : ndarray of shape (n_units, n_rows)
        Indices of the rows of X that excite each unit most, strongest first; ties in the order
        of X.
    top_activations : ndarray of shape (n_units, n_rows)
        Activations by these rows.
    dead : ndarray of bool of shape (n_units,)
        Units that hardly respond to the input.
    duplicate_of : ndarray of int of shape (n_units,)
        The earlier unit that a unit duplicates, or -1. That unit is neither dead nor a duplicate.
    sparsity_target : float or None
        ρ, if the layer was trained towards one.
    n_samples : int
        Number of rows of X.
    feature_names : ndarray of shape (n_features,) or None
        Names of the features, if the estimator was fitted with any.
    """

    maximal_inputs: Any
    mean_activation: NDArray[Any]
    std_activation: NDArray[Any]
    min_activation: NDArray[Any]
    top_rows: NDArray[Any]
    top_activations: NDArray[Any]
    dead: NDArray[Any]
    duplicate_of: NDArray[Any]
    sparsity_target: float | None
    n_samples: int
    feature_names: NDArray[Any] | None = None

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.dead)

    @property
    def duplicate(self) -> NDArray[np.bool_]:
        """Whether each unit is a duplicate, ndarray of bool of shape (n_units,)."""
        duplicate: NDArray[np.bool_] = self.duplicate_of >= 0
        return duplicate

    @property
    def dead_share(self) -> float:
        """Share of units that are dead."""
        return float(self.dead.mean())

    @property
    def duplicate_share(self) -> float:
        """Share of units that are duplicates."""
        return float(self.duplicate.mean())

    def table(self) -> dict[str, NDArray[Any]]:
        """Return one row for each unit, as named columns for ``pandas.DataFrame``.

        Returns
        -------
        dict of str to ndarray of shape (n_units,)
            unit, mean_activation, target (NaN without one), std_activation, min_activation,
            max_activation, top_row, dead, duplicate_of.
        """
        target = np.nan if self.sparsity_target is None else self.sparsity_target
        return {
            "unit": np.arange(self.n_units),
            "mean_activation": self.mean_activation,
            "target": np.full(self.n_units, target),
            "std_activation": self.std_activation,
            "min_activation": self.min_activation,
            "max_activation": self.top_activations[:, 0],
            "top_row": self.top_rows[:, 0],
            "dead": self.dead,
            "duplicate_of": self.duplicate_of,
        }

    def __str__(self) -> str:
        means, target = self.mean_activation, self.sparsity_target
        aim = "" if target is None else f", target {target:g}"
        lines = [
            f"{self.n_units} units over {self.n_samples} rows",
            f"dead             {_count(self.dead)}",
            f"duplicates       {_count(self.duplicate)}",
            f"mean activation  {means.mean():.3g}, from {means.min():.3g} to {means.max():.3g} "
            f"by unit{aim}",
            "",
            "  unit      mean       std       max   top row",
        ]
        order = np.argsort(-means, kind="stable")
        lines += [self._line(unit) for unit in order[:_LISTED_UNITS]]
        if len(order) > _LISTED_UNITS:
            lines.append(f"and {len(order) - _LISTED_UNITS} less active units: see table()")
        return "\n".join(lines)

    __repr__ = __str__

    def _line(self, unit: int) -> str:
        numbers = (self.mean_activation, self.std_activation, self.top_activations[:, 0])
        columns = "".join(f"{values[unit]:10.3g}" for values in numbers)
        note = "   dead" if self.dead[unit] else ""
        if self.duplicate[unit]:
            note = f"   duplicate of {self.duplicate_of[unit]}"
        return f"{unit:6d}{columns}{self.top_rows[unit, 0]:10d}{note}"


def _count(marked: NDArray[Any]) -> str:
    return f"{marked.sum()} ({100 * marked.mean():.3g}%)"


def inspect_units(estimator: Any, X: Any, *, n_rows: int = 9) -> UnitInspection:
    """Inspect a fitted first layer: what its units look for, and which are of no use.

    A unit is *dead* if its activation hardly changes over the rows of X: if the maximum and the
    minimum differ by at most 1% of the range of the activation function (1 for "logistic", 2 for
    "tanh"), or, if that is unbounded ("relu", "identity"), by at most 1% of the largest such
    difference of any unit. It does not matter whether the unit is silent or always active: it says
    nothing about the input.

    A unit is a *duplicate* of an earlier one if both are alive and their activations correlate
    above 0.99, or below -0.99: the next layer could do with one of them. Each duplicate refers to
    the unit most similar to it among those that are not duplicates themselves.

    Parameters
    ----------
    estimator : fitted estimator
        Any with ``as_layer()`` (`SparseAutoencoder`, `MLPClassifier`, `MLPRegressor`: the first
        hidden layer), with ``coefs_`` (scikit-learn's perceptrons), or with ``components_`` and
        ``transform`` (PCA and others). For a `PatchFeatures`, pass its ``encoder_`` and the
        patches from ``sample_patches``.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to measure activations on, such as the training data. Few rows tell little: hardly any
        unit is ever excited by ten rows, and over two rows any two units correlate.
    n_rows : int, default=9
        Number of rows to list for each unit, those that excite it most.

    Returns
    -------
    UnitInspection
        The result.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no such layer, or if X has NaN or infinite values, fewer than two rows, or a
        number of features that differs from that in fit, or if `n_rows` is not a positive integer.

    See Also
    --------
    UnitsDisplay : The same as a picture.
    maximal_inputs : Only the maximizing inputs.

    Notes
    -----
    The maximizing input W_i / ‖W_i‖ is exact for activations f(W x + b) with an increasing f, as
    in a first layer. In addition to X, memory is needed for the activations of 4096 rows and for
    the correlations of all pairs of units.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from striate import SparseAutoencoder, inspect_units
    >>> X = load_digits().data / 16
    >>> model = SparseAutoencoder(25, sparsity_weight=0.3, tol=1e-3, random_state=0).fit(X)
    >>> inspection = inspect_units(model, X)
    >>> inspection.top_rows.shape, inspection.sparsity_target
    ((25, 9), 0.05)
    >>> inspection.dead_share
    0.0
    """
    if not isinstance(n_rows, int | np.integer) or n_rows < 1:
        raise ValueError(
            f"The 'n_rows' parameter must be an integer of at least 1, got {n_rows!r}."
        )
    require_fitted(estimator)
    estimator = lowest_estimator(estimator)
    layer = first_layer(estimator)
    kinds: dict[str, Any] = {"accept_sparse": "csr", "dtype": FLOATS}
    X = validated(estimator, X, reset=False, ensure_min_samples=2, **kinds)
    n_units, n_inputs = layer.components.shape
    if X.shape[1] != n_inputs:
        raise ValueError(
            f"X has {X.shape[1]} features, but the first layer of {type(estimator).__name__} "
            f"has {n_inputs} inputs."
        )
    statistics = RunningStatistics(n_units, min(int(n_rows), X.shape[0]))
    for rows in gen_batches(X.shape[0], _BLOCK_ROWS):
        statistics.add(layer.activate(X[rows]), rows.start)
    return _inspection(estimator, layer, statistics)


def _inspection(estimator: Any, layer: FirstLayer, statistics: RunningStatistics) -> UnitInspection:
    spread = statistics.top_values[:, 0] - statistics.lowest
    dead = spread <= _DEAD_SPREAD * (spread.max() if layer.span is None else layer.span)
    return UnitInspection(
        maximal_inputs=maximal_inputs(layer.components),
        mean_activation=statistics.mean,
        std_activation=statistics.std,
        min_activation=statistics.lowest,
        top_rows=statistics.top_rows,
        top_activations=statistics.top_values,
        dead=dead,
        duplicate_of=statistics.duplicates(~dead, _DUPLICATE_CORRELATION),
        sparsity_target=_sparsity_target(estimator),
        n_samples=statistics.n,
        feature_names=getattr(estimator, "feature_names_in_", None),
    )


def _sparsity_target(estimator: Any) -> float | None:
    """Return ρ, or None if the estimator has no sparsity term."""
    if not getattr(estimator, "sparsity_weight", 0) > 0:
        return None
    return float(estimator.sparsity_target)
