"""Rows that are held out of training to choose a parameter."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

Rows = npt.NDArray[np.intp]


def held_out_rows(
    y: npt.NDArray[Any], fraction: float, n_folds: int | None, random_state: Any
) -> list[Rows]:
    """Return the ascending indices of each held-out set: stratified folds, or one fraction.

    Folds contain no row that is alone in its class, so there may be none.
    """
    random_state = check_random_state(random_state)
    if n_folds is not None:
        return _stratified_folds(y, n_folds, random_state)
    _, rows = train_test_split(
        np.arange(len(y)), test_size=fraction, stratify=y, random_state=random_state
    )
    return [np.sort(rows)]


def _stratified_folds(
    y: npt.NDArray[Any], n_folds: int, random_state: np.random.RandomState
) -> list[Rows]:
    """Divide the rows, except the only one of a class, into folds with equal shares of each class.

    `StratifiedKFold` refuses more folds than the largest class has rows.
    """
    fold, n_assigned = np.full(len(y), -1), 0
    for label in np.unique(y):
        rows = random_state.permutation(np.flatnonzero(y == label))
        if len(rows) > 1:
            fold[rows] = (n_assigned + np.arange(len(rows))) % n_folds
            n_assigned += len(rows)
    return [np.flatnonzero(fold == k) for k in range(min(n_folds, n_assigned))]
