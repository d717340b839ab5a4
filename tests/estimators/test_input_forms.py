"""The same numbers in another form: byte order, index dtype, duplicate entries, types of sizes."""

import numpy as np
import pytest
from all_pairs import short_first
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris

from striate import (
    DictionaryEncoder,
    LinearClassifier,
    LocalReceptiveFields,
    MLPClassifier,
    MLPRegressor,
    PatchScaler,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
    ZCAWhitening,
    inspect_units,
)

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
MASK = np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]])
AUTOENCODER = SparseAutoencoder(3, max_iter=3, random_state=0)
SPARSE_ALLOWED = [
    *(
        Estimator(hidden_layer_sizes=(4,), solver=solver, max_iter=3, random_state=0)
        for Estimator in (MLPClassifier, MLPRegressor)
        for solver in ("adam", "sgd", "gd", "lbfgs")
    ),
    MLPClassifier(connectivity=MASK, max_iter=3, random_state=0),
    *(clone(AUTOENCODER).set_params(solver=solver) for solver in ("lbfgs", "adam", "gd")),
    StackedAutoencoder((3, 2), autoencoder=AUTOENCODER, random_state=0),
    SelfTaughtClassifier(AUTOENCODER, LinearClassifier(alphas=0.1)),
]
DENSE_ONLY = [
    LinearClassifier("log_loss", alphas=0.1),
    ZCAWhitening(),
    PatchScaler(),
    DictionaryEncoder(5, random_state=0),
    DictionaryEncoder(5, dictionary="omp1", encoding="soft_threshold", random_state=0),
]
# Each is compiled anew.
LONG = [
    MLPRegressor(connectivity=[MASK, None], solver="lbfgs", max_iter=3, random_state=0),
    clone(AUTOENCODER).set_params(noise=0.1),
    clone(AUTOENCODER).set_params(connectivity=MASK),
]
of_sparse = pytest.mark.parametrize(
    "estimator",
    SPARSE_ALLOWED + [pytest.param(each, marks=pytest.mark.long) for each in LONG],
    ids=lambda each: repr(each)[:60],
)


def with_duplicates(dense):
    """Each number as two entries of half of it, in a row in no order: a bag of words."""
    n, d = dense.shape
    values = np.repeat(dense[:, ::-1] / 2, 2, axis=1).ravel()
    columns = np.tile(np.repeat(np.arange(d)[::-1], 2), n)
    return sparse.csr_array((values, columns, np.arange(n + 1) * 2 * d), shape=dense.shape)


def outputs(fitted, data):
    """What a fitted estimator computes from data."""
    methods = ("predict_proba", "predict", "decision_function", "transform", "score_samples")
    found = [getattr(fitted, name)(data) for name in methods if hasattr(fitted, name)]
    if isinstance(fitted, SparseAutoencoder):
        found += [fitted.reconstruction_error(data), inspect_units(fitted, data).std_activation]
    return found


def assert_same(estimator, data, expected_of):
    """Fit and use an estimator on data and on what it stands for, in every combination."""
    expected = clone(estimator).fit(expected_of, Y)
    fitted = clone(estimator).fit(data, Y)
    for model in (fitted, expected):
        found = outputs(model, data)
        for one, other in zip(found, outputs(expected, expected_of), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


@of_sparse
def test_duplicate_entries_of_a_sparse_matrix_are_added_and_the_matrix_is_kept(estimator):
    given = with_duplicates(X)
    before = given.copy()
    assert_same(estimator, given, sparse.csr_array(X))
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(given, name), getattr(before, name))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_kinds_of_sparse_matrices_and_of_their_indices(kind, index):
    given = kind(with_duplicates(X).tocoo())
    for name in {"indices", "indptr"} & vars(given).keys():
        setattr(given, name, getattr(given, name).astype(index))
    if given.format == "coo":
        given.coords = tuple(each.astype(index) for each in given.coords)
        given = given.tocsr()
    for estimator in (SPARSE_ALLOWED[0], SPARSE_ALLOWED[8], AUTOENCODER):
        assert_same(estimator, given, sparse.csr_array(X))


def test_a_sorted_flag_that_lies_is_not_believed():
    given = with_duplicates(X)
    given.has_sorted_indices = given.has_canonical_format = True
    assert_same(AUTOENCODER, given, sparse.csr_array(X))


def test_indices_out_of_bounds_are_refused():
    given = sparse.csr_array(X)
    given.indices[3] = 10**6
    for estimator in (SPARSE_ALLOWED[0], AUTOENCODER):
        with pytest.raises(ValueError, match="do not fit its shape"):
            clone(estimator).fit(given, Y)


@pytest.mark.parametrize(
    ("estimator", "dtype"),
    [
        *((each, np.float64) for each in SPARSE_ALLOWED + DENSE_ONLY),
        *((each, np.float32) for each in SPARSE_ALLOWED[:8] + DENSE_ONLY),
        *(pytest.param(each, np.float64, marks=pytest.mark.long) for each in LONG),
        *(
            pytest.param(each, np.float32, marks=pytest.mark.long)
            for each in SPARSE_ALLOWED[8:] + LONG
        ),
    ],
)
def test_numbers_in_the_other_byte_order(estimator, dtype):
    native = X.astype(dtype)
    swapped = native.astype(native.dtype.newbyteorder())
    assert_same(estimator, swapped, native)


@pytest.mark.parametrize("dtype", short_first([np.float64, np.float32]))  # compiled anew
@pytest.mark.parametrize("estimator", SPARSE_ALLOWED[::4], ids=lambda each: repr(each)[:60])
def test_sparse_numbers_in_the_other_byte_order(estimator, dtype):
    native = sparse.csr_array(X.astype(dtype))
    swapped = native.copy()
    swapped.data = native.data.astype(native.data.dtype.newbyteorder())
    assert_same(estimator, swapped, native)


def test_targets_weights_and_masks_in_the_other_byte_order():
    weights, mlp = np.linspace(1, 2, len(X)), MLPClassifier(max_iter=3, random_state=0)
    mlp.set_params(connectivity=MASK)
    expected = clone(mlp).fit(X, Y, weights)
    mlp.set_params(connectivity=MASK.astype(">i4"))
    found = mlp.fit(X, Y.astype(">i4"), weights.astype(">f8"))
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    regressor = MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0)
    expected = clone(regressor).fit(X, X[:, 0])
    found = regressor.fit(X, X[:, 0].astype(">f8"))
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


def test_weights_in_the_other_byte_order_of_a_model_from_elsewhere():
    model = clone(AUTOENCODER).fit(X)
    expected = model.transform(X)
    model.components_ = model.components_.astype(">f8")
    model.intercept_ = model.intercept_.astype(">f8")
    np.testing.assert_array_equal(model.transform(X), expected)


# --- sizes of layers -----------------------------------------------------------------------


def sizes_of(estimator):
    fitted = clone(estimator).fit(X, Y)
    if isinstance(fitted, StackedAutoencoder):
        return [len(each.intercept_) for each in fitted.autoencoders_]
    return [len(b) for b in fitted.intercepts_[:-1]]


STACK = StackedAutoencoder(autoencoder=AUTOENCODER, random_state=0)
of_layers = pytest.mark.parametrize(
    "estimator", [MLPClassifier(max_iter=2), MLPRegressor(max_iter=2), STACK]
)


@of_layers
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array(5), [5]),
        (np.array([5, 4], dtype=np.uint8), [5, 4]),
        ((np.int16(5), 4.0), [5, 4]),
        (np.array([5.0]), [5]),
        ([5], [5]),
    ],
)
def test_whole_numbers_of_any_type_are_sizes(estimator, given, expected):
    assert sizes_of(clone(estimator).set_params(hidden_layer_sizes=given)) == expected


@of_layers
@pytest.mark.parametrize(
    "given", [[[20]], (20, None), (20.5,), ("a",), (True,), [[3], [4, 5]], (np.nan,), np.array(2.5)]
)
def test_other_sizes_are_refused_in_one_message(estimator, given):
    with pytest.raises(ValueError, match=r"hidden_layer_sizes must be > 0 and whole: one number"):
        clone(estimator).set_params(hidden_layer_sizes=given).fit(X, Y)


def test_sizes_agree_with_a_mask_in_any_type():
    fields = LocalReceptiveFields((2, 2), 1, n_maps=2)
    mlp = MLPClassifier(np.array([8.0]), connectivity=fields, max_iter=2)
    assert sizes_of(mlp) == [8]
