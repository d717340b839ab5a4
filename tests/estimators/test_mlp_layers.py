"""Activations, initial weights and dropout of hidden layers, and their activations as features."""

import numpy as np
import pytest
from perceptron_rows import Y3, T, X, same
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import MLPClassifier, MLPRegressor
from striate.core.activations import HIDDEN_ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Layers


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_every_activation_learns(activation):
    classifier = MLPClassifier((20,), activation, solver="lbfgs", max_iter=60, random_state=0)
    assert classifier.fit(X, Y3).score(X, Y3) > 0.75


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_every_activation_is_documented(estimator):
    assert [name for name in HIDDEN_ACTIVATIONS if f'"{name}"' not in estimator.__doc__] == []


def test_a_list_of_activations_has_one_for_each_hidden_layer():
    names = ["tanh", "gelu"]
    classifier = MLPClassifier((8, 5), names, max_iter=5, random_state=0).fit(X, Y3)
    alike = MLPClassifier((8, 5), ["tanh", "tanh"], max_iter=5, random_state=0).fit(X, Y3)
    plain = MLPClassifier((8, 5), "tanh", max_iter=5, random_state=0).fit(X, Y3)
    assert same(alike, plain)
    hidden = np.tanh(X @ classifier.coefs_[0] + classifier.intercepts_[0])
    np.testing.assert_allclose(classifier.transform(X, layer=0), hidden, atol=1e-12)


@pytest.mark.parametrize(
    ("activation", "message"),
    [(["tanh"], "1 names, but there are 2"), (["tanh", "swish"], "'swish', which is not one of")],
)
def test_wrong_lists_of_activations_are_refused(activation, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier((8, 5), activation).fit(X, Y3)


@pytest.mark.parametrize(("activation", "gain"), [("selu", 1), ("gelu", 2), ("elu", 2)])
def test_initial_weights_suit_the_activation(activation, gain):
    wide = np.random.default_rng(0).normal(size=(20, 400))
    tiny = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1, "random_state": 0}
    classifier = MLPClassifier((300,), activation, **tiny).fit(wide, np.arange(20) % 2)
    assert classifier.coefs_[0].std() == pytest.approx(np.sqrt(gain / 400), rel=0.01)
    assert np.abs(classifier.intercepts_[0]).max() < 1e-290


@pytest.mark.parametrize("dropout", [0.3, [0.1, 0.3, 0.2], (0, 0.5, 0)])
def test_dropout_trains_and_predicts_without_noise(dropout):
    classifier = MLPClassifier(
        (30, 20), dropout=dropout, learning_rate_init=0.01, max_iter=60, random_state=0
    )
    assert classifier.fit(X, Y3).score(X, Y3) > 0.8
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(X))
    assert same(classifier, clone(classifier).fit(X, Y3))


@pytest.mark.parametrize(
    "dropout", [1.0, -0.1, [0.1], [0.1, 0.2, 0.3, 0.4], [0, 1.0, 0], ["a", 0, 0]]
)
def test_wrong_dropout_is_refused(dropout):
    with pytest.raises(ValueError, match="dropout"):
        MLPClassifier((8, 5), dropout=dropout).fit(X, Y3)


# What was learned, handed on


@pytest.mark.parametrize("layer", [-1, -2, 0, 1])
def test_transform_gives_hidden_activations(layer):
    regressor = MLPRegressor(hidden_layer_sizes=(8, 5), max_iter=3, random_state=0).fit(X, T)
    a = X
    for W, b in list(zip(regressor.coefs_, regressor.intercepts_, strict=True))[: layer % 2 + 1]:
        a = np.maximum(a @ W + b, 0)
    np.testing.assert_allclose(regressor.transform(X, layer=layer), a, atol=1e-12)


def test_transform_is_a_step_of_a_pipeline_with_names():
    pytest.importorskip("pandas")
    classifier = MLPClassifier((8, 5), max_iter=3, random_state=0).set_output(transform="pandas")
    frame = classifier.fit(X, Y3).transform(X)
    assert list(frame.columns) == [f"mlpclassifier{k}" for k in range(5)]
    pipeline = make_pipeline(MLPClassifier((8, 5), max_iter=3, random_state=0), StandardScaler())
    assert pipeline.fit_transform(X, Y3).shape == (150, 5)


@pytest.mark.parametrize("layer", [2, -3])
def test_a_layer_that_is_not_there_is_refused(layer):
    regressor = MLPRegressor(hidden_layer_sizes=(8, 5), max_iter=3, random_state=0).fit(X, T)
    with pytest.raises(ValueError, match="there are 2 hidden layers"):
        regressor.transform(X, layer=layer)
