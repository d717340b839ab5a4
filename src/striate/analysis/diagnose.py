"""`diagnose`: tell what is wrong with the training of a network, and what to do."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_consistent_length, check_random_state

from striate.estimators.column_faults import (
    column_scales,
    duplicate_finding,
    scale_findings,
    target_finding,
)
from striate.estimators.finding import Finding, most_serious_first
from striate.estimators.sklearn_private import num_samples, safe_indexing
from striate.estimators.training import MINIBATCH_SOLVERS
from striate.estimators.training_faults import (
    has_weak_ridge,
    loss_findings,
    losses_of,
    step_finding,
    unfinished,
    weight_finding,
)
from striate.estimators.validated_input import FLOATS, validated

from .diagnosis import Diagnosis
from .fitted_step import FittedStep, NetworkRows, fitted_step
from .generalization_faults import (
    Generalization,
    generalization_of,
    missed_classes_finding,
    overfitting_finding,
    parameter_finding,
    validation_losses_of,
    weak_ridge_finding,
)
from .layer_activity import LayerActivity, activity_findings, layer_activities

# Rows from which on a unit that never responds says something about the unit.
_FEWEST_ROWS = 20


def diagnose(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    X_val: Any = None,
    y_val: Any = None,
    max_rows: int = 5000,
    random_state: int | np.random.RandomState | None = 0,
) -> Diagnosis:
    """Tell what is wrong with the training of a fitted network, and what to do.

    It looks at

    - the columns of X: very different scales, large or tiny numbers, means far from 0, constant and
      duplicate columns (columns of zeros add nothing to any unit, and are not reported);
    - the targets of a regressor: whether they are scaled;
    - the loss curve: a learning rate that is too high (the loss jumps) or too low (it falls
      evenly), a training that ended too early, batches so large that there were few steps;
    - the units of each hidden layer: dead or saturated ones;
    - the weights: whether the ridge made them vanish;
    - the predictions of a classifier: only one class, or classes that are never predicted;
    - over-fitting: validation scores, the validation loss, or the scores on `X_val`; whether the
      ridge is too weak to matter then, and whether there are few rows for the parameters.

    Parameters
    ----------
    estimator : fitted estimator
        A `MLPClassifier`, `MLPRegressor` or `SparseAutoencoder` (or a perceptron of scikit-learn),
        a Pipeline that ends in one, a TransformedTargetRegressor around one, or a search with one.
        Earlier steps transform the rows first.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows that it was fitted on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets.
    X_val, y_val : array-like, default=None
        Rows that were not trained on, to see over-fitting; an autoencoder needs no `y_val`.
    max_rows : int, default=5000
        Number of rows of X, and of `X_val`, that are looked at; a random choice if there are more.
    random_state : int, RandomState instance or None, default=0
        Source of the choice of rows, and of the projection that finds duplicate columns.

    Returns
    -------
    Diagnosis
        The findings, most serious first.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it has no network of these kinds.
    ValueError
        If X or y have NaN, infinite values or a wrong shape, if `max_rows` is not a whole number of
        at least 2, or if only one of `X_val` and `y_val` is given for a perceptron.

    See Also
    --------
    DiagnosisDisplay : The same as a picture.
    inspect_units : What each unit of the first layer looks for.

    Notes
    -----
    Every limit is a constant with its reason, in the modules of ``striate.estimators`` and
    ``striate.analysis`` whose names end in ``_faults``; none was learned from data. Sparse X stays
    sparse.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, "Efficient BackProp", in Neural
       Networks: Tricks of the Trade, Springer (1998): scales of inputs and targets.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from striate import MLPClassifier, diagnose
    >>> X, y = load_wine(return_X_y=True)
    >>> classifier = MLPClassifier((20,), tol=0.1, random_state=0).fit(X, y)
    >>> diagnosis = diagnose(classifier, X, y)
    >>> diagnosis.findings[0].subject
    'columns of very different scale'
    """
    if not isinstance(max_rows, int | np.integer) or max_rows is True or max_rows < 2:
        raise ValueError(f"max_rows must be a whole number of at least 2, got {max_rows!r}.")
    step = fitted_step(estimator)
    _check_pairs(step, X_val, y_val)
    random = check_random_state(random_state)
    rows = _rows_of(step, X, y, max_rows, random)
    held_out = None if X_val is None else _rows_of(step, X_val, y_val, max_rows, random)
    scores = generalization_of(step.estimator, rows, held_out)
    scales = column_scales(rows.checked)
    activities: list[LayerActivity] = []
    if rows.checked.shape[0] >= _FEWEST_ROWS:
        trained_sparse = getattr(step.estimator, "sparsity_weight", 0) > 0
        activities = layer_activities(rows.checked, step.hidden_layers, trained_sparse)
    names = getattr(step.estimator, "feature_names_in_", None)
    unscaled = scale_findings(scales, names, sparse.issparse(rows.checked))
    overfitting = overfitting_finding(step.estimator, scores)
    findings = [
        *unscaled,
        duplicate_finding(rows.checked, scales, names, random),
        *_training_findings(step, rows, not any(unscaled), overfitting is not None),
        *activity_findings(activities, step.hidden_layers, rows.checked.shape[0]),
        *_prediction_findings(step, rows, overfitting),
    ]
    return Diagnosis(
        findings=tuple(most_serious_first(findings)),
        not_checked=tuple(_not_checked(step, rows, scores)),
        estimator_name=type(step.estimator).__name__,
        n_samples=rows.n_samples,
        n_checked=rows.checked.shape[0],
        loss_curve=losses_of(step.estimator),
        validation_loss_curve=validation_losses_of(step.estimator),
        step="epoch" if step.estimator.solver in MINIBATCH_SOLVERS else "iteration",
        scales=scales,
        activities=tuple(activities),
        feature_names=names,
    )


def _check_pairs(step: FittedStep, X_val: Any, y_val: Any) -> None:
    """Raise a ValueError if only one of `X_val` and `y_val` is given."""
    if X_val is None and y_val is not None:
        raise ValueError("y_val was given without X_val: pass both.")
    if X_val is not None and y_val is None and step.is_supervised:
        raise ValueError("X_val was given without y_val: pass both.")


def _rows_of(
    step: FittedStep, X: Any, y: Any, max_rows: int, random: np.random.RandomState
) -> NetworkRows:
    """Choose rows, and return them as the network sees them."""
    check_consistent_length(X, y)
    n_samples = num_samples(X)
    if n_samples > max_rows:
        chosen = np.sort(random.choice(n_samples, max_rows, replace=False))
        X, y = safe_indexing(X, chosen), None if y is None else safe_indexing(y, chosen)
    X, y = step.transform_X(X), None if y is None else step.transform_y(y)
    checked = validated(step.estimator, X, reset=False, accept_sparse="csr", dtype=FLOATS)
    return NetworkRows(X, y, checked, n_samples)


def _training_findings(
    step: FittedStep, rows: NetworkRows, scaled: bool, overfits: bool
) -> list[Finding | None]:
    estimator, n_samples = step.estimator, rows.n_samples
    scaled = scaled and has_weak_ridge(estimator, n_samples)
    curve = most_serious_first(loss_findings(estimator, rows.y, scaled))
    if overfits and unfinished(curve):  # a longer training would over-fit more
        curve = []
    numbers = rows.y is not None and is_regressor(estimator)
    return [
        target_finding(rows.y, estimator) if numbers else None,
        *curve,
        step_finding(estimator, n_samples, unfinished(curve)),
        weight_finding(estimator, step.layers, n_samples),
    ]


def _prediction_findings(
    step: FittedStep, rows: NetworkRows, overfitting: Finding | None
) -> list[Finding | None]:
    estimator, n_samples = step.estimator, rows.n_samples
    labelled = rows.y is not None and is_classifier(estimator)
    overfits = overfitting is not None
    return [
        missed_classes_finding(estimator, rows) if labelled else None,
        overfitting,
        weak_ridge_finding(estimator, step.layers, n_samples) if overfits else None,
        parameter_finding(step.layers, n_samples, overfits),
    ]


def _not_checked(
    step: FittedStep, rows: NetworkRows, scores: Generalization | None
) -> Iterator[str]:
    """Yield what could not be checked, and what it needs."""
    if rows.y is None and step.is_supervised:
        what = "predicted classes" if is_classifier(step.estimator) else "scale of the targets"
        yield f"{what} (needs y)"
    if scores is None and not len(validation_losses_of(step.estimator)):
        yield f"over-fitting (needs X_val{' and y_val' if step.is_supervised else ''})"
    if not len(losses_of(step.estimator)):
        yield "learning rate and end of training (no loss_curve_)"
    if rows.checked.shape[0] < _FEWEST_ROWS and step.hidden_layers:
        yield f"dead units (needs {_FEWEST_ROWS} rows)"
