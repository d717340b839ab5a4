"""Combinations of parameters: a few that hold each pair of values, and the others as long tests.

Most faults need one value, or two at once. A third to an eighth of the combinations hold all pairs.
"""

from itertools import combinations

import pytest


def all_pairs(rows):
    """Return all rows as parameters of tests, of which a choice with all pairs of values is short.

    Parameters
    ----------
    rows : iterable of tuples
        Combinations of values, as of `itertools.product`. A pair of values is needed if any row has
        it, so combinations that make no sense can be left out.

    Returns
    -------
    list of pytest.param
        The rows in their order; those not chosen have the mark `long`.
    """
    rows = [tuple(row) for row in rows]
    chosen = set(choice_with_all_pairs(rows))
    return [
        pytest.param(*row, marks=() if at in chosen else pytest.mark.long)
        for at, row in enumerate(rows)
    ]


def choice_with_all_pairs(rows):
    """Return the indices of rows that together hold each pair: one after the other, the best."""
    pairs = [set(combinations(enumerate(map(_name, row)), 2)) for row in rows]
    missing = set().union(*pairs)
    chosen = []
    while missing:
        best = max(range(len(rows)), key=lambda at: len(pairs[at] & missing))
        chosen.append(best)
        missing -= pairs[best]
    return sorted(chosen)


def short_first(values, n=1):
    """Return values as parameters of a test, the first n of them short and the others long."""
    return [
        pytest.param(value, marks=() if at < n else pytest.mark.long)
        for at, value in enumerate(values)
    ]


def _name(value):
    """Return something that can be hashed and is the same for the same value."""
    return getattr(value, "__name__", None) or repr(value)
