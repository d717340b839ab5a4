"""The autoencoder as an outlier detector: scikit-learn's conventions, and what can be proved."""

import pickle

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import chi2
from sklearn.base import clone, is_outlier_detector
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_outliers_fit_predict, check_outliers_train

from striate import RowBlocks, SparseAutoencoder
from striate.estimators.outlier_detection import outlier_offset
from striate.persistence import load, save

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"n_components": 4, "max_iter": 8, "random_state": 0}
SHARES = st.floats(1e-6, 0.5)


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:200] / 16


@pytest.fixture(scope="module")
def fitted(X):
    return SparseAutoencoder(**QUICK).fit(X)


# With contamination="auto" they are among all checks, in test_sparse_autoencoder.py.
@pytest.mark.parametrize("check", [check_outliers_train, check_outliers_fit_predict])
def test_scikit_learn_with_a_share(check):
    check("SparseAutoencoder", SparseAutoencoder(**QUICK, contamination=0.1))


def test_it_is_an_outlier_detector_as_isolation_forests_are(fitted, X):
    forest = IsolationForest(n_estimators=5, random_state=0).fit(X)
    for each in (fitted, forest):
        assert is_outlier_detector(each)
        scores, decisions = each.score_samples(X), each.decision_function(X)
        np.testing.assert_allclose(decisions, scores - each.offset_)
        np.testing.assert_array_equal(each.predict(X), np.where(decisions < 0, -1, 1))
        assert each.predict(X).dtype.kind == "i"
        np.testing.assert_array_equal(clone(each).fit_predict(X), each.predict(X))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.33, 0.5])
@pytest.mark.parametrize("kind", ["dense", "float32", "sparse", "blocks"])
def test_contamination_is_the_share_of_training_rows_that_are_outliers(kind, share, X):
    given = {
        "dense": lambda: X,
        "float32": lambda: X.astype(np.float32),
        "sparse": lambda: sparse.csr_array(X),
        "blocks": lambda: RowBlocks(X, block_rows=33),
    }[kind]()
    predicted = SparseAutoencoder(**QUICK, contamination=share).fit_predict(given)
    assert abs(np.mean(predicted == -1) - share) < 1 / len(X)


def test_the_training_does_not_depend_on_contamination(fitted, X):
    other = SparseAutoencoder(**QUICK, contamination=0.2).fit(X)
    assert other.components_.tobytes() == fitted.components_.tobytes()
    assert other.loss_ == fitted.loss_
    assert other.offset_ > fitted.offset_


@pytest.mark.parametrize("share", [0, 0.51, 1, -0.1, "all", np.nan, None])
def test_shares_beyond_one_half_are_refused(share, X):
    with pytest.raises(ValueError, match="contamination"):
        SparseAutoencoder(**QUICK, contamination=share).fit(X)


@pytest.mark.parametrize("degrees", [1, 2, 5, 64, 1000])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_one_in_a_hundred_usual_rows_is_beyond_the_automatic_threshold(degrees, scale):
    """Exactly, by quantiles of χ², whose tail is known, instead of random numbers."""
    errors = scale * chi2.ppf((np.arange(20_000) + 0.5) / 20_000, degrees)
    assert 0.007 < np.mean(-errors < outlier_offset(-errors)) < 0.013


def test_the_automatic_threshold_holds_with_a_fifth_of_outliers():
    usual = chi2.ppf((np.arange(8000) + 0.5) / 8000, 10)
    errors = np.concatenate([usual, np.full(2000, 1e4)])
    outliers = -errors < outlier_offset(-errors)
    assert outliers[8000:].all()
    assert outliers[:8000].mean() < 0.013


@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=40), st.one_of(st.just("auto"), SHARES))
def test_an_offset_never_makes_most_rows_outliers(errors, contamination):
    scores = -np.array(errors)
    offset = outlier_offset(scores, contamination)
    assert np.isfinite(offset)
    assert np.mean(scores < offset) <= 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.3, 1e-20, 1e17])
def test_equal_rows_are_inliers(value, dtype):
    """Rounding must not decide: all errors are the same."""
    errors = np.full(7, value, dtype=dtype)
    for contamination in ("auto", 0.1, 0.5):
        assert not (-errors < outlier_offset(-errors, contamination)).any()


def test_errors_beyond_all_numbers_are_outliers():
    scores = -np.append(np.arange(1, 200), np.inf).astype(np.float32)
    assert (scores < outlier_offset(scores))[-1]


@pytest.fixture(scope="module", params=["logistic", "tanh"])
def bounded(request, X):
    return SparseAutoencoder(**QUICK, activation=request.param).fit(X)


@given(seed=st.integers(0, 2**32 - 1), beyond=st.floats(1.001, 1e6))
@settings(max_examples=30, deadline=None)
def test_far_rows_are_outliers_with_bounded_units(bounded, seed, beyond):
    """‖x̂‖ ≤ R = ‖b′‖ + ‖W′‖ √k, so that ‖x̂ − x‖ ≥ ‖x‖ − R; see docs/outliers.md."""
    model = bounded
    R = np.linalg.norm(model.decoder_intercept_) + np.sqrt(4) * np.linalg.norm(
        model.decoder_components_, 2
    )
    radius = R + np.sqrt(-2 * model.offset_)
    x = np.random.default_rng(seed).normal(size=(1, 64))
    x *= beyond * radius / np.linalg.norm(x)
    assert np.linalg.norm(model.inverse_transform(model.transform(x))) <= R * (1 + 1e-12)
    assert model.predict(x) == [-1]


def test_far_rows_may_be_inliers_with_units_that_are_not_bounded():
    """A line through 0 is reproduced by two relu units, however far: nothing was learned of it."""
    X = np.linspace(-1, 1, 101)[:, np.newaxis] * [1.0, 2.0]
    model = SparseAutoencoder(
        2, activation="relu", sparsity_weight=0, weight_decay=0, max_iter=500, tol=0, random_state=3
    ).fit(X)
    model.components_ = np.array([[1.0, 0], [-1.0, 0]])
    model.decoder_components_ = np.array([[1.0, 2], [-1.0, -2]])
    model.intercept_, model.decoder_intercept_ = np.zeros(2), np.zeros(2)
    assert model.predict(1e3 * X[:1]) == [1]


def test_what_was_tampered_with_is_found(X):
    model = make_pipeline(
        StandardScaler(), SparseAutoencoder(20, sparsity_weight=0, tol=1e-3, random_state=0)
    ).fit(X)
    strange = X[:20].copy()
    strange[np.arange(20), np.arange(20) + 20] += 3
    assert np.mean(model.predict(strange) == -1) > 0.9
    assert np.mean(model.predict(X) == -1) < 0.1
    errors = model[-1].reconstruction_error(model[0].transform(strange))
    assert np.mean(errors.argmax(axis=1) == np.arange(20) + 20) > 0.7


def test_partial_fit_sets_the_offset_by_its_rows(X):
    model = SparseAutoencoder(**QUICK, solver="adam", contamination=0.25)
    for rows in (X[:100], X[100:]):
        model.partial_fit(rows)
        assert np.mean(model.predict(rows) == -1) == 0.25


def test_a_model_without_offset_says_what_to_do(fitted, X, tmp_path):
    """As files of earlier versions hold it: without the parameter, and without the attribute."""
    older = clone(fitted).fit(X)
    del older.offset_, older.contamination
    (tmp_path / "older.skops").write_bytes(skops.io.dumps(older))
    for again in (pickle.loads(pickle.dumps(older)), load(tmp_path / "older.skops")):
        np.testing.assert_array_equal(again.transform(X), fitted.transform(X))
        assert again.contamination == "auto"
        with pytest.raises(ValueError, match="no offset_.*earlier version.*fit it again"):
            again.predict(X)
        again.offset_ = fitted.offset_
        np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_a_file_keeps_the_offset(X, tmp_path):
    model = SparseAutoencoder(**QUICK, contamination=0.2).fit(X)
    save(model, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    assert (again.offset_, again.contamination) == (model.offset_, 0.2)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_not_fitted(X):
    for method in ("predict", "decision_function", "score_samples"):
        with pytest.raises(NotFittedError):
            getattr(SparseAutoencoder(), method)(X)
