"""Images of an array that is not in memory, such as one of h5py, Zarr or Dask."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.core.row_blocks import BUFFER_BYTES, PIECE_BYTES
from striate.core.stored_arrays import chunk_edges, divided, loaded

_TOGETHER_BYTES = 2**16


class StoredImages:
    """Images (n, h, w) or (n, h, w, c), read chunk by chunk.

    A chunk is read, or computed, as a whole. The last two blocks of images are in memory, since a
    reader is one block ahead of the computation.

    Attributes
    ----------
    n_together : int
        Number of images that are handed over at a time, since each time costs some 0.1 ms.
    """

    def __init__(self, data: Any) -> None:
        self._data, self.shape, self.dtype = data, tuple(data.shape), np.dtype(data.dtype)
        n_bytes = max(1, int(np.prod(self.shape[1:])) * self.dtype.itemsize)
        most = max(1, BUFFER_BYTES // n_bytes)
        wanted = -(-PIECE_BYTES // n_bytes)
        self.n_together = max(1, _TOGETHER_BYTES // n_bytes)
        self._edges = divided(chunk_edges(data, otherwise=wanted), wanted, most)
        self._kept: dict[int, npt.NDArray[Any]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, row: int) -> npt.NDArray[Any]:
        block = int(np.searchsorted(self._edges, row, side="right")) - 1
        lo, hi = map(int, self._edges[block : block + 2])
        with self._lock:
            if block not in self._kept:
                while len(self._kept) > 1:
                    del self._kept[next(iter(self._kept))]
                self._kept[block] = loaded(self._data[lo:hi])
            return self._kept[block][row - lo]
