"""Convolution and pooling in one pass, beside loops over positions and cells."""

import numpy as np
import pytest
import textbook
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.core.activations import ACTIVATIONS
from striate.images.convolution import (
    BLOCK_POSITIONS,
    POOLINGS,
    convolve_and_pool,
    finish_pooling,
    gather_patches,
    pool,
)
from striate.images.patches import NORMALIZATIONS

EVERYWHERE = (-np.inf, np.inf)


def pooled(feature_map, grid, pooling, block=BLOCK_POSITIONS):
    """`pool` over blocks of positions, and `finish_pooling`."""
    n_y, n_x, k = feature_map.shape
    A = feature_map.reshape(-1, k)
    cells = np.full((*grid, k), 0 if pooling == "mean" else -np.inf, dtype=A.dtype)
    for begin in range(0, len(A), block):
        pool(A[begin : begin + block].copy(), begin, n_y, n_x, POOLINGS[pooling], cells)
    finish_pooling(n_y, n_x, POOLINGS[pooling], cells)
    return cells


@st.composite
def maps_and_grids(draw):
    n_y, n_x = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return n_y, n_x, draw(st.integers(1, n_y)), draw(st.integers(1, n_x))


@given(sizes=maps_and_grids(), pooling=st.sampled_from(sorted(POOLINGS)), block=st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_pooling(sizes, pooling, block):
    n_y, n_x, *grid = sizes
    feature_map = np.random.default_rng(0).normal(size=(n_y, n_x, 3))
    expected = textbook.pool(feature_map, grid, pooling)
    np.testing.assert_allclose(pooled(feature_map, grid, pooling, block), expected, rtol=1e-12)


@given(
    sizes=maps_and_grids(),
    pooling=st.sampled_from(sorted(POOLINGS)),
    value=st.floats(-1e6, 1e6),
)
@settings(deadline=None, max_examples=60)
def test_pool_of_a_constant_is_the_constant(sizes, pooling, value):
    n_y, n_x, *grid = sizes
    cells = pooled(np.full((n_y, n_x, 2), value), grid, pooling)
    np.testing.assert_allclose(cells, value, rtol=1e-12)


@given(sizes=maps_and_grids())
@settings(deadline=None, max_examples=30)
def test_cells_differ_by_one_row_and_column_at_most(sizes):
    """The map is divided as evenly as can be, and no position is left out."""
    n_y, n_x, gh, gw = sizes
    cells = np.zeros((gh, gw, 1))
    pool(np.ones((n_y * n_x, 1)), 0, n_y, n_x, POOLINGS["mean"], cells)
    assert cells.sum() == n_y * n_x
    heights = {n_y // gh, -(-n_y // gh)}
    widths = {n_x // gw, -(-n_x // gw)}
    assert set(cells.ravel()) <= {h * w for h in heights for w in widths}


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("how", [True, "mean", False])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_gathered_patches(channels, how, stride):
    image = np.random.default_rng(0).random((9, 12, channels))
    expected = textbook.convolve(image, (3, 4), stride, how, lambda patch: patch)
    n_y, n_x, length = expected.shape
    for begin, n in [(0, n_y * n_x), (0, 1), (n_x - 1, 3), (n_y * n_x - 1, 1)]:
        P = np.empty((n, length))
        gather_patches(image, (3, 4), stride, NORMALIZATIONS[how], EVERYWHERE, begin, P)
        rows = expected.reshape(-1, length)[begin : begin + n]
        np.testing.assert_allclose(P, rows, rtol=1e-12, atol=1e-12)


def test_gathered_patches_are_clipped():
    image = np.random.default_rng(0).random((6, 7, 1))
    expected = textbook.convolve(image, (2, 3), 1, "mean", lambda patch: patch.clip(-0.1, 0.2))
    P = np.empty((25, 6))
    gather_patches(image, (2, 3), 1, NORMALIZATIONS["mean"], (-0.1, 0.2), 0, P)
    np.testing.assert_allclose(P, expected.reshape(25, 6), atol=1e-12)


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity", "softmax"])
@pytest.mark.parametrize("pooling", sorted(POOLINGS))
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-11), (np.float32, 2e-5)])
def test_convolve_and_pool(dtype, tol, pooling, stride, activation):
    """A map of more positions than one block has, which do not divide it."""
    rng = np.random.default_rng(0)
    image = rng.random((33, 40, 2)).astype(dtype)
    W, b = rng.normal(size=(4 * 5 * 2, 6)).astype(dtype), rng.normal(size=6).astype(dtype)
    grid = (2, 3)

    def encode(patch):
        return textbook.f[activation](patch[np.newaxis] @ W + b)[0]

    feature_map = textbook.convolve(image.astype(float), (4, 5), stride, True, encode)
    assert stride > 1 or feature_map[..., 0].size % BLOCK_POSITIONS > 0 < BLOCK_POSITIONS
    expected = textbook.pool(feature_map, grid, pooling)
    cells = np.full((*grid, 6), 0 if pooling == "mean" else -np.inf, dtype=dtype)
    P, A = np.empty((BLOCK_POSITIONS, 40), dtype=dtype), np.empty((BLOCK_POSITIONS, 6), dtype=dtype)
    convolve_and_pool(
        image, (4, 5), stride, NORMALIZATIONS[True], EVERYWHERE, W, b, ACTIVATIONS[activation],
        POOLINGS[pooling], P, A, cells,
    )  # fmt: skip
    np.testing.assert_allclose(cells, expected, rtol=tol, atol=tol)
