"""What is said about the units of a layer, against its definition taken literally."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import (
    MLPClassifier,
    MLPRegressor,
    PatchFeatures,
    SparseAutoencoder,
    UnitInspection,
    inspect_units,
    maximal_inputs,
)
from striate.analysis import unit_inspection as module

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Layer(BaseEstimator):
    """f(X W + b), as a fitted estimator shows it."""

    def __init__(self, W, b=0.0, activation="identity"):
        self.W = np.asarray(W, dtype=np.float64)
        self.b = np.broadcast_to(np.asarray(b, dtype=np.float64), self.W.shape[1:])
        self.activation = activation
        self.n_features_in_ = len(self.W)

    def fit(self, X, y=None):
        return self

    def as_layer(self):
        return self.W, self.b, self.activation


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


@pytest.fixture(scope="module")
def autoencoder(digits):
    return SparseAutoencoder(12, sparsity_weight=0.3, max_iter=20, random_state=0).fit(digits[0])


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def assert_same(one, other, **tolerance):
    for field in dataclasses.fields(UnitInspection):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray) and a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, **tolerance, err_msg=field.name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


# --- what is computed ------------------------------------------------------------------------


def test_against_the_definitions(digits, autoencoder):
    X, _ = digits
    found = inspect_units(autoencoder, X, n_rows=5)
    A = autoencoder.transform(X)
    np.testing.assert_array_equal(found.maximal_inputs, maximal_inputs(autoencoder))
    np.testing.assert_allclose(found.mean_activation, A.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.mean_activation, autoencoder.mean_activation_, rtol=1e-12)
    np.testing.assert_allclose(found.std_activation, A.std(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found.min_activation, A.min(axis=0))
    top = np.argsort(-A, axis=0, kind="stable")[:5].T
    np.testing.assert_array_equal(found.top_rows, top)
    np.testing.assert_array_equal(found.top_activations, np.take_along_axis(A.T, top, axis=1))
    assert found.sparsity_target == autoencoder.sparsity_target
    assert (found.n_units, found.n_samples, found.feature_names) == (12, 300, None)
    assert found.dead_share == found.duplicate_share == 0


# Few different whole numbers: ties, constant units and exact sums in any order.
activations = st.integers(2, 30).flatmap(
    lambda n: st.integers(1, 5).flatmap(
        lambda units: arrays(np.float64, (n, units), elements=st.integers(-3, 3).map(float))
    )
)


@settings(deadline=None, max_examples=60)
@given(activations, st.integers(1, 12), st.integers(1, 40))
def test_blocks_do_not_matter(A, n_rows, block):
    layer = Layer(np.eye(A.shape[1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_ROWS", block)
        found = inspect_units(layer, A, n_rows=n_rows)
    top = np.argsort(-A, axis=0, kind="stable")[:n_rows].T
    np.testing.assert_array_equal(found.top_rows, top)
    np.testing.assert_array_equal(found.top_activations, np.take_along_axis(A.T, top, axis=1))
    np.testing.assert_allclose(found.mean_activation, A.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(found.std_activation, A.std(axis=0), atol=1e-14)
    spread = np.ptp(A, axis=0)
    np.testing.assert_array_equal(found.dead, spread <= 0.01 * spread.max())
    np.testing.assert_array_equal(found.std_activation[spread == 0], 0)
    assert list(found.duplicate_of) == duplicates(A, found.dead)


def duplicates(A, dead):
    """By pairs, one after the other."""
    found = []
    for unit in range(A.shape[1]):
        alike = {
            other: abs(np.corrcoef(A[:, unit], A[:, other])[0, 1])
            for other in range(unit)
            if found[other] < 0 and not dead[unit] and not dead[other]
        }
        best = max(alike, key=lambda other: round(alike[other], 12), default=-1)
        found.append(best if alike.get(best, 0) > 0.99 else -1)
    return found


def test_correlations_far_from_zero_are_exact():
    # With sums of squares that are not centred, float64 would have no digit left.
    a, noise_ = noise(2, 5000)
    A = 1e8 + np.column_stack([a, a + 0.05 * noise_, a + 0.5 * noise_])
    found = inspect_units(Layer(np.eye(3)), A)
    assert list(found.duplicate_of) == [-1, 0, -1]
    np.testing.assert_allclose(found.std_activation, A.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, np.asfortranarray])
def test_sparse_equals_dense(digits, autoencoder, kind, dtype):
    X = digits[0].astype(dtype)
    assert_same(
        inspect_units(autoencoder, kind(X)),
        inspect_units(autoencoder, X),
        rtol=1e-5 if dtype == np.float32 else 1e-12,
    )


def test_more_rows_are_asked_for_than_there_are():
    found = inspect_units(Layer(np.eye(2)), [[1.0, 3.0], [2.0, 0.0]], n_rows=9)
    np.testing.assert_array_equal(found.top_rows, [[1, 0], [0, 1]])


def test_memory_is_that_of_a_block():
    X = noise(30_000, 4)
    layer = Layer(noise(4, 60), 0, "logistic")
    inspect_units(layer, X[:5000])
    tracemalloc.start()
    inspect_units(layer, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000 * 60 * 8  # what the activations of all rows would take


# --- dead and duplicate units ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "silent", "stuck"),
    [("logistic", -40.0, 40.0), ("tanh", -40.0, 40.0), ("relu", -1e3, None)],
)
def test_planted_dead_units(activation, silent, stuck):
    W, b = noise(10, 6), np.zeros(6)
    b[1] = silent
    b[4] = 0 if stuck is None else stuck
    W[:, 4] *= 1e-4 if stuck is None else 1
    found = inspect_units(Layer(W, b, activation), noise(500, 10))
    np.testing.assert_array_equal(np.flatnonzero(found.dead), [1, 4])
    assert found.dead_share == pytest.approx(1 / 3)
    assert not found.duplicate.any()


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_a_layer_that_died_as_a_whole(activation):
    found = inspect_units(Layer(np.zeros((10, 3)), 0.3, activation), noise(50, 10))
    assert found.dead_share == 1
    assert found.duplicate_share == 0


def test_all_units_hardly_varying_are_all_dead_where_the_range_is_known():
    found = inspect_units(Layer(1e-4 * noise(10, 3), 0, "logistic"), noise(50, 10))
    assert found.dead.all()


def test_a_unit_for_one_row_in_a_thousand_is_alive():
    A = np.zeros((1000, 2))
    A[500, 0], A[:, 1] = 1, noise(1000) > 0
    assert not inspect_units(Layer(np.eye(2), 0, "relu"), A).dead.any()


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_planted_duplicates(activation):
    W = noise(10, 7)
    W[:, 3] = W[:, 1]
    W[:, 5] = W[:, 1] + 1e-3 * W[:, 0]
    W[:, 6] = -W[:, 2]
    found = inspect_units(Layer(W, 0, activation), noise(2000, 10))
    opposite = -1 if activation == "relu" else 2  # of two rectified halves neither gives the other
    assert list(found.duplicate_of) == [-1, -1, -1, 1, -1, 1, opposite]
    assert found.duplicate_share == pytest.approx((2 + (opposite == 2)) / 7)


def test_a_duplicate_refers_to_the_nearest_that_is_none():
    a, b, c = noise(3, 4000)
    # Neighbours correlate at 0.994, the ends at 0.976: the middle one repeats the first.
    A = np.column_stack([a, a + 0.11 * b, a + 0.22 * b, a + 0.01 * c])
    assert list(inspect_units(Layer(np.eye(4)), A).duplicate_of) == [-1, 0, -1, 0]


# --- which estimators ------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, SklearnMLPClassifier])
def test_first_layer_of_perceptrons(digits, kind, activation):
    X, y = digits
    model = kind(hidden_layer_sizes=(6, 4), activation=activation, tol=1.0, random_state=0).fit(
        X, y
    )
    found = inspect_units(model, X)
    f = {
        "logistic": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: np.maximum(z, 0),
        "identity": lambda z: z,
    }[activation]
    A = f(X @ model.coefs_[0] + model.intercepts_[0])
    np.testing.assert_allclose(found.mean_activation, A.mean(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(found.maximal_inputs, maximal_inputs(model.coefs_[0].T))
    assert found.sparsity_target is None


def test_perceptron_without_hidden_layer(digits):
    X, y = digits
    model = MLPClassifier([], tol=1.0, random_state=0).fit(X, y)
    found = inspect_units(model, X)
    np.testing.assert_allclose(found.mean_activation, model.predict_proba(X).mean(axis=0))


def test_anything_with_components_that_transforms(digits):
    X, _ = digits
    for model in (PCA(3).fit(X), NMF(3, tol=0.1).fit(X), FrozenEstimator(PCA(3).fit(X))):
        found = inspect_units(model, X)
        A = model.transform(X)
        np.testing.assert_allclose(found.mean_activation, A.mean(axis=0), atol=1e-8)
        np.testing.assert_array_equal(found.top_rows[:, 0], A.argmax(axis=0))


def test_named_features(digits):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(digits[0], columns=[f"pixel {j}" for j in range(64)])
    for model in (PCA(3), SparseAutoencoder(3, max_iter=5, random_state=0)):
        found = inspect_units(model.fit(X), X)
        np.testing.assert_array_equal(found.feature_names, X.columns)


def test_stack_of_autoencoders(digits, autoencoder):
    class Stack(Layer):
        autoencoders_ = (autoencoder, None)

    assert_same(inspect_units(Stack(np.eye(1)), digits[0]), inspect_units(autoencoder, digits[0]))


def test_encoder_of_patches():
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16), dtype=np.uint8)
    encoder = SparseAutoencoder(4, max_iter=5, random_state=0)
    features = PatchFeatures(encoder, patch_size=4, n_patches=300, random_state=0).fit(images)
    patches = features.sample_patches(images, 300, random_state=0)
    # The same draw as in fit: what the encoder was trained on.
    found = inspect_units(features.encoder_, patches)
    np.testing.assert_allclose(found.mean_activation, features.encoder_.mean_activation_, rtol=1e-4)
    with pytest.raises(ValueError, match="Pass its encoder_ and the patches"):
        inspect_units(features, patches)
    with pytest.raises(ValueError, match="n_patches == 0, must be >= 1"):
        features.sample_patches(images, 0)
    with pytest.raises(ValueError, match="has 3 channels"):
        features.sample_patches(np.zeros((2, 8, 8, 3)))


# --- as a table and as text ------------------------------------------------------------------


def test_table(digits, autoencoder):
    found = inspect_units(autoencoder, digits[0])
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(found.table())
    assert len(table) == 12
    np.testing.assert_array_equal(table["target"], 0.05)
    np.testing.assert_array_equal(table["max_activation"], found.top_activations[:, 0])
    np.testing.assert_array_equal(table["top_row"], found.top_rows[:, 0])
    unbound = inspect_units(PCA(2).fit(digits[0]), digits[0])
    assert np.isnan(unbound.table()["target"]).all()


def test_summary():
    W = np.eye(4)
    W[:, 1], W[:, 3] = 0, W[:, 0]
    A = np.tile([[1.0, 0, 4, 0], [0, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]], (3, 1))
    text = str(inspect_units(Layer(W), A))
    assert text == repr(inspect_units(Layer(W), A))
    assert text.splitlines() == [
        "4 units over 12 rows",
        "dead             1 (25%)",
        "duplicates       1 (25%)",
        "mean activation  0.75, from 0 to 1 by unit",
        "",
        "  unit      mean       std       max   top row",
        "     0         1      1.22         3         2",
        "     2         1      1.73         4         0",
        "     3         1      1.22         3         2   duplicate of 0",
        "     1         0         0         0         0   dead",
    ]


def test_summary_counts_what_it_does_not_list(digits, autoencoder):
    text = str(inspect_units(autoencoder, digits[0]))
    assert "target 0.05" in text
    assert text.endswith("and 2 less active units: see table()")


# --- bad input -------------------------------------------------------------------------------


def test_not_fitted(digits):
    for model in (SparseAutoencoder(), MLPClassifier(), PCA(), make_pipeline(PCA())):
        with pytest.raises(NotFittedError):
            inspect_units(model, digits[0])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((5, 63)), "X has 63 features, but SparseAutoencoder is expecting 64"),
        (np.full((5, 64), np.nan), "Input X contains NaN"),
        (np.full((5, 64), np.inf), "Input X contains infinity"),
        (np.zeros((0, 64)), r"Found array with 0 sample\(s\)"),
        (np.zeros((1, 64)), r"1 sample\(s\) .* while a minimum of 2 is required"),
        (np.zeros(64), "Expected 2D array, got 1D"),
        (sparse.csr_array(np.full((5, 64), np.nan)), "Input X contains NaN"),
    ],
)
def test_unusable_rows(autoencoder, X, message):
    with pytest.raises(ValueError, match=message):
        inspect_units(autoencoder, X)


@pytest.mark.parametrize("n_rows", [0, -1, 2.5, "all"])
def test_unusable_number_of_rows(digits, autoencoder, n_rows):
    with pytest.raises(ValueError, match="'n_rows' parameter"):
        inspect_units(autoencoder, digits[0], n_rows=n_rows)


def test_estimators_without_a_layer_of_their_own(digits):
    X, _ = digits
    pipeline = make_pipeline(StandardScaler(), PCA(3)).fit(X)
    with pytest.raises(ValueError, match=r"Pipeline has no first layer.*pipeline\[-1\]"):
        inspect_units(pipeline, X)
    search = GridSearchCV(PCA(), {"n_components": [2]}, cv=2).fit(X)
    with pytest.raises(ValueError, match="Pass its best_estimator_"):
        inspect_units(search, X)
    with pytest.raises(ValueError, match="StandardScaler has no first layer .* Pass a Sparse"):
        inspect_units(StandardScaler().fit(X), X)
    with pytest.raises(TypeError, match="not an estimator"):
        inspect_units(X, X)
