"""What is ours in the multilayer perceptrons: the lecture's variants, mended faults, bad input."""

import tracemalloc
import warnings
from itertools import product

import numpy as np
import pytest
from all_pairs import all_pairs
from scipy import sparse
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits, load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from striate import MLPClassifier, MLPRegressor, check_gradient
from striate.core.design_matrix import as_input
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = (X_IRIS - X_IRIS.mean(axis=0)) / X_IRIS.std(axis=0)


# Of scikit-learn's checks: those of linear models, whose weights are `coef_`.
EXPECTED = {"check_sparsify_coefficients": "the weights are not in coef_"}
WITH_DROPOUT = dict.fromkeys(
    (f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")),
    "units are dropped for each row by itself",
)


@parametrize_with_checks(
    [
        MLPClassifier(solver="lbfgs", max_iter=50, alpha=1.0),
        MLPRegressor(max_iter=100),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPRegressor(solver="sgd", max_iter=100),
        MLPClassifier(solver="gd", learning_rate_init=0.1),
        MLPClassifier(loss="squared_error", output_activation="tanh", max_iter=100),
        MLPRegressor(output_activation="logistic", solver="lbfgs", max_iter=100),
        MLPClassifier(
            dropout=0.1,
            label_smoothing=0.1,
            weight_decay=0.01,
            max_grad_norm=1.0,
            learning_rate_init=0.02,
            max_iter=100,
        ),
        MLPClassifier(loss="focal", activation="gelu", n_restarts=2, max_iter=100),
        MLPRegressor("huber", activation="mish", weight_averaging=0.9, max_iter=200),
        MLPRegressor("quantile", max_iter=100),
    ],
    expected_failed_checks=lambda estimator: EXPECTED | (WITH_DROPOUT if estimator.dropout else {}),
)
def test_scikit_learns_checks_of_variants(estimator, check):
    check(estimator)


# The six tests of scikit-learn's that look into private attributes, in public.


def test_one_step_of_gradient_descent_by_hand():
    """The example of scikit-learn's `test_fit`, by the lecture's equations."""
    X, y = np.array([[0.6, 0.8, 0.7]]), np.array([0])
    mlp = MLPClassifier(
        hidden_layer_sizes=2, activation="logistic", solver="sgd", learning_rate_init=0.1,
        alpha=0.1, batch_size=1, max_iter=1, momentum=0, random_state=0,
    )  # fmt: skip
    start = MLPClassifier(
        hidden_layer_sizes=2, activation="logistic", solver="sgd", learning_rate_init=1e-300,
        alpha=0.1, batch_size=1, max_iter=1, momentum=0, random_state=0,
    )  # fmt: skip
    for model in (mlp, start):
        model.partial_fit(X, y, classes=[0, 1])
    (W1, W2), (b1, b2) = start.coefs_, start.intercepts_
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    a = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = a - 0
    d1 = d2 @ W2.T * h * (1 - h)
    np.testing.assert_allclose(mlp.coefs_[1], W2 - 0.1 * (h.T @ d2 + 0.1 * W2), rtol=1e-12)
    np.testing.assert_allclose(mlp.coefs_[0], W1 - 0.1 * (X.T @ d1 + 0.1 * W1), rtol=1e-12)
    np.testing.assert_allclose(mlp.intercepts_[1], b2 - 0.1 * d2[0], rtol=1e-12)
    np.testing.assert_allclose(mlp.intercepts_[0], b1 - 0.1 * d1[0], rtol=1e-12)
    expected = -np.log(1 - a[0, 0]) + 0.05 * ((W1**2).sum() + (W2**2).sum())
    assert mlp.loss_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "activation", "kind"),
    all_pairs(
        product(
            ("cross_entropy", "log_loss", "poisson", "squared_error"),
            ("identity", "logistic", "tanh", "relu"),
            (np.asarray, sparse.csr_array),
        )
    ),
)
def test_gradient(loss, activation, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 6)) * (rng.random((30, 6)) < 0.6)
    Y = np.eye(3)[rng.integers(3, size=30)]
    output = {"cross_entropy": "softmax", "log_loss": "logistic", "poisson": "exp"}
    network = Network((6, 5, 4, 3), (activation, activation, output.get(loss, "identity")))
    theta = rng.normal(size=network.n_parameters) / 2
    with team(1) as run:
        w = rng.uniform(0.1, 2, size=30)
        problem = Problem(network, loss, as_input(kind(X)), Y, w, weight_decay=0.1)
        objective = Objective(problem, run)
        assert check_gradient(objective, theta, epsilon=1e-5) < 1e-7


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_learning_rate_with_warm_start(learning_rate):
    """A second fit begins with the first learning rate again (invscaling: goes on counting)."""
    X = X_IRIS[:100]
    settings = {"solver": "sgd", "learning_rate": learning_rate, "momentum": 0, "power_t": 0.25,
                "max_iter": 1, "shuffle": False, "random_state": 0}  # fmt: skip
    warm = MLPClassifier(warm_start=True, **settings)
    moves = []
    for _ in range(2):
        before = [W.copy() for W in warm.coefs_] if hasattr(warm, "coefs_") else None
        warm.fit(X, Y_IRIS[:100])
        if before:
            moves.append(np.abs(before[0] - warm.coefs_[0]).max())
    assert moves[0] > 0
    assert warm.t_ == 200


def test_adaptive_learning_rate_ends():
    mlp = MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive",
                        random_state=0)  # fmt: skip
    assert mlp.fit([[3, 2], [1, 6]], [1, 0]).n_iter_ < 3000


def test_adaptive_learning_rate_is_divided_by_five(capsys):
    MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive", verbose=True,
                  random_state=0).fit([[3, 2], [1, 6]], [1, 0])  # fmt: skip
    printed = capsys.readouterr().out
    assert "Setting learning rate to 0.000200" in printed
    assert "Learning rate too small. Stopping." in printed


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10, 50])
def test_n_iter_no_change(n_iter_no_change):
    mlp = MLPClassifier(tol=0.01, max_iter=3000, solver="sgd", n_iter_no_change=n_iter_no_change,
                        random_state=0).fit(X_IRIS, Y_IRIS)  # fmt: skip
    curve = np.array(mlp.loss_curve_)
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], curve[:-1]]))
    assert (curve > best_before - 0.01)[-n_iter_no_change - 1 :].all()
    assert mlp.n_iter_ < 3000


def test_n_iter_no_change_infinite():
    mlp = MLPClassifier(tol=1e9, max_iter=300, solver="sgd", n_iter_no_change=np.inf,
                        random_state=0)  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        assert mlp.fit(X_IRIS, Y_IRIS).n_iter_ == 300


# scikit-learn's faults, mended.


def test_lbfgs_records_its_loss():
    mlp = MLPClassifier(solver="lbfgs", max_iter=15, random_state=0).fit(X_IRIS, Y_IRIS)
    assert len(mlp.loss_curve_) == mlp.n_iter_
    assert mlp.loss_curve_[-1] == pytest.approx(mlp.loss_)
    assert mlp.best_loss_ == pytest.approx(min(mlp.loss_curve_))
    assert np.all(np.diff(mlp.loss_curve_) <= 0)


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_early_stopping_that_cannot_be(solver):
    with pytest.warns(UserWarning, match="early_stopping=True has no effect"):
        MLPClassifier(solver=solver, early_stopping=True, max_iter=3).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_no_partial_fit_without_minibatches(Estimator, solver):
    assert not hasattr(Estimator(solver=solver), "partial_fit")
    with pytest.raises(AttributeError):
        Estimator(solver=solver).partial_fit  # noqa: B018, the access is what is tested


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_memory_of_predict(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 20)).astype(np.float32)
    mlp = MLPClassifier(hidden_layer_sizes=(256, 256), max_iter=1, random_state=0)
    mlp.fit(X, rng.integers(3, size=300))
    many = kind(np.zeros((200_000, 20), dtype=np.float32))
    mlp.predict_proba(many[:10])
    tracemalloc.start()
    mlp.predict_proba(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20 + 200_000 * 3 * 4


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_number_of_threads_does_not_matter(solver):
    from threadpoolctl import threadpool_limits

    X, y = load_digits(return_X_y=True)
    models = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            mlp = MLPClassifier((300,), solver=solver, max_iter=3, random_state=0, batch_size=600)
            models.append(mlp.fit(X / 16, y))
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    assert models[0].loss_curve_ == models[1].loss_curve_


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "gd"])
def test_callbacks(solver, capsys):
    monitor = ScoringMonitor(scoring="accuracy")
    mlp = MLPClassifier(solver=solver, max_iter=7, random_state=0)
    mlp.set_callbacks(ProgressBar(), monitor).fit(X_IRIS, Y_IRIS)
    assert "MLPClassifier" in capsys.readouterr().out
    scores = monitor.get_logs(select="most_recent")
    assert scores is not None


# The lecture's variants.


@pytest.mark.parametrize(("output", "low"), [("logistic", 0), ("tanh", -1)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_squared_error_classifier(output, low, n_classes):
    """J = 1/m Σ ½ ‖a − y‖² + α/2m Σ W², with targets in the range of the outputs."""
    chosen = n_classes > Y_IRIS
    X, y = X_IRIS[chosen], Y_IRIS[chosen]
    mlp = MLPClassifier(
        (6,), "tanh", solver="lbfgs", loss="squared_error", output_activation=output, alpha=0.01,
        max_iter=200, random_state=0,
    ).fit(X, y)  # fmt: skip
    f = np.tanh if output == "tanh" else lambda z: 1 / (1 + np.exp(-z))
    (W1, W2), (b1, b2) = mlp.coefs_, mlp.intercepts_
    a = f(np.tanh(X @ W1 + b1) @ W2 + b2)
    targets = np.eye(n_classes)[y] if n_classes > 2 else y[:, np.newaxis].astype(float)
    targets = targets * (1 - low) + low
    J = ((a - targets) ** 2).sum() / 2 / len(X)
    J += 0.01 / 2 / len(X) * sum((W**2).sum() for W in mlp.coefs_)
    assert mlp.loss_ == pytest.approx(J, rel=1e-9)
    assert mlp.out_activation_ == output
    assert mlp.score(X, y) > 0.9
    probabilities = mlp.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("output", ["logistic", "tanh"])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_bounded_regressor(output, n_targets):
    X, y = make_regression(200, 5, n_targets=n_targets, noise=1.0, random_state=0)
    y = 1e4 + y
    mlp = MLPRegressor(
        hidden_layer_sizes=(20,), activation="tanh", output_activation=output, solver="lbfgs",
        max_iter=2000, tol=1e-5, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert mlp.score(X, y) > 0.95
    low, high = (0.1, 0.9) if output == "logistic" else (-0.8, 0.8)
    scaled = y.reshape(200, -1) * mlp.target_scale_ + mlp.target_offset_
    np.testing.assert_allclose(scaled.min(axis=0), low)
    np.testing.assert_allclose(scaled.max(axis=0), high)


def test_gradient_descent_is_the_lecture_s():
    """Each step is W − α ∂J/∂W over all rows, so that J falls for a small α."""
    mlp = MLPClassifier((5,), solver="gd", learning_rate_init=0.1, max_iter=50, tol=0,
                        random_state=0).fit(X_IRIS, Y_IRIS)  # fmt: skip
    assert len(mlp.loss_curve_) == 50
    assert np.all(np.diff(mlp.loss_curve_) < 0)
    same = MLPClassifier((5,), solver="sgd", momentum=0, batch_size=150, shuffle=False, tol=0,
                         learning_rate_init=0.1, max_iter=50, random_state=0)  # fmt: skip
    same.fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(mlp.coefs_[0], same.coefs_[0], rtol=1e-9)


def test_normal_initialization():
    mlp = MLPClassifier((400,), initialization="normal", solver="sgd", learning_rate_init=1e-30,
                        max_iter=1, random_state=0).fit(X_IRIS, Y_IRIS)  # fmt: skip
    assert mlp.coefs_[0].std() == pytest.approx(0.01, rel=0.1)
    assert np.abs(mlp.intercepts_[0]).max() < 1e-20


def test_zero_weights_keep_units_equal():
    """Why zero initialization is not offered: all units of a layer get the same gradient."""
    mlp = MLPClassifier((5,), "tanh", solver="sgd", warm_start=True, max_iter=1, random_state=0)
    mlp.fit(X_IRIS, Y_IRIS)
    for values in (*mlp.coefs_, *mlp.intercepts_):
        values[:] = 0
    for _ in range(20):
        mlp.fit(X_IRIS, Y_IRIS)
    assert np.ptp(mlp.coefs_[0], axis=1).max() == 0


# Bad input.


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["X", "y", "weights"])
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_not_finite(Estimator, where, bad):
    values = {"X": X_IRIS.copy(), "y": Y_IRIS.astype(float), "weights": np.ones(150)}
    values[where].flat[3] = bad
    with pytest.raises(ValueError, match="NaN|infinity|Unknown label"):
        Estimator().fit(values["X"], values["y"], sample_weight=values["weights"])


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_all_zero(Estimator):
    with pytest.raises(ValueError, match="at least one non-zero"):
        Estimator().fit(X_IRIS, Y_IRIS, sample_weight=np.zeros(150))


def test_one_class():
    mlp = MLPClassifier(max_iter=2).fit(X_IRIS, np.full(150, "a"))
    assert set(mlp.predict(X_IRIS)) == {"a"}


@pytest.mark.parametrize("solver", ["sgd", "gd"])
def test_divergence(solver):
    X, y = make_regression(100, 5, random_state=0)
    mlp = MLPRegressor(solver=solver, activation="identity", learning_rate_init=100, max_iter=2000)
    with pytest.raises(ValueError, match=r"learning_rate.*100"):
        mlp.fit(100 * X, 100 * y)


def test_batch_larger_than_the_data():
    with pytest.warns(UserWarning, match="clipped to the 150 rows"):
        MLPClassifier(batch_size=1000, max_iter=2).fit(X_IRIS, Y_IRIS)


def test_contradictions():
    with pytest.raises(ValueError, match="output_activation='auto'"):
        MLPClassifier(output_activation="tanh").fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="poisson"):
        MLPRegressor("poisson", output_activation="tanh").fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="counts"):
        MLPRegressor("poisson").fit(X_IRIS, Y_IRIS - 1.0)
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0"):
        MLPClassifier((5, 0)).fit(X_IRIS, Y_IRIS)


def test_a_fit_that_fails_keeps_the_old_model():
    mlp = MLPRegressor(max_iter=5, random_state=0).fit(X_IRIS, Y_IRIS)
    before = mlp.predict(X_IRIS)
    with pytest.raises(ValueError, match="NaN"):
        mlp.fit(np.full((150, 4), np.nan), Y_IRIS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(mlp.predict(X_IRIS), before)
