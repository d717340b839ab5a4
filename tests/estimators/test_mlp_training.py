"""Schedules, averaging, factors of the learning rate, and validation rows of the perceptrons."""

import itertools

import numpy as np
import pytest
from perceptron_rows import SMALL, Y3, T, X, same
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV

from striate import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Optimization


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle", "exponential", "warmup"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_schedules_run_for_all_epochs_without_a_warning(learning_rate, solver, recwarn):
    classifier = MLPClassifier(
        (20,), solver=solver, learning_rate=learning_rate, learning_rate_init=0.02, max_iter=40,
        tol=1.0, batch_size=10, random_state=0,
    )  # fmt: skip
    assert classifier.fit(X, Y3).score(X, Y3) > 0.8
    assert classifier.n_iter_ == 40
    assert not [each for each in recwarn if each.category is ConvergenceWarning]


def half(share):
    return 0.5


def test_a_schedule_may_be_a_function_of_the_share():
    shares = []

    def record(share):
        shares.append(share)
        return 1.0

    recorded = MLPClassifier(learning_rate=record, batch_size=50, tol=0, **SMALL).fit(X, Y3)
    np.testing.assert_allclose(shares, np.arange(24) / 24)
    plain = MLPClassifier(batch_size=50, tol=0, n_iter_no_change=np.inf, **SMALL).fit(X, Y3)
    assert same(recorded, plain)
    halved = MLPClassifier(learning_rate=half, batch_size=50, **SMALL).fit(X, Y3)
    slower = MLPClassifier(learning_rate_init=0.0005, batch_size=50, tol=0, **SMALL).fit(X, Y3)
    assert same(halved, slower)


@pytest.mark.parametrize("value", [np.nan, -1.0, np.inf, "a", None])
def test_a_schedule_that_gives_no_rate_is_refused(value):
    with pytest.raises(ValueError, match="learning_rate must return numbers"):
        MLPClassifier(learning_rate=lambda share: value, **SMALL).fit(X, Y3)


def test_partial_fit_follows_the_schedule():
    shares = []

    def record(share):
        shares.append(share)
        return 1.0

    classifier = MLPClassifier(learning_rate=record, **SMALL)
    for _ in range(10):
        classifier.partial_fit(X, Y3, classes=[0, 1, 2])
    np.testing.assert_allclose(shares, np.minimum(np.arange(10) / 8, 1))


def test_predictions_use_the_average_of_the_weights():
    settings = {**SMALL, "max_iter": 30, "learning_rate_init": 0.05}
    plain = MLPClassifier(**settings).fit(X, Y3)
    averaged = MLPClassifier(weight_averaging=0.99, **settings).fit(X, Y3)
    assert not same(plain, averaged)
    assert plain.loss_curve_ == averaged.loss_curve_  # training itself is the same


def test_partial_fit_goes_on_from_the_weights_themselves():
    through = MLPClassifier(weight_averaging=0.9, **SMALL)
    for _ in range(4):
        through.partial_fit(X, Y3, classes=[0, 1, 2])
    plain = MLPClassifier(**SMALL)
    for _ in range(4):
        plain.partial_fit(X, Y3, classes=[0, 1, 2])
    assert plain.loss_curve_ == through.loss_curve_


def test_a_factor_of_0_freezes_a_layer():
    start = MLPClassifier((8, 5), max_iter=1, solver="sgd", learning_rate_init=1e-300,
                          random_state=0).fit(X, Y3)  # fmt: skip
    frozen = MLPClassifier((8, 5), max_iter=5, learning_rate_factors={0: 0.0}, random_state=0)
    frozen.fit(X, Y3)
    np.testing.assert_array_equal(frozen.coefs_[0], start.coefs_[0])
    assert not np.array_equal(frozen.coefs_[1], start.coefs_[1])


@pytest.mark.parametrize("factors", [{"W": 1.0}, {3: 1.0}, {0: -1.0}, {0: "a"}, {0: np.nan}])
def test_wrong_factors_are_refused(factors):
    with pytest.raises(ValueError, match="learning_rate_factors"):
        MLPClassifier((8, 5), learning_rate_factors=factors).fit(X, Y3)


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
@pytest.mark.parametrize(
    "option",
    [
        {"dropout": 0.1},
        {"weight_decay": 0.1},
        {"max_grad_norm": 1.0},
        {"weight_averaging": 0.9},
        {"learning_rate_factors": {0: 0.1}},
        {"learning_rate": "cosine"},
        {"scoring": "loss"},
    ],
)
def test_solvers_of_all_rows_refuse_what_they_do_not_have(option, solver):
    with pytest.raises(ValueError, match=next(iter(option))):
        MLPClassifier(solver=solver, **option).fit(X, Y3)


# Validation


def test_validation_rows_are_measured_and_the_best_epoch_is_kept():
    classifier = MLPClassifier((40,), learning_rate_init=0.02, max_iter=40, random_state=0)
    classifier.fit(X[:60], Y3[:60], X_val=X[60:], y_val=Y3[60:])
    scores, losses = classifier.validation_scores_, classifier.validation_loss_curve_
    assert len(scores) == len(losses) == classifier.n_iter_ == 40
    assert classifier.best_validation_score_ == max(scores) == classifier.score(X[60:], Y3[60:])
    best = scores.index(max(scores))
    expected = log_loss(Y3[60:], classifier.predict_proba(X[60:]))
    assert losses[best] == pytest.approx(expected)
    last = clone(classifier).set_params(restore_best=False)
    last.fit(X[:60], Y3[:60], X_val=X[60:], y_val=Y3[60:])
    assert same(last, MLPClassifier(**classifier.get_params()).fit(X[:60], Y3[:60]))


def test_early_stopping_uses_the_given_rows():
    settings = {"early_stopping": True, "n_iter_no_change": 3, "random_state": 0}
    classifier = MLPClassifier((40,), max_iter=200, learning_rate_init=0.02, **settings)
    classifier.fit(X[:100], Y3[:100], X_val=X[100:], y_val=Y3[100:])
    assert classifier.n_iter_ < 200
    assert classifier.t_ == classifier.n_iter_ * 100  # no row was held out


@pytest.mark.parametrize("scoring", ["loss", "neg_log_loss", make_scorer(balanced_accuracy_score)])
def test_scoring(scoring):
    classifier = MLPClassifier(scoring=scoring, **SMALL)
    classifier.fit(X[:100], Y3[:100], X_val=X[100:], y_val=Y3[100:])
    scores = classifier.validation_scores_
    if scoring == "loss" or scoring == "neg_log_loss":
        np.testing.assert_allclose(scores, np.negative(classifier.validation_loss_curve_))
    else:
        best = balanced_accuracy_score(Y3[100:], classifier.predict(X[100:]))
        assert max(scores) == best


def test_weights_of_validation_rows_count():
    weights = np.zeros(50)
    weights[:10] = 1
    one, other = MLPRegressor(**SMALL), MLPRegressor(**SMALL)
    one.fit(X[:100], T[:100], X_val=X[100:], y_val=T[100:], sample_weight_val=weights)
    other.fit(X[:100], T[:100], X_val=X[100:110], y_val=T[100:110])
    np.testing.assert_allclose(one.validation_loss_curve_, other.validation_loss_curve_)
    np.testing.assert_allclose(one.validation_scores_, other.validation_scores_)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": X}, "together"),
        ({"y_val": Y3}, "together"),
        ({"X_val": X[:, :5], "y_val": Y3}, "5 features"),
        ({"X_val": X, "y_val": Y3 + 1}, "'y_val' has"),
        ({"X_val": X, "y_val": Y3[:10]}, "inconsistent"),
        ({"sample_weight_val": np.ones(150)}, "needs X_val"),
        ({"X_val": X, "y_val": Y3, "sample_weight_val": np.ones(3)}, "sample_weight"),
    ],
)
def test_wrong_validation_rows_are_refused(given, message):
    classifier = MLPClassifier(**SMALL)
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, Y3, **given)
    assert not hasattr(classifier, "coefs_")


def test_validation_rows_need_epochs():
    with pytest.raises(ValueError, match="X_val"):
        MLPClassifier(solver="lbfgs").fit(X, Y3, X_val=X, y_val=Y3)


# All of it in searches and files


def test_options_work_in_a_search():
    options = {
        "class_weight": ["balanced"],
        "dropout": [0.2, [0.1, 0.2]],
        "learning_rate": ["cosine", half],
        "activation": [["gelu"]],
    }
    start = MLPClassifier((8,), batch_size=10, max_iter=30, learning_rate_init=0.02, random_state=0)
    search = GridSearchCV(start, options, cv=2).fit(X, Y3)
    assert search.best_score_ > 0.6
    assert len(list(itertools.product(*options.values()))) == len(search.cv_results_["params"])
