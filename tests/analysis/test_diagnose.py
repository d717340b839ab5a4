"""Healthy trainings give no finding; what `diagnose` takes, and what it gives."""

import re
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from diagnosed import scaled_targets, split, subjects
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from striate import (
    Diagnosis,
    Finding,
    MLPClassifier,
    MLPRegressor,
    PatchFeatures,
    SparseAutoencoder,
    StackedAutoencoder,
    diagnose,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def documents():
    """Counts of 3000 words, most of them rare, in documents about four subjects."""
    rng = np.random.default_rng(0)
    topics = 20 * rng.random((4, 3000)) ** 8 / np.arange(2, 3002)
    y = rng.integers(0, 4, 800)
    means = 60 * topics[y] / topics[y].sum(axis=1, keepdims=True)
    return sparse.csr_array(rng.poisson(means).astype(np.float64)), y


# Healthy trainings.


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "relu"},
        {"activation": "tanh"},
        {"activation": "silu", "hidden_layer_sizes": (40, 40)},
        {"activation": "logistic", "learning_rate_init": 0.01},
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"solver": "lbfgs", "alpha": 1},
        {"early_stopping": True, "batch_size": 50},
    ],
    ids=str,
)
def test_digits(digits, settings):
    X, y, held_out = split(*digits)
    settings = {"max_iter": 300, "random_state": 0, "hidden_layer_sizes": (40,)} | settings
    classifier = MLPClassifier(**settings).fit(X, y)
    assert classifier.score(*held_out.values()) > 0.9
    assert list(diagnose(classifier, X, y)) == []
    diagnosis = diagnose(classifier, X, y, **held_out)
    assert list(diagnosis) == []
    assert diagnosis.not_checked == ()
    assert "nothing found" in str(diagnosis)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_scaled_tables(load):
    X, y, held_out = split(*load(return_X_y=True))
    classifier = MLPClassifier((10,), batch_size=16, learning_rate_init=0.01, random_state=0)
    model = make_pipeline(StandardScaler(), classifier).fit(X, y)
    assert model.score(*held_out.values()) > 0.9
    assert subjects(model, X, y, **held_out) == []
    model = make_pipeline(
        StandardScaler(), MLPClassifier((10,), solver="lbfgs", alpha=1, random_state=0)
    ).fit(X, y)
    assert subjects(model, X, y, **held_out) == []


def test_diabetes_with_scaled_targets():
    X, y, held_out = split(*load_diabetes(return_X_y=True))
    settings = {"hidden_layer_sizes": (10,), "batch_size": 32, "alpha": 10, "random_state": 0}
    regressor = scaled_targets(MLPRegressor(**settings, max_iter=500))
    model = make_pipeline(StandardScaler(), regressor).fit(X, y)
    assert model.score(*held_out.values()) > 0.3
    assert subjects(model, X, y, **held_out) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "scaler", [MaxAbsScaler(), TfidfTransformer(), StandardScaler(with_mean=False), None], ids=str
)
def test_documents(documents, scaler, monkeypatch):
    X, y, held_out = split(*documents)
    settings = {"batch_size": 32, "max_iter": 60, "random_state": 0}
    model = make_pipeline(scaler, MLPClassifier((20,), **settings)).fit(X, y)
    assert model.score(*held_out.values()) > 0.9

    def refuse(self, *args, **kwargs):
        if self.shape[1] == 3000:
            raise AssertionError("X was made dense")
        return dense(self, *args, **kwargs)

    dense = sparse.csr_array.toarray
    monkeypatch.setattr(sparse.csr_array, "toarray", refuse)
    assert subjects(model, X, y, **held_out) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"sparsity_weight": 0.3, "tol": 1e-4},
        {"sparsity_weight": 0.3, "solver": "adam", "learning_rate": 0.01, "batch_size": 50},
        {"sparsity_weight": 0, "activation": "relu", "tol": 1e-4},
        {"sparsity_weight": 0, "activation": "tanh", "tied_weights": True, "tol": 1e-4},
    ],
    ids=str,
)
def test_autoencoders(digits, settings):
    X = digits[0]
    autoencoder = SparseAutoencoder(16, random_state=0, **settings).fit(X[:1200])
    assert subjects(autoencoder, X[:1200], X_val=X[1200:]) == []


# What it takes, and what it gives.


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return MLPClassifier((10,), max_iter=50, random_state=0).fit(X, y), X, y


def test_the_most_serious_comes_first(wine):
    order = [["high", "medium", "low"].index(each.severity) for each in diagnose(*wine)]
    assert order == sorted(order)
    assert len(order) >= 2


def test_the_same_seed_gives_the_same_diagnosis(wine):
    first, second = (diagnose(*wine, max_rows=50, random_state=3) for _ in range(2))
    assert str(first) == str(second)
    assert first.n_checked == 50
    assert "50 of 178 rows" in str(first)
    np.testing.assert_array_equal(first.scales.std, second.scales.std)
    other = diagnose(*wine, max_rows=50, random_state=4)
    assert (other.scales.std != first.scales.std).any()


def test_steps_around_the_network(wine):
    classifier, X, y = wine
    plain = make_pipeline(StandardScaler(), classifier).fit(X, y)
    expected = str(diagnose(plain[-1], plain[:-1].transform(X), y))
    assert str(diagnose(plain, X, y)) == expected
    search = GridSearchCV(plain, {"mlpclassifier__alpha": [1e-4]}, cv=2).fit(X, y)
    assert str(diagnose(search, X, y)) == expected
    assert str(diagnose(make_pipeline(None, classifier), X, y)) == str(diagnose(*wine))


def test_frames_lists_and_sparse_rows_give_the_same(wine):
    classifier, X, y = wine
    expected = str(diagnose(classifier, X, y))
    assert str(diagnose(classifier, X.tolist(), y.tolist())) == expected
    for container in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        text = str(diagnose(classifier, container(X), y))
        assert text.replace("MaxAbsScaler", "").split("\n")[0] == expected.split("\n")[0]
    frame = pd.DataFrame(X, columns=[f"x{k}" for k in range(13)])
    named = MLPClassifier((10,), max_iter=50, random_state=0).fit(frame, pd.Series(y))
    diagnosis = diagnose(named, frame, pd.Series(y), max_rows=100)
    assert "'x12'" in str(diagnosis)
    assert diagnosis.feature_names.tolist() == list(frame)


def test_nothing_that_is_passed_changes(wine):
    classifier, X, y = wine
    before = X.copy(), {k: repr(v) for k, v in vars(classifier).items()}
    diagnose(classifier, X, y, max_rows=60)
    np.testing.assert_array_equal(X, before[0])
    assert {k: repr(v) for k, v in vars(classifier).items()} == before[1]


def test_perceptrons_of_scikit_learn(digits):
    X, y = digits[0][:300], digits[1][:300]
    theirs = SklearnMLPClassifier((20, 10), learning_rate_init=1e-7, random_state=0).fit(X, y)
    diagnosis = diagnose(theirs, X, y)
    assert "learning rate too low" in diagnosis.table()["subject"]
    assert [each.n_units for each in diagnosis.activities] == [20, 10]
    lbfgs = SklearnMLPClassifier((20,), solver="lbfgs", random_state=0).fit(X, y)
    assert "learning rate and end of training (no loss_curve_)" in diagnose(lbfgs, X).not_checked


def test_networks_without_hidden_layers_with_one_row_or_masks(digits):
    X, y = digits[0][:100], digits[1][:100]
    linear = MLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
    assert diagnose(linear, X, y).activities == ()
    few = diagnose(linear, X[:1], y[:1])
    assert few.n_checked == 1
    hidden = MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X, y)
    assert "dead units (needs 20 rows)" in diagnose(hidden, X[:19]).not_checked
    mask = np.zeros((64, 8))
    mask[np.arange(64), np.arange(64) % 8] = 1
    masked = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    masked.coefs_[0] *= mask
    assert subjects(masked.sparsify(), X, y) == subjects(masked.densify(), X, y)


@pytest.mark.parametrize(
    ("estimator", "match"),
    [
        (LogisticRegression(), "got LogisticRegression. Pass one, or a Pipeline"),
        (StackedAutoencoder((4,), autoencoder=SparseAutoencoder(max_iter=2)), "autoencoders_"),
        (
            PatchFeatures(SparseAutoencoder(3, max_iter=2), patch_size=2, n_patches=50),
            "sample_patches",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_other_estimators_are_refused(digits, estimator, match):
    X = digits[0][:100].reshape(100, 8, 8) if match == "sample_patches" else digits[0][:100]
    with pytest.raises(TypeError, match=match):
        diagnose(estimator.fit(X, digits[1][:100]), X)


@pytest.mark.parametrize("estimator", [None, "MLPClassifier", BaseEstimator])
def test_what_is_no_estimator_is_refused(estimator):
    with pytest.raises(TypeError, match="diagnose takes a fitted"):
        diagnose(estimator, np.ones((3, 2)))


def test_bad_arguments(wine):
    classifier, X, y = wine
    with pytest.raises(NotFittedError):
        diagnose(MLPClassifier(), X, y)
    with pytest.raises(ValueError, match="X_val was given without y_val"):
        diagnose(classifier, X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val was given without X_val"):
        diagnose(classifier, X, y, y_val=y)
    with pytest.raises(ValueError, match="max_rows must be a whole number of at least 2, got 1"):
        diagnose(classifier, X, y, max_rows=1)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        diagnose(classifier, X, y[:-1])
    with pytest.raises(ValueError, match="NaN"):
        diagnose(classifier, X * np.nan, y)
    with pytest.raises(ValueError, match="X has 5 features"):
        diagnose(classifier, X[:, :5], y)


def test_table_and_text(wine):
    diagnosis = diagnose(*wine)
    assert isinstance(diagnosis, Diagnosis)
    assert len(pd.DataFrame(diagnosis.table())) == len(diagnosis)
    text = str(diagnosis)
    assert repr(diagnosis) == text
    assert max(map(len, text.splitlines())) <= 100
    words = set(re.findall(r"\w+", text))
    for each in diagnosis:
        assert isinstance(each, Finding)
        assert set(re.findall(r"\w+", f"{each.subject} {each.evidence} {each.advice}")) <= words


def test_html_escapes_names_and_needs_no_jinja(monkeypatch):
    X, y = load_wine(return_X_y=True)
    frame = pd.DataFrame(X, columns=[f"<b>{k}" for k in range(13)])
    classifier = MLPClassifier((3,), max_iter=2, random_state=0).fit(frame, y)
    diagnosis = diagnose(classifier, frame, y)
    page = diagnosis._repr_html_()
    assert page.count("<tr>") == 1 + len(diagnosis)
    assert "&lt;b&gt;12" in page
    assert "<b>" not in page
    monkeypatch.setitem(sys.modules, "jinja2", None)
    page = diagnosis._repr_html_()
    assert page.startswith("<pre>MLPClassifier, 178 rows, 13 columns:")
    assert "<b>" not in page


@pytest.mark.parametrize("scale", [1e-300, 1e-40, 1e30, 1e150])
def test_extreme_data_give_findings_and_no_warnings(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int)
    classifier = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = subjects(classifier, X * scale, y)
    assert {"large numbers in X", "small numbers in X"} & set(found)
