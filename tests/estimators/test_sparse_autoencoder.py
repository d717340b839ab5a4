"""The sparse autoencoder: scikit-learn's conventions, and the lecture's J behind them."""

import pickle

import joblib
import numpy as np
import pytest
import textbook
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from striate import PatchScaler, SparseAutoencoder, ZCAWhitening
from striate.core.inference import _layer
from striate.core.objective import _sum
from striate.solvers.epoch import epoch

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"n_components": 4, "max_iter": 8, "random_state": 0}
VARIANTS = [
    {},
    {"solver": "adam"},
    {"solver": "gd"},
    {"activation": "relu"},
    {"activation": "tanh"},
    {"solver": "adam", "activation": "tanh"},
    {"solver": "gd", "activation": "relu", "sparsity_weight": 0},
    {"output_activation": "logistic"},
    {"output_activation": "tanh", "solver": "adam"},
]


# Of scikit-learn's checks: those of linear models, whose weights are `coef_`.
EXPECTED = {"check_sparsify_coefficients": "the weights are not in coef_"}


@parametrize_with_checks(
    [SparseAutoencoder(**QUICK, **VARIANTS[0]), ZCAWhitening(), PatchScaler()],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [SparseAutoencoder(**QUICK, **v) for v in VARIANTS[1:7]],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_of_variants(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def X():
    """Digits in [0, 1], among which are pixels that are always 0."""
    return load_digits().data[:200] / 16


def ids(variant):
    return "-".join(map(str, variant.values())) or "default"


def textbook_loss(autoencoder, X):
    names = ("activation", "output_activation")
    return textbook.objective(
        [autoencoder.components_.T, autoencoder.decoder_components_],
        [autoencoder.intercept_, autoencoder.decoder_intercept_],
        [getattr(autoencoder, name) for name in names],
        "squared_error",
        X,
        X,
        weight_decay=autoencoder.weight_decay,
        rho=autoencoder.sparsity_target,
        beta=autoencoder.sparsity_weight,
    )[0]


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
def test_loss_is_the_lecture_s_at_the_fitted_parameters(variant, X):
    autoencoder = SparseAutoencoder(**QUICK, **variant, weight_decay=0.01).fit(X)
    assert autoencoder.loss_ == pytest.approx(textbook_loss(autoencoder, X), rel=1e-12)
    assert autoencoder.n_iter_ == len(autoencoder.loss_curve_) == 8
    if autoencoder.solver != "adam":
        assert autoencoder.loss_curve_[-1] == autoencoder.loss_
        assert autoencoder.loss_curve_ == sorted(autoencoder.loss_curve_, reverse=True)


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
def test_definitions(variant, X):
    autoencoder = SparseAutoencoder(**QUICK, **variant).fit(X)
    activations = autoencoder.activation, autoencoder.output_activation
    _, (_, A, X_hat) = textbook.forward(
        [autoencoder.components_.T, autoencoder.decoder_components_],
        [autoencoder.intercept_, autoencoder.decoder_intercept_],
        activations,
        X,
    )
    close = {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(autoencoder.transform(X), A, **close)
    np.testing.assert_allclose(autoencoder.inverse_transform(A), X_hat, **close)
    np.testing.assert_allclose(autoencoder.mean_activation_, A.mean(axis=0), **close)
    scores = -0.5 * ((X_hat - X) ** 2).sum(axis=1)
    np.testing.assert_allclose(autoencoder.score_samples(X), scores, **close)
    assert autoencoder.score(X) == pytest.approx(scores.mean())
    W, b, f = autoencoder.as_layer()
    np.testing.assert_allclose(textbook.f[f](X @ W + b), A, **close)
    names = [f"sparseautoencoder{i}" for i in range(4)]
    assert list(autoencoder.get_feature_names_out()) == names


def test_scores_of_many_blocks(X):
    autoencoder = SparseAutoencoder(**QUICK).fit(X)
    many = np.tile(X, (50, 1))  # 10,000 rows
    np.testing.assert_allclose(
        autoencoder.score_samples(many), np.tile(autoencoder.score_samples(X), 50), rtol=1e-12
    )


def test_units_learn_the_target_activation(X):
    autoencoder = SparseAutoencoder(
        10, sparsity_target=0.2, sparsity_weight=30, max_iter=150, random_state=0
    ).fit(X)
    np.testing.assert_allclose(autoencoder.mean_activation_, 0.2, atol=0.02)
    free = SparseAutoencoder(10, sparsity_weight=0, max_iter=150, random_state=0).fit(X)
    assert np.abs(free.mean_activation_ - 0.2).max() > 0.1
    assert free.score(X) > autoencoder.score(X)


def test_a_linear_decoder_learns_the_subspace_of_the_data():
    """Rank 2 data through 2 units that are near their linear range: all but nothing is lost."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 6))
    autoencoder = SparseAutoencoder(
        2, activation="tanh", sparsity_weight=0, weight_decay=0, max_iter=2000, tol=0,
        random_state=0,
    ).fit(X)  # fmt: skip
    lost = -2 * autoencoder.score_samples(X).sum() / (X**2).sum()
    assert lost < 1e-3


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_same_seed_same_model(solver, X):
    settings = {**QUICK, "solver": solver, "n_components": 20}
    X = np.tile(X, (13, 1)) + np.linspace(0, 0.1, 64)  # enough rows for more than one thread
    models = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            models.append(SparseAutoencoder(**settings, batch_size=1000).fit(X))
    for model in models[1:]:
        assert model.components_.tobytes() == models[0].components_.tobytes()
        assert model.loss_curve_ == models[0].loss_curve_
        np.testing.assert_array_equal(model.transform(X), models[0].transform(X))
    other = SparseAutoencoder(**{**settings, "random_state": 1}, batch_size=1000).fit(X)
    assert not np.array_equal(other.components_, models[0].components_)


def test_random_state_instance_is_used_and_moves_on(X):
    random_state = np.random.RandomState(0)
    settings = {**QUICK, "random_state": random_state}
    first, second = (SparseAutoencoder(**settings).fit(X).components_ for _ in range(2))
    np.testing.assert_array_equal(first, SparseAutoencoder(**QUICK).fit(X).components_)
    assert not np.array_equal(first, second)


def test_clone_and_pickle(X):
    autoencoder = SparseAutoencoder(**QUICK, verbose=False).fit(X)
    copy = clone(autoencoder)
    assert copy.get_params() == autoencoder.get_params()
    assert not hasattr(copy, "components_")
    np.testing.assert_array_equal(copy.fit(X).components_, autoencoder.components_)
    again = pickle.loads(pickle.dumps(autoencoder))
    np.testing.assert_array_equal(again.transform(X), autoencoder.transform(X))


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype, solver, X):
    X = X.astype(dtype)
    autoencoder = SparseAutoencoder(**QUICK, solver=solver).fit(X)
    fitted = {name: np.asarray(value) for name, value in vars(autoencoder).items()}
    arrays = {name: v.dtype for name, v in fitted.items() if name.endswith("_") and v.ndim}
    del arrays["loss_curve_"]  # J is of float64 either way
    assert len(arrays) == 5
    assert set(arrays.values()) == {np.dtype(dtype)}
    A = autoencoder.transform(X)
    assert A.dtype == autoencoder.inverse_transform(A).dtype == dtype
    assert autoencoder.score_samples(X).dtype == dtype


def test_float32_comes_near_float64(X):
    losses = [
        SparseAutoencoder(10, max_iter=100, random_state=0).fit(X.astype(dtype)).loss_
        for dtype in (np.float32, np.float64)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@pytest.mark.parametrize("kind", ["int", "bool", "fortran", "strided", "float16", "big endian"])
def test_other_layouts_and_types(kind, X):
    X = np.round(X)
    other = {
        "int": lambda: X.astype(int),
        "bool": lambda: X.astype(bool),
        "fortran": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(X, 2, axis=1)[:, ::2],
        "float16": lambda: X.astype(np.float16),
        "big endian": lambda: X.astype(">f8"),
    }[kind]()
    expected = SparseAutoencoder(**QUICK).fit(X)
    autoencoder = SparseAutoencoder(**QUICK).fit(other)
    np.testing.assert_allclose(autoencoder.components_, expected.components_, atol=1e-3)
    np.testing.assert_allclose(autoencoder.transform(other), expected.transform(X), atol=1e-3)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_memory_maps_are_read_as_they_are(solver, X, tmp_path, monkeypatch):
    """Neither copied nor of another type, for which everything would be compiled again."""
    joblib.dump(X, tmp_path / "X.joblib")
    mapped = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
    expected = SparseAutoencoder(**QUICK, solver=solver).fit(X)
    expected_activations = expected.transform(X)
    kernels = (_sum, epoch, _layer)
    compiled = [len(kernel.signatures) for kernel in kernels]
    seen = []

    class Spy(SparseAutoencoder):
        def _validated(self, X, reset=False):
            seen.append(super()._validated(X, reset))
            return seen[-1]

    autoencoder = Spy(**QUICK, solver=solver).fit(mapped)
    np.testing.assert_array_equal(autoencoder.components_, expected.components_)
    np.testing.assert_array_equal(autoencoder.transform(mapped), expected_activations)
    assert [len(kernel.signatures) for kernel in kernels] == compiled
    assert np.shares_memory(seen[0], mapped)


@pytest.mark.parametrize("variant", VARIANTS[:7], ids=ids)
@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1), (2, 3)])
def test_little_data(variant, shape):
    X = np.random.default_rng(0).uniform(0.2, 0.8, shape)
    autoencoder = SparseAutoencoder(**QUICK, **variant).fit(X)
    assert np.isfinite(autoencoder.loss_)
    assert np.isfinite(autoencoder.transform(X)).all()


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_constant_data(variant, value):
    X = np.full((20, 3), value)
    autoencoder = SparseAutoencoder(**QUICK, **variant).fit(X)
    assert np.isfinite(autoencoder.loss_)
    assert np.isfinite(autoencoder.components_).all()


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_ends_when_j_no_longer_falls(solver, X):
    autoencoder = SparseAutoencoder(
        4, solver=solver, max_iter=300, tol=0.05, random_state=0, learning_rate=0.01
    ).fit(X)
    assert autoencoder.n_iter_ == len(autoencoder.loss_curve_) < 300


@pytest.mark.parametrize("solver", ["adam", "gd"])
def test_divergence_names_the_learning_rate(solver, X):
    """The decoder's weights leap to 1e30, and their squares out of float32."""
    autoencoder = SparseAutoencoder(
        **QUICK, solver=solver, activation="tanh", learning_rate=1e30, weight_decay=0
    )
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(ValueError, match=r"diverged.*learning_rate.*1e\+30"),
    ):
        autoencoder.fit(X.astype(np.float32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity_target": 1.0}, "sparsity_target=1.0.*logistic.*0 to 1"),
        ({"sparsity_target": 0.0}, "sparsity_target=0.0"),
        ({"sparsity_target": -1.0, "activation": "tanh"}, "tanh.*-1 to 1"),
        ({"sparsity_target": -0.1, "activation": "relu"}, "relu.*0 to inf"),
        ({"sparsity_target": np.nan}, "sparsity_target"),
        ({"n_components": 0}, "n_components"),
        ({"solver": "sgd"}, "solver"),
        ({"activation": "softmax"}, "activation"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_wrong_settings(settings, message, X):
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder(**{**QUICK, **settings}).fit(X)


def test_a_target_out_of_range_does_not_matter_without_weight(X):
    SparseAutoencoder(**QUICK, sparsity_target=5, sparsity_weight=0).fit(X)


@pytest.mark.parametrize("output", ["logistic", "tanh"])
def test_data_out_of_the_output_s_range(output, X):
    with pytest.raises(ValueError, match="output_activation.*PatchScaler"):
        SparseAutoencoder(**QUICK, output_activation=output).fit(2 * X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(bad, X):
    broken = X.copy()
    broken[3, 4] = bad
    with pytest.raises(ValueError, match="NaN|infinity"):
        SparseAutoencoder(**QUICK).fit(broken)
    autoencoder = SparseAutoencoder(**QUICK).fit(X)
    for method, wrong in [
        ("transform", broken),
        ("score_samples", broken),
        ("inverse_transform", broken[:, 1:5]),
    ]:
        with pytest.raises(ValueError, match="NaN|infinity"):
            getattr(autoencoder, method)(wrong)


def test_wrong_shapes(X):
    autoencoder = SparseAutoencoder(**QUICK).fit(X)
    with pytest.raises(ValueError, match="63 features"):
        autoencoder.transform(X[:, 1:])
    with pytest.raises(ValueError, match="5 columns.*4 hidden units"):
        autoencoder.inverse_transform(np.ones((2, 5)))
    with pytest.raises(ValueError, match="0 sample"):
        autoencoder.transform(X[:0])
    with pytest.raises(ValueError, match="0 sample"):
        SparseAutoencoder(**QUICK).fit(X[:0])
    for method in ("transform", "inverse_transform", "score_samples", "as_layer"):
        with pytest.raises((NotFittedError, TypeError)):
            getattr(SparseAutoencoder(), method)(*[X] * (method != "as_layer"))


def test_verbose(X, capsys):
    autoencoder = SparseAutoencoder(**{**QUICK, "max_iter": 2}, verbose=True).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Iteration 2")
    assert f"{autoencoder.loss_:.4f}"[:5] in lines[1]


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_progress_bar(solver, X, capsys):
    SparseAutoencoder(**QUICK, solver=solver).set_callbacks(ProgressBar()).fit(X)
    assert "SparseAutoencoder" in capsys.readouterr().out


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_scoring_monitor_sees_each_iteration(solver, X):
    monitor = ScoringMonitor(scoring=None)
    autoencoder = SparseAutoencoder(**QUICK, solver=solver, sparsity_weight=0, weight_decay=0)
    autoencoder.set_callbacks(monitor).fit(X)
    assert hasattr(monitor, "get_logs")
    assert len(monitor._log) == autoencoder.n_iter_


class Stop:
    """Asks to stop after three iterations."""

    def __init__(self):
        self.n_iterations, self.ended = 0, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        self.ended.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        if context.task_name != "iteration":
            self.ended.append("fit")
            return False
        self.n_iterations += 1
        self.last = fitted_estimator.transform(X)
        return self.n_iterations == 3


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_a_callback_that_asks_to_stop(solver, X):
    stop = Stop()
    autoencoder = SparseAutoencoder(**QUICK, solver=solver).set_callbacks(stop).fit(X)
    assert autoencoder.n_iter_ == stop.n_iterations == len(autoencoder.loss_curve_) == 3
    assert stop.ended == ["fit", "teardown"]
    np.testing.assert_array_equal(autoencoder.transform(X), stop.last)
