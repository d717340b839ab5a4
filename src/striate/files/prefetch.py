"""Prefetching: files of a collection are read in the background, ahead of the computation."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, Self

import numpy.typing as npt

from .image_collection import ImageCollection

Image = npt.NDArray[Any]


class PrefetchedImages:
    """An iterator over (i, get), where get() returns image i, which threads may share.

    A context. Background threads read files before they are asked for, at most one file each, so
    that the computation waits neither for the disk nor for decoding, and few images are in memory
    at a time. Images of Pillow and of data sets on the disk are read by one thread, since not all
    of them may be read by several. Arrays in memory are not prefetched.

    Parameters
    ----------
    images : ImageCollection
    indices : iterable of int
        Which images, in this order.
    """

    def __init__(self, images: ImageCollection, indices: Iterable[int]) -> None:
        self.images = images
        self._rest = iter(indices)
        self._n_ahead = images.n_readers
        if self._n_ahead:
            _ = images.n_channels  # found once here, not by each reader
        self._readers = ThreadPoolExecutor(max(self._n_ahead, 1), "striate-reading")
        self._ahead: deque[tuple[int, Callable[[], Image]]] = deque()
        self._lock = threading.Lock()
        self._errors: dict[int, Exception] = {}
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._readers.shutdown(cancel_futures=True)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[int, Callable[[], Image]]:
        with self._lock:
            for i in islice(self._rest, max(self._n_ahead + 1 - len(self._ahead), 0)):
                self._ahead.append((i, self._request(i)))
            if not self._ahead:
                raise StopIteration
            return self._ahead.popleft()

    def for_each(self, function: Callable[[int, Image], None]) -> None:
        """Call function(i, image) for each image; threads that call this method share the images.

        All of them stop when an image fails. Its error is kept for `raise_first_error`, since
        another thread may still be at an earlier image, which may fail too.
        """
        try:
            while not self._stopped and (following := next(self, None)):
                i, get = following
                try:
                    function(i, get())
                except Exception as error:  # of any kind: it is raised later
                    self._errors[i] = error
                    self._stopped = True
        except BaseException:  # Ctrl-C stops the other threads too
            self._stopped = True
            raise

    def raise_first_error(self) -> None:
        """Raise the error of the first image that failed in `for_each`, if any did."""
        if self._errors:
            raise self._errors[min(self._errors)]

    def _request(self, i: int) -> Callable[[], Image]:
        """Return a function that gives image i; a file is read from now on."""
        get = partial(self.images.__getitem__, int(i))
        try:
            return self._readers.submit(get).result if self._n_ahead else get
        except RuntimeError:  # "can't start new thread": from now on, read when asked
            self._n_ahead = 0
            return get
