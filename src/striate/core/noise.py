"""Noise for denoising autoencoders: a function of seed, row and column, so it is never stored.

Every pass over the rows sees the same noise, whichever thread reads them.
"""

import numpy as np

from striate.native.compile import COMPILED, jit
from striate.native.intrinsics import like

from .elementary_functions import log

MASKING, GAUSSIAN, DROPOUT = range(3)
# By what `row_key` multiplies the seed, an odd number.
_MULTIPLIER = 0xD1342543DE82EF95

#: Kinds of noise, as compiled code knows them.
NOISE = {
    "masking": MASKING,  # a number is replaced by 0 with probability `level`
    "gaussian": GAUSSIAN,  # a normal number with standard deviation `level` is added
    "dropout": DROPOUT,  # "masking" whose other numbers are divided by 1 − `level`
}


@jit
def corrupt(kind, level, seed, row, target, i):  # target (n, n_columns)
    """Add the noise of `row` to row i of an array."""
    key = row_key(seed, row)
    low, high = np.uint32(key), np.uint32(key >> np.uint64(32))
    if kind != GAUSSIAN:
        factor = like(1 / (1 - level) if kind == DROPOUT else 1.0, target[0, 0])
        least = least_kept(level)
        for j in range(target.shape[1]):
            kept = random_bits(low, high, j) >= least
            target[i, j] = target[i, j] * factor if kept else like(0, factor)
    else:
        for j in range(target.shape[1]):
            target[i, j] += like(level * normal(uniform(low, high, j)), target[i, j])


@jit
def row_key(seed, row):
    """Return 64 pseudo-random bits, by the generator SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = np.uint64(seed) * np.uint64(_MULTIPLIER) + np.uint64(row)
    z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def seed_at_row(seed: int, row: int) -> int:
    """Return the seed with which rows from 0 on have the noise of those from `row` on with `seed`.

    It is a number of 64 bits with a sign, as compiled code takes it.
    """
    shifted = (seed + row * pow(_MULTIPLIER, -1, 2**64)) % 2**64
    return shifted - 2**64 if shifted >= 2**63 else shifted


@jit
def random_bits(low, high, j):
    """Return 32 pseudo-random bits for column j of a row with this key.

    Those of j are mixed as in MurmurHash3, in arithmetic that SIMD has.
    """
    h = np.uint32(np.uint32(j) * np.uint32(0x9E3779B1) + low)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    h = np.uint32(h ^ (h >> np.uint32(16)) ^ high)
    h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    return np.uint32(h ^ (h >> np.uint32(16)))


@jit
def uniform(low, high, j):
    """Return a number in the open interval (0, 1) for column j of a row with this key."""
    return (np.float64(random_bits(low, high, j)) + 0.5) / 4294967296.0


@jit
def least_kept(level):
    """Return the least `random_bits` whose `uniform` number is at least `level`, which is below 1.

    Bits are quicker to compare than float64 numbers: twice as many fit in a register.
    """
    return np.uint32(max(0.0, np.ceil(level * 4294967296.0 - 0.5)))


@jit
def normal(u):
    """Return the normal quantile of u to 7 digits: rational functions of Wichura (1988), AS 241."""
    q = u - 0.5
    r = 0.180625 - q * q
    top = 3.3871327179 + r * (50.434271938 + r * (159.29113202 + r * 59.109374720))
    bottom = 1.0 + r * (17.895169469 + r * (78.757757664 + r * 67.187563600))
    middle = q * top / bottom
    r = np.sqrt(-log(u if q < 0 else 1.0 - u)) - 1.6
    top = 1.4234372777 + r * (2.7568153900 + r * (1.3067284816 + r * 0.17023821103))
    bottom = 1.0 + r * (0.73700164250 + r * 0.12021132975)
    tail = top / bottom if q > 0 else -top / bottom
    return middle if abs(q) <= 0.425 else tail


if not COMPILED:  # unsigned integers wrap, as they should
    corrupt = np.errstate(over="ignore")(corrupt)
