"""The choice among features: the best unless chance explains it, and scores it does not flatter."""

import numpy as np
import pytest

from striate.analysis.features_choice import choose_features, chosen, chosen_by_fold, losses_of
from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.analysis.number_validation import HeldOutNumbers


def predictions(is_correct, folds):
    """Predictions of class 1 of two, right or wrong."""
    p = np.where(is_correct, 0.9, 0.2)
    labels = np.ones(len(p), dtype=np.intp)
    return HeldOutPredictions(np.array([0, 1]), labels, np.column_stack([1 - p, p]), folds)


def test_the_first_is_kept_unless_another_is_clearly_better():
    wrong = np.zeros((2, 100))
    wrong[0, :20] = 1
    wrong[1, 20:39] = 1  # one mistake fewer, on other images
    assert chosen(wrong) == 0
    wrong[1] = 0
    assert chosen(wrong) == 1
    assert chosen(wrong[::-1]) == 0
    assert chosen(np.zeros((3, 10))) == 0
    assert chosen(np.array([[1.0], [0.0]])) == 0  # a single image says nothing


def test_the_best_of_many_is_chosen():
    rng = np.random.default_rng(0)
    wrong = (rng.random((6, 500)) < np.array([0.4, 0.3, 0.1, 0.2, 0.5, 0.15])[:, None]).astype(
        float
    )
    assert chosen(wrong) == 2


def test_a_fold_has_no_say_in_its_own_choice():
    rng = np.random.default_rng(1)
    folds = rng.integers(0, 5, 200)
    losses = rng.random((4, 200))
    before = chosen_by_fold(losses, folds)
    for fold in range(5):
        changed = losses.copy()
        changed[:, folds == fold] = rng.random((4, (folds == fold).sum())) * [[9], [0], [5], [1]]
        after = chosen_by_fold(changed, folds)
        np.testing.assert_array_equal(before[folds == fold], after[folds == fold])


def test_chance_is_not_reported_as_accuracy():
    """The best of forty that guess is above one half; what its choice reports is not."""
    best, reported = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        folds = rng.permutation(np.arange(100) % 5)
        guesses = [predictions(rng.random(100) < 0.5, folds) for _ in range(40)]
        best.append(max(each.accuracies.mean() for each in guesses))
        reported.append(choose_features(guesses)[1].accuracies.mean())
    assert np.mean(best) > 0.59
    assert abs(np.mean(reported) - 0.5) < 4 * 0.05 / np.sqrt(30)


def test_what_is_better_everywhere_is_reported_as_it_is():
    folds = np.arange(60) % 3
    rng = np.random.default_rng(0)
    poor = predictions(rng.random(60) < 0.4, folds)
    good = predictions(rng.random(60) < 0.9, folds)
    best, found = choose_features([poor, good])
    assert best == 1
    np.testing.assert_array_equal(found.probabilities, good.probabilities)
    np.testing.assert_array_equal(found.folds, folds)


def test_numbers_are_chosen_by_their_absolute_error():
    rng = np.random.default_rng(0)
    true, folds = rng.normal(size=50), np.arange(50) % 5
    each = [
        HeldOutNumbers(true, true + scale * rng.normal(size=50), folds, np.arange(50))
        for scale in (1, 0.1)
    ]
    best, found = choose_features(each)
    assert best == 1
    np.testing.assert_array_equal(found.predicted, each[1].predicted)
    assert losses_of(found).mean() == pytest.approx(found.mean_absolute_error)
