"""Categories as codes, and the numbers that stand for each.

Two categories are −1 and 1, and a few have a column each. Of many, the most frequent have a column
each, and every other one has fixed random signs: nearly orthogonal codes in few columns, between
which a network can tell as between columns of their own. Unknown and missing ones are 0.
"""

import warnings
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from .table_columns import Column

Array = npt.NDArray[Any]

#: Columns of the random codes.
N_CODES = 16
#: Categories that are kept.
MAX_CATEGORIES = 10_000
# Rows from which on values that never repeat are taken for an identifier, and words for text.
_ENOUGH_ROWS, _TEXT_WORDS = 20, 4


def found_categories(column: Column, labels: Array, max_one_hot: int) -> Array:
    """Return the categories of a column: in order, or the most frequent first if there are many.

    Of an identifier or free text, there are none.

    Warns
    -----
    UserWarning
        If no value repeats, if the column seems to be free text, or if there are more categories
        than are kept.
    """
    counts = Counter(label for label in labels.tolist() if label is not None)
    if not counts or _is_useless(column, counts):
        return np.empty(0, dtype=object)
    ordered = _in_order(list(counts))
    if len(ordered) > max_one_hot:
        ordered.sort(key=lambda label: -counts[label])
    if len(ordered) > MAX_CATEGORIES:
        warnings.warn(
            f"column {column.name!r} has {len(ordered):,} categories: the {MAX_CATEGORIES:,} most "
            "frequent are kept, and the others are taken for missing.",
            stacklevel=2,
        )
    return _as_labels(ordered[:MAX_CATEGORIES])


def _is_useless(column: Column, counts: Counter[Any]) -> bool:
    """Return whether a column is an identifier or free text, and warn if so."""
    n_rows, n_distinct = counts.total(), len(counts)
    if n_rows < _ENOUGH_ROWS:
        return False
    words = sum(len(str(label).split()) for label in counts) / n_distinct if column.is_text else 0
    if words >= _TEXT_WORDS and n_distinct > n_rows / 2:
        what = "seems to be free text: turn it into numbers, with TfidfVectorizer for instance"
    elif n_distinct == n_rows:
        what = "has another value in each row: an identifier? Drop it"
    else:
        return False
    warnings.warn(f"column {column.name!r} is left out, since it {what}.", stacklevel=2)
    return True


def _in_order(labels: list[Any]) -> list[Any]:
    try:
        return sorted(labels)
    except TypeError:  # of several types
        return sorted(labels, key=lambda label: (type(label).__name__, str(label)))


def _as_labels(labels: list[Any]) -> Array:
    """Return categories as an array: of objects unless all are numbers."""
    if all(isinstance(label, bool | int | float) for label in labels):
        numbers = np.array(labels)
        if numbers.dtype.kind in "bif":
            return numbers
    return np.array([*map(_plain, labels), None], dtype=object)[:-1]


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def codes_of(labels: Array, categories: Array) -> npt.NDArray[np.intp]:
    """Return the index of each label among the categories; the last one plus 1 for all others."""
    known = {label: k for k, label in enumerate(categories.tolist())}
    other = len(known)
    return np.array([known.get(label, other) for label in labels.tolist()], dtype=np.intp)


def code_table(n_categories: int, max_one_hot: int, seed: int) -> npt.NDArray[np.float32]:
    """Return the numbers of each category, and zeros for others in the last row.

    The first `max_one_hot` have a column each where there are more.
    """
    n = n_categories
    if n == 2:
        return np.array([[-1.0], [1.0], [0.0]], dtype=np.float32)
    n_own = min(n, max_one_hot)
    n_more = N_CODES if n > max_one_hot else 0
    table = np.zeros((n + 1, n_own + n_more), dtype=np.float32)
    table[:n_own, :n_own] = np.eye(n_own)
    if n_more:
        signs = np.random.RandomState(seed).randint(2, size=(n - n_own, n_more))
        table[n_own:n, n_own:] = (2 * signs - 1) / np.sqrt(n_more)
    return table


def code_names(name: str, categories: Array, max_one_hot: int) -> list[str]:
    """Return the names of the columns of `code_table`."""
    labels = [str(label) for label in categories.tolist()]
    if len(labels) == 2:
        return [f"{name}_{labels[1]}"]
    own = [f"{name}_{label}" for label in labels[:max_one_hot]]
    return own + [f"{name}_code{k}" for k in range(N_CODES if len(labels) > max_one_hot else 0)]
