"""Accuracy on held-out images, and against the number of labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from striate.analysis.cross_validation import (
    HeldOutPredictions,
    cross_validate,
    evaluate,
    few_label_accuracy,
    learning_curve,
    single_image_classes,
)


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
    assert single_image_classes(labels) == []
    assert single_image_classes(["a", "a", "b"]) == ["b"]


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
