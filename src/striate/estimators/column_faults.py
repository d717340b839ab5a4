"""Faults of the data that a network is trained on: scales of columns and targets, repetitions."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .finding import Finding, named

Array = NDArray[np.float64]

# Numbers in a block of rows that is converted to float64 at a time.
_BLOCK_NUMBERS = 1_000_000
# Ratio of the scales of two columns. Weights of a column learn at a pace proportional to its scale,
# and the curvature of J goes with its square: with a ratio of 100 one learning rate has to suit
# curvatures that differ ten-thousandfold. Unscaled measurements of one kind (lengths in cm) and
# rare words beside frequent ones stay below.
_SCALE_RATIO = 100.0
# Ratio from which the small columns take no part in practice.
_HOPELESS_RATIO = 1000.0
# |mean| / standard deviation of a column, such as a year. The part of the input that says
# something is then 30 times smaller than the part that is always the same.
_OFFSET_RATIO = 30.0
# Typical scale of the columns. Initial weights give z the scale of the columns: beyond 30 sigmoid
# units are saturated (|z| > 4) in most rows from the start, below 0.01 units see only their bias.
_LARGE_SCALE, _SMALL_SCALE = 30.0, 0.01
# Root mean square of targets. Gradients and outputs are proportional to them, while learning rates,
# alpha and initial weights suit targets near 1; alpha's influence falls with the square.
_LARGE_TARGETS, _HUGE_TARGETS = 10.0, 100.0
# Standard deviation of targets: ½ 0.1² = 0.005 is all the loss that there is to lower, 50 times the
# default of tol, so that training ends after a few epochs.
_SMALL_TARGETS = 0.1
# Rows with another value than the most frequent one that two equal columns have at least, or half
# of all rows: rare words and dark pixels agree by chance.
_LEAST_VARIED = 30
# Nonzero entries that a column has at least if its scale is compared: a few may be small by chance.
_LEAST_NONZERO = 10
# Correlation above which columns are the same up to scale and rounding (in float32, too).
_SAME = 1 - 1e-8

_SCALE_DENSE = "Scale X: make_pipeline(StandardScaler(), ...)."
_SCALE_SPARSE = "Scale X, which keeps its zeros: make_pipeline(MaxAbsScaler(), ...)."


class ColumnScales(NamedTuple):
    """Scales of the columns over some rows, each of shape (n_features,).

    Attributes
    ----------
    mean, std : ndarray
    size : ndarray
        Root mean square of the entries that are not 0; 0 for a column of zeros.
    n_nonzero : ndarray
        Number of entries that are not 0.
    """

    mean: Array
    std: Array
    size: Array
    n_nonzero: NDArray[Any]

    @property
    def varied(self) -> NDArray[np.bool_]:
        """Whether each column has more than one value."""
        varied: NDArray[np.bool_] = self.std > 0
        return varied


def column_scales(X: Any) -> ColumnScales:
    """Return the scales of the columns of an array or a CSR matrix, in bounded memory."""
    return _sparse_scales(X) if sparse.issparse(X) else _dense_scales(X)


def _dense_scales(X: Any) -> ColumnScales:
    n = len(X)
    largest = np.abs(X).max(axis=0).astype(np.float64)
    unit = np.where(largest > 0, largest, 1.0)  # so that squares are finite
    n_nonzero, total, squares = np.zeros((3, X.shape[1]))
    for rows in _blocks(X):
        block = X[rows] / unit
        n_nonzero += np.count_nonzero(block, axis=0)
        total += block.sum(axis=0)
        squares += np.einsum("ij,ij->j", block, block)
    mean, deviations = total / n, np.zeros(X.shape[1])
    for rows in _blocks(X):
        block = X[rows] / unit - mean
        deviations += np.einsum("ij,ij->j", block, block)
    constant = X.min(axis=0) == X.max(axis=0)  # exactly, whatever rounding made of the mean
    std = np.where(constant, 0.0, np.sqrt(deviations / n))
    size = np.sqrt(squares / np.maximum(n_nonzero, 1))
    return ColumnScales(mean * unit, std * unit, size * unit, n_nonzero)


def _sparse_scales(X: Any) -> ColumnScales:
    n, d = X.shape
    columns, values = X.indices, X.data.astype(np.float64)
    largest = np.zeros(d)
    np.maximum.at(largest, columns, np.abs(values))
    unit = np.where(largest > 0, largest, 1.0)
    values /= unit[columns]
    n_stored = np.bincount(columns, minlength=d)
    n_nonzero = np.bincount(columns[values != 0], minlength=d)
    mean = np.bincount(columns, values, minlength=d) / n
    deviations = np.bincount(columns, (values - mean[columns]) ** 2, minlength=d)
    deviations = deviations + (n - n_stored) * mean**2
    first = np.zeros(d)
    first[columns[::-1]] = values[::-1]
    differs = np.bincount(columns, values != first[columns], minlength=d) > 0
    constant = ~differs & ((n_stored == n) | (n_nonzero == 0))
    std = np.where(constant, 0.0, np.sqrt(deviations / n))
    size = np.sqrt(np.bincount(columns, values**2, minlength=d) / np.maximum(n_nonzero, 1))
    return ColumnScales(mean * unit, std * unit, size * unit, n_nonzero)


def _blocks(X: Any) -> Iterator[slice]:
    step = max(1, _BLOCK_NUMBERS // max(X.shape[1], 1))
    return (slice(lo, lo + step) for lo in range(0, X.shape[0], step))


def scale_findings(scales: ColumnScales, names: Any, is_sparse: bool) -> list[Finding | None]:
    """Return what is wrong with the scales of the columns."""
    advice = _SCALE_SPARSE if is_sparse else _SCALE_DENSE
    with np.errstate(over="ignore"):  # a ratio may be beyond the largest number
        different = _different_scales(scales, names, advice)
        far = _far_from_zero(scales, names)
    return [
        different,
        far,
        None if different else _far_from_one(scales, advice),
        _constant(scales, names),
    ]


def _different_scales(scales: ColumnScales, names: Any, advice: str) -> Finding | None:
    """Compare columns by their standard deviation and by the size of their nonzero entries.

    Both must differ. Rare words and dark pixels have a small deviation but entries of the usual
    size; if such columns are divided by their deviation, it is the other way round.
    """
    columns = np.flatnonzero(scales.varied & (scales.n_nonzero >= _LEAST_NONZERO))
    if len(columns) < 2:
        return None
    order = columns[np.argsort(scales.size[columns], kind="stable")]
    size, std = scales.size[order], scales.std[order]
    # Of all columns up to a size, the one with the smallest deviation.
    lowest = np.minimum.accumulate(std)
    n_smaller = np.searchsorted(size, size / _SCALE_RATIO, side="right")
    ratio = np.where(n_smaller > 0, std / lowest[n_smaller - 1], 0.0)
    large = int(np.argmax(ratio))
    if ratio[large] < _SCALE_RATIO:
        return None
    small = int(np.argmin(std[: n_smaller[large]]))
    high, low = named(order[[large]], names), named(order[[small]], names)
    return Finding(
        "high" if ratio[large] >= _HOPELESS_RATIO else "medium",
        "columns of very different scale",
        f"the standard deviation of {high} is {std[large]:.3g}, that of {low} {std[small]:.3g}, "
        f"{ratio[large]:,.0f} times smaller",
        advice,
    )


def _far_from_zero(scales: ColumnScales, names: Any) -> Finding | None:
    offset = np.zeros(len(scales.std))
    np.divide(np.abs(scales.mean), scales.std, out=offset, where=scales.varied)
    far = np.flatnonzero(offset >= _OFFSET_RATIO)
    if not len(far):
        return None
    far = far[np.argsort(-offset[far], kind="stable")]
    worst = far[0]
    return Finding(
        "medium",
        "columns far from zero",
        f"{named(far, names)}: mean {scales.mean[worst]:.3g}, standard deviation only "
        f"{scales.std[worst]:.3g}",
        "Subtract the mean: make_pipeline(StandardScaler(), ...).",
    )


def _far_from_one(scales: ColumnScales, advice: str) -> Finding | None:
    if not scales.varied.any():
        return None
    typical = float(np.median(scales.size[scales.varied]))
    if _SMALL_SCALE <= typical <= _LARGE_SCALE:
        return None
    size = "large" if typical > 1 else "small"
    return Finding(
        "medium",
        f"{size} numbers in X",
        f"nonzero entries of the columns are {typical:.3g} in the median; learning rates and "
        "initial weights suit numbers near 1",
        advice,
    )


def _constant(scales: ColumnScales, names: Any) -> Finding | None:
    """Find columns that are constant but not 0; columns of zeros add nothing to any unit."""
    constant = np.flatnonzero(~scales.varied & (scales.size > 0))
    if not len(constant):
        return None
    first = f"{named(constant[:1], names)} is always {scales.mean[constant[0]]:.4g}"
    return Finding(
        "low",
        "constant columns",
        first if len(constant) == 1 else f"{named(constant, names)}; {first}",
        "Remove them (VarianceThreshold): they only add to the biases.",
    )


def duplicate_finding(
    X: Any, scales: ColumnScales, names: Any, random_state: Any
) -> Finding | None:
    """Find columns that are the same up to scale and offset.

    Standardized columns are projected on one random vector of rows. Equal ones are neighbours
    there; only neighbours are compared.
    """
    original = _originals(X, scales, random_state)
    again = np.flatnonzero(original != np.arange(len(original)))
    if not len(again):
        return None
    first = f"{named(again[:1], names)} is {named(original[again[:1]], names)} again"
    return Finding(
        "low",
        "duplicate columns",
        f"up to scale and offset, {first}"
        + (f", and {len(again) - 1:,} more repeat another" if len(again) > 1 else ""),
        "Keep one of each: repeated columns count several times in every unit.",
    )


def _originals(X: Any, scales: ColumnScales, random_state: Any) -> NDArray[np.intp]:
    """Return the first column that each column repeats, or the column itself."""
    least = min(_LEAST_VARIED, X.shape[0] / 2)
    candidates = np.flatnonzero(scales.varied & (scales.n_nonzero >= least))
    projections = _projections(X, scales, random_state)[candidates]
    order = np.argsort(projections, kind="stable")
    candidates = candidates[order]
    # The projections of two columns differ by √(2 − 2 correlation) in the standard deviation.
    near = np.diff(projections[order]) <= 4 * np.sqrt(2 * (1 - _SAME))
    columns = X.tocsc() if sparse.issparse(X) else X
    original = np.arange(X.shape[1])
    for k in np.flatnonzero(near):
        pair = candidates[k : k + 2]
        if _is_same(_column(columns, pair[0]), _column(columns, pair[1])):
            same = np.isin(original, original[pair])
            original[same] = original[pair].min()
    return original


def _projections(X: Any, scales: ColumnScales, random_state: Any) -> Array:
    """Return Σ_i r_i z_ij / √n of each standardized column z_j, for random r."""
    n = X.shape[0]
    r = random_state.standard_normal(n)
    std = np.where(scales.varied, scales.std, 1.0)
    total: Array = np.zeros(X.shape[1])
    if sparse.issparse(X):
        total += X.T @ r - scales.mean * r.sum()
    else:
        for rows in _blocks(X):
            total += r[rows] @ (X[rows] - scales.mean)
    return total / std / np.sqrt(n)


def _column(X: Any, j: int) -> Array:
    column = X[:, [j]].toarray() if sparse.issparse(X) else X[:, j]
    return np.asarray(column, dtype=np.float64).ravel()


def _is_same(a: Array, b: Array) -> bool:
    """Return whether two columns are the same up to scale and offset, and not by chance."""
    n_varied = np.count_nonzero(a != np.median(a))
    if n_varied < min(_LEAST_VARIED, len(a) / 2):
        return False
    a, b = ((each - each.mean()) / (np.abs(each).max() or 1.0) for each in (a, b))
    return bool(a @ b >= _SAME * np.sqrt((a @ a) * (b @ b)))


def target_finding(y: Any, estimator: Any) -> Finding | None:
    """Return what is wrong with the scale of the targets of a regressor with linear outputs."""
    if estimator.out_activation_ != "identity":
        return None
    y = np.asarray(y, dtype=np.float64)
    y = y.reshape(len(y), -1)
    unit = np.abs(y).max() or 1.0  # so that squares are finite
    size, std = unit * np.sqrt(np.mean((y / unit) ** 2, axis=0)), unit * (y / unit).std(axis=0)
    k = int(np.argmax(size))
    which = "y" if y.shape[1] == 1 else f"output {k} of y"
    evidence = f"{which} has mean {y[:, k].mean():.3g} and standard deviation {std[k]:.3g}"
    if size[k] >= _LARGE_TARGETS:
        severity = "high" if size[k] >= _HUGE_TARGETS else "medium"
    elif 0 < std.max() < _SMALL_TARGETS:
        severity = "medium"
    else:
        return None
    return Finding(
        "low" if estimator.solver == "lbfgs" else severity,  # whose steps have no scale
        "targets not scaled",
        evidence,
        "Scale y, with TransformedTargetRegressor and StandardScaler.",
    )
