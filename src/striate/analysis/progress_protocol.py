"""Progress through items: the caller decides how to show it."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Function that yields the items, and may show how far it has come under a title."""

    def __call__(self, items: Sequence[T], title: str, /) -> Iterable[T]:
        """Return an iterable over `items`."""
        ...


def no_progress(items: Sequence[T], title: str, /) -> Iterable[T]:
    """Return the items without showing progress."""
    return items
