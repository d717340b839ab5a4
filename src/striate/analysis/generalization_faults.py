"""Faults that show in predictions: classes that are never predicted, and over-fitting."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_classifier, is_regressor

from striate.core.sparse_matrices import stored
from striate.estimators.finding import Finding, named
from striate.estimators.reconstruction import Layer
from striate.estimators.training_faults import losses_of, ridge_of

from .fitted_step import NetworkRows

# Rows that a class has if it counts as never predicted: a class of fewer may be missed.
_MISSED_ROWS = 10
# Share of the rows that a class has on average, below which it is rare.
_RARE = 0.5
_WEIGHT = "Weight the classes, with compute_sample_weight('balanced', y) as sample_weight."
_NOT_WEIGHTS = "See the other findings; if there are none, X may not tell these classes apart."
# Differences between training and validation that are over-fitting: of accuracies, of R², and the
# ratio of reconstruction errors. (R² of linear models of some hundred rows differs by up to 0.2, as
# that of diabetes does.) They must also exceed two standard errors of the validation score.
_ACCURACY_GAP, _R2_GAP, _ERROR_RATIO = 0.1, 0.3, 1.5
_STANDARD_ERRORS = 2.0
# Twice these gaps are a serious finding.
_SERIOUS = 2.0
# The validation loss rose again if it ended at a quarter more than its minimum, at least five
# epochs earlier, and lost a twentieth of its fall.
_LOSS_RATIO, _EPOCHS_SINCE, _LOST_FALL = 1.25, 5, 0.05
# The ridge is of no effect if it is less than this share of the loss in the beginning: all that J
# can gain by smaller weights.
_WEAK_RIDGE = 0.01
# Parameters per target value from which on there are many: with over-fitting, and by themselves.
# Networks that do well often have ten or a hundred.
_MANY_PARAMETERS, _TOO_MANY_PARAMETERS = 10.0, 300.0


class Generalization(NamedTuple):
    """A score on training rows beside that on rows that were not trained on.

    Attributes
    ----------
    measure : {"accuracy", "R²", "reconstruction error"}
    training, validation : float
    n_validation : int
        Number of validation rows.
    """

    measure: str
    training: float
    validation: float
    n_validation: int

    @property
    def excess(self) -> float:
        """How far the model over-fits: 1 is just enough to report."""
        if self.measure == "reconstruction error":
            ratio = self.validation / max(self.training, np.finfo(float).tiny)
            return (ratio - 1) / (_ERROR_RATIO - 1)
        s, n = self.validation, self.n_validation
        if self.measure == "accuracy":
            least, error = _ACCURACY_GAP, np.sqrt(s * (1 - s) / n)
        else:  # the variance of R² for normal variables, with R² = 0 as of worse models
            s = max(s, 0.0)
            least, error = _R2_GAP, np.sqrt(4 * s * (1 - s) ** 2 / n)
        return float((self.training - s) / max(least, _STANDARD_ERRORS * error))


def generalization_of(
    estimator: Any, rows: NetworkRows, held_out: NetworkRows | None
) -> Generalization | None:
    """Compare training with held-out rows, or with the estimator's own validation; or None."""
    if not is_classifier(estimator) and not is_regressor(estimator):
        if held_out is None:
            return None
        errors = -float(estimator.score(rows.X)), -float(estimator.score(held_out.X))
        return Generalization("reconstruction error", *errors, held_out.checked.shape[0])
    if rows.y is None or rows.checked.shape[0] < 2:
        return None
    measure = "accuracy" if is_classifier(estimator) else "R²"
    if held_out is not None:
        n_validation = held_out.checked.shape[0]
        validation = float(estimator.score(held_out.X, held_out.y))
    else:
        best = getattr(estimator, "best_validation_score_", None)
        if best is None or getattr(estimator, "scoring", None) is not None:
            return None
        n_validation = max(2, int(estimator.validation_fraction * rows.n_samples))
        validation = float(best)
    if not np.isfinite(validation):
        return None
    training = float(estimator.score(rows.X, rows.y))
    return Generalization(measure, training, validation, n_validation)


def overfitting_finding(estimator: Any, found: Generalization | None) -> Finding | None:
    """Return whether the model over-fits, by the scores or else by the loss curves."""
    name, _ = ridge_of(estimator, 1)
    early = " or early stopping" if hasattr(estimator, "early_stopping") else ""
    advice = (
        f"Raise {name} (now {getattr(estimator, name):g}), use fewer hidden units{early}, "
        "or collect more rows."
    )
    if found is not None and found.excess >= 1:
        return Finding(
            "high" if found.excess >= _SERIOUS else "medium",
            "over-fitting",
            f"{found.measure} is {found.training:.3g} on training rows and {found.validation:.3g} "
            f"on {found.n_validation:,} validation rows",
            advice,
        )
    return _rising_validation_loss(estimator, advice)


def validation_losses_of(estimator: Any) -> NDArray[np.float64]:
    """Return the loss of validation rows after each epoch; an empty array if none is known."""
    losses = getattr(estimator, "validation_loss_curve_", None)
    return np.asarray([] if losses is None else losses, dtype=np.float64)


def _rising_validation_loss(estimator: Any, advice: str) -> Finding | None:
    losses = validation_losses_of(estimator)
    kept_best = getattr(estimator, "restore_best", False) or getattr(
        estimator, "early_stopping", False
    )
    if len(losses) <= _EPOCHS_SINCE or kept_best or not np.isfinite(losses).all():
        return None
    best = int(np.argmin(losses))
    rise = losses[-1] - losses[best]
    if (
        len(losses) - 1 - best < _EPOCHS_SINCE
        or losses[-1] < _LOSS_RATIO * losses[best]
        or rise < _LOST_FALL * (losses[0] - losses[best])
    ):
        return None
    return Finding(
        "medium",
        "over-fitting",
        f"the validation loss was lowest after epoch {best + 1} ({losses[best]:.3g}), and "
        f"{losses[-1]:.3g} after epoch {len(losses)}",
        f"Stop early (early_stopping=True). {advice}",
    )


def weak_ridge_finding(estimator: Any, layers: Sequence[Layer], n_rows: int) -> Finding | None:
    """Return whether the ridge of a model that over-fits is too weak to matter."""
    name, strength = ridge_of(estimator, n_rows)
    losses = losses_of(estimator)
    if not len(losses) or not np.isfinite(losses[0]) or losses[0] <= 0:
        return None
    squares = sum(float(np.sum(np.square(stored(W), dtype=np.float64))) for W, _, _ in layers)
    share = strength / 2 * squares / losses[0]
    if share >= _WEAK_RIDGE:
        return None
    value = getattr(estimator, name)
    try_next = f"{name}={100 * value:g}" if value > 0 else f"{name}=0.01"
    return Finding(
        "medium",
        f"{name} without effect",
        f"with {name}={value:g}, the ridge is {share:.2g} of the loss in the beginning",
        f"Try {try_next}, or search powers of ten with GridSearchCV.",
    )


def parameter_finding(layers: Sequence[Layer], n_rows: int, overfits: bool) -> Finding | None:
    """Return whether there are too few rows for the parameters.

    Without over-fitting, the weights of more inputs than rows do not count: with wide X, such as
    counts of words, networks do well.
    """
    n_parameters = sum(stored(W).size + len(b) for W, b, _ in layers)
    W, n_outputs = layers[0][0], layers[-1][0].shape[1]
    wide = 0 if overfits or W.shape[0] <= n_rows else stored(W).size
    ratio = (n_parameters - wide) / (n_rows * n_outputs)
    if ratio < (_MANY_PARAMETERS if overfits else _TOO_MANY_PARAMETERS):
        return None
    rows = f"{n_rows:,} rows" + (f" of {n_outputs} outputs" if n_outputs > 1 else "")
    return Finding(
        "medium" if overfits else "low",
        "few rows for the parameters",
        f"{n_parameters:,} weights and biases are learned from {rows}",
        "Use fewer or smaller hidden layers, and compare by cross-validation.",
    )


def missed_classes_finding(estimator: Any, rows: NetworkRows) -> Finding | None:
    """Return whether a classifier predicts only one class, or never predicts some."""
    y, predicted = (_columns(each) for each in (rows.y, estimator.predict(rows.X)))
    for k, pair in enumerate(zip(y, predicted, strict=True)):
        found = _missed(*pair, "" if len(y) == 1 else f"output {k}: ")
        if found is not None:
            return found
    return None


def _columns(labels: Any) -> NDArray[Any]:
    """Return the labels of each output, (n_outputs, n_samples)."""
    labels = labels.toarray() if sparse.issparse(labels) else np.asarray(labels)
    columns: NDArray[Any] = labels.reshape(len(labels), -1).T
    return columns


def _missed(y: NDArray[Any], predicted: NDArray[Any], where: str) -> Finding | None:
    classes, counts = np.unique(y, return_counts=True)
    missed = ~np.isin(classes, predicted) & (counts >= _MISSED_ROWS)
    if not missed.any():
        return None
    n, names = int(counts[missed].sum()), named(np.flatnonzero(missed), classes)
    rows, only = f"{n:,} rows ({n / len(y):.1%})", np.unique(predicted)
    if len(only) == 1:
        severity, subject = "high", "one class predicted"
        evidence = f"all {len(y):,} rows are predicted as {str(only[0])!r}; {rows} are {names}"
    else:
        severity, subject = "medium", "classes never predicted"
        evidence = f"{names}, which {rows} have"
    rare = counts[missed].max() < _RARE * len(y) / len(classes)
    return Finding(severity, subject, where + evidence, _WEIGHT if rare else _NOT_WEIGHTS)
