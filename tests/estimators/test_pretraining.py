"""Stacked autoencoders, and perceptrons pretrained with them."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from striate import MLPClassifier, MLPRegressor, SparseAutoencoder, StackedAutoencoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ONE = SparseAutoencoder(sparsity_weight=0.3, max_iter=5)
STACK = StackedAutoencoder((9, 5), autoencoder=ONE, random_state=0)
ESTIMATORS = [MLPClassifier, MLPRegressor]


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:400] / 16, y[:400]


@pytest.fixture(scope="module")
def stack(data):
    return clone(STACK).fit(data[0])


# --- the stack ------------------------------------------------------------------------------


def test_each_layer_learns_from_the_one_below(data, stack):
    X, _ = data
    first, second = stack.autoencoders_
    assert (first.n_components, second.n_components) == (9, 5)
    lower = clone(first).fit(X)
    np.testing.assert_array_equal(lower.components_, first.components_)
    upper = clone(second).fit(lower.transform(X))
    np.testing.assert_array_equal(upper.components_, second.components_)
    features = upper.transform(lower.transform(X))
    np.testing.assert_array_equal(stack.transform(X), features)
    back = lower.inverse_transform(upper.inverse_transform(features))
    np.testing.assert_array_equal(stack.inverse_transform(features), back)
    np.testing.assert_allclose(stack.score_samples(X), -((back - X) ** 2).sum(axis=1) / 2)
    assert list(stack.get_feature_names_out())[-1] == "stackedautoencoder4"


def test_settings_of_each_layer(data):
    layers = [ONE, SparseAutoencoder(activation="tanh", sparsity_weight=0, max_iter=2)]
    stack = StackedAutoencoder((9, 5), autoencoder=layers, random_state=0).fit(data[0])
    assert [layer.activation for layer in stack.autoencoders_] == ["logistic", "tanh"]
    assert not hasattr(layers[0], "components_")
    seeds = {layer.random_state for layer in stack.autoencoders_}
    assert len(seeds) == 2
    own = StackedAutoencoder((9,), autoencoder=SparseAutoencoder(max_iter=2, random_state=7))
    assert own.fit(data[0]).autoencoders_[0].random_state == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_layer_sizes": ()}, "at least one layer"),
        ({"hidden_layer_sizes": (9, 0)}, "hidden_layer_sizes must be > 0"),
        ({"autoencoder": [ONE] * 3}, "list of 3, but hidden_layer_sizes has 2 layers"),
        ({"autoencoder": PCA()}, "autoencoder"),
    ],
)
def test_wrong_stacks(settings, message, data):
    with pytest.raises(ValueError, match=message):
        clone(STACK).set_params(**settings).fit(data[0])


def test_sparse_rows_and_nested_settings(data, stack):
    again = clone(STACK).fit(sparse.csr_matrix(data[0]))
    np.testing.assert_allclose(again.transform(data[0]), stack.transform(data[0]), rtol=1e-4)
    assert clone(STACK).set_params(autoencoder__max_iter=2).autoencoder.max_iter == 2


# --- pretraining ----------------------------------------------------------------------------


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "gd"])
def test_training_starts_from_the_stack(Estimator, solver, data, stack):
    X, y = data
    mlp = Estimator(
        pretraining=FrozenEstimator(stack), solver=solver, max_iter=1, tol=1e9, random_state=0
    )
    if solver in ("adam", "sgd"):
        classes = {"classes": np.unique(y)} if Estimator is MLPClassifier else {}
        mlp.set_params(learning_rate_init=1e-30).partial_fit(X, y, **classes)
    elif solver == "gd":
        mlp.set_params(learning_rate_init=1e-30).fit(X, y)
    else:
        mlp.fit(X, y)  # stops at once: the gradient is below tol
    assert mlp.n_layers_ == 4
    for (W, b, _), coef, intercept in zip(
        stack.encoder_layers(), mlp.coefs_, mlp.intercepts_, strict=False
    ):
        np.testing.assert_array_equal(coef, W)
        np.testing.assert_array_equal(intercept, b)
    hidden = stack.transform(X)
    output = hidden @ mlp.coefs_[-1] + mlp.intercepts_[-1]
    if Estimator is MLPRegressor:
        np.testing.assert_allclose(mlp.predict(X), output.ravel())
    else:
        np.testing.assert_array_equal(mlp.predict(X), output.argmax(axis=1))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_all_layers_are_trained_further(Estimator, data, stack):
    X, y = data
    mlp = Estimator(pretraining=FrozenEstimator(stack), solver="lbfgs", max_fun=20, random_state=0)
    mlp.fit(X, y)
    for (W, _, _), coef in zip(stack.encoder_layers(), mlp.coefs_, strict=False):
        assert not np.allclose(coef, W)
    np.testing.assert_array_equal(stack.transform(X), mlp.pretraining_.transform(X))


def test_it_is_cloned_and_fitted_on_the_rows_that_fit_sees(data, stack):
    X, y = data
    mlp = MLPClassifier(
        pretraining=STACK, solver="gd", learning_rate_init=1e-30, max_iter=1, tol=1e9
    ).fit(X, y)
    assert not hasattr(STACK, "autoencoders_")
    np.testing.assert_array_equal(mlp.coefs_[0], stack.encoder_layers()[0][0])
    half = clone(mlp).fit(X[::2], y[::2])
    expected = clone(STACK).fit(X[::2]).encoder_layers()[0][0]
    np.testing.assert_array_equal(half.coefs_[0], expected)


def test_seeds_follow_from_the_classifier(data):
    X, y = data
    mlp = MLPClassifier(pretraining=clone(ONE).set_params(n_components=6), max_iter=2, tol=1)
    weights = [clone(mlp).set_params(random_state=s).fit(X, y).coefs_[0] for s in (0, 0, 1)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.allclose(weights[0], weights[2])


def test_warm_start_and_partial_fit_pretrain_once(data):
    X, y = data
    mlp = MLPClassifier(pretraining=STACK, warm_start=True, max_iter=2, tol=1, random_state=0)
    first = mlp.fit(X, y).pretraining_
    loss = mlp.loss_
    assert mlp.fit(X, y).pretraining_ is first
    assert mlp.loss_ < loss
    mlp = MLPClassifier(pretraining=STACK, random_state=0).partial_fit(X, y, classes=np.unique(y))
    first = mlp.pretraining_
    assert mlp.partial_fit(X[:50], y[:50]).pretraining_ is first


def test_in_a_pipeline_and_a_grid_search(data):
    X, y = data
    mlp = MLPClassifier(pretraining=STACK, max_iter=2, tol=10, random_state=0)
    grid = {"mlpclassifier__pretraining__autoencoder__weight_decay": [1e-4, 1e-2]}
    search = GridSearchCV(make_pipeline(MinMaxScaler(), mlp), grid, cv=2)
    search.set_callbacks(ProgressBar())
    search.fit(X, y)
    assert search.best_estimator_[-1].pretraining_.transform(X[:3]).shape == (3, 5)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (np.asarray, np.float32),
        (sparse.csr_matrix, np.float64),
        pytest.param(np.asarray, np.float64, marks=pytest.mark.long),
        pytest.param(sparse.csr_matrix, np.float32, marks=pytest.mark.long),  # compiled anew
    ],
)
def test_types_of_rows(dtype, kind, data):
    X, y = data
    mlp = MLPClassifier(pretraining=STACK, max_iter=2, tol=10, random_state=0)
    mlp.fit(kind(X.astype(dtype)), y)
    assert mlp.coefs_[0].dtype == dtype
    assert mlp.predict_proba(kind(X.astype(dtype))).dtype == dtype


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_layer_sizes": (9, 6)}, r"hidden_layer_sizes=\(9, 6\) contradicts.*9, 5 units"),
        ({"hidden_layer_sizes": 9}, "hidden_layer_sizes=9 contradicts"),
        ({"activation": "tanh"}, "activation='tanh' contradicts.*logistic"),
        ({"pretraining": PCA()}, "pretraining must be a SparseAutoencoder.*not PCA"),
        ({"pretraining": FrozenEstimator(PCA())}, "pretraining must be.*not PCA"),
        ({"pretraining": FrozenEstimator(STACK)}, "frozen but not fitted"),
        ({"pretraining": "stack"}, "pretraining"),
    ],
)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_contradictions(Estimator, settings, message, data):
    with pytest.raises((ValueError, TypeError), match=message):
        Estimator(**{"pretraining": STACK, **settings}).fit(*data)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_settings_that_agree_with_pretraining(Estimator, data):
    mlp = Estimator(
        hidden_layer_sizes=[9, 5], activation="logistic", pretraining=STACK, max_iter=2, tol=1e9
    )
    assert mlp.fit(*data).n_layers_ == 4


def test_pretraining_on_another_number_of_features(data, stack):
    X, y = data
    with pytest.raises(ValueError, match="X has 63 features, but pretraining was fitted on 64"):
        MLPClassifier(pretraining=FrozenEstimator(stack)).fit(X[:, 1:], y)
