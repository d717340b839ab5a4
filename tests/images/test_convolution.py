"""Convolution and pooling in one pass, beside loops over positions and cells."""

import numpy as np
import pytest
import textbook
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.images.convolution import (
    BLOCK_POSITIONS,
    Patches,
    convolve_and_pool,
    gather_patches,
    workspace,
)
from striate.images.encoding import Encoding, for_kernels
from striate.images.patches import CONTRAST_FLOOR, NORMALIZATIONS
from striate.images.pooling import (
    POOLINGS,
    cells_of_grids,
    cells_of_windows,
    finish_pooling,
    pool,
    room_for_parts,
)

# Sums of numbers of about 1, which may nearly cancel.
ROUNDING = {"rtol": 1e-12, "atol": 1e-14}


def pooled(feature_map, cells, pooling, block=BLOCK_POSITIONS, threshold=None):
    """`pool` over blocks of positions, and `finish_pooling`."""
    k, how = feature_map.shape[2], POOLINGS[pooling]
    A = feature_map.reshape(-1, k)
    signs = np.array([] if threshold is None else [1.0, -1.0])
    parts = room_for_parts(cells, how, k * max(len(signs), 1), A.dtype)
    for begin in range(0, len(A), block):
        part = A[begin : begin + block].copy()
        theta = np.full(len(part), threshold or 0.0)
        pool(part, begin, cells.part_of, how, signs, theta, parts)
    return finish_pooling(cells, how, 1, parts)


@st.composite
def maps_and_grids(draw):
    n_y, n_x = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return n_y, n_x, draw(st.integers(1, n_y)), draw(st.integers(1, n_x))


@given(sizes=maps_and_grids(), pooling=st.sampled_from(sorted(POOLINGS)), block=st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_pooling(sizes, pooling, block):
    n_y, n_x, *grid = sizes
    feature_map = np.random.default_rng(0).normal(size=(n_y, n_x, 3))
    expected = textbook.pool(feature_map, grid, pooling).reshape(-1, 3)
    cells = cells_of_grids((n_y, n_x), (tuple(grid),))
    np.testing.assert_allclose(pooled(feature_map, cells, pooling, block), expected, **ROUNDING)
    pyramid = pooled(feature_map, cells_of_grids((n_y, n_x), (tuple(grid), (1, 1))), pooling, block)
    whole = textbook.pool(feature_map, (1, 1), pooling).reshape(-1, 3)
    np.testing.assert_allclose(pyramid, np.concatenate([expected, whole]), **ROUNDING)


@given(sizes=maps_and_grids(), pooling=st.sampled_from(sorted(POOLINGS)))
@settings(deadline=None, max_examples=40)
def test_pooling_over_windows(sizes, pooling):
    n_y, n_x, height, width = sizes
    feature_map = np.random.default_rng(0).normal(size=(n_y, n_x, 2))
    reduce = {"mean": np.mean, "max": np.max, "sum": np.sum}[pooling]
    expected = [
        reduce(feature_map[y : y + height, x : x + width], axis=(0, 1))
        for y in range(0, n_y, height)
        for x in range(0, n_x, width)
    ]
    cells = cells_of_windows((n_y, n_x), (height, width))
    np.testing.assert_allclose(pooled(feature_map, cells, pooling), expected, **ROUNDING)


@given(
    sizes=maps_and_grids(),
    pooling=st.sampled_from(sorted(POOLINGS)),
    overlap=st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.75]),
)
@settings(deadline=None, max_examples=60)
def test_cells_that_overlap(sizes, pooling, overlap):
    """Of one size up to rounding, at equal distances, from the first position to the last."""
    n_y, n_x, *grid = sizes
    feature_map = np.random.default_rng(0).normal(size=(n_y, n_x, 2))
    reduce = {"mean": np.mean, "max": np.max, "sum": np.sum}[pooling]
    edges = []
    for n, n_cells in zip((n_y, n_x), grid, strict=True):
        size = n / (n_cells - (n_cells - 1) * overlap)
        begins = np.array([i * size * (1 - overlap) for i in range(n_cells)])
        edges.append([np.ceil(np.round(e, 6)).astype(int) for e in (begins, begins + size)])
        assert (edges[-1][0][0], edges[-1][1][-1]) == (0, n)
        assert np.ptp(edges[-1][1] - edges[-1][0]) <= 1
    expected = [
        reduce(feature_map[top:bottom, left:right], axis=(0, 1))
        for top, bottom in zip(*edges[0], strict=True)
        for left, right in zip(*edges[1], strict=True)
    ]
    cells = cells_of_grids((n_y, n_x), (tuple(grid),), overlap)
    np.testing.assert_allclose(pooled(feature_map, cells, pooling), expected, **ROUNDING)


@given(sizes=maps_and_grids(), pooling=st.sampled_from(sorted(POOLINGS)), theta=st.floats(0, 2))
@settings(deadline=None, max_examples=40)
def test_both_signs_beyond_a_threshold(sizes, pooling, theta):
    n_y, n_x, *grid = sizes
    z = np.random.default_rng(0).normal(size=(n_y, n_x, 2))
    signs = np.concatenate([np.maximum(z - theta, 0), np.maximum(-z - theta, 0)], axis=2)
    cells = cells_of_grids((n_y, n_x), (tuple(grid),))
    expected = pooled(signs, cells, pooling)
    np.testing.assert_allclose(pooled(z, cells, pooling, threshold=theta), expected, **ROUNDING)


@given(
    sizes=maps_and_grids(),
    pooling=st.sampled_from(["mean", "max"]),
    value=st.floats(-1e6, 1e6),
)
@settings(deadline=None, max_examples=60)
def test_pool_of_a_constant_is_the_constant(sizes, pooling, value):
    n_y, n_x, *grid = sizes
    cells = cells_of_grids((n_y, n_x), (tuple(grid),))
    constant = pooled(np.full((n_y, n_x, 2), value), cells, pooling)
    np.testing.assert_allclose(constant, value, rtol=1e-12)


@given(sizes=maps_and_grids())
@settings(deadline=None, max_examples=30)
def test_cells_differ_by_one_row_and_column_at_most(sizes):
    """The map is divided as evenly as can be, and no position is left out."""
    n_y, n_x, gh, gw = sizes
    cells = cells_of_grids((n_y, n_x), ((gh, gw),))
    counted = pooled(np.ones((n_y, n_x, 1)), cells, "sum")
    np.testing.assert_array_equal(counted.ravel(), cells.sizes)
    assert counted.sum() == n_y * n_x
    heights = {n_y // gh, -(-n_y // gh)}
    widths = {n_x // gw, -(-n_x // gw)}
    assert set(counted.ravel()) <= {h * w for h in heights for w in widths}


def patches_of(height, width, stride, how, *limits):
    return Patches(height, width, stride, NORMALIZATIONS[how], CONTRAST_FLOOR, *limits)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("how", [True, "mean", False])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_gathered_patches(channels, how, stride):
    image = np.random.default_rng(0).random((9, 12, channels))
    expected = textbook.convolve(image, (3, 4), stride, how, lambda patches: patches)
    n_y, n_x, length = expected.shape
    for begin, n in [(0, n_y * n_x), (0, 1), (n_x - 1, 3), (n_y * n_x - 1, 1)]:
        P = np.empty((n, length))
        gather_patches(image[np.newaxis], patches_of(3, 4, stride, how), (0, 0, n_x), begin, P)
        rows = expected.reshape(-1, length)[begin : begin + n]
        np.testing.assert_allclose(P, rows, rtol=1e-12, atol=1e-12)


def test_gathered_patches_are_clipped():
    image = np.random.default_rng(0).random((6, 7, 1))
    expected = textbook.convolve(image, (2, 3), 1, "mean", lambda patches: patches.clip(-0.1, 0.2))
    P = np.empty((25, 6))
    gather_patches(image[np.newaxis], patches_of(2, 3, 1, "mean", -0.1, 0.2), (0, 0, 5), 0, P)
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

    def encode(patches):
        return textbook.f[activation](patches @ W + b)

    feature_map = textbook.convolve(image.astype(float), (4, 5), stride, True, encode)
    assert stride > 1 or feature_map[..., 0].size % BLOCK_POSITIONS > 0 < BLOCK_POSITIONS
    expected = textbook.pool(feature_map, grid, pooling)
    patches = patches_of(4, 5, stride, True)
    cells = cells_of_grids(patches.map_shape(image), (grid,))
    project, signs = (np.empty((40, 0), dtype), np.empty(0, dtype)), np.empty(0, dtype)
    encoding = for_kernels(Encoding(W, b, activation, signs), W, b, dtype)
    how, work = POOLINGS[pooling], workspace(project, encoding, 40)
    parts = room_for_parts(cells, how, 6, dtype)
    n_positions = feature_map[..., 0].size
    for positions in ((0, BLOCK_POSITIONS), (BLOCK_POSITIONS, n_positions)):
        positions = min(positions[0], n_positions), min(positions[1], n_positions)
        rule = cells.part_of, how
        convolve_and_pool(
            image[np.newaxis], patches, positions, (project, encoding), rule, work, parts
        )
    result = finish_pooling(cells, how, 1, parts)
    np.testing.assert_allclose(result, expected.reshape(6, 6), rtol=tol, atol=tol)
