"""Dropout: units of a layer that are left out of a step, by a function of seed, row and unit.

The others are divided by the probability of being kept, so that sums have the same expectation as
in prediction, where no unit is dropped. Nothing is stored: the backward pass draws the same units.
"""

import numpy as np

from striate.native.compile import COMPILED, jit
from striate.native.intrinsics import like

from .noise import least_kept, random_bits


@jit
def drop(layer, keys, A):
    """Drop units of the rows of A (m, n_out), which are a or δ of the layer, in place."""
    zero, least = like(0, A[0, 0]), least_kept(layer.dropped)
    scale = like(1 / (1 - layer.dropped), zero)
    for i in range(A.shape[0]):
        low, high = np.uint32(keys[i]), np.uint32(keys[i] >> np.uint64(32))
        for j in range(A.shape[1]):
            kept = random_bits(low, high, layer.b_at + j) >= least
            A[i, j] = A[i, j] * scale if kept else zero


if not COMPILED:  # unsigned integers wrap, as they should
    drop = np.errstate(over="ignore")(drop)
