"""Denormal numbers are zero between two calls, and numbers again afterwards."""

import numpy as np
import pytest

from striate.native.compile import kernel
from striate.native.denormals import flush_denormals, restore_denormals


@kernel
def half_of(x, flush):
    before = flush_denormals() if flush else 0
    for i in range(x.size):
        x[i] *= 0.5
    if flush:
        restore_denormals(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_denormals_are_flushed_and_restored(dtype):
    tiny = np.finfo(dtype).tiny
    for flush in (False, True, False):
        x = np.array([1, tiny, tiny / 4], dtype=dtype)
        half_of(x, flush)
        expected = [0.5, 0, 0] if flush else [0.5, tiny / 2, tiny / 8]
        assert x.tolist() == expected
        assert dtype(tiny) / dtype(2) > 0  # NumPy's arithmetic is as it was
