import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from striate.analysis.orientation import orientation_selectivity, preferred_orientation


def gabor(angle, *, size=16, frequency=0.2, width=3.5, phase=0.7):
    """Stripes that run along `angle`, anticlockwise from horizontal, as displayed."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    across = x * np.sin(angle) + y * np.cos(angle)  # rows run downwards
    envelope = np.exp(-(x**2 + y**2) / (2 * width**2))
    return envelope * np.cos(2 * np.pi * frequency * across + phase)


def textbook_selectivity(filter_):
    """The definition, frequency by frequency, for one grey filter."""
    power = np.abs(np.fft.fft2(filter_ - filter_.mean(), s=(32, 32))) ** 2
    moment = 0
    for i, fy in enumerate(np.fft.fftfreq(32)):
        for j, fx in enumerate(np.fft.fftfreq(32)):
            moment += power[i, j] * np.exp(2j * np.arctan2(fy, fx))
    return abs(moment) / power.sum()


filters = arrays(
    np.float64,
    array_shapes(min_dims=4, max_dims=4, min_side=1, max_side=6),
    elements=st.floats(-1, 1).map(lambda x: round(x, 3)),
)


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 60, 89, 90, 120, 135, 150, 175])
def test_gabor_is_selective_for_its_own_orientation(degrees):
    stripes = gabor(np.radians(degrees))[None]
    assert orientation_selectivity(stripes) > 0.9
    error = np.degrees(preferred_orientation(stripes)) - degrees
    assert abs((error + 90) % 180 - 90) < 1


def test_definition():
    noise = np.random.default_rng(0).standard_normal((5, 10, 10))
    expected = [textbook_selectivity(one) for one in noise]
    # The one frequency that has two angles weighs in the textbook's sum, not in ours.
    np.testing.assert_allclose(orientation_selectivity(noise), expected, atol=0.005)


def test_noise_and_blobs_are_not_selective():
    noise = np.random.default_rng(0).standard_normal((200, 10, 10))
    assert np.median(orientation_selectivity(noise)) < 0.2
    y, x = np.mgrid[:9, :9] - 4
    assert orientation_selectivity(np.exp(-(x**2 + y**2) / 4)[None]) < 1e-10


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e-300, 1e300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_filters_have_no_orientation(value, dtype):
    with np.errstate(over="ignore"):
        constant = np.full((2, 7, 7, 3), min(value, np.finfo(dtype).max), dtype=dtype)
    assert (orientation_selectivity(constant) == 0).all()
    assert np.isnan(preferred_orientation(constant)).all()


def test_power_of_channels_is_added():
    edge = gabor(0.4)
    opponent = np.stack([edge, -edge, np.zeros_like(edge)], axis=-1)
    grey = orientation_selectivity(edge[None])
    np.testing.assert_allclose(orientation_selectivity(opponent[None]), grey)
    crossed = np.stack([edge, np.rot90(edge)], axis=-1)
    np.testing.assert_allclose(orientation_selectivity(crossed[None]), 0, atol=1e-12)


@settings(deadline=None)
@given(filters, st.sampled_from([-1.0, 1e-200, 1e200, -3.0]))
def test_sign_and_scale_do_not_matter(x, factor):
    expected = orientation_selectivity(x)
    assert ((expected >= 0) & (expected <= 1 + 1e-12)).all()
    np.testing.assert_allclose(orientation_selectivity(factor * x), expected, atol=1e-9)


@pytest.mark.long
@settings(deadline=None)
@given(filters)
def test_quarter_turn_keeps_selectivity(x):
    turned = np.rot90(x, axes=(1, 2))
    np.testing.assert_allclose(
        orientation_selectivity(turned), orientation_selectivity(x), atol=1e-9
    )


def test_quarter_turn_turns_the_orientation():
    stripes = np.array([gabor(angle) for angle in (0.1, 1.0, 2.0)])
    turned = preferred_orientation(np.rot90(stripes, axes=(1, 2)))
    expected = (preferred_orientation(stripes) + np.pi / 2) % np.pi
    np.testing.assert_allclose(turned, expected)


def test_mean_does_not_matter():
    stripes = gabor(0.3)[None]
    np.testing.assert_allclose(
        orientation_selectivity(stripes + 5), orientation_selectivity(stripes)
    )


def test_large_filters_and_many_filters():
    assert orientation_selectivity(gabor(0.3, size=65, width=12)[None]) > 0.9
    many = np.random.default_rng(0).standard_normal((1100, 5, 6))
    some = orientation_selectivity(many[[0, 600, 1099]])
    np.testing.assert_allclose(orientation_selectivity(many)[[0, 600, 1099]], some)
    assert orientation_selectivity(np.empty((0, 5, 5))).shape == (0,)


@pytest.mark.parametrize("shape", [(5, 64), (2, 2, 2, 2, 2), (2, 0, 3)])
def test_wrong_shape(shape):
    with pytest.raises(ValueError, match="must have the shape"):
        orientation_selectivity(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(value):
    with pytest.raises(ValueError, match="NaN or infinity"):
        orientation_selectivity(np.full((1, 3, 3), value))
