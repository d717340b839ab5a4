"""Rows that are held out of training to choose a parameter."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.utils import check_random_state

Rows = npt.NDArray[np.intp]


def held_out_rows(
    y: npt.NDArray[Any],
    fraction: float,
    n_folds: int | None,
    random_state: Any,
    groups: npt.NDArray[Any] | None = None,
) -> list[Rows]:
    """Return the ascending indices of each held-out set: stratified folds, or one fraction.

    Folds contain no row that is alone in its class, or whose class is in one group only, so there
    may be none.
    """
    random_state = check_random_state(random_state)
    if groups is not None:
        folds = grouped_folds(y, groups, n_folds or round(1 / fraction), random_state)
        return folds if n_folds is not None else folds[:1]
    if n_folds is not None:
        return _stratified_folds(y, n_folds, random_state)
    _, rows = train_test_split(
        np.arange(len(y)), test_size=fraction, stratify=y, random_state=random_state
    )
    return [np.sort(rows)]


def grouped_folds(
    y: npt.NDArray[Any], groups: npt.NDArray[Any], n_folds: int, random_state: Any
) -> list[Rows]:
    """Divide rows into folds with similar shares of each class; a group is in one fold.

    Every class of a fold has rows in other folds: rows of a class that is in one fold only are in
    none. There are fewer folds if there are fewer groups, or if every class is smaller.
    """
    codes = np.unique(y, return_inverse=True)[1]
    counts = np.bincount(codes)
    n_folds = min(n_folds, len(np.unique(groups)), int(counts.max()))
    if n_folds < 2:
        return []
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        # A class that is smaller than the number of folds is in some of them only.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = [rows for _, rows in splitter.split(codes, codes, groups)]
    in_others = [counts > np.bincount(codes[rows], minlength=len(counts)) for rows in parts]
    kept = [rows[known[codes[rows]]] for rows, known in zip(parts, in_others, strict=True)]
    return [rows for rows in kept if rows.size]


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
