"""LinearClassifier compared with scikit-learn's classifiers and with plain minimization."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

from striate import LinearClassifier
from striate.estimators.held_out_rows import held_out_rows

LOSSES = ("squared_error", "squared_hinge", "log_loss")


# Weights and repeated rows give the same classifier as far as L-BFGS goes.
EXACT = {"alphas": 1.0, "tol": 1e-15, "max_iter": 1000}


@parametrize_with_checks([LinearClassifier("log_loss", **EXACT)])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks([LinearClassifier(loss, **EXACT) for loss in LOSSES[:2]])
def test_scikit_learn_of_variants(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    X = X[:, X.std(axis=0) > 0] + 0.01 * np.random.default_rng(0).normal(size=(len(X), 61))
    return X, y


@pytest.fixture(scope="module")
def two_classes():
    X, y = make_classification(300, 12, n_informative=6, random_state=0, flip_y=0.1)
    return X * np.geomspace(0.01, 100, 12) + 5, np.array(["no", "yes"])[y]


def test_squared_error_is_ridge_regression(data):
    X, y = data
    T = 2.0 * (y[:, np.newaxis] == np.arange(10)) - 1
    scaler = StandardScaler().fit(X)
    ridge = Ridge(alpha=0.05 * len(X), tol=1e-12).fit(scaler.transform(X), T)
    classifier = LinearClassifier(alphas=0.05).fit(X, y)
    np.testing.assert_allclose(
        classifier.decision_function(X), ridge.predict(scaler.transform(X)), rtol=1e-9, atol=1e-9
    )
    assert classifier.n_iter_ == 1


@pytest.mark.parametrize("standardize", [True, False])
def test_log_loss_is_logistic_regression(data, two_classes, standardize):
    for X, y in ((data[0][:300], data[1][:300]), two_classes):
        Z = StandardScaler().fit_transform(X) if standardize else X
        peer = LogisticRegression(
            C=1 / (0.05 * len(X)), solver="newton-cg", tol=1e-10, max_iter=20_000
        )
        classifier = LinearClassifier(
            "log_loss", alphas=0.05, standardize=standardize, max_iter=500, tol=1e-14
        ).fit(X, y)
        expected = peer.fit(Z, y).predict_proba(Z)
        np.testing.assert_allclose(classifier.predict_proba(X), expected, atol=2e-4)


def test_squared_hinge_is_at_the_minimum(two_classes):
    X, y = two_classes
    Z, t = StandardScaler().fit_transform(X), np.where(y == "yes", 1, -1)

    def J(theta):
        slack = np.maximum(1 - t * (Z @ theta[:-1] + theta[-1]), 0)
        return np.mean(slack**2) / 2 + 0.05 / 2 * theta[:-1] @ theta[:-1]

    best = minimize(J, np.zeros(13), tol=1e-12)
    classifier = LinearClassifier("squared_hinge", alphas=0.05, max_iter=200, tol=1e-14).fit(X, y)
    scores = Z @ best.x[:-1] + best.x[-1]
    np.testing.assert_allclose(classifier.decision_function(X), scores, atol=1e-4)


def test_few_iterations_suffice_for_correlated_features():
    """Plain L-BFGS needs hundreds: eigenvalues of the covariance span 8 orders of magnitude."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 60)) * np.geomspace(1, 1e-4, 60) @ rng.normal(size=(60, 60))
    y = (X[:, 0] + 0.1 * rng.normal(size=2000) > 0).astype(int)
    for loss in ("squared_hinge", "log_loss"):
        exact = LinearClassifier(loss, alphas=1e-4, tol=1e-15, max_iter=1000).fit(X, y)
        quick = LinearClassifier(loss, alphas=1e-4, max_iter=25).fit(X, y)
        assert quick.n_iter_ <= 25
        gap = np.abs(quick.decision_function(X) - exact.decision_function(X)).mean()
        assert gap < 0.02 * np.abs(exact.decision_function(X)).mean()


@pytest.mark.parametrize("loss", LOSSES)
def test_alpha_is_chosen_on_held_out_rows(loss, data):
    X, y = data
    alphas = [1e-3, 0.03, 100.0]
    classifier = LinearClassifier(loss, alphas=alphas, random_state=0).fit(X, y)
    scores = classifier.validation_scores_
    assert list(scores) == alphas
    assert classifier.alpha_ == max(scores, key=scores.get)
    assert scores[classifier.alpha_] > (np.log(0.75) if loss == "log_loss" else 0.9)
    alone = LinearClassifier(loss, alphas=classifier.alpha_).fit(X, y)
    np.testing.assert_allclose(alone.coef_, classifier.coef_, rtol=1e-4, atol=1e-6)
    assert alone.validation_scores_ == {}
    again = LinearClassifier(loss, alphas=alphas, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.coef_, classifier.coef_)


@pytest.mark.parametrize("loss", LOSSES)
def test_float32_is_kept_and_close_to_float64(loss, data):
    X, y = data
    single = LinearClassifier(loss, alphas=0.01).fit(X.astype(np.float32), y)
    double = LinearClassifier(loss, alphas=0.01).fit(X, y)
    assert single.coef_.dtype == np.float32
    assert np.mean(single.predict(X.astype(np.float32)) == double.predict(X)) > 0.995


def test_constant_columns_have_weight_0(two_classes):
    X, y = two_classes
    wider = np.column_stack([X, np.full(len(X), 7.0)])
    classifier = LinearClassifier(alphas=0.1).fit(wider, y)
    np.testing.assert_allclose(classifier.coef_[:, -1], 0, atol=1e-12)
    narrow = LinearClassifier(alphas=0.1).fit(X, y)
    np.testing.assert_allclose(classifier.coef_[:, :-1], narrow.coef_, rtol=1e-9)


def test_more_features_than_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 200)), np.arange(40) % 2
    assert LinearClassifier(alphas=1e-3).fit(X, y).score(X, y) == 1


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_few_rows_are_solved_in_their_row_space(loss, standardize, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(3, 1, size=(40, 90)) * rng.uniform(0.5, 2, 90)
    X[:, 5] = 7.0
    y = np.arange(40) % 3
    settings = {"loss": loss, "standardize": standardize, "alphas": [0.01, 0.1, 1.0]}
    settings |= {"tol": 1e-12, "max_iter": 300, "random_state": 0}
    few = LinearClassifier(**settings).fit(X, y)
    monkeypatch.setattr("striate.estimators.linear_classifier._is_wide", lambda X: False)
    all_features = LinearClassifier(**settings).fit(X, y)
    assert few.alpha_ == all_features.alpha_
    np.testing.assert_allclose(few.coef_, all_features.coef_, atol=1e-4)
    np.testing.assert_allclose(few.intercept_, all_features.intercept_, atol=1e-3)
    single = LinearClassifier(**settings).fit(X.astype(np.float32), y)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    np.testing.assert_allclose(single.coef_, few.coef_, atol=1e-2)


def test_folds_choose_alpha_for_few_rows(data):
    X, y = data
    rows = np.concatenate([np.flatnonzero(y == k)[:n] for k, n in enumerate((1, 2, 3, 9))])
    exact = {"tol": 1e-12, "max_iter": 500}
    alphas = (1e-2, 1e-1, 1.0)  # smaller ones leave directions in which J hardly changes
    settings = {"alphas": alphas, "validation_folds": 3, "random_state": 0, **exact}
    classifier = LinearClassifier("log_loss", **settings).fit(X[rows], y[rows])
    scores = classifier.validation_scores_
    assert list(scores) == list(classifier.alphas)
    assert classifier.alpha_ == max(scores, key=scores.get)
    assert max(scores.values()) < 0  # log-probabilities
    alone = LinearClassifier("log_loss", alphas=classifier.alpha_, **exact).fit(X[rows], y[rows])
    np.testing.assert_allclose(alone.coef_, classifier.coef_, atol=1e-3)
    both = (each.predict_proba(X) for each in (alone, classifier))
    np.testing.assert_allclose(*both, atol=1e-3)


def test_one_row_of_each_class_takes_the_largest_alpha(data):
    X, y = data
    rows = [np.flatnonzero(y == k)[0] for k in range(4)]
    classifier = LinearClassifier("log_loss", alphas=[0.1, 3.0, 1.0], validation_folds=3)
    classifier.fit(X[rows], y[rows])
    assert classifier.alpha_ == 3.0
    assert classifier.validation_scores_ == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alphas": []}, "alphas must be positive numbers"),
        ({"alphas": [0.1, 0]}, "alphas must be positive numbers"),
        ({"alphas": [np.nan, 1]}, "alphas must be positive numbers"),
        ({"loss": "hinge"}, "loss"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"validation_folds": 1}, "validation_folds"),
    ],
)
def test_wrong_settings(settings, message, data):
    with pytest.raises(ValueError, match=message):
        LinearClassifier(**settings).fit(*data)


def test_one_class_and_a_class_of_one_row(data):
    X = data[0]
    with pytest.raises(ValueError, match="only one class, 3"):
        LinearClassifier().fit(X, np.full(len(X), 3))
    with pytest.raises(ValueError, match="least populated class"):
        LinearClassifier().fit(X, np.arange(len(X)) == 0)
    assert not hasattr(LinearClassifier(), "predict_proba")


def weighted_rows(n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, n_features)) + 3
    y = (X[:, 0] + rng.normal(size=60) > 3).astype(int) + (X[:, 1] > 4)
    return X, y, rng.integers(0, 4, 60)


@pytest.mark.parametrize("n_features", [5, 90])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_weight_is_a_number_of_equal_rows(loss, n_features):
    X, y, weights = weighted_rows(n_features)
    settings = {"alphas": 0.1, "max_iter": 500, "tol": 1e-13}
    weighted = LinearClassifier(loss, **settings).fit(X, y, weights)
    rows = np.repeat(np.arange(60), weights)
    repeated = LinearClassifier(loss, **settings).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_class_weights_are_weights_of_rows(loss):
    X, y, given = weighted_rows(5)
    for class_weight in ("balanced", {0: 2.0, 2: 0.5}):
        classifier = LinearClassifier(loss, class_weight=class_weight, random_state=0)
        weights = compute_sample_weight(class_weight, y)
        for sample_weight in (None, given):
            by_class = classifier.fit(X, y, sample_weight)
            both = weights if sample_weight is None else weights * sample_weight
            by_row = LinearClassifier(loss, random_state=0).fit(X, y, both)
            np.testing.assert_array_equal(by_class.coef_, by_row.coef_)
            assert by_class.validation_scores_ == by_row.validation_scores_


@pytest.mark.parametrize(
    ("weights", "message"),
    [(-1.0, "[Nn]egative"), (0.0, "non-zero"), (np.nan, "NaN"), ("a", "numbers")],
)
def test_wrong_weights_are_refused(weights, message):
    X, y, _ = weighted_rows(5)
    with pytest.raises(ValueError, match=message):
        LinearClassifier().fit(X, y, np.full(60, weights))


def test_class_weights_of_0_are_refused():
    X, y, _ = weighted_rows(5)
    with pytest.raises(ValueError, match="All weights"):
        LinearClassifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, y)


def test_a_weight_for_no_class_is_refused():
    X, y, _ = weighted_rows(5)
    with pytest.raises(ValueError, match="not classes of y"):
        LinearClassifier(class_weight={5: 1.0}).fit(X, y)


# --- calibration and groups -------------------------------------------------------------------


def noisy_classes(n, n_classes=2, seed=0):
    """Rows with more features than can be learned from, and some wrong classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n)
    X = rng.normal(size=(n, 40)) + 0.9 * np.eye(n_classes, 40)[y]
    return X, y


@pytest.mark.parametrize("n_classes", [2, pytest.param(3, marks=pytest.mark.long)])
def test_the_temperature_is_that_of_rows_that_neither_the_weights_nor_alpha_saw(n_classes):
    X, y = noisy_classes(90, n_classes)
    alphas = [1e-3, 1e-1, 3.0]
    classifier = LinearClassifier(
        "log_loss", alphas=alphas, validation_folds=3, calibrate=True, random_state=1, tol=1e-12
    ).fit(X, y)
    z, codes = {alpha: [] for alpha in alphas}, []
    losses = {alpha: [] for alpha in alphas}
    folds = held_out_rows(y, 0.1, 3, 1)
    for rows in folds:
        rest = np.setdiff1d(np.arange(90), rows)
        codes.append(y[rows])
        for alpha in alphas:
            fitted = LinearClassifier("log_loss", alphas=alpha, tol=1e-12, standardize=False)
            scaled = StandardScaler().fit(X).transform(X)
            fitted.fit(scaled[rest], y[rest])
            z[alpha].append(fitted.decision_function(scaled[rows]).reshape(len(rows), -1))
            losses[alpha].append(len(rows) * log_loss(y[rows], fitted.predict_proba(scaled[rows])))
    chosen = [
        min(alphas, key=lambda a, k=k: sum(losses[a]) - losses[a][k]) for k in range(len(folds))
    ]
    outputs = np.concatenate([z[alpha][k] for k, alpha in enumerate(chosen)])
    outputs = np.hstack([0 * outputs, outputs]) if n_classes == 2 else outputs

    def penalized(logarithm):
        probabilities = softmax(outputs / np.exp(logarithm), axis=1)
        return 90 * log_loss(np.concatenate(codes), probabilities) + logarithm**2 / (2 * 0.3**2)

    best = minimize_scalar(penalized, bounds=(-2, 2), options={"xatol": 1e-6})
    assert classifier.temperature_ == pytest.approx(np.exp(best.x), rel=2e-3)


def test_calibration_changes_probabilities_only():
    X, y = noisy_classes(60)
    params = {"alphas": 1e-3, "validation_folds": 5, "random_state": 0}
    plain = LinearClassifier("log_loss", **params).fit(X, y)
    calibrated = LinearClassifier("log_loss", calibrate=True, **params).fit(X, y)
    assert plain.temperature_ == 1
    assert calibrated.temperature_ > 1.2
    np.testing.assert_array_equal(plain.predict(X), calibrated.predict(X))
    np.testing.assert_allclose(
        plain.decision_function(X) / calibrated.temperature_, calibrated.decision_function(X)
    )
    new, classes = noisy_classes(3000, seed=1)
    assert log_loss(classes, calibrated.predict_proba(new)) < log_loss(
        classes, plain.predict_proba(new)
    )


def test_one_alpha_is_calibrated_too():
    X, y = noisy_classes(60)
    classifier = LinearClassifier("log_loss", alphas=1e-4, validation_folds=5, calibrate=True)
    assert classifier.fit(X, y).temperature_ > 2
    assert list(classifier.validation_scores_) == [1e-4]


def test_one_row_of_each_class_is_not_calibrated():
    classifier = LinearClassifier("log_loss", validation_folds=5, calibrate=True)
    assert classifier.fit([[0.0], [1.0]], [0, 1]).temperature_ == 1


def test_alpha_suits_groups_that_were_not_seen():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    X = rng.normal(size=(40, 30))[groups] + 0.05 * rng.normal(size=(400, 30))
    y = rng.integers(2, size=40)[groups]
    classifier = LinearClassifier("log_loss", validation_folds=5, calibrate=True, random_state=0)
    alone = clone(classifier).fit(X, y)
    together = clone(classifier).fit(X, y, groups=[f"patient {k}" for k in groups])
    assert together.alpha_ > 30 * alone.alpha_
    # Nothing can be learned of other groups, and the probabilities say so.
    assert together.predict_proba(X).max(axis=1).mean() < 0.75
    assert alone.predict_proba(X).max(axis=1).mean() > 0.9


@pytest.mark.parametrize("n_folds", [4, None])
@pytest.mark.parametrize("seed", range(3))
def test_folds_of_groups(seed, n_folds):
    rng = np.random.default_rng(seed)
    groups, y = rng.integers(8, size=50), rng.choice(["a", "b", "c"], 50, p=[0.6, 0.3, 0.1])
    folds = held_out_rows(y, 0.25, n_folds, seed, groups)
    assert n_folds == 4 or len(folds) == 1
    rows = np.concatenate(folds)
    assert len(np.unique(rows)) == len(rows)
    for k, fold in enumerate(folds):
        others = np.setdiff1d(np.arange(50), fold)
        assert set(y[fold]) <= set(y[others])
        for other in folds[k + 1 :]:
            assert not set(groups[fold]) & set(groups[other])


def test_groups_and_calibration_that_make_no_sense():
    X, y = noisy_classes(30)
    with pytest.raises(ValueError, match="groups has 2 entries for 30 rows"):
        LinearClassifier().fit(X, y, groups=[1, 2])
    with pytest.raises(
        ValueError, match="calibrate=True needs probabilities: loss='log_loss', not"
    ):
        LinearClassifier(calibrate=True).fit(X, y)
    one_group = LinearClassifier("log_loss", validation_folds=3).fit(X, y, groups=np.zeros(30))
    assert one_group.alpha_ == 1.0  # nothing can be held out


def test_alphas_that_are_too_small_for_the_precision_are_not_chosen():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(600, 1))
    X = (common + 1e-5 * rng.normal(size=(600, 300))).astype(np.float32)
    y = common[:, 0] > 0
    with pytest.raises(ValueError, match="alpha=1e-12 is too small for these features"):
        LinearClassifier(alphas=[1e-13, 1e-12], random_state=0).fit(X, y)
    found = LinearClassifier("log_loss", alphas=[1e-12, 1e-2], random_state=0).fit(X, y)
    expected = LinearClassifier("log_loss", alphas=[1e-2, 1e-2], random_state=0).fit(X, y)
    assert found.validation_scores_ == expected.validation_scores_
    assert found.validation_scores_.keys() == {1e-2}
    np.testing.assert_array_equal(found.coef_, expected.coef_)
