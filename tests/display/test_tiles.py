import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.display import FeatureDisplay
from striate.display.tiles import as_tiles, choose_columns, mosaic, scaled


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected"),
    [
        ((5, 64), None, (5, 8, 8, 1)),
        ((5, 192), None, (5, 8, 8, 3)),
        ((5, 96), (6, 16), (5, 6, 16, 1)),
        ((5, 30), (2, 5, 3), (5, 2, 5, 3)),
        ((5, 6, 7), None, (5, 6, 7, 1)),
        ((5, 6, 7, 1), None, (5, 6, 7, 1)),
        ((5, 6, 7, 1), (6, 7), (5, 6, 7, 1)),
        ((5, 6, 7, 3), None, (5, 6, 7, 3)),
    ],
)
def test_image_shape(shape, image_shape, expected):
    components = noise(*shape)
    tiles = as_tiles(components, image_shape)
    assert tiles.shape == expected
    np.testing.assert_array_equal(tiles.ravel(), components.ravel())


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((5, 65), None, r"Pass image_shape=\(height, width\)"),
        ((5, 64), (8, 9), "holds 72 values, but each of the components holds 64"),
        ((5, 64), (8, 4, 2), "Only 1 channel .* got 2"),
        ((5, 6, 6, 4), None, "Only 1 channel .* got 4"),
        ((5, 64), 8, "image_shape must be"),
        ((5, 64), (64,), "image_shape must be"),
        ((5, 64), (-8, -8), "image_shape must be"),
        ((64,), None, "Expected 2D array, got 1D"),
        ((1, 2, 2, 2, 2), None, "components must have the shape"),
        ((0, 64), None, "minimum of 1 is required"),
    ],
)
def test_wrong_shapes(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        FeatureDisplay(np.ones(shape), image_shape=image_shape).plot()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_components_must_be_finite(value):
    with pytest.raises(ValueError, match="Input components contains"):
        FeatureDisplay([[value] * 4]).plot()


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 20), st.integers(1, 20))
def test_chosen_columns_leave_no_row_empty(n, height, width):
    columns = choose_columns(n, height, width)
    assert 1 <= columns <= n
    rows = -(-n // columns)
    assert rows * columns - n < columns


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (7, 4), (10, 5), (25, 5), (100, 10), (400, 20)])
def test_chosen_columns_of_square_tiles(n, columns):
    assert choose_columns(n, 8, 8) == columns


@settings(deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), st.integers(1, 4)
)
def test_mosaic_holds_every_tile(n, n_columns, zoom, gap, height):
    width = 3
    tiles = np.arange(n * height * width, dtype=float).reshape(n, height, width, 1)
    pixels = mosaic(tiles, n_columns, zoom, gap)
    for k, tile in enumerate(tiles):
        top = k // n_columns * (height * zoom + gap)
        left = k % n_columns * (width * zoom + gap)
        part = pixels[top : top + height * zoom, left : left + width * zoom]
        np.testing.assert_array_equal(part, np.kron(tile[..., 0], np.ones((zoom, zoom)))[..., None])
    assert np.isfinite(pixels).sum() == tiles.size * zoom**2


def test_scaling_keeps_zero_and_needs_no_division_by_it():
    tiles = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), -4.0), noise(2, 2, 1)])
    by_tile = scaled(tiles, "tile")
    np.testing.assert_array_equal(by_tile[0], 0)
    np.testing.assert_array_equal(by_tile[1], -1)
    assert np.abs(by_tile[2]).max() == 1
    np.testing.assert_allclose(scaled(tiles, "common"), tiles / 4)
    np.testing.assert_array_equal(scaled(tiles[:1], "common"), 0)


def test_colour_tiles_are_scaled_over_their_channels_together():
    tile = np.array([[[1.0, -2.0, 0.5]]])
    np.testing.assert_allclose(scaled(tile[None], "tile")[0], tile / 2)
