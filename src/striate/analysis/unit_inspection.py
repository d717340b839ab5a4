"""What each unit of a first layer looks for, and what it does over the rows of a data set."""

import warnings
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.inference import layer_output
from striate.estimators.sklearn_private import Interval, validate_params

from .maximal_inputs import maximal_inputs

# Rows whose activations are held at a time.
_BLOCK_ROWS = 4096
# A unit is dead when its activation varies over no more than this share of what it could.
_DEAD_SPREAD = 0.01
# And a duplicate when its activation correlates more than this with another one's.
_DUPLICATE_CORRELATION = 0.99
# Distance between the lowest and the highest output, of activations that are bounded.
_SPANS = {"logistic": 1.0, "tanh": 2.0, "softmax": 1.0}
# Lines of the summary before the rest is counted only.
_LISTED_UNITS = 10

# What to pass in place of an estimator that has no layer of its own, by an attribute it has.
_INSTEAD = {
    "steps": "Pass the step itself and the rows that it sees: pipeline[-1] and "
    "pipeline[:-1].transform(X).",
    "best_estimator_": "Pass its best_estimator_.",
    "encoder_": "Pass its encoder_ and the patches that it sees, from sample_patches(images).",
}


@dataclass(frozen=True, eq=False, repr=False)
class UnitInspection:
    """What each unit of a layer looks for, and what it did over the rows of X.

    It comes from `inspect_units`. Printed, it is a summary; `table` has a line for each unit.

    Attributes
    ----------
    maximal_inputs : ndarray or csr_array of shape (n_units, n_features)
        The input of norm 1 that excites each unit most; sparse where the weights are.
    mean_activation : ndarray of shape (n_units,)
        ρ̂: mean over the rows.
    std_activation : ndarray of shape (n_units,)
        Standard deviation over the rows.
    min_activation : ndarray of shape (n_units,)
        Lowest over the rows. The highest is ``top_activations[:, 0]``.
    top_rows : ndarray of shape (n_units, n_rows)
        Indices of the rows of X that excite each unit most, strongest first; of rows that do so
        alike the first ones.
    top_activations : ndarray of shape (n_units, n_rows)
        The activations there.
    dead : ndarray of bool of shape (n_units,)
        Units that hardly answer to the input.
    duplicate_of : ndarray of int of shape (n_units,)
        The earlier unit that a unit repeats, or -1. That one is neither dead nor a duplicate.
    sparsity_target : float or None
        ρ, if the layer was trained towards one.
    n_samples : int
        Number of rows of X.
    feature_names : ndarray of shape (n_features,) or None
        Names of the features, if the estimator was fitted with any.
    """

    maximal_inputs: Any
    mean_activation: np.ndarray
    std_activation: np.ndarray
    min_activation: np.ndarray
    top_rows: np.ndarray
    top_activations: np.ndarray
    dead: np.ndarray
    duplicate_of: np.ndarray
    sparsity_target: float | None
    n_samples: int
    feature_names: np.ndarray | None = None

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.dead)

    @property
    def duplicate(self) -> np.ndarray:
        """Whether each unit is a duplicate, ndarray of bool of shape (n_units,)."""
        return self.duplicate_of >= 0

    @property
    def dead_share(self) -> float:
        """Share of units that are dead."""
        return float(self.dead.mean())

    @property
    def duplicate_share(self) -> float:
        """Share of units that are duplicates."""
        return float(self.duplicate.mean())

    def table(self) -> dict[str, np.ndarray]:
        """One line for each unit, as columns by name: ``pandas.DataFrame(inspection.table())``.

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


def _count(marked: np.ndarray) -> str:
    return f"{marked.sum()} ({100 * marked.mean():.3g}%)"


@validate_params(
    {"n_rows": [Interval(Integral, 1, None, closed="left")]}, prefer_skip_nested_validation=True
)
def inspect_units(estimator, X, *, n_rows=9):
    """Look into a fitted first layer: what its units look for, and which are of no use.

    A unit is *dead* when its activation hardly changes over the rows of X: when the highest and the
    lowest differ by at most 1% of what the activation function spans (1 for "logistic", 2 for
    "tanh"), or, where that is unbounded ("relu", "identity"), by at most 1% of the largest such
    difference of any unit. Whether it is silent or always active makes no difference: it says
    nothing about the input.

    A unit is a *duplicate* of an earlier one when both are alive and their activations correlate
    above 0.99, or below -0.99: whatever follows could do with one of them. Each duplicate refers to
    the unit most like it among those that are no duplicates themselves.

    Parameters
    ----------
    estimator : fitted estimator
        Any with ``as_layer()`` (`SparseAutoencoder`, `MLPClassifier`, `MLPRegressor`: the first
        hidden layer), with ``coefs_`` (scikit-learn's perceptrons), or with ``components_`` and
        ``transform`` (PCA and others). Of a `PatchFeatures`, pass its ``encoder_`` and the patches
        from ``sample_patches``.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows to look at, such as the training data. Few rows tell little: hardly any unit is
        ever excited by ten rows, and over two rows any two units correlate.
    n_rows : int, default=9
        Number of rows to name for each unit, those that excite it most.

    Returns
    -------
    UnitInspection

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no such layer, or if X has NaN or infinite values, fewer than two rows, or another
        number of features than in fit.

    See Also
    --------
    UnitsDisplay : The same as a picture.
    maximal_inputs : The maximising inputs alone.

    Notes
    -----
    The maximising input W_i / ‖W_i‖ is exact for activations f(W x + b) with a rising f, as those
    of a first layer are. Beside X, memory is needed for the activations of 4096 rows and for the
    correlations of all pairs of units.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from striate import SparseAutoencoder, inspect_units
    >>> X = load_digits().data / 16
    >>> model = SparseAutoencoder(25, sparsity_weight=0.3, max_iter=50, random_state=0).fit(X)
    >>> inspection = inspect_units(model, X)
    >>> inspection.top_rows.shape, inspection.sparsity_target
    ((25, 9), 0.05)
    >>> inspection.dead_share
    0.0
    """
    check_is_fitted(estimator)
    if hasattr(estimator, "autoencoders_"):  # of a stack, the lowest
        estimator = estimator.autoencoders_[0]
    layer = first_layer(estimator)
    kinds = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
    X = validate_data(estimator, X, reset=False, ensure_min_samples=2, **kinds)
    if X.shape[1] != layer.components.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} features, but the first layer of {type(estimator).__name__} "
            f"has {layer.components.shape[1]} inputs."
        )
    seen = _Seen(layer.components.shape[0], min(n_rows, X.shape[0]))
    for rows in gen_batches(X.shape[0], _BLOCK_ROWS):
        seen.add(layer.activate(X[rows]), rows.start)
    spread = seen.values[:, 0] - seen.lowest
    dead = spread <= _DEAD_SPREAD * (spread.max() if layer.span is None else layer.span)
    return UnitInspection(
        maximal_inputs=maximal_inputs(layer.components),
        mean_activation=seen.mean,
        std_activation=np.sqrt(np.diag(seen.scatter) / seen.n),
        min_activation=seen.lowest,
        top_rows=seen.rows,
        top_activations=seen.values,
        dead=dead,
        duplicate_of=_duplicates(seen.scatter, ~dead),
        sparsity_target=_target(estimator),
        n_samples=seen.n,
        feature_names=getattr(estimator, "feature_names_in_", None),
    )


class FirstLayer(NamedTuple):
    """A layer between the input and the first hidden units."""

    components: Any  # W (n_units, n_features), an array or a sparse matrix
    activate: Any  # from rows of X to activations (m, n_units)
    span: float | None  # what an activation can differ by, None when unbounded


def first_layer(estimator):
    """Return the first layer of a fitted estimator.

    Raises
    ------
    ValueError
        If it has none.
    """
    if hasattr(estimator, "as_layer"):
        return _layer(*estimator.as_layer())
    if hasattr(estimator, "coefs_"):  # scikit-learn's perceptrons
        hidden = len(estimator.coefs_) > 1
        f = estimator.activation if hidden else estimator.out_activation_
        return _layer(estimator.coefs_[0], estimator.intercepts_[0], f)
    if hasattr(estimator, "components_") and hasattr(estimator, "transform"):
        return FirstLayer(np.asarray(estimator.components_), _transform_of(estimator), None)
    hints = [hint for name, hint in _INSTEAD.items() if hasattr(estimator, name)]
    raise ValueError(
        f"{type(estimator).__name__} has no first layer to look into: neither as_layer(), nor "
        "coefs_, nor components_ with transform. "
        + (hints or ["Pass a SparseAutoencoder, an MLPClassifier, a PCA or the like."])[0]
    )


def _transform_of(estimator):
    def activate(X):
        with warnings.catch_warnings():  # the names were checked with X as a whole
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            return estimator.transform(X)

    return activate


def _layer(W, b, f):
    def activate(X):
        X = X if sparse.issparse(X) else np.ascontiguousarray(X)
        return layer_output(X, W, b, f)

    return FirstLayer(W.T, activate, _SPANS.get(f))


def _target(estimator):
    """ρ; None where nothing drew the units towards it."""
    if not getattr(estimator, "sparsity_weight", 0) > 0:
        return None
    return float(estimator.sparsity_target)


class _Seen:
    """What is kept of the activations of the rows seen so far."""

    def __init__(self, n_units, n_rows):
        self.n = 0
        self.mean = np.zeros(n_units)
        self.scatter = np.zeros((n_units, n_units))  # Σ (a − mean)(a − mean)ᵀ over the rows
        self.lowest = np.full(n_units, np.inf)
        self.values = np.full((n_units, n_rows), -np.inf)
        self.rows = np.full((n_units, n_rows), -1)

    def add(self, A, first):
        """Add a block A (m, n_units) of activations, of the rows from `first` on."""
        A = np.asarray(A, dtype=np.float64)
        self.lowest = np.minimum(self.lowest, A.min(axis=0))
        self._add_top(np.ascontiguousarray(A.T), first)
        if self.n == 0:
            self.mean = A[0]  # so that a constant has no deviation, to the last bit
        # Sums of squares of two parts, each about its own mean, and what lies between the means.
        mean = self.mean + (A - self.mean).mean(axis=0)
        D, shift, n = A - mean, mean - self.mean, self.n + len(A)
        self.scatter += D.T @ D + self.n * len(A) / n * np.outer(shift, shift)
        self.mean = self.mean + len(A) / n * shift
        self.n = n

    def _add_top(self, A, first):
        higher = self.values[:, -1:] < A
        for unit in np.flatnonzero(higher.any(axis=1)):
            new = np.flatnonzero(higher[unit])
            values = np.concatenate([self.values[unit], A[unit, new]])
            rows = np.concatenate([self.rows[unit], first + new])
            best = np.argsort(-values, kind="stable")[: self.values.shape[1]]
            self.values[unit], self.rows[unit] = values[best], rows[best]


def _duplicates(scatter, live):
    """Index of the earlier live unit that each live one repeats, or -1."""
    deviation = np.sqrt(np.diag(scatter))
    scale = np.where(live, 1 / np.where(live, deviation, 1), 0)
    correlation = np.abs(scatter * scale[:, None] * scale)
    duplicate_of = np.full(len(live), -1)
    for unit in np.flatnonzero(live)[1:]:
        alike = np.where(duplicate_of[:unit] < 0, correlation[unit, :unit], 0)
        if alike.max() > _DUPLICATE_CORRELATION:
            duplicate_of[unit] = alike.argmax()
    return duplicate_of
