"""Accuracy on held-out images, and against the number of labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from striate.analysis.cross_validation import (
    cross_validate,
    evaluate,
    few_label_accuracy,
    is_measurable,
    learning_curve,
)
from striate.analysis.held_out_predictions import HeldOutPredictions


def test_counts_of_predictions():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7], [0.95, 0.05]])
    held_out = HeldOutPredictions(
        np.array(["a", "b"]), np.array([0, 0, 1, 1, 1]), probabilities, np.array([0, 0, 0, 1, 1])
    )
    assert held_out.predicted.tolist() == [0, 1, 0, 1, 0]
    assert held_out.confusion.tolist() == [[1, 1], [2, 1]]
    np.testing.assert_allclose(held_out.accuracies, [1 / 3, 1 / 2])
    assert held_out.baseline == 3 / 5
    assert held_out.most_confident_mistakes(2).tolist() == [4, 2]


def test_no_image_is_predicted_by_a_classifier_that_saw_it():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    nearest = KNeighborsClassifier(1)
    assert nearest.fit(X, labels).score(X, labels) == 1
    assert 0.4 < cross_validate(nearest, X, labels).accuracies.mean() < 0.6


def test_folds_and_single_images():
    X = np.arange(14.0)[:, None]
    labels = np.repeat(["a", "b"], [11, 3])
    assert len(cross_validate(LogisticRegression(), X, labels).accuracies) == 3
    assert is_measurable(labels).all()
    assert is_measurable(["a", "a", "b"]).tolist() == [True, True, False]
    groups = [1, 1, 2, 3, 4]
    assert is_measurable(["a", "a", "b", "b", "a"], groups).all()
    assert is_measurable(["a", "a", "b", "b", "b"], groups).tolist() == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_learning_curve_rises_with_labels():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 80])
    X = rng.normal(size=(140, 4)) + labels[:, None]
    curve = learning_curve(LogisticRegression(), X, labels)
    assert curve.n_labels == [1, 2, 5, 10, 20, 48]
    assert curve.accuracies.shape == (5, 6)
    mean = curve.accuracies.mean(axis=0)
    assert mean[0] < mean[-1] > 0.8


@pytest.mark.parametrize(
    ("n", "sizes"), [(2, [1]), (3, [1, 2]), (4, [1, 2, 3]), (14, [1, 2, 5, 11])]
)
def test_sizes_of_a_learning_curve(n, sizes):
    labels = np.repeat([0, 1], n)
    assert learning_curve(LogisticRegression(), labels[:, None], labels).n_labels == sizes


def test_a_model_is_evaluated_on_new_images():
    X, labels = np.arange(8.0)[:, None], np.repeat(["a", "b"], 4)
    model = LogisticRegression().fit(X, labels)
    held_out = evaluate(model, X[[0, 7, 7]], np.array(["a", "b", "a"]))
    np.testing.assert_allclose(held_out.accuracies, [2 / 3])
    assert held_out.labels.tolist() == [0, 1, 0]
    assert held_out.n_mistakes == 1


def test_the_first_rows_of_each_class_are_trained_on():
    X, y = np.array([[0.0], [9], [1], [2], [8], [4]]), np.array([0, 1, 0, 1, 0, 1])
    order, test = np.array([4, 0, 3, 1]), np.array([2, 5])
    nearest = KNeighborsClassifier(1)
    # Of each class one row: 8 is of class 0, and 2 of class 1.
    assert few_label_accuracy(nearest, X, y, order, test, n=1) == 1 / 2
    assert few_label_accuracy(nearest, X, y, order, test, n=2) == 1
    labels = np.array([0, 1, 0, 1, 0, 1, 1])
    rows = np.vstack([X, [[0.1]]])
    accuracy = few_label_accuracy(
        nearest, rows, labels, order, np.array([2, 5, 6]), n=2, score=balanced_accuracy_score
    )
    assert accuracy == 3 / 4


def test_many_classes_with_few_labels_need_no_warning():
    labels = np.repeat(np.arange(24), 3)
    assert len(cross_validate(LogisticRegression(), labels[:, None], labels).accuracies) == 3


def grouped(n_groups, seed=0):
    """Rows that tell their group exactly, and their class hardly."""
    rng = np.random.default_rng(seed)
    y = np.repeat(rng.permutation(np.arange(n_groups) % 2), 10)
    groups = np.repeat(np.arange(n_groups), 10)
    centers = rng.normal(size=(n_groups, 8))
    return centers[groups] + 0.01 * rng.normal(size=(len(y), 8)), y, groups


def test_groups_are_held_out_as_a_whole():
    X, y, groups = grouped(24)
    nearest = KNeighborsClassifier(1)
    assert cross_validate(nearest, X, y).accuracies.mean() == 1  # by rows of the same group
    held_out = cross_validate(nearest, X, y, groups=groups)
    assert 0.2 < held_out.accuracies.mean() < 0.8
    pairs = np.unique(np.column_stack([groups, held_out.folds]), axis=0)
    assert len(pairs) == 24
    assert len(held_out.accuracies) == 5


@pytest.mark.parametrize("seed", range(4))
def test_every_class_is_trained_on_in_every_fold_of_groups(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(6, size=60)
    labels = rng.choice(["a", "b", "rare"], 60, p=[0.5, 0.4, 0.1])
    used = is_measurable(labels, groups)
    y, groups = labels[used], groups[used]
    held_out = cross_validate(LogisticRegression(), np.arange(len(y))[:, None], y, groups=groups)
    for k in np.unique(held_out.folds):
        assert set(y[held_out.folds != k]) == set(y)


def test_the_penalty_is_chosen_with_groups():
    seen = []

    class Spy(KNeighborsClassifier):
        def fit(self, X, y, groups=None):
            seen.append(np.unique(groups).size)
            return super().fit(X, y)

    X, y, groups = grouped(10)
    cross_validate(make_pipeline(Spy(1)), X, y, groups=groups)
    learning_curve(make_pipeline(Spy(1)), X, y, groups=groups)
    assert seen[:5] == [8] * 5


def test_scores_of_imbalanced_classes():
    labels = np.repeat([0, 1], [95, 5])
    p = np.where(np.arange(100) < 97, 0.1, 0.7)  # finds three of five
    held_out = HeldOutPredictions(
        np.array(["sound", "cracked"]), labels, np.column_stack([1 - p, p]), np.zeros(100, int)
    )
    assert held_out.is_imbalanced
    np.testing.assert_allclose(held_out.recalls, [1, 0.6])
    assert held_out.balanced_accuracy == balanced_accuracy_score(labels, held_out.predicted)
    assert held_out.f1 == f1_score(labels, held_out.predicted, average="macro")
    assert held_out.roc_auc == pytest.approx(roc_auc_score(labels, p))
    few = HeldOutPredictions(
        held_out.classes, labels[:1], held_out.probabilities[:1], np.zeros(1, int)
    )
    assert not few.is_imbalanced
    assert np.isnan(few.roc_auc)
