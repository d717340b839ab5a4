"""Self-training: the most certain predictions of rows without labels, and what they gain."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from striate import KernelClassifier, SelfTaughtClassifier, WhitenedComponents
from striate.estimators.self_training import most_certain

X, Y = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(X))
X, Y = X[ORDER][:1000] / 16, Y[ORDER][:1000]
KNOWN = np.where(np.arange(1000) < 40, Y, -1)
MODEL = SelfTaughtClassifier(WhitenedComponents(30, random_state=0), KernelClassifier())
WEIGHTED = clone(MODEL).set_params(pseudo_label_weight=0.2)


def test_few_labels_gain():
    plain, trained = (clone(each).fit(X, KNOWN) for each in (MODEL, WEIGHTED))
    gain = trained.score(X[40:], Y[40:]) - plain.score(X[40:], Y[40:])
    assert gain > 0.03


def test_rows_given_apart_are_rows_without_labels():
    together = clone(WEIGHTED).fit(X, KNOWN)
    apart = clone(WEIGHTED).fit(X[:40], Y[:40], unlabeled=X[40:])
    np.testing.assert_array_equal(together.predict(X), apart.predict(X))


@pytest.mark.parametrize("classifier", [KernelClassifier(), LogisticRegression(max_iter=500)])
def test_the_surest_rows_of_each_class_are_chosen(classifier):
    classifier.fit(X[:100], Y[:100])
    rows, labels = most_certain(classifier, X, 0.2)
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(labels, classifier.predict(X[rows]))
    scores = np.sort(classifier.decision_function(X), axis=1)
    certainty, predicted = scores[:, -1] - scores[:, -2], classifier.predict(X)
    for label in classifier.classes_:
        chosen, all_of_class = rows[labels == label], np.flatnonzero(predicted == label)
        assert len(chosen) == min(20, len(all_of_class))
        rest = np.setdiff1d(all_of_class, chosen)
        assert not len(rest) or certainty[chosen].min() >= certainty[rest].max()


def test_two_classes_and_probabilities():
    y = Y > 4
    for classifier in (KernelClassifier(), KNeighborsClassifier()):
        classifier.fit(X[:100], y[:100])
        rows, labels = most_certain(classifier, X, 0.5)
        assert (labels == classifier.predict(X[rows])).all()
        assert np.bincount(labels).max() <= 250


def test_sample_weights_of_labels_are_kept():
    weights = np.where(np.arange(1000) < 20, 1.0, 0.0)
    half = clone(WEIGHTED).fit(X, KNOWN, sample_weight=weights)
    known = np.where(np.arange(1000) < 20, Y, -1)
    known[20:40] = Y[20:40]  # without weight, though with a label
    assert half.n_labeled_ == 40
    assert np.isfinite(half.classifier_.dual_coef_).all()
    assert (half.predict(X) != clone(WEIGHTED).fit(X, KNOWN).predict(X)).any()


def test_without_unlabelled_rows_nothing_changes():
    plain, weighted = (clone(each).fit(X[:40], Y[:40]) for each in (MODEL, WEIGHTED))
    np.testing.assert_array_equal(plain.predict_proba(X), weighted.predict_proba(X))


def test_a_search_may_be_the_classifier():
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}, cv=2)
    model = SelfTaughtClassifier(StandardScaler(), search, pseudo_label_weight=0.2)
    assert model.fit(X[:300], np.where(np.arange(300) < 60, Y[:300], -1)).score(X, Y) > 0.8


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (KNeighborsClassifier(3), "KNeighborsClassifier has none"),
        (SVC(decision_function_shape="ovo"), "SVC has 45 scores for 10 classes"),
    ],
)
def test_classifiers_that_cannot_be_trained_so(classifier, message):
    model = SelfTaughtClassifier(StandardScaler(), classifier, pseudo_label_weight=0.2)
    with pytest.raises(ValueError, match=message):
        model.fit(X, np.where(np.arange(1000) < 200, Y, -1))
    assert not hasattr(model, "classifier_")
