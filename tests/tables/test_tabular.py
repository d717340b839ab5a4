"""TabularClassifier and TabularRegressor: contract, members, weights, intervals, bad input."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from striate import Checkpoint, LossCurveDisplay, TabularClassifier, TabularRegressor
from striate.persistence import load, save
from striate.tables.member_training import HeldOut, Recipe
from striate.tables.tabular_regressor import MARGIN
from striate.tables.temperature import fitted_beta, log_loss_of, probabilities

RNG = np.random.default_rng(0)
N = 240
X = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["a", "b", "c"])
X["kind"] = RNG.choice(["x", "y", "z"], N)
T = (X["a"] ** 2 + X["b"] + 2 * (X["kind"] == "x") + 0.1 * RNG.normal(size=N)).to_numpy()
Y2 = np.array(["no", "yes"])[(T > 1.5).astype(int)]
Y3 = np.digitize(T, [0.5, 2])
X.loc[::7, "a"] = np.nan
SMALL = {"hidden_layer_sizes": (16, 8), "max_iter": 12, "random_state": 0}


def classifier(n_members=2, **settings):
    return TabularClassifier(n_members, **(SMALL | settings))


def regressor(n_members=2, **settings):
    return TabularRegressor(n_members, **(SMALL | settings))


MODELS = [
    (classifier(), Y2),
    (classifier(), Y3),
    (regressor(), T),
    (regressor(), np.column_stack([T, -3 * T])),
    (regressor(loss="absolute_error"), T),
    (regressor(loss="quantile", quantile=[0.1, 0.5, 0.9]), T),
]


def output(model, rows):
    return model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)


@pytest.fixture(scope="module")
def fitted():
    return [clone(model).fit(X, y) for model, y in MODELS]


EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "batches of repeated rows are other batches"
}


# Some of scikit-learn's checks take a column of X for y.
LEAKS = pytest.mark.filterwarnings("ignore:.*equals the target")


@LEAKS
@parametrize_with_checks(
    [classifier(), regressor()], expected_failed_checks=lambda estimator: EXPECTED
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@LEAKS
@pytest.mark.long
@parametrize_with_checks(
    [
        TabularClassifier(max_iter=10),
        classifier(1, class_weight="balanced"),
        regressor(7, loss="absolute_error"),
        regressor(1, loss="quantile", quantile=0.3),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learns_checks_of_variants(estimator, check):
    check(estimator)


# What is learned


def test_real_tables_are_learned():
    for data, model, least in (
        (load_breast_cancer(), TabularClassifier(2, max_iter=20, random_state=0), 0.95),
        (load_wine(), TabularClassifier(2, max_iter=20, random_state=0), 0.93),
        (load_diabetes(), TabularRegressor(2, max_iter=20, random_state=0), 0.35),
    ):
        assert cross_val_score(model, data.data, data.target, cv=3).mean() > least


def test_the_same_bits_for_any_number_of_threads():
    for n_members in (1, 3):
        model = TabularRegressor(n_members, max_iter=2, random_state=3)
        many = clone(model).fit(X, T)
        with threadpool_limits(1):
            one = clone(model).fit(X, T)
        np.testing.assert_array_equal(one.predict(X), many.predict(X))


def test_other_seeds_give_other_models(fitted):
    other = clone(fitted[2]).set_params(random_state=1).fit(X, T)
    assert not np.array_equal(other.predict(X), fitted[2].predict(X))


def test_predictions_are_the_mean_of_the_members(fitted):
    model = fitted[2]
    singles = []
    for k in range(2):
        single = pickle.loads(pickle.dumps(model))
        single.coefs_ = [W[k : k + 1] for W in model.coefs_]
        single.intercepts_ = [b[k : k + 1] for b in model.intercepts_]
        single.n_members_ = 1
        singles.append(single.predict(X))
    np.testing.assert_allclose(np.mean(singles, axis=0), model.predict(X), rtol=1e-12)
    assert not np.array_equal(*singles)


@pytest.mark.parametrize("model", [classifier(5), regressor(5)])
def test_each_row_is_held_out_by_one_of_five_members(model, monkeypatch):
    held = []
    kind = type(model)
    folds = kind._folds

    def spy(self, *arguments):
        held.extend(folds(self, *arguments))
        return held

    monkeypatch.setattr(kind, "_folds", spy)
    model.fit(X, Y3 if isinstance(model, TabularClassifier) else T)
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(N))


def test_the_best_epoch_is_kept(fitted):
    for model in fitted:
        for curve, best in zip(model.validation_loss_curves_, model.best_epochs_, strict=True):
            assert np.argmin(curve) + 1 == best <= model.n_iter_
        assert len(model.loss_curve_) == model.n_iter_ == len(model.validation_loss_curve_)


def test_patience_ends_a_training():
    model = regressor(1, max_iter=60, n_iter_no_change=3).fit(X, RNG.normal(size=N))
    assert model.best_epochs_[0] + 4 == model.n_iter_ < 60


def test_given_rows_choose_the_epoch_of_all_members():
    model = regressor().fit(X[:200], T[:200], X_val=X[200:], y_val=T[200:])
    losses = [
        curve[best - 1]
        for curve, best in zip(model.validation_loss_curves_, model.best_epochs_, strict=True)
    ]
    assert len(losses) == 2
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        regressor().fit(X, T, X_val=X)
    with pytest.raises(ValueError, match="`y_val` has classes that y has not: \\['maybe'\\]"):
        classifier().fit(X, Y2, X_val=X, y_val=np.array(["maybe"] * N))
    with pytest.raises(ValueError, match="now missing:\n- kind"):
        regressor().fit(X, T, X_val=X[["a", "b", "c"]], y_val=T)


@pytest.mark.parametrize(("n", "expected"), [(60, 60), (400, 58), (1600, 124), (8000, 250)])
def test_batches_of_an_epoch_are_alike(n, expected):
    recipe = Recipe(0.04, 0.02, "auto", "auto", 24)
    assert recipe.rows_per_batch(n) == expected
    n_batches = -(-n // expected)
    assert recipe.n_epochs(n) * n_batches >= 240
    assert n_batches * expected - n < n_batches


def test_rows_without_weight_are_as_if_they_were_not_there():
    weight = (np.arange(N) % 3 > 0).astype(float)
    models = [regressor().fit(X, np.where(weight > 0, T, y), weight) for y in (T, T.mean())]
    assert models[0].best_epochs_ == models[1].best_epochs_
    for a, b in zip(models[0].coefs_, models[1].coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_class_weights_are_sample_weights():
    weights = np.where(Y2 == "yes", 3.0, 1.0)
    by_class = classifier(class_weight={"yes": 3.0}).fit(X, Y2)
    by_row = classifier().fit(X, Y2, weights)
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    rare = classifier().fit(X, Y2).predict_proba(X)[:, 1].mean()
    assert by_class.predict_proba(X)[:, 1].mean() > rare + 0.05


def test_labels_are_smoothed_in_training_only(monkeypatch):
    from striate.tables import base_tabular, tabular_classifier

    trained = []
    problem = base_tabular.Problem
    monkeypatch.setattr(
        base_tabular, "Problem", lambda *args, **kw: trained.append(args[3]) or problem(*args, **kw)
    )
    held_out = []
    calibrate = TabularClassifier._calibrate
    monkeypatch.setattr(
        TabularClassifier,
        "_calibrate",
        lambda self, z, rows: held_out.extend(rows) or calibrate(self, z, rows),
    )
    for y, share in ((Y2, 0.1), (Y3, 0.3), (Y3, "auto")):
        classifier(max_iter=1, label_smoothing=share).fit(X, y)
        ends = np.array([0, 1]) if share == "auto" else np.array([0, 1 - share])
        rest = 0 if share == "auto" else share / len(np.unique(y))
        np.testing.assert_allclose(np.unique(trained[-1]), ends + rest, rtol=1e-6)
        assert all(np.array_equal(np.unique(rows.Y), [0, 1]) for rows in held_out)
    many = np.arange(N) % tabular_classifier.MANY_CLASSES
    classifier(max_iter=1).fit(X, many)
    np.testing.assert_allclose(np.unique(trained[-1]), [0.01, 0.91], rtol=1e-6)


def test_a_loss_that_is_not_finite_begins_anew_with_a_quarter_of_the_rate(monkeypatch):
    from striate.tables import base_tabular

    rates, run = [], base_tabular.run_members

    def failing(members):
        run(members)
        rates.append([member.solver.schedule.rate for member in members])
        if len(rates) == 1:
            members[1].result = members[1].result._replace(value=np.nan)

    monkeypatch.setattr(base_tabular, "run_members", failing)
    regressor(3).fit(X, T)
    assert rates == [[0.07] * 3, [0.07 / 4]]


def test_a_rate_that_is_too_hot_ends_with_predictions_within_the_range_or_an_error():
    predicted = regressor(learning_rate_init=5.0).fit(X, T).predict(X)
    margin = MARGIN * np.ptp(T)
    assert T.min() - margin <= predicted.min() <= predicted.max() <= T.max() + margin
    with pytest.raises(ValueError, match="now 1e\\+06\\). Lower it"):
        regressor(learning_rate_init=1e6).fit(X, T)


# The temperature


@pytest.mark.parametrize("n_columns", [1, 2, 5])
@pytest.mark.parametrize("scale", [0.01, 1, 100])
def test_the_temperature_is_at_the_least_log_loss(n_columns, scale):
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(80, n_columns))
    n_classes = max(2, n_columns)
    codes = np.where(
        rng.random(80) < 0.6,
        (Z.argmax(1) if n_columns > 1 else Z[:, 0] > 0),
        rng.integers(n_classes, size=80),
    )
    codes, w = codes.astype(int), rng.random(80)
    Z = Z * scale
    beta = fitted_beta(Z, codes, w)
    best = minimize_scalar(
        lambda log_beta: log_loss_of(Z, codes, w, np.exp(log_beta)),
        bounds=(-3.9, 3.9),
        method="bounded",
    )
    assert log_loss_of(Z, codes, w, beta) <= best.fun + 1e-6


def test_the_temperature_of_rows_that_are_all_right_is_finite():
    Z = np.array([[5.0], [-5.0], [9.0]])
    beta = fitted_beta(Z, np.array([1, 0, 1]), np.ones(3))
    assert 0.02 < beta < 50
    p = probabilities(Z, beta)
    np.testing.assert_allclose(p, softmax(beta * np.hstack([0 * Z, Z]), axis=1))
    assert np.isfinite(log_softmax(p)).all()


def test_probabilities_are_calibrated_beyond_training():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(900, 4))
    y = rng.random(900) < 1 / (1 + np.exp(-rows[:, 0]))
    model = TabularClassifier(2, hidden_layer_sizes=(64, 64), max_iter=30, random_state=0)
    p = model.fit(rows[:400], y[:400]).predict_proba(rows[400:])[:, 1]
    assert abs(p.mean() - y[400:].mean()) < 0.08
    log_loss = -np.mean(np.where(y[400:], np.log(p), np.log1p(-p)))
    assert log_loss < 0.69


# Understanding


@pytest.mark.parametrize("k", range(len(MODELS)))
def test_input_gradients_are_the_numerical_ones(fitted, k):
    model, epsilon = fitted[k], 2e-3
    rows = X.astype({"a": float})[:60]
    gradients = model.input_gradients(rows)
    assert np.isnan(gradients[:, 3]).all()
    for j, name in enumerate("abc"):
        above, below = (
            output(model, rows.assign(**{name: rows[name] + s * epsilon})) for s in (1, -1)
        )
        numerical = (above - below) / (2 * epsilon)
        if k == 0:
            numerical = numerical[:, 1]
        error = np.abs(gradients[:, j] - numerical)
        assert np.median(error) < 2e-3 * np.abs(numerical).max()  # SELU has a kink
        missing = rows[name].isna().to_numpy()
        assert not gradients[missing, j].any()


def test_scikit_learns_inspection_works(fitted):
    model = fitted[2]
    found = permutation_importance(model, X, T, n_repeats=2, random_state=0).importances_mean
    assert found.argmin() == 2
    complete = X.fillna({"a": 0.0})
    assert partial_dependence(model, complete, ["b"])["average"].shape[0] == 1


def test_intervals_cover(fitted):
    model = regressor().fit(X[:120], T[:120]).calibrate_intervals(X[120:180], T[120:180])
    low, high = model.predict_interval(X[180:], 0.9).T
    assert ((low <= T[180:]) & (T[180:] <= high)).mean() > 0.75
    quantiles = clone(fitted[5]).fit(X[:120], T[:120]).calibrate_intervals(X[120:180], T[120:180])
    assert quantiles.predict_interval(X[180:], 0.8).shape == (60, 2)
    again = quantiles.fit(X, T)
    with pytest.raises(ValueError, match="calibrate_intervals"):
        again.predict_interval(X)
    with pytest.raises(ValueError, match="single target"):
        fitted[3].calibrate_intervals(X, np.column_stack([T, T]))


def test_quantiles_do_not_cross(fitted):
    predicted = fitted[5].predict(X)
    assert predicted.shape == (N, 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    assert 0.6 < np.mean((predicted[:, 0] <= T) & (predicted[:, 2] >= T)) <= 1


def test_curves_are_drawn(fitted):
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    display = LossCurveDisplay.from_estimator(fitted[0])
    assert [line.get_label() for line in display.lines_] == ["Training", "Validation"]
    assert display.ax_.get_xlabel() == "Epoch"
    plt.close(display.figure_)


# scikit-learn's conventions


def test_a_saved_model_comes_back(fitted, tmp_path):
    for model in fitted:
        save(model, tmp_path / "model.skops")
        for again in (load(tmp_path / "model.skops"), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(output(again, X), output(model, X))


def test_frames_of_polars_give_the_same():
    frame = pl.DataFrame({name: X[name].to_list() for name in X}, nan_to_null=True)
    got, expected = regressor().fit(frame, T), regressor().fit(X, T)
    np.testing.assert_array_equal(got.predict(frame), expected.predict(X))
    assert list(got.feature_names_in_) == list(X.columns)


def test_callbacks_see_each_member(capsys):
    model = regressor(2).set_callbacks(ProgressBar()).fit(X, T)
    assert "member #1" in capsys.readouterr().out
    assert model.n_iter_ == 12


def test_metadata_are_routed():
    with config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=False)
        scores = cross_val_score(model, X, T, cv=2, params={"sample_weight": np.ones(N)})
    assert np.isfinite(scores).all()


def test_a_checkpoint_continues_to_the_same_bits(tmp_path, monkeypatch):
    expected = regressor(2).fit(X, T)

    model = regressor(2).set_callbacks(Checkpoint(tmp_path / "record"))
    calls, measured = [], HeldOut.outputs

    def outputs(self, theta):
        calls.append(len(calls))
        if len(calls) == 15:
            raise RuntimeError("power cut")
        return measured(self, theta)

    with monkeypatch.context() as patch:
        patch.setattr(HeldOut, "outputs", outputs)
        with pytest.raises(RuntimeError, match="power cut"):
            model.fit(X, T)
    first = model.fit(X, T)
    np.testing.assert_array_equal(first.predict(X), expected.predict(X))
    again = regressor(2).set_callbacks(Checkpoint(tmp_path / "record")).fit(X, T)
    np.testing.assert_array_equal(again.predict(X), expected.predict(X))


@pytest.mark.parametrize("epoch", [9, 1])
def test_an_interrupted_training_keeps_the_best_weights_if_there_are_any(monkeypatch, epoch):
    calls, measured = [], HeldOut.outputs

    def outputs(self, theta):
        calls.append(len(calls))
        if len(calls) == epoch:
            raise KeyboardInterrupt
        return measured(self, theta)

    monkeypatch.setattr(HeldOut, "outputs", outputs)
    model = regressor(1)
    if epoch == 1:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, T)
        assert not hasattr(model, "coefs_")
    else:
        with pytest.warns(UserWarning, match="Training interrupted by user"):
            model.fit(X, T)
        assert 0 < model.best_epochs_[0] < model.n_iter_ == 9


# Bad input


DAY = datetime.date(2026, 1, 2)


@pytest.mark.parametrize(
    ("model", "X", "y", "message"),
    [
        (classifier(), X, np.zeros(N), "one class, .*0.0.*: there is nothing to tell apart"),
        (classifier(), X, np.where(T > 0, "a", None), "missing values"),
        (classifier(), X, np.where(T > 0, "a", pd.NA), "missing values"),
        (classifier(), X, T, "Unknown label type"),
        (regressor(), X, np.where(T > 0, T, np.nan), "y contains NaN"),
        (regressor(), X, np.zeros(N, "M8[s]"), "y must hold numbers"),
        (regressor(), X, np.array([DAY, *T[1:]]), "y must hold numbers only"),
        (
            classifier(),
            X,
            np.array([DAY, *T[1:]]),
            "y must hold numbers only",
        ),
        (regressor(), X[:10], T, "inconsistent numbers of samples"),
        (regressor(), X[:0], T[:0], "0 sample"),
        (regressor(loss="quantile", quantile=[0.9, 0.1]), X, T, "in increasing order"),
        (regressor(loss="quantile", quantile=[0.1, 0.9]), X, np.c_[T, T], "of a single target"),
        (regressor(hidden_layer_sizes=(3, 0)), X, T, "must be > 0"),
        (regressor(dropout=1.0), X, T, "dropout"),
        (classifier(label_smoothing=1.0), X, Y2, "label_smoothing"),
    ],
)
def test_bad_input_is_refused(model, X, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_a_constant_target_is_predicted_with_a_warning():
    with pytest.warns(UserWarning, match="y is constant"):
        model = regressor().fit(X, np.full(N, 7.5))
    np.testing.assert_array_equal(model.predict(X), 7.5)


def test_columns_that_give_the_target_away_are_named():
    order = np.argsort(T)
    table = X.iloc[order].assign(row=np.arange(N) + 1)
    with pytest.warns(UserWarning, match="'row' numbers the rows, which are sorted"):
        regressor(1, max_iter=1).fit(table, T[order])
    with pytest.warns(UserWarning, match="'copy' equals the target"):
        regressor(1, max_iter=1).fit(X.assign(copy=T), T)
    regressor(1, max_iter=1).fit(X.assign(row=np.arange(N)), T)  # not sorted: no warning


def test_a_fit_that_fails_leaves_the_model_as_it_was():
    model = regressor().fit(X, T)
    before = model.predict(X)
    with pytest.raises(ValueError, match="y contains NaN"):
        model.fit(X, np.full(N, np.nan))
    np.testing.assert_array_equal(model.predict(X), before)


def test_cells_far_too_large_do_little_harm():
    data, target = load_diabetes(return_X_y=True)
    dirty = data.copy()
    cells = RNG.random(data.shape) < 0.005
    dirty[cells] *= 1000
    clean_score, dirty_score = (
        TabularRegressor(2, max_iter=20, random_state=0)
        .fit(table[:300], target[:300])
        .score(data[300:], target[300:])
        for table in (data, dirty)
    )
    assert dirty_score > clean_score - 0.05


def test_a_class_with_one_row_and_columns_without_values_are_no_obstacle():
    table = X.assign(empty=np.nan, constant=1.0)
    y = Y2.copy()
    y[0] = "rare"
    model = classifier(5).fit(table, y)
    assert model.predict_proba(table).shape == (N, 3)
    assert np.isfinite(model.predict_proba(table.assign(a=np.inf, b=-np.inf))).all()
