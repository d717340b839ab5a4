"""Each fault of a training, made on purpose, is found."""

import numpy as np
import pytest
from diagnosed import scaled_targets, split, subjects
from scipy import sparse
from sklearn.datasets import load_diabetes, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import (
    MLPClassifier,
    MLPRegressor,
    SparseAutoencoder,
    diagnose,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
