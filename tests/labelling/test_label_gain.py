"""What more labels would bring: the power law, its spread, and when nothing is said."""

import numpy as np
import pytest

from striate.labelling.label_gain import expected_accuracy

SIZES = [12, 15, 20, 26, 33, 42, 55, 70]


def law(n, level=1.0, power=0.5):
    return 1 - level * np.asarray(n, float) ** -power


def test_a_power_law_is_continued():
    found = expected_accuracy(list(zip(SIZES, law(SIZES), strict=True)))
    assert found.n_labels == 140
    assert found.accuracy == pytest.approx(law(140), abs=1e-9)
    assert found.low < found.accuracy < found.high <= 1


def test_the_interval_holds():
    """Nine of ten intervals have the accuracy to come; accuracies are shares of labels."""
    inside = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        measured = [rng.binomial(n, law(n)) / n for n in SIZES]
        found = expected_accuracy(list(zip(SIZES, measured, strict=True)))
        if found is not None:
            inside.append(found.low <= law(140) <= found.high)
    assert len(inside) > 50
    assert np.mean(inside) > 0.85


@pytest.mark.parametrize(
    "curve",
    [
        [],
        list(zip(SIZES[:4], law(SIZES[:4]), strict=True)),
        list(zip(range(50, 60), law(range(50, 60)), strict=True)),  # not twice as many
        [(n, 0.8) for n in SIZES],  # does not rise
        list(zip(SIZES, 1.2 - law(SIZES), strict=True)),  # falls
        [*zip(SIZES, law(SIZES), strict=True), (80, 1.0)],  # perfect
        [(n, 0.0) for n in SIZES],
    ],
)
def test_nothing_is_said_where_nothing_can_be_told(curve):
    assert expected_accuracy(curve) is None


def test_noise_without_a_trend_is_seldom_continued():
    said = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        curve = [(n, rng.binomial(n, 0.7) / n) for n in SIZES]
        said += expected_accuracy(curve) is not None
    assert said < 20


def test_the_last_accuracy_of_a_number_of_labels_counts():
    curve = list(zip(SIZES, law(SIZES), strict=True))
    assert expected_accuracy([(SIZES[3], 0.1), *curve]) == expected_accuracy(curve)
