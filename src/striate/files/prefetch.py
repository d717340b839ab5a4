"""Images of a collection in turn; files are read while earlier ones are worked on."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from striate.core.threads import available_threads


class ImagesInTurn:
    """An iterator over (i, get), where get() is image i, that threads may share, as a context.

    Threads of its own read files before they are asked for, one file each, so that neither a slow
    disk nor decoding holds up whoever computes, and few images are held at a time. Arrays are
    taken when their turn comes.

    Parameters
    ----------
    images : ImageCollection
    indices : iterable of int
    """

    def __init__(self, images, indices):
        self._images, self._rest = images, iter(indices)
        self._n_ahead = 0
        if images.from_files and images.n_channels:  # known now, not sought by each reader
            self._n_ahead = available_threads()
        self._readers = ThreadPoolExecutor(max(self._n_ahead, 1), "striate-reading")
        self._ahead: deque[tuple[int, Callable[[], Any]]] = deque()
        self._lock = threading.Lock()
        self._errors: dict[int, Exception] = {}
        self._stopped = False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._readers.shutdown(cancel_futures=True)

    def __iter__(self):
        return self

    def __next__(self):
        with self._lock:
            for i in islice(self._rest, self._n_ahead + 1 - len(self._ahead)):
                self._ahead.append((i, self._ask_for(i)))
            if not self._ahead:
                raise StopIteration
            return self._ahead.popleft()

    def each(self, do):
        """Calls do(i, get) for one image after another; threads that call it share the images.

        All stop when one image fails. Its error waits for `raise_first_error`: another thread may
        be at an earlier image, which may fail, too.
        """
        try:
            while not self._stopped and (turn := next(self, None)):
                try:
                    do(*turn)
                except Exception as error:  # of whatever kind: it is raised later
                    self._errors[turn[0]] = error
                    self._stopped = True
        except BaseException:  # Ctrl-C: nobody goes on
            self._stopped = True
            raise

    def raise_first_error(self):
        """Of the first image that failed in `each`: all before it were tried."""
        if self._errors:
            raise self._errors[min(self._errors)]

    def _ask_for(self, i):
        """What gives image i, of which a file is read from now on."""
        get = partial(self._images.__getitem__, int(i))
        return self._readers.submit(get).result if self._n_ahead else get
