"""Sums whose order depends on the number of terms alone, wherever the terms come from."""

from collections.abc import Callable, Iterable
from typing import Any

#: What is added: several arrays or numbers, each by itself.
Term = tuple[Any, ...]


def added(a: Term, b: Term) -> Term:
    """Return a + b, part by part."""
    return tuple(x + y for x, y in zip(a, b, strict=True))


def tree_sum(terms: Iterable[Any], add: Callable[[Any, Any], Any] = added) -> Any:
    """Add neighbours, then neighbours of these sums, and so on; what has no neighbour goes on.

    A term is added as soon as its neighbour is there, so that few sums are in memory. The error
    of rounding grows with the logarithm of the number of terms.

    Parameters
    ----------
    terms : iterable of tuple
        Tuples of the same length, at least one.
    add : callable, default=added
        Returns the sum of two terms.

    Returns
    -------
    tuple

    Examples
    --------
    >>> tree_sum((i, 1) for i in range(5))
    (10, 5)
    """
    waiting: list[tuple[int, Any]] = []  # sums of 2^level terms, with that level
    for term in terms:
        level = 0
        while waiting and waiting[-1][0] == level:
            term = add(waiting.pop()[1], term)
            level += 1
        waiting.append((level, term))
    _, total = waiting.pop()
    while waiting:
        total = add(waiting.pop()[1], total)
    return total
