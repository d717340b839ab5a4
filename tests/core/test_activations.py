"""Elementwise functions over the whole range of floats, beside NumPy's and SciPy's.

The yardstick is one ulp, the distance to the next float, of a result in higher precision. The
series of exp is exact to half an ulp, the reduction of its argument and the last two operations
each add about another half; a division and an addition follow in sigmoid and tanh.
"""

import numpy as np
import pytest
import textbook
from scipy.special import expit, ndtr, softmax

from striate.core.activations import (
    ACTIVATIONS,
    HIDDEN_ACTIVATIONS,
    LEAK,
    activate,
    address_of_activation,
    address_of_derivative,
    times_derivative,
)
from striate.core.elementary_functions import exp, expm1, log, log1p, normal_cdf
from striate.native.compile import kernel

IDENTITY, LOGISTIC, TANH, RELU, SOFTMAX = "identity", "logistic", "tanh", "relu", "softmax"

DTYPES = [np.float32, np.float64]
ULPS = 4
LIMITS = {np.float32: 87, np.float64: 708}  # where exp(z) and exp(-z) are normal numbers


@kernel
def exponential(minus_one, z, out):
    for i in range(z.size):
        out[i] = expm1(z[i]) if minus_one else exp(z[i])


@kernel
def logarithm(x, out):
    for i in range(x.size):
        out[i] = log(x[i])


@kernel
def distribution(z, out):
    for i in range(z.size):
        out[i] = normal_cdf(z[i])


@kernel
def logarithm_beyond_one(x, out):
    for i in range(x.size):
        out[i] = log1p(x[i])


@kernel
def activated(f, Z, b):
    activate(f, Z, b)


@kernel
def multiplied(f, A, D):
    times_derivative(f, A, D, 1.0)


def apply(f, z):
    """f of a vector, or of each row of a matrix."""
    z = np.array(z)  # a copy: the kernel writes to it
    Z = z.reshape(-1, z.shape[-1])
    activated(address_of_activation(f, z.dtype), Z, np.zeros(Z.shape[1], dtype=z.dtype))
    return Z.reshape(z.shape)


def exponential_of(z, minus_one=False):
    out = np.empty_like(z)
    exponential(minus_one, z, out)
    return out


def grid(dtype, limit):
    """Both signs, from denormal numbers to ±limit, many of each size."""
    smallest = float(np.finfo(dtype).smallest_subnormal)
    sizes = np.geomspace(smallest, limit, 20_001)
    even = np.linspace(0, min(limit, 1000), 20_001)
    halves = np.arange(min(limit, 1000) / np.log(2) * 2) * np.log(2) / 2  # where the series begins
    z = np.concatenate([sizes, even, halves])
    z = np.concatenate([-z[z <= limit], z[z <= limit]])
    return z.astype(dtype)


def ulps(got, exact):
    """Largest error in units of the last place of the exact result."""
    spacing = np.spacing(np.abs(exact).astype(got.dtype)).astype(exact.dtype)
    return float(np.max(np.abs(got - exact) / spacing))


def precisely(z):
    return z.astype(np.longdouble)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp(dtype):
    z = grid(dtype, LIMITS[dtype])
    assert ulps(exponential_of(z), np.exp(precisely(z))) < ULPS


@pytest.mark.parametrize("dtype", DTYPES)
def test_expm1(dtype):
    z = grid(dtype, 40)
    assert ulps(exponential_of(z, True), np.expm1(precisely(z))) < ULPS


def test_log():
    around_one = 1 + np.concatenate([-(2.0 ** np.arange(-52, -1)), 2.0 ** np.arange(-52, 10)])
    x = np.concatenate([np.geomspace(np.finfo(float).tiny, 1e300, 20_001), around_one])
    out = np.empty_like(x)
    logarithm(x, out)
    assert ulps(out, np.log(precisely(x))) < ULPS
    logarithm(np.array([1.0, np.nan]), out)
    assert out[0] == 0
    assert np.isnan(out[1])


def test_log1p():
    x = np.concatenate([[0.0], np.geomspace(np.finfo(float).tiny, 1, 20_001)])
    out = np.empty_like(x)
    logarithm_beyond_one(x, out)
    assert ulps(out[1:], np.log1p(precisely(x[1:]))) < ULPS
    assert out[0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_cdf(dtype):
    """Relative to the probability itself, also in the tail, where x² loses digits by its size."""
    z = grid(dtype, {np.float32: 12, np.float64: 35}[dtype])
    out = np.empty_like(z)
    distribution(z, out)
    eps = np.finfo(dtype).eps
    error = np.abs(out / ndtr(z.astype(np.float64)) - 1)
    assert (error < eps * (10 + z.astype(float) ** 2)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", HIDDEN_ACTIVATIONS)
def test_hidden_activations_are_those_of_the_textbook(name, dtype):
    z = grid(dtype, 30)
    exact = textbook.f[name](z.astype(np.float64))
    eps = float(np.finfo(dtype).eps)
    # Of SciPy's erf + 1 in the textbook, a rounding error is left where it is nearly -1 + 1.
    left = np.finfo(float).eps * np.abs(z) if name == "gelu" else 0
    tolerance = 20 * eps * np.abs(exact) + left
    assert (np.abs(apply(name, z) - exact) <= tolerance + np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", HIDDEN_ACTIVATIONS)
def test_hidden_activations_far_from_zero(name, dtype):
    """Within their range, and with the limits of f′: nothing overflows."""
    far = np.array([50, 100, 1e4, 1e30, np.finfo(dtype).max / 2], dtype=dtype)
    z = np.concatenate([-far, far])
    with np.errstate(over="ignore"):
        exact = textbook.f[name](z.astype(np.longdouble).astype(np.float64))
    got = apply(name, z)
    np.testing.assert_allclose(got, np.nan_to_num(exact), rtol=1e-5, atol=1e-12)
    A = (z if ACTIVATIONS[name].needs_z else got)[np.newaxis].copy()
    D = np.ones_like(A)
    if ACTIVATIONS[name].derivative is not None:
        multiplied(address_of_derivative(name, dtype), A, D)
    lowest = len(far) - 1
    limits = {True: got[-1] / z[-1], False: got[lowest] / z[lowest]}
    expected = [limits[bool(each > 0)] for each in z]
    np.testing.assert_allclose(D[0], expected, atol=1e-6)


@pytest.mark.parametrize("name", HIDDEN_ACTIVATIONS)
def test_ranges_of_hidden_activations(name):
    a = apply(name, np.linspace(-60, 60, 12_001))
    for bound, found in (
        (ACTIVATIONS[name].lowest, a.min()),
        (-ACTIVATIONS[name].highest, -a.max()),
    ):
        assert found >= bound
        assert found < bound + 1e-4 if np.isfinite(bound) else found < -50 * LEAK


@pytest.mark.parametrize("dtype", DTYPES)
def test_increasing(dtype):
    Z = np.random.default_rng(0).normal(0, 3, (20, 5)).astype(dtype)
    got = apply("increasing", Z)
    assert (np.diff(got, axis=1) > 0).all()
    np.testing.assert_allclose(got, textbook.increasing(Z.astype(float)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid(dtype):
    z = grid(dtype, LIMITS[dtype])
    assert ulps(apply(LOGISTIC, z), 1 / (1 + np.exp(-precisely(z)))) < ULPS


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh(dtype):
    z = grid(dtype, 40)
    assert ulps(apply(TANH, z), np.tanh(precisely(z))) < ULPS


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [LOGISTIC, TANH])
def test_beyond_the_range_of_exp(f, dtype):
    """Where sigmoid would leave the normal numbers it stays at the smallest of them."""
    far = np.array([100, 1000, 1e4, np.finfo(dtype).max, np.inf], dtype=dtype)
    z = np.concatenate([-far, far])
    exact = {LOGISTIC: expit, TANH: np.tanh}[f](z)
    np.testing.assert_allclose(apply(f, z), exact, rtol=0, atol=2 * np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_of_anything_is_finite_and_monotonic(dtype):
    z = np.sort(grid(dtype, {np.float32: 1e38, np.float64: 1e300}[dtype]))
    z = np.concatenate([[-np.inf], z, [np.inf]]).astype(dtype)
    values = exponential_of(z)
    assert np.isfinite(values).all()
    assert (values > 0).all()
    steps = np.diff(values) / np.spacing(values[:-1])
    assert steps.min() >= -ULPS  # but for rounding


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_and_identity(dtype):
    z = np.array([-np.inf, -2, -1e-45, -0.0, 0, 1e-45, 3, np.inf], dtype=dtype)
    np.testing.assert_array_equal(apply(RELU, z), np.maximum(z, 0))
    np.testing.assert_array_equal(apply(IDENTITY, z), z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_nan_stays_nan(name, dtype):
    for place in range(9):
        z = np.linspace(-1, 1, 9).astype(dtype)
        z[place] = np.nan
        result = apply(name, z)
        others = np.isnan(np.delete(result, place))
        assert np.isnan(result[place])
        if name == "increasing":  # the number itself and those after it
            assert others[place:].all()
            assert not others[:place].any()
        else:
            assert others.all() if name == "softmax" else not others.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_in_exp(dtype):
    assert np.isnan(exponential_of(np.full(9, np.nan, dtype))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1, 30, 1e4, 1e30])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000])
def test_softmax(n, scale, dtype):
    """Rows whose exp overflows, too.

    Each of n additions rounds, and z - max z does: an error of half an ulp of up to 90 (708), after
    which float32 (float64) has nothing but a tiny number left.
    """
    Z = np.random.default_rng(0).normal(0, scale, (20, n)).astype(dtype)
    got = apply(SOFTMAX, Z)
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    expected = softmax(precisely(Z), axis=1)
    rtol = (n + 4 + LIMITS[dtype] / 2) * eps
    np.testing.assert_allclose(got, expected.astype(float), rtol=rtol, atol=2 * tiny)
    np.testing.assert_allclose(got.sum(axis=1), 1, rtol=(n + 4) * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_with_minus_infinity(dtype):
    """A class that is ruled out gets no probability worth the name."""
    got = apply(SOFTMAX, np.array([0, -np.inf, 0], dtype=dtype))
    np.testing.assert_allclose(got, [0.5, 0, 0.5], atol=2 * np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", DTYPES)
def test_biases_are_added_to_every_row(dtype):
    Z = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
    b = np.arange(4, dtype=dtype)
    for name in ACTIVATIONS:
        shifted = Z.copy()
        activated(address_of_activation(name, dtype), shifted, b)
        np.testing.assert_allclose(shifted, apply(name, Z + b), rtol=4e-6, err_msg=name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_derivatives(dtype):
    z = np.linspace(-3, 3, 101)
    h = 1e-6
    for name in HIDDEN_ACTIVATIONS:
        numerical = (apply(name, z + h) - apply(name, z - h)) / (2 * h)
        away_from_kink = np.abs(z) > h
        A = (z if ACTIVATIONS[name].needs_z else apply(name, z))[np.newaxis].astype(dtype)
        D = np.full((1, z.size), 2, dtype=dtype)
        multiplied(address_of_derivative(name, dtype), A, D)
        np.testing.assert_allclose(
            D[0, away_from_kink], 2 * numerical[away_from_kink], atol=1e-5, err_msg=name
        )
