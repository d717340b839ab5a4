"""Self-training on images: what is held out, and how sure its predictions are."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from striate.analysis.cross_validation import cross_validate
from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.analysis.self_trained_images import (
    calibrated,
    new_self_trained_classifier,
    sharpen,
    unlabeled_parameter,
)


@pytest.fixture
def too_sure():
    """Predictions that claim more than they hold."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=600)
    scores = rng.normal(size=(600, 3)) + 1.2 * np.eye(3)[labels]
    p = np.exp(6 * scores)
    return HeldOutPredictions(
        np.arange(3), labels, p / p.sum(axis=1, keepdims=True), np.arange(600) % 5
    )


def test_probabilities_become_as_sure_as_they_are_right(too_sure):
    found, factor = calibrated(too_sure)
    np.testing.assert_array_equal(found.predicted, too_sure.predicted)
    assert too_sure.reliability.error > 0.2
    assert found.reliability.error < 0.06
    assert 0.1 < factor < 0.3


def test_no_fold_is_calibrated_on_its_own_labels(too_sure):
    found, _ = calibrated(too_sure)
    own = too_sure.folds == 2
    other, _ = calibrated(replace(too_sure, labels=np.where(own, 0, too_sure.labels)))
    np.testing.assert_array_equal(other.probabilities[own], found.probabilities[own])
    assert not np.allclose(other.probabilities[~own], found.probabilities[~own])


class Watching(ClassifierMixin, BaseEstimator):
    """A classifier that notes what it is given."""

    seen = ()

    def fit(self, X, y, unlabeled=None):
        self.classes_ = np.unique(y)
        Watching.seen += ((X.ravel().tolist(), unlabeled.ravel().tolist()),)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_held_out_images_are_in_no_training():
    Watching.seen = ()
    X, y, U = np.arange(20.0)[:, np.newaxis], np.arange(20) % 2, np.arange(100.0, 105)
    model = Pipeline([("classifier", Watching())])
    found = cross_validate(model, X, y, unlabeled=U[:, np.newaxis])
    for k, (rows, others) in enumerate(Watching.seen):
        assert others == U.tolist()
        assert sorted(rows) == np.flatnonzero(found.folds != k).tolist()


def test_sharpening_makes_probabilities_surer():
    rng = np.random.default_rng(1)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 5)) + y[:, np.newaxis]
    U = rng.normal(size=(60, 5)) + (np.arange(60) % 2)[:, np.newaxis]
    model = new_self_trained_classifier(X, U).fit(X, y, **unlabeled_parameter(U))
    before = model.predict_proba(X)
    sharpen(model, 2.0)
    expected = before**2 / (before**2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-5)
