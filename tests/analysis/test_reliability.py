"""Whether probabilities hold: bins, the expected calibration error, and intervals."""

import numpy as np
import pytest
from scipy.stats import binomtest

from striate.analysis.reliability import Reliability


def test_the_error_is_the_mean_distance_of_claims_from_shares():
    claimed = np.repeat([0.6, 0.9], 100)
    correct = np.concatenate([np.arange(100) < 50, np.arange(100) < 90])
    found = Reliability.of(claimed, correct)
    assert found.counts.tolist() == [50] * 4
    np.testing.assert_allclose(found.claimed, [0.6, 0.6, 0.9, 0.9])
    assert found.correct.tolist() == [1, 0, 1, 0.8]
    merged = Reliability.of(claimed[:99:2], correct[:99:2])  # a bin of 50
    assert merged.error == pytest.approx(0.1)
    assert merged.sentence() == (
        "60.0% claimed on average, 50.0% correct; expected calibration error 10.0%"
    )


@pytest.mark.parametrize("n", [1, 2, 49, 50, 101, 5000])
def test_bins_hold_all_images(n):
    p = np.random.default_rng(n).random(n)
    found = Reliability.of(p, p > 0.5)
    assert found.counts.sum() == n
    assert len(found.counts) == max(1, min(10, n // 50))
    assert (np.diff(found.claimed) >= 0).all()
    assert np.average(found.claimed, weights=found.counts) == pytest.approx(p.mean())


def test_probabilities_that_hold_have_a_small_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 20_000)
    assert Reliability.of(p, rng.random(20_000) < p).error < 0.01
    assert Reliability.of(p, rng.random(20_000) < p**2).error > 0.1


def test_intervals_are_those_of_scipy():
    found = Reliability(np.array([0.5, 0.9]), np.array([0.5, 1.0]), np.array([10, 20]))
    low, high = found.intervals()
    for i, (k, n) in enumerate([(5, 10), (20, 20)]):
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert [low[i], high[i]] == pytest.approx([expected.low, expected.high], abs=1e-4)
