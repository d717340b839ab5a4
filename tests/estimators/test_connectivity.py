"""Perceptrons with masked layers."""

import pickle

import numpy as np
import pandas as pd
import pytest
import textbook
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from striate import (
    LocalReceptiveFields,
    MLPClassifier,
    MLPRegressor,
    SparseAutoencoder,
    StackedAutoencoder,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FIELDS = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=2)  # 18 units
MASK = FIELDS.mask().toarray()
SECOND = np.random.default_rng(0).random((18, 6)) < 0.5
QUICK = {"max_iter": 4, "random_state": 0}
ESTIMATORS = [MLPClassifier, MLPRegressor]
RATES = {"adam": 0.001, "sgd": 0.05, "lbfgs": 0.1, "gd": 0.1}


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:120] / 16, y[:120]


def with_duplicates(mask):
    """Return a matrix with duplicate, unsorted entries, one pair of which sums to 0."""
    rows, columns = np.nonzero(mask)
    order = np.random.default_rng(1).permutation(2 * len(rows))
    rows, columns = np.tile(rows, 2)[order], np.tile(columns, 2)[order]
    cancelled = np.argwhere(~mask)[0]
    rows, columns = np.append(rows, [cancelled[0]] * 2), np.append(columns, [cancelled[1]] * 2)
    data = np.append(np.ones(len(order)), [1, -1])
    return sparse.coo_array((data, (rows, columns)), shape=mask.shape)


def csr_with_duplicates(mask):
    coo = with_duplicates(mask)
    order = np.argsort(coo.row, kind="stable")
    starts = np.searchsorted(coo.row[order], np.arange(len(mask) + 1))
    return sparse.csr_array((coo.data[order], coo.col[order], starts), shape=mask.shape)


def explicit_zeros(mask):
    full = sparse.csc_array(np.ones(mask.shape))
    full.data[:] = mask.T.ravel()
    return full


FORMS = {
    "numbers": lambda M: M * -2.5,
    "integers": lambda M: M.astype(np.int8),
    "columns first": np.asfortranarray,
    "frame": pd.DataFrame,
    "frame of numbers": lambda M: pd.DataFrame(M.astype(float)),
    "csr_array": sparse.csr_array,
    "csc_array": sparse.csc_array,
    "csr_matrix": sparse.csr_matrix,
    "lil": sparse.lil_array,
    "dok": sparse.dok_array,
    "bsr": lambda M: sparse.bsr_array(M, blocksize=(2, 2)),
    "dia": sparse.dia_array,
    "coo with duplicates": with_duplicates,
    "csr with duplicates": csr_with_duplicates,
    "explicit zeros": explicit_zeros,
    "list": lambda M: [M],
    "list with None": lambda M: [M, None],
    "tuple": lambda M: (sparse.csr_array(M),),
    "fields": lambda M: FIELDS,
    "list of fields": lambda M: [FIELDS, None],
}


@pytest.fixture(scope="module")
def by_mask(data):
    return MLPClassifier(connectivity=MASK, **QUICK).fit(*data)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_mask(form, data, by_mask):
    given = FORMS[form](MASK)
    before = pickle.dumps(given)
    mlp = MLPClassifier(connectivity=given, **QUICK).fit(*data)
    assert pickle.dumps(given) == before
    assert mlp.coefs_[0].nnz == MASK.sum()
    np.testing.assert_array_equal(mlp.coefs_[0].toarray(), by_mask.coefs_[0].toarray())
    np.testing.assert_array_equal(mlp.predict_proba(data[0]), by_mask.predict_proba(data[0]))


# --- what is learned ------------------------------------------------------------------------


def loss_of(mlp, X, Y):
    """Return the loss by the textbook, with W as a dense matrix."""
    W = [w.toarray() if sparse.issparse(w) else w for w in mlp.coefs_]
    hidden = [mlp.activation] * (len(W) - 1)
    loss = "squared_error" if isinstance(mlp, MLPRegressor) else "cross_entropy"
    activations = [*hidden, mlp.out_activation_]
    J, _, _ = textbook.objective(
        W, mlp.intercepts_, activations, loss, X, Y, weight_decay=mlp.alpha / len(X)
    )
    return J + mlp.l1_weight * sum(np.abs(w).sum() for w in W)


@pytest.mark.parametrize("layers", [[FIELDS], [MASK, SECOND], [None, SECOND], [MASK, None, None]])
@pytest.mark.parametrize("solver", RATES)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_every_solver(Estimator, solver, layers, data):
    X, y = data
    sizes = (18, 6) if len(layers) > 1 else (18,)
    mlp = Estimator(
        hidden_layer_sizes=sizes, connectivity=layers, solver=solver, alpha=0.01,
        learning_rate_init=RATES[solver], max_iter=12, random_state=0, activation="tanh",
    ).fit(X, y)  # fmt: skip
    assert mlp.loss_curve_[-1] < mlp.loss_curve_[0]
    for W, given in zip(mlp.coefs_, [*layers, None, None], strict=False):
        assert sparse.issparse(W) == (given is not None)
        if given is not None:
            mask = given.mask().toarray() if given is FIELDS else given
            np.testing.assert_array_equal(W.toarray() != 0, mask)
    Y = y[:, np.newaxis] if Estimator is MLPRegressor else np.eye(10)[y]
    if solver in ("lbfgs", "gd"):
        assert mlp.loss_ == pytest.approx(loss_of(mlp, X, Y), rel=1e-10)
    W = [w.toarray() if sparse.issparse(w) else w for w in mlp.coefs_]
    activations = ["tanh"] * len(sizes) + [mlp.out_activation_]
    output = textbook.forward(W, mlp.intercepts_, activations, X)[1][-1]
    if Estimator is MLPRegressor:
        np.testing.assert_allclose(mlp.predict(X), output.ravel(), rtol=1e-10)
    else:
        np.testing.assert_allclose(mlp.predict_proba(X), output, rtol=1e-10)
        np.testing.assert_array_equal(mlp.predict(X), output.argmax(axis=1))


@pytest.mark.parametrize("solver", RATES)
def test_a_full_mask_trains_like_a_dense_layer(solver, data):
    X, y = data
    mlp = MLPClassifier(
        (20,), connectivity=[np.ones((64, 20)), np.ones((20, 10))], solver=solver, warm_start=True,
        learning_rate_init=RATES[solver], max_iter=1, random_state=0,
    ).fit(X, y)  # fmt: skip
    dense = clone(mlp).set_params(connectivity=None).fit(X, y)
    dense.coefs_ = [W.toarray() for W in mlp.coefs_]
    dense.intercepts_ = [b.copy() for b in mlp.intercepts_]
    for each in (mlp, dense):
        each.set_params(max_iter=5).fit(X, y)
    np.testing.assert_allclose(mlp.predict_proba(X), dense.predict_proba(X), rtol=1e-8)
    np.testing.assert_allclose(mlp.loss_curve_[-5:], dense.loss_curve_[-5:], rtol=1e-9)


def test_no_hidden_layer(data):
    X, y = data
    seen = np.random.default_rng(2).random((64, 10)) < 0.4
    seen[:, 0] = True
    mlp = MLPClassifier((), connectivity=seen, solver="lbfgs", **QUICK).fit(X, y)
    np.testing.assert_array_equal(mlp.coefs_[0].toarray() != 0, seen)
    assert mlp.score(X, y) > 0.6


def test_sizes_follow_from_the_masks(data):
    mlp = MLPClassifier(connectivity=[FIELDS, SECOND], **QUICK).fit(*data)
    assert [W.shape for W in mlp.coefs_] == [(64, 18), (18, 6), (6, 10)]
    mlp = MLPClassifier((100,), connectivity=[np.ones((64, 100)), None], **QUICK).fit(*data)
    assert [W.shape for W in mlp.coefs_] == [(64, 100), (100, 10)]
    mlp = MLPClassifier([9], connectivity=[None, np.ones((9, 10))], **QUICK).fit(*data)
    assert [sparse.issparse(W) for W in mlp.coefs_] == [False, True]
    mlp = MLPClassifier(connectivity=[None, np.ones((100, 10))], **QUICK).fit(*data)
    assert [W.shape for W in mlp.coefs_] == [(64, 100), (100, 10)]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_same_seed_gives_the_same_model(solver, data):
    X, y = np.tile(data[0], (6, 1)), np.tile(data[1], 6)
    mlp = MLPClassifier(
        connectivity=[np.ones((64, 90))], solver=solver, batch_size=600, **QUICK
    )  # fmt: skip
    models = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            models.append(clone(mlp).fit(X, y))
    for one, other in zip(*[model.coefs_ for model in models], strict=True):
        assert one.data.tobytes() == other.data.tobytes()
    assert models[0].loss_curve_ == models[1].loss_curve_
    assert models[0].predict_proba(X).tobytes() == models[1].predict_proba(X).tobytes()
    other = clone(mlp).set_params(random_state=1).fit(X, y)
    assert not np.allclose(other.coefs_[0].data, models[0].coefs_[0].data)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        pytest.param(kind, dtype, marks=pytest.mark.long if dtype == np.float32 else ())
        for kind in (np.asarray, sparse.csr_matrix, sparse.csc_array)
        for dtype in (np.float32, np.float64)  # each is compiled anew
    ],
)
def test_types_of_rows(kind, dtype, data, by_mask):
    X, y = data
    mlp = clone(by_mask).fit(kind(X.astype(dtype)), y)
    assert mlp.coefs_[0].dtype == dtype
    probabilities = mlp.predict_proba(kind(X.astype(dtype)))
    assert probabilities.dtype == dtype
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(probabilities, by_mask.predict_proba(X), rtol=tolerance)
    other = np.float64 if dtype == np.float32 else np.float32
    np.testing.assert_allclose(mlp.predict_proba(X.astype(other)), probabilities, rtol=1e-4)


def test_early_stopping(data):
    X, y = data
    mlp = MLPClassifier(
        connectivity=FIELDS, early_stopping=True, n_iter_no_change=5, max_iter=99,
        learning_rate_init=0.02, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert len(mlp.validation_scores_) == mlp.n_iter_ < 99
    assert mlp.best_validation_score_ == max(mlp.validation_scores_) > 0.3
    assert mlp.coefs_[0].nnz == MASK.sum()


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_rows_without_weight_are_left_out(solver, data):
    X, y = data
    mlp = MLPClassifier(connectivity=FIELDS, solver=solver, max_iter=10, tol=0, random_state=0)
    kept = np.arange(120) < 100
    some = clone(mlp).fit(X, y, sample_weight=kept)
    fewer = clone(mlp).fit(X[kept], y[kept])
    np.testing.assert_allclose(some.coefs_[0].data, fewer.coefs_[0].data, rtol=1e-6, atol=1e-9)


# --- warm start -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", RATES)
def test_warm_start_continues_training(solver, data):
    X, y = data
    mlp = MLPClassifier(connectivity=FIELDS, solver=solver, warm_start=True, **QUICK).fit(X, y)
    first = mlp.loss_
    assert mlp.fit(X, y).loss_ < first
    assert mlp.coefs_[0].nnz == MASK.sum()


def test_warm_start_with_another_mask(data):
    """A fitted layer may have fewer connections than its mask, after `sparsify`."""
    X, y = data
    mlp = MLPClassifier(connectivity=FIELDS, warm_start=True, **QUICK).fit(X, y)
    mlp.coefs_[0].data[:50] = 0
    mlp.sparsify().fit(X, y)
    assert mlp.coefs_[0].nnz == MASK.sum() - 50
    message = "connectivity of layer 0 differs from the fitted one; set warm_start=False to refit"
    for other in (np.roll(MASK, 1, axis=1), LocalReceptiveFields((8, 8), 4, stride=2)):
        with pytest.raises(ValueError, match=message):
            mlp.set_params(connectivity=other).fit(X, y)
    autoencoder = SparseAutoencoder(connectivity=FIELDS, warm_start=True, **QUICK).fit(X)
    with pytest.raises(ValueError, match=message):
        autoencoder.set_params(connectivity=np.roll(MASK, 1, axis=1)).fit(X)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit(solver, Estimator, data):
    X, y = data
    rate = RATES[solver] if Estimator is MLPClassifier else 0.001
    mlp = Estimator(connectivity=FIELDS, solver=solver, learning_rate_init=rate, random_state=0)
    classes = {"classes": np.unique(y)} if Estimator is MLPClassifier else {}
    losses = [mlp.partial_fit(X, y, **classes).loss_ for _ in range(6)]
    assert losses[-1] < losses[0]
    assert mlp.coefs_[0].nnz == MASK.sum()
    mlp.coefs_[0].data[:50] = 0
    mlp.coefs_[-1][:5] = 0
    left = [np.count_nonzero(W.toarray() if sparse.issparse(W) else W) for W in mlp.coefs_]
    before = mlp.predict(X)
    mlp.sparsify()
    assert [W.nnz for W in mlp.coefs_] == left
    np.testing.assert_allclose(mlp.predict(X), before, rtol=1e-10)
    mlp.partial_fit(X, y)
    assert [W.nnz for W in mlp.coefs_] == left
    assert mlp.loss_ < losses[0]
    before = mlp.predict(X)
    mlp.densify()
    assert all(type(W) is np.ndarray for W in mlp.coefs_)
    np.testing.assert_allclose(mlp.predict(X), before, rtol=1e-10)
    mlp.partial_fit(X, y)
    assert np.count_nonzero(mlp.coefs_[0]) > MASK.sum()


def test_sparsify_when_all_weights_are_0(data):
    X, y = data
    mlp = MLPClassifier((5,), l1_weight=100.0, solver="lbfgs", **QUICK).fit(X, y).sparsify()
    assert [W.nnz for W in mlp.coefs_] == [0, 0]
    expected = np.bincount(y, minlength=10) / len(y)
    np.testing.assert_allclose(mlp.predict_proba(X), [expected] * len(X), atol=0.05)
    mlp.set_params(warm_start=True).fit(X, y)
    mlp.set_params(solver="adam").partial_fit(X, y)
    mlp.densify().partial_fit(X, y)


# --- scikit-learn ---------------------------------------------------------------------------


def test_clone_pickle_and_search(data):
    X, y = data
    mlp = MLPClassifier(connectivity=FIELDS, **QUICK)
    search = GridSearchCV(mlp, {"connectivity__n_maps": [1, 2]}, cv=2).fit(X, y)
    chosen = search.best_estimator_
    assert chosen.coefs_[0].nnz == 9 * 16 * chosen.connectivity.n_maps
    again = pickle.loads(pickle.dumps(chosen))
    np.testing.assert_array_equal(again.predict_proba(X), chosen.predict_proba(X))
    assert FIELDS.n_maps == 2
    for given in (MASK, sparse.csr_array(MASK), [MASK, None]):
        mlp = MLPClassifier(connectivity=given, **QUICK)
        assert "connectivity" in repr(clone(mlp))
        clone(mlp.fit(X, y)).fit(X, y)


def test_callbacks(data, capsys):
    monitor = ScoringMonitor(scoring="accuracy")
    for solver in ("adam", "lbfgs"):
        mlp = MLPClassifier(connectivity=FIELDS, solver=solver, **QUICK)
        mlp.set_callbacks(ProgressBar(), monitor).fit(*data)
    assert "MLPClassifier" in capsys.readouterr().out
    assert monitor.get_logs(select="most_recent") is not None


def test_several_labels_per_row(data):
    X, y = data
    labels = np.eye(10, dtype=int)[y] | np.eye(10, dtype=int)[y[::-1]]
    mlp = MLPClassifier(connectivity=FIELDS, **QUICK).fit(X, labels)
    assert mlp.predict(X).shape == labels.shape


def test_names_of_columns(data):
    X, y = data
    frame = pd.DataFrame(X, columns=[f"gene {i}" for i in range(64)])
    pathways = pd.DataFrame(MASK, index=frame.columns, columns=range(18))
    mlp = MLPClassifier(connectivity=pathways, **QUICK).fit(frame, y)
    np.testing.assert_array_equal(mlp.feature_names_in_, frame.columns)
    assert mlp.predict(frame).shape == y.shape
    MLPClassifier(connectivity=pathways, **QUICK).fit(X, y)  # X has no column names
    MLPClassifier(connectivity=pathways.reset_index(drop=True), **QUICK).fit(frame, y)


@pytest.mark.parametrize("Estimator", [*ESTIMATORS, SparseAutoencoder, StackedAutoencoder])
def test_a_frame_whose_rows_are_in_another_order(Estimator, data):
    X, y = data
    frame = pd.DataFrame(X, columns=[f"gene {i}" for i in range(64)])
    pathways = pd.DataFrame(MASK, index=frame.columns)
    message = r"has 'gene 9' in row 2, where X has the column 'gene 2'. Give connectivity.loc\[X.c"
    order = [0, 1, 9, *range(2, 9), *range(10, 64)]
    with pytest.raises(ValueError, match=message):
        Estimator(connectivity=pathways.iloc[order]).fit(frame, y)


@pytest.mark.parametrize(("name", "where", "value"), [("indices", 5, 64), ("indptr", 3, 999)])
def test_a_model_that_was_tampered_with(name, where, value, data):
    X, y = data
    mlp = MLPClassifier(connectivity=FIELDS, warm_start=True, **QUICK).fit(X, y)
    array = getattr(mlp.coefs_[0], name).copy()
    array[where] = value
    setattr(mlp.coefs_[0], name, array)
    uses = [mlp.sparsify, mlp.densify, lambda: mlp.fit(X, y), lambda: mlp.partial_fit(X, y)]
    for use in (lambda: mlp.predict(X), lambda: mlp.predict(sparse.csr_array(X)), *uses):
        with pytest.raises(ValueError, match="indices of a sparse matrix .* do not fit its shape"):
            use()
