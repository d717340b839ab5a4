"""Parameters of the perceptrons that scikit-learn's do not have."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from striate import MLPClassifier, MLPRegressor
from striate.core.activations import HIDDEN_ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6))
Y3 = (X[:, 0] + 0.3 * RNG.normal(size=150) > 0).astype(int) + (X[:, 1] > 0.8)
Y2 = (Y3 > 0).astype(int)
T = X[:, 0] - X[:, 1] ** 2 + 0.1 * RNG.normal(size=150)
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 0}


def same(one, other):
    return all(
        np.array_equal(a, b)
        for a, b in zip(
            [*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True
        )
    )


# Classes and weights


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


# Losses


def test_label_smoothing_moves_probabilities_to_the_mean():
    hard, smooth = (
        MLPClassifier((), solver="lbfgs", label_smoothing=e, max_iter=500, random_state=0)
        .fit(X, Y3)
        .predict_proba(X)
        for e in (0.0, 0.2)
    )
    assert smooth.max() < hard.max()
    everything = MLPClassifier((), solver="lbfgs", label_smoothing=0.999, alpha=0, random_state=0)
    np.testing.assert_allclose(everything.fit(X, Y3).predict_proba(X), 1 / 3, atol=0.01)


@pytest.mark.parametrize("y", [Y2, Y3])
def test_focal_loss_with_gamma_0_is_the_log_loss(y):
    settings = {"solver": "lbfgs", "max_iter": 20, "random_state": 0}
    focal = MLPClassifier((5,), loss="focal", focal_gamma=0.0, **settings).fit(X, y)
    plain = MLPClassifier((5,), **settings).fit(X, y)
    np.testing.assert_allclose(focal.loss_curve_, plain.loss_curve_, rtol=1e-6)


def test_focal_loss_is_less_sure():
    y = Y3
    settings = {"solver": "lbfgs", "max_iter": 200, "random_state": 0}
    focal = MLPClassifier((), loss="focal", focal_gamma=4.0, **settings).fit(X, y)
    plain = MLPClassifier((), **settings).fit(X, y)
    assert focal.predict_proba(X).max(axis=1).mean() < plain.predict_proba(X).max(axis=1).mean()


def test_absolute_and_huber_losses_ignore_outliers():
    y = 2 * X[:, 0]
    spoiled = y.copy()
    spoiled[::20] += 100
    errors = {
        loss: np.abs(
            MLPRegressor(loss, (), solver="adam", learning_rate_init=0.05, max_iter=300,
                         random_state=0).fit(X, spoiled).predict(X) - y
        ).mean()
        for loss in ("squared_error", "absolute_error", "huber")
    }  # fmt: skip
    assert errors["absolute_error"] < 0.2 * errors["squared_error"]
    assert errors["huber"] < 0.2 * errors["squared_error"]


def test_huber_loss_of_large_delta_is_the_squared_error():
    settings = {"solver": "lbfgs", "max_iter": 30, "random_state": 0}
    huber = MLPRegressor("huber", (5,), huber_delta=1e6, **settings).fit(X, T)
    np.testing.assert_allclose(
        huber.loss_curve_,
        MLPRegressor("squared_error", (5,), **settings).fit(X, T).loss_curve_,
        rtol=1e-6,
    )


def heteroscedastic(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 1))
    return X, X[:, 0] + (0.1 + 0.4 * np.abs(X[:, 0])) * rng.normal(size=n)


QUANTILES = {"hidden_layer_sizes": (20,), "learning_rate": "one_cycle", "learning_rate_init": 0.02}


def test_quantiles_have_their_share_of_rows_below_and_never_cross():
    X, y = heteroscedastic(2000, 0)
    levels = [0.1, 0.5, 0.9]
    regressor = MLPRegressor("quantile", quantile=levels, max_iter=60, random_state=0, **QUANTILES)
    predicted = regressor.fit(X, y).predict(X)
    assert predicted.shape == (2000, 3)
    assert (np.diff(predicted, axis=1) > 0).all()
    np.testing.assert_allclose((y[:, None] < predicted).mean(axis=0), levels, atol=0.03)
    assert 0 < regressor.score(X, y) < 1
    far = regressor.predict(np.linspace(-50, 50, 101)[:, None])
    assert (np.diff(far, axis=1) >= 0).all()


def test_one_quantile_at_a_time_works_for_several_targets():
    Y = np.column_stack([T, -T])
    regressor = MLPRegressor("quantile", (), quantile=0.8, max_iter=400, learning_rate_init=0.02,
                             random_state=0)  # fmt: skip
    below = (regressor.fit(X, Y).predict(X) > Y).mean(axis=0)
    np.testing.assert_allclose(below, 0.8, atol=0.06)


@pytest.mark.parametrize("quantile", [[0.5, 0.5], [0.9, 0.1], [], [0.0, 0.5], 1.0, ["a"], [[0.5]]])
def test_wrong_quantiles_are_refused(quantile):
    with pytest.raises(ValueError, match="quantile"):
        MLPRegressor("quantile", quantile=quantile, **SMALL).fit(X, T)


def test_several_quantiles_are_of_one_target():
    with pytest.raises(ValueError, match="single target"):
        MLPRegressor("quantile", quantile=[0.1, 0.9], **SMALL).fit(X, np.column_stack([T, T]))


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


# Intervals


@pytest.mark.parametrize("settings", [{}, {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]}])
def test_intervals_have_at_least_their_coverage(settings):
    """Over many draws of 200 rows, the mean coverage is between 0.8 and 0.8 + 1 / 201."""
    regressor = MLPRegressor(max_iter=30, random_state=0, **settings, **QUANTILES)
    regressor.fit(*heteroscedastic(300, 1))
    coverages, widths = [], []
    for seed in range(60):
        regressor.calibrate_intervals(*heteroscedastic(200, 100 + seed))
        X, y = heteroscedastic(500, 1000 + seed)
        low, high = regressor.predict_interval(X, coverage=0.8).T
        coverages.append(((low <= y) & (y <= high)).mean())
        widths.append(np.std(high - low))
    assert np.mean(coverages) == pytest.approx(0.8 + 0.5 / 201, abs=0.012)
    assert (np.mean(widths) > 0.05) == bool(settings)


@pytest.mark.parametrize(("n", "rank"), [(9, 9), (19, 18), (24, 23)])
def test_the_margin_is_an_error_of_its_rank(n, rank):
    """Of n rows the ⌈0.9 (n + 1)⌉-th error is the margin."""
    regressor = MLPRegressor(**SMALL).fit(X, T).calibrate_intervals(X[:n], T[:n])
    errors = np.sort(np.abs(T[:n] - regressor.predict(X[:n])))
    low, high = regressor.predict_interval(X, 0.9).T
    np.testing.assert_allclose((high - low) / 2, errors[rank - 1], rtol=1e-6)


def test_intervals_need_rows_that_suffice():
    regressor = MLPRegressor(**SMALL).fit(X, T)
    with pytest.raises(NotFittedError, match="calibrate_intervals"):
        regressor.predict_interval(X)
    regressor.calibrate_intervals(X[:9], T[:9])
    assert regressor.predict_interval(X, 0.9).shape == (150, 2)
    with pytest.raises(ValueError, match="at least 19 rows"):
        regressor.predict_interval(X, 0.95)
    for coverage in (0, 1, "a", np.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            regressor.predict_interval(X, coverage)
    regressor.fit(X, T)  # another model: its errors are not known
    with pytest.raises(NotFittedError):
        regressor.predict_interval(X)


def test_intervals_are_of_one_target():
    regressor = MLPRegressor(**SMALL).fit(X, np.column_stack([T, T]))
    with pytest.raises(ValueError, match="single target"):
        regressor.calibrate_intervals(X, np.column_stack([T, T]))


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
