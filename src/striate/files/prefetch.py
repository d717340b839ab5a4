"""Prefetching: files of a collection are read in the background, ahead of the computation."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    of them may be read by several; small images of a data set are handed over several at a time.
    Arrays in memory are not prefetched.

    Parameters
    ----------
    images : ImageCollection
    indices : iterable of int
        Which images, in this order.
    """

    def __init__(self, images: ImageCollection, indices: Iterable[int]) -> None:
        self.images = images
        self._rest = iter(indices)
        self._n_ahead, self._n_together = images.n_readers, images.n_together
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
            while len(self._ahead) <= self._n_ahead * self._n_together:
                some = [*islice(self._rest, self._n_together)]
                if not some:
                    break
                self._ahead += zip(some, self._request(some), strict=True)
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

    def _request(self, some: list[int]) -> list[Callable[[], Image]]:
        """Return a function for each image that gives it; files are read from now on."""
        gets = [partial(self.images.__getitem__, int(i)) for i in some]
        if not self._n_ahead:
            return [*gets]
        futures: list[Future[Image]] = [Future() for _ in some]
        try:
            self._readers.submit(_read_each, gets, futures)
        except RuntimeError:  # "can't start new thread": from now on, read when asked
            self._n_ahead = 0
            return [*gets]
        return [future.result for future in futures]


def _read_each(gets: Sequence[Callable[[], Image]], futures: list[Future[Image]]) -> None:
    """Read images, and set what each came to."""
    for get, future in zip(gets, futures, strict=True):
        try:
            future.set_result(get())
        except Exception as error:  # of any kind: it is raised where the image is asked for
            future.set_exception(error)
