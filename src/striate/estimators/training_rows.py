"""Rows that a perceptron trains on, and those that it validates with, given or held out."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from striate.core.row_blocks import RowBlocks, as_rows

from .sklearn_private import check_sample_weight
from .training import MINIBATCH_SOLVERS
from .validated_input import refuse_kinds
from .validation import Rows


def given_to_validate(
    mlp: Any, held_out: tuple[Any, Any, Any], class_weights: Callable[[Any], Any]
) -> Rows | None:
    """Return the validation rows that `fit` was given (X, y and weights), if any."""
    X_val, y_val, weight_val = held_out
    if X_val is None and y_val is None:
        if weight_val is not None:
            raise ValueError("sample_weight_val needs X_val and y_val.")
        return None
    if X_val is None or y_val is None:
        raise ValueError("X_val and y_val must be given together.")
    X_val, y_val = mlp._validate_held_out(X_val, y_val)
    if weight_val is not None:
        weight_val = checked_weights(weight_val, X_val, "sample_weight_val")
    y_val = y_val.reshape(len(y_val), -1)
    return Rows(X_val, y_val, product(weight_val, class_weights(y_val)))


def divide(mlp: Any, rows: Rows, incremental: bool) -> tuple[Rows, Rows | None]:
    """Return rows to train on, and rows to validate with if `early_stopping` asks for some."""
    if not mlp.early_stopping or mlp.solver not in MINIBATCH_SOLVERS:
        return rows, None
    if incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    by_blocks = isinstance(rows.X, RowBlocks)
    given = rows if rows.sample_weight is not None else rows[:2]
    parts = train_test_split(
        *((np.arange(len(rows.y)),) if by_blocks else given),
        random_state=mlp._random_state,
        test_size=mlp.validation_fraction,
        stratify=mlp._strata(rows.y),
    )
    if by_blocks:  # which are read in their order
        parts = [part for each in given for part in _divided(each, *map(np.sort, parts))]
    if parts[1].shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            "your dataset."
        )
    return Rows(*parts[::2]), Rows(*parts[1::2])


def checked_weights(weights: Any, X: Any, name: str = "sample_weight") -> Any:
    """Return weights of the rows of X as floats."""
    refuse_kinds(weights, name, "VMmUST")
    return check_sample_weight(weights, X)


def named(rows: Rows, validation_rows: Rows | None) -> dict[str, Any]:
    """Return the arrays that a training depends on, by the names of the parameters of `fit`."""
    held_out = validation_rows or Rows(None, None)
    return {**rows._asdict(), **{f"{name}_val": each for name, each in held_out._asdict().items()}}


def _divided(each: Any, kept: Any, held_out: Any) -> tuple[Any, Any]:
    """Return the rows of X, y or weights with some indices, and those with others."""
    if not isinstance(each, RowBlocks):
        return each[kept], each[held_out]
    return each.chosen(kept), as_rows(each.chosen(held_out).data)


def product(sample_weight: Any, class_weights: Any) -> Any:
    """Return the product of two arrays of weights; None stands for ones."""
    if sample_weight is None or class_weights is None:
        return class_weights if sample_weight is None else sample_weight
    return sample_weight * class_weights
