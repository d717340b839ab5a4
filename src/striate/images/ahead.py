"""Images in their order, while threads read the next few."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy.typing as npt

from striate.core.threads import available_threads
from striate.images.collection import ImageCollection


def read_ahead(
    images: ImageCollection, indices: Iterable[int]
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Give images one after the other; files are read and decoded by several threads.

    Parameters
    ----------
    images : ImageCollection
    indices : iterable of int
        Which images, in which order.

    Yields
    ------
    int, ndarray of shape (h, w, c)
        An index, and its image. At most twice as many images as threads wait in memory.

    Raises
    ------
    ValueError
        From the first image, in the order of `indices`, that cannot be used.
    """
    n_threads = available_threads()
    if n_threads == 1 or not images.from_files:
        yield from ((i, images[i]) for i in indices)
        return
    waiting: deque[tuple[int, Future[npt.NDArray[Any]]]] = deque()
    with ThreadPoolExecutor(n_threads, "striate-reading") as pool:
        try:
            for i in indices:
                waiting.append((i, pool.submit(images.__getitem__, i)))
                if len(waiting) == 2 * n_threads:
                    yield _next(waiting)
            while waiting:
                yield _next(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _next(
    waiting: deque[tuple[int, Future[npt.NDArray[Any]]]],
) -> tuple[int, npt.NDArray[Any]]:
    i, future = waiting.popleft()
    return i, future.result()
