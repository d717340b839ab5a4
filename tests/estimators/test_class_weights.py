"""Weights of classes, and several outputs of classes."""

import numpy as np
import pytest
from perceptron_rows import SMALL, Y2, Y3, X, same
from scipy.special import expit, softmax
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_class_weight

from striate import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("y", [Y2, Y3, np.array(["b", "c", "a"])[Y3]])
def test_class_weights_are_sample_weights(y, solver):
    classes = np.unique(y)
    balanced = compute_class_weight("balanced", classes=classes, y=y)
    chosen = {classes[0]: 0.5, classes[-1]: 3.0}
    for class_weight, of_class in (
        ("balanced", dict(zip(classes, balanced, strict=True))),
        (chosen, {each: chosen.get(each, 1.0) for each in classes}),
    ):
        weights = np.array([of_class[each] for each in y])
        by_class = MLPClassifier(solver=solver, class_weight=class_weight, **SMALL).fit(X, y)
        by_row = MLPClassifier(solver=solver, **SMALL).fit(X, y, weights)
        assert same(by_class, by_row)


def test_class_weights_of_several_labels_multiply():
    Y = np.column_stack([Y2, X[:, 2] > 0]).astype(int)
    class_weight = [{0: 1.0, 1: 2.0}, {0: 3.0}]
    weights = np.where(Y[:, 0], 2.0, 1.0) * np.where(Y[:, 1], 1.0, 3.0)
    by_class = MLPClassifier(class_weight=class_weight, **SMALL).fit(X, Y)
    assert same(by_class, MLPClassifier(**SMALL).fit(X, Y, weights))


def test_balanced_weights_find_the_rare_class():
    X, y = make_classification(1500, weights=[0.95], flip_y=0.0, random_state=0)
    scores = [
        balanced_accuracy_score(
            y[1000:],
            MLPClassifier(class_weight=w, **SMALL).fit(X[:1000], y[:1000]).predict(X[1000:]),
        )
        for w in (None, "balanced")
    ]
    assert scores[1] > scores[0] + 0.1


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: 1.0, 7: 2.0}, r"\[7\], which are not classes of y"),
        ({0: -1.0}, "at least 0"),
        ({0: np.nan}, "at least 0"),
        ([{0: 1.0}, {0: 1.0}], "2 entries, but y has 1"),
        ([1], "a dictionary for each output"),
    ],
)
def test_wrong_class_weights_are_refused(class_weight, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(class_weight=class_weight, **SMALL).fit(X, Y3)


def test_balanced_weights_need_all_rows():
    classifier = MLPClassifier(class_weight="balanced", **SMALL)
    with pytest.raises(ValueError, match="partial_fit sees some"):
        classifier.partial_fit(X, Y3, classes=[0, 1, 2])
    chosen = MLPClassifier(class_weight={0: 2.0}, **SMALL).partial_fit(X, Y3, classes=[0, 1, 2])
    weights = np.where(Y3 == 0, 2.0, 1.0)
    plain = MLPClassifier(**SMALL).partial_fit(X, Y3, weights, classes=[0, 1, 2])
    assert same(chosen, plain)


def several_outputs():
    return np.column_stack([np.array(["x", "y", "z"], dtype=object)[Y3], Y2])


def test_several_outputs_of_several_classes():
    Y = several_outputs()
    classifier = MLPClassifier((30,), solver="lbfgs", max_iter=60, random_state=0).fit(X, Y)
    assert [list(each) for each in classifier.classes_] == [["x", "y", "z"], [0, 1]]
    predicted, probabilities = classifier.predict(X), classifier.predict_proba(X)
    assert predicted.shape == Y.shape
    assert [each.shape for each in probabilities] == [(150, 3), (150, 2)]
    z = classifier.decision_function(X)
    for group, chosen, column, classes in zip(
        (z[:, :3], z[:, 3:]), probabilities, predicted.T, classifier.classes_, strict=True
    ):
        np.testing.assert_allclose(chosen, softmax(group, axis=1))
        np.testing.assert_array_equal(column, classes[chosen.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(classifier.predict_log_proba(X)[1]), probabilities[1])
    accuracy = (predicted == Y).all(axis=1).mean()
    assert accuracy > 0.8
    assert classifier.score(X, Y) == accuracy


def test_the_outputs_of_several_share_nothing_but_the_hidden_layers():
    """Without hidden layers they are as many classifiers of their own."""
    Y = np.column_stack([Y3, 2 - Y3])
    settings = {"solver": "lbfgs", "alpha": 10.0, "max_iter": 500, "tol": 1e-9, "random_state": 0}
    both = MLPClassifier((), **settings).fit(X, Y).predict_proba(X)
    for column, together in zip(Y.T, both, strict=True):
        alone = MLPClassifier((), **settings).fit(X, column).predict_proba(X)
        np.testing.assert_allclose(together, alone, atol=1e-4)


def test_several_outputs_work_with_early_stopping_weights_and_smoothing():
    Y = several_outputs()
    classifier = MLPClassifier(
        early_stopping=True, class_weight="balanced", label_smoothing=0.1, **SMALL
    ).fit(X, Y)
    assert len(classifier.validation_scores_) == classifier.n_iter_
    with pytest.raises(ValueError, match="must be 'log_loss'"):
        MLPClassifier(loss="focal", **SMALL).fit(X, Y)


@pytest.mark.parametrize("y", [Y2, Y3, np.column_stack([Y2, Y2])])
def test_decision_function_gives_the_logits(y):
    classifier = MLPClassifier(**SMALL).fit(X, y)
    z, probabilities = classifier.decision_function(X), classifier.predict_proba(X)
    if y.ndim == 2:
        np.testing.assert_allclose(expit(z), probabilities)
    elif len(np.unique(y)) == 2:
        assert z.shape == (150,)
        np.testing.assert_allclose(expit(z), probabilities[:, 1])
    else:
        np.testing.assert_allclose(softmax(z, axis=1), probabilities)
