"""Each fault, made on purpose, is found; healthy trainings give no finding."""

import re
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
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


def subjects(*args, **settings):
    return [each.subject for each in diagnose(*args, **settings)]


def split(X, y, n_train=None):
    """Return training rows, their targets, and the other rows as arguments of `diagnose`."""
    X_train, X_val, y_train, y_val = train_test_split(X, y, train_size=n_train, random_state=0)
    return X_train, y_train, {"X_val": X_val, "y_val": y_val}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


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


def scaled_targets(regressor):
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


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


# Faults.


def test_unscaled_columns():
    X, y = load_wine(return_X_y=True, as_frame=True)
    classifier = MLPClassifier((10,), random_state=0).fit(X, y)
    first = diagnose(classifier, X, y).findings[0]
    assert (first.severity, first.subject) == ("high", "columns of very different scale")
    assert "standard deviation of 'proline' is 314" in first.evidence
    assert "StandardScaler" in first.advice


def test_the_advice_for_unscaled_columns_ends_the_finding():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((10,), random_state=0)).fit(X, y)
    assert "columns of very different scale" not in subjects(model, X, y)


def test_constant_and_duplicate_columns(digits):
    X = np.c_[digits[0][:300], np.full(300, 5.0), 2 * digits[0][:300, 20]]
    classifier = MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X, digits[1][:300])
    found = {each.subject: each for each in diagnose(classifier, X)}
    assert found["constant columns"].evidence == "column 64 is always 5"
    assert found["duplicate columns"].evidence.endswith("column 65 is column 20 again")


def test_unscaled_targets_and_the_advice():
    X, y = load_diabetes(return_X_y=True)
    regressor = MLPRegressor(hidden_layer_sizes=(10,), max_iter=20, random_state=0)
    assert "targets not scaled" in subjects(regressor.fit(X, y), X, y)
    assert "scale of the targets (needs y)" in diagnose(regressor, X).not_checked
    assert "targets not scaled" not in subjects(scaled_targets(regressor).fit(X, y), X, y)


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({"learning_rate_init": 1e-6}, "learning rate too low"),
        ({"solver": "sgd", "learning_rate_init": 1e-5}, "learning rate too low"),
        ({"solver": "gd", "learning_rate_init": 1e-3}, "learning rate too low"),
        ({"learning_rate_init": 0.3}, "learning rate too high"),
        ({"solver": "gd", "learning_rate_init": 3.0}, "learning rate too high"),
        ({"max_iter": 20, "learning_rate_init": 0.005}, "training ended too early"),
        ({"solver": "lbfgs", "max_iter": 10}, "training ended too early"),
        ({"batch_size": 1000, "max_iter": 20}, "batches too large"),
        ({"alpha": 1e4, "learning_rate_init": 0.01}, "alpha too strong"),
    ],
    ids=str,
)
def test_settings_of_the_training(digits, settings, subject):
    X, y = digits[0][:1000], digits[1][:1000]
    settings = {"hidden_layer_sizes": (30,), "max_iter": 100, "random_state": 0} | settings
    assert subject in subjects(MLPClassifier(**settings).fit(X, y), X, y)


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({"solver": "adam", "learning_rate": 1e-6}, "learning rate too low"),
        (
            {"solver": "adam", "learning_rate": 3.0, "activation": "relu"},
            "learning rate too high",
        ),
        ({"max_iter": 10}, "training ended too early"),
        ({"weight_decay": 10.0}, "weight_decay too strong"),
    ],
    ids=str,
)
def test_settings_of_an_autoencoder(digits, settings, subject):
    X = digits[0][:500]
    settings = {"sparsity_weight": 0.0, "max_iter": 60, "random_state": 0} | settings
    assert subject in subjects(SparseAutoencoder(10, **settings).fit(X), X)


def with_units(digits, activation, change):
    """The findings on the second of three layers, after a change of its parameters."""
    X, y = digits[0][:200], digits[1][:200]
    settings = {"activation": activation, "max_iter": 1, "random_state": 0}
    classifier = MLPClassifier((30, 20, 10), **settings).fit(X, y)
    rng = np.random.default_rng(0)
    for W, b in zip(classifier.coefs_, classifier.intercepts_, strict=True):
        W[:], b[:] = 2 / np.sqrt(len(W)) * rng.normal(size=W.shape), 0
        if activation == "relu":  # all units are active
            np.abs(W, out=W)
    change(classifier.coefs_[1], classifier.intercepts_[1])
    found = diagnose(classifier, X, y)
    assert found.activities[0].dead.sum() == found.activities[0].saturated.sum() == 0
    return {each.subject: each for each in found if "of hidden layer 2" in each.evidence}


@pytest.mark.parametrize(("n", "severity"), [(7, None), (8, "medium"), (10, "high")])
def test_dead_units(digits, n, severity):
    def kill(W, b):
        b[:n] = -1000

    found = with_units(digits, "relu", kill)
    if severity is None:
        assert "dead units" not in found
        return
    assert found["dead units"].severity == severity
    start = f"{n} of 20 relu units of hidden layer 2 are never active in 200 rows"
    assert found["dead units"].evidence == start


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_saturated_units(digits, activation):
    def saturate(W, b):
        b[:5] = 50
        b[5:8] = -50

    found = with_units(digits, activation, saturate)
    start = f"8 of 20 {activation} units of hidden layer 2 are within 1% of an end"
    assert found["saturated units"].evidence.startswith(start)
    assert "dead units" not in found


@pytest.mark.parametrize("activation", ["silu", "tanh", "identity"])
def test_units_that_are_always_the_same(digits, activation):
    def fix(W, b):
        W[:, :9] *= 1e-6

    assert "9 of 20" in with_units(digits, activation, fix)["dead units"].evidence


def test_units_that_l1_removed_are_not_dead(digits):
    def remove(W, b):
        W[:, :15] = 0
        b[:15] = -1

    assert "dead units" not in with_units(digits, "relu", remove)


def test_one_class_under_imbalance():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 4)), np.where(rng.random(600) < 0.04, "rare", "usual")
    classifier = MLPClassifier((3,), batch_size=32, max_iter=20, random_state=0).fit(X, y)
    assert set(classifier.predict(X)) == {"usual"}
    n = (y == "rare").sum()
    found = {each.subject: each for each in diagnose(classifier, X, y)}["one class predicted"]
    evidence = f"all 600 rows are predicted as 'usual'; {n} rows ({n / 600:.1%}) are 'rare'"
    assert (found.severity, found.evidence) == ("high", evidence)
    assert "predicted classes (needs y)" in diagnose(classifier, X).not_checked


def test_a_class_that_is_never_predicted(digits):
    X, y = digits[0][:500], digits[1][:500]
    classifier = MLPClassifier((20,), solver="lbfgs", random_state=0).fit(X, y)
    classifier.intercepts_[-1][4] = -1000
    found = {each.subject: each for each in diagnose(classifier, X, y)}["classes never predicted"]
    assert found.evidence.startswith("'4', which ")
    labels = np.eye(10, dtype=int)[y]
    multilabel = MLPClassifier((20,), solver="lbfgs", random_state=0).fit(X, labels)
    multilabel.intercepts_[-1][4] = -1000
    for each in (labels, sparse.csr_array(labels)):
        found = {one.subject: one for one in diagnose(multilabel, X, each)}
        assert found["one class predicted"].evidence.startswith("output 4: all 500 rows")


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    return rng.normal(size=(600, 10)), rng.integers(0, 2, 600)


def test_over_fitting_by_held_out_rows(noise):
    X, y, held_out = split(*noise, 100)
    settings = {"batch_size": 10, "max_iter": 300, "random_state": 0}
    classifier = MLPClassifier((100, 100), **settings).fit(X, y)
    found = {each.subject: each for each in diagnose(classifier, X, y, **held_out)}
    assert found["over-fitting"].severity == "high"
    assert "accuracy is 1 on training rows" in found["over-fitting"].evidence
    assert "on 500 validation rows" in found["over-fitting"].evidence
    assert found["alpha without effect"].advice.startswith("Try alpha=0.01,")
    assert found["few rows for the parameters"].severity == "medium"
    diagnosis = diagnose(classifier, X, y)
    assert "over-fitting" not in diagnosis.table()["subject"]
    assert diagnosis.not_checked == ("over-fitting (needs X_val and y_val)",)


def test_over_fitting_by_early_stopping(noise):
    X, y = noise
    settings = {"early_stopping": True, "tol": 0, "n_iter_no_change": 200, "random_state": 0}
    classifier = MLPClassifier((200,), batch_size=10, **settings, learning_rate_init=0.01)
    classifier.fit(X, y)
    classifier.best_validation_score_ = 0.5  # the best of many is luck
    assert "over-fitting" in subjects(classifier, X, y)
    assert diagnose(classifier, X, y).not_checked == ()


def test_over_fitting_of_a_regressor_and_an_autoencoder(noise):
    X, y, held_out = split(noise[0], noise[0] @ np.ones(10) + noise[0][:, 0] ** 2, 60)
    held_out["y_val"] += 5 * np.random.default_rng(0).normal(size=540)
    regressor = MLPRegressor(hidden_layer_sizes=(100,), solver="lbfgs", random_state=0).fit(X, y)
    assert "over-fitting" in subjects(regressor, X, y, **held_out)
    settings = {"sparsity_weight": 0, "weight_decay": 0, "activation": "tanh", "random_state": 0}
    autoencoder = SparseAutoencoder(9, **settings).fit(X[:20])
    found = diagnose(autoencoder, X[:20], X_val=X[20:])
    assert "over-fitting" in [each.subject for each in found]
    assert "weight_decay without effect" in [each.subject for each in found]


@pytest.mark.parametrize(
    ("keeps_best", "end", "found"), [(False, 1.0, True), (True, 1.0, False), (False, 0.42, False)]
)
def test_over_fitting_by_the_validation_loss(digits, keeps_best, end, found):
    X, y = digits[0][:200], digits[1][:200]
    classifier = MLPClassifier((20,), solver="lbfgs", random_state=0).fit(X, y)
    losses = np.r_[np.linspace(2.3, 0.4, 20), np.linspace(0.4, end, 20)]
    classifier.validation_loss_curve_ = list(losses)
    classifier.restore_best = keeps_best
    diagnosis = diagnose(classifier, X, y)
    assert ("over-fitting" in diagnosis.table()["subject"]) == found
    assert not diagnosis.not_checked
    if found:
        evidence = "the validation loss was lowest after epoch 20 (0.4), and 1 after epoch 40"
        assert evidence in {each.evidence for each in diagnosis}


def test_a_small_gap_or_few_validation_rows_are_no_over_fitting(digits):
    X, y = digits[0][:300], digits[1][:300]
    classifier = MLPClassifier((30,), solver="lbfgs", random_state=0).fit(X, y)
    wrong = y[:10].copy()
    wrong[:2] = (wrong[:2] + 1) % 10
    assert "over-fitting" not in subjects(classifier, X, y, X_val=X[:10], y_val=wrong)
    many = {"X_val": np.tile(X[:10], (50, 1)), "y_val": np.tile(wrong, 50)}
    assert "over-fitting" in subjects(classifier, X, y, **many)


def test_few_rows_for_the_parameters(digits):
    X, y = digits[0][:30], digits[1][:30]
    classifier = MLPClassifier((700, 700), max_iter=1, random_state=0).fit(X, y)
    found = {each.subject: each for each in diagnose(classifier, X, y)}
    n = sum(W.size + len(b) for W, b in zip(classifier.coefs_, classifier.intercepts_, strict=True))
    assert f"{n:,} weights and biases" in found["few rows for the parameters"].evidence


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
