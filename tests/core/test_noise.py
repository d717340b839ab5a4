"""Noise of denoising autoencoders: distribution, independence, and the same in every pass."""

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import ndtri

from striate.core.design_matrix import (
    add_transposed_times,
    as_input,
    dense_rows,
    with_noise,
    with_seed,
)
from striate.core.noise import GAUSSIAN, MASKING, NOISE, corrupt, least_kept, normal
from striate.native.compile import kernel


@kernel
def corrupted(kind, level, seed, first_row, target):
    for i in range(len(target)):
        corrupt(kind, level, seed, first_row + i, target, i)


@kernel
def transposed_times(X, lo, hi, D, G):  # D (m, n_out), G (hi - lo, n_out)
    add_transposed_times(X, lo, hi, D, G)


@kernel
def quantiles(u, out):
    for i in range(u.size):
        out[i] = normal(u[i])


@kernel
def least_bits(level):
    return least_kept(level)


@kernel
def read(X, lo, hi):
    return dense_rows(X, lo, hi)


def noise(kind, level, seed=0, shape=(2000, 300), first_row=0):
    values = np.full(shape, 1.0 if kind == MASKING else 0.0)
    corrupted(kind, level, seed, first_row, values)
    return values


@pytest.mark.parametrize("level", [0.0, 1e-12, 0.15, 0.5, 1 - 1e-9])
def test_bits_are_compared_as_their_numbers_would_be(level):
    least = int(least_bits(level))
    assert (least + 0.5) / 2**32 >= level
    assert least == 0 or (least - 0.5) / 2**32 < level


def test_normal_quantiles():
    u = np.concatenate([[0.5 / 2**32, 1 - 0.5 / 2**32], np.linspace(1e-9, 1 - 1e-9, 100_001)])
    out = np.empty_like(u)
    quantiles(u, out)
    np.testing.assert_allclose(out, ndtri(u), rtol=2e-7, atol=2e-7)


def test_gaussian_noise_is_normal():
    values = noise(GAUSSIAN, 2.0).ravel() / 2
    assert stats.kstest(values, "norm").pvalue > 0.01
    assert abs(stats.kurtosis(values)) < 4 * np.sqrt(24 / values.size)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_masking_drops_the_share_that_was_asked_for(level):
    kept = noise(MASKING, level)
    deviation = np.sqrt(level * (1 - level))
    assert abs(1 - kept.mean() - level) < 4 * deviation / np.sqrt(kept.size)
    for axis in (0, 1):  # as binomial numbers in every row and column
        spread = kept.mean(axis=axis).std()
        assert spread == pytest.approx(deviation / np.sqrt(kept.shape[axis]), rel=0.2)


@pytest.mark.parametrize("kind", [MASKING, GAUSSIAN])
def test_rows_columns_and_seeds_are_independent(kind):
    one, other = noise(kind, 0.5), noise(kind, 0.5, seed=1)
    limit = 5.5  # standard deviations, of the largest of some ten thousand correlations
    for values in (one, one[:300].T):
        correlations = np.corrcoef(values.T)[np.triu_indices(values.shape[1], 1)]
        assert np.abs(correlations).max() < limit / np.sqrt(len(values))
    for shift in range(3):  # the next seed is not this one, a row further
        pair = one[shift:].ravel(), other[: len(other) - shift].ravel()
        assert abs(np.corrcoef(*pair)[0, 1]) < limit / np.sqrt(pair[0].size)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("masking", np.float32),
        ("gaussian", np.float32),
        pytest.param("masking", np.float64, marks=pytest.mark.long),  # compiled anew
        pytest.param("gaussian", np.float64, marks=pytest.mark.long),
    ],
)
def test_any_block_of_rows_sees_the_same_noise_sparse_or_dense(kind, dtype):
    rng = np.random.default_rng(0)
    X = (rng.random((40, 7)) * (rng.random((40, 7)) < 0.4)).astype(dtype)
    whole = read(with_noise(as_input(X), NOISE[kind], 0.4, 3), 0, 40)
    assert whole.dtype == dtype
    assert not np.array_equal(whole, X)
    for each in (X, sparse.csr_matrix(X)):
        noisy = with_noise(as_input(each), NOISE[kind], 0.4, 3)
        parts = [read(noisy, lo, min(lo + 9, 40)) for lo in range(0, 40, 9)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
        assert not np.array_equal(read(with_seed(noisy, noisy.seed + 1), 0, 40), whole)
    np.testing.assert_array_equal(read(as_input(sparse.csr_matrix(X)), 3, 30), X[3:30])


def test_some_columns_of_sparse_rows_times_delta():
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(9, 7)) * (rng.random((9, 7)) < 0.5), rng.normal(size=(9, 2))
    G = np.zeros((3, 2))
    transposed_times(as_input(sparse.csr_array(X)), 2, 5, D, G)
    np.testing.assert_allclose(G, X[:, 2:5].T @ D, atol=1e-14)
