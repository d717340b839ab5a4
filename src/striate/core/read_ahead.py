"""Reading ahead: the next item is made by a background thread while this one is used."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the items of an iterator, always one ahead of the consumer.

    Parameters
    ----------
    items : iterator
        Its items are made one after the other by one background thread. None ends it.

    Yields
    ------
    item

    Examples
    --------
    >>> list(read_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, "striate-reading") as reader:
        try:
            following = reader.submit(next, items, None)
        except RuntimeError:  # "can't start new thread": read when asked
            yield from items
            return
        while (item := following.result()) is not None:
            following = reader.submit(next, items, None)
            yield item
            del item  # the next but one is read before the consumer asks again
