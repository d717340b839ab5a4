"""Which units of each hidden layer respond to the input, and which are dead or saturated."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.core.activations import range_of
from striate.core.inference import layer_output
from striate.estimators.finding import Finding
from striate.estimators.reconstruction import Layer

# A unit is dead if its activations vary by at most this share of their possible range, or of the
# typical range of the units of its layer.
_DEAD_SPREAD = 0.01
# An activation is saturated within this share of the end of its range: there f′ of sigmoid and tanh
# is below 4% of its maximum, and the unit hardly learns from the row.
_SATURATED_END = 0.01
# A unit is saturated if its activation is, in this share of the rows.
_SATURATED_ROWS = 0.9
# Share of units that may be dead or saturated in a healthy layer. More are reported if they exceed
# it by two standard deviations of chance: 28 of 100, 5 of 10, 3 of 5; half is serious if so.
_USUAL, _MOST = 0.2, 0.5
_DEVIATIONS = 2.0


class LayerActivity(NamedTuple):
    """Units of a hidden layer, over the rows of X.

    Attributes
    ----------
    activation : str
        Name of the activation function.
    dead, saturated : ndarray of bool of shape (n_units,)
        Units whose activation hardly varies; units with a bounded activation that is at an end of
        its range in nearly all rows. A dead unit does not count as saturated.
    """

    activation: str
    dead: NDArray[np.bool_]
    saturated: NDArray[np.bool_]

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.dead)


def layer_activities(
    X: Any, layers: Sequence[Layer], sparse_activity: bool = False
) -> list[LayerActivity]:
    """Pass rows through the hidden layers, and measure the activity of their units.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    layers : list of tuple
        W, b and activation of each hidden layer.
    sparse_activity : bool, default=False
        Whether units were trained to be mostly inactive, so that none counts as saturated.

    Returns
    -------
    list of LayerActivity
    """
    found = []
    for W, b, activation in layers:
        X = layer_output(X, W, b, activation)
        found.append(_activity(X, activation, sparse_activity))
    return found


def _activity(A: NDArray[Any], activation: str, sparse_activity: bool) -> LayerActivity:
    lowest, highest = range_of(activation)
    span = highest - lowest
    low, high = A.min(axis=0), A.max(axis=0)
    spread = high.astype(np.float64) - low
    saturated = np.zeros(len(spread), dtype=bool)
    if np.isfinite(span):
        margin = _SATURATED_END * span
        dead = spread <= _DEAD_SPREAD * span
        if not sparse_activity:
            # A dead unit that is stuck at an end of its range is saturated, in other words.
            at_an_end = (lowest + margin > A) | (highest - margin < A)
            saturated = at_an_end.mean(axis=0) >= _SATURATED_ROWS
            dead &= ~saturated
    elif activation == "relu":
        dead = high <= 0
    else:
        dead = spread <= _DEAD_SPREAD * np.median(spread)
    return LayerActivity(activation, dead, saturated)


def activity_findings(
    activities: Sequence[LayerActivity], layers: Sequence[Layer], n_rows: int
) -> list[Finding | None]:
    """Return which hidden layers have many dead or saturated units.

    Units without any weight, as after training with `l1_weight`, are not counted: their layer is
    narrower on purpose.
    """
    found: list[Finding | None] = []
    for k, activity in enumerate(activities, start=1):
        W, _, _ = layers[k - 1]
        units = _Units(activity, _has_weights(W), k if len(layers) > 1 else None)
        found += [_dead(units, n_rows), _saturated(units)]
    return found


class _Units(NamedTuple):
    """The units of a hidden layer that have weights, and the number of the layer if one of many."""

    activity: LayerActivity
    connected: NDArray[np.bool_]
    number: int | None

    def severity(self, marked: NDArray[np.bool_]) -> str | None:
        n, n_marked = int(self.connected.sum()), int(marked[self.connected].sum())
        if n_marked <= _USUAL * n + _DEVIATIONS * np.sqrt(_USUAL * (1 - _USUAL) * n):
            return None
        return "high" if n_marked >= _MOST * n else "medium"

    def counted(self, marked: NDArray[np.bool_]) -> str:
        layer = "the hidden layer" if self.number is None else f"hidden layer {self.number}"
        n = marked[self.connected].sum()
        return f"{n} of {self.connected.sum()} {self.activity.activation} units of {layer}"


def _has_weights(W: Any) -> NDArray[np.bool_]:
    """Return whether each unit has a weight that is not 0."""
    has: NDArray[np.bool_] = np.asarray(abs(W).sum(axis=0)).ravel() > 0
    return has


def _dead(units: _Units, n_rows: int) -> Finding | None:
    severity = units.severity(units.activity.dead)
    if severity is None:
        return None
    relu = units.activity.activation == "relu"
    how = f"are never active in {n_rows:,} rows" if relu else "give all rows the same activation"
    return Finding(
        severity,
        "dead units",
        f"{units.counted(units.activity.dead)} {how}",
        "Lower the learning rate, scale X" + (", or try activation='tanh'." if relu else "."),
    )


def _saturated(units: _Units) -> Finding | None:
    severity = units.severity(units.activity.saturated)
    if severity is None:
        return None
    return Finding(
        severity,
        "saturated units",
        f"{units.counted(units.activity.saturated)} are within {_SATURATED_END:.0%} of an end of "
        f"their range in at least {_SATURATED_ROWS:.0%} of the rows, where they hardly learn",
        "Scale X, lower the learning rate, or raise alpha.",
    )
