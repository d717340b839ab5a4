"""Estimators on rows that are read by blocks, and on arrays of other libraries."""

import numpy as np
import pytest
from same_bits import assert_same_bits
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils import shuffle
from threadpoolctl import threadpool_limits

from striate import (
    Checkpoint,
    DictionaryEncoder,
    KernelClassifier,
    LinearClassifier,
    MLPClassifier,
    MLPRegressor,
    RowBlocks,
    SparseAutoencoder,
    StackedAutoencoder,
    WhitenedComponents,
    ZCAWhitening,
)
from striate.core import row_blocks

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X, Y = shuffle(X[:400] / 16, Y[:400], random_state=0)
AUTOENCODER = SparseAutoencoder(6, max_iter=5, random_state=0)
# Those that sum over all rows: the same as in memory but for rounding.
SUMS = [
    MLPClassifier((8,), solver="lbfgs", max_iter=8, random_state=0),
    MLPClassifier((8,), solver="gd", max_iter=8, class_weight="balanced", random_state=0),
    MLPRegressor(
        hidden_layer_sizes=(8,),
        solver="lbfgs",
        max_iter=8,
        output_activation="logistic",
        random_state=0,
    ),
    AUTOENCODER,
    clone(AUTOENCODER).set_params(noise=0.2, tied_weights=True),
    StackedAutoencoder((6, 3), autoencoder=AUTOENCODER, random_state=0),
    LinearClassifier(random_state=0),
    LinearClassifier("log_loss", alphas=(0.01, 1), validation_folds=3, random_state=0),
    LinearClassifier("squared_hinge", alphas=0.1, class_weight="balanced"),
    ZCAWhitening(),
    DictionaryEncoder(10, dictionary="omp1", random_state=0),
    DictionaryEncoder(10, dictionary="patches", encoding="soft_threshold", random_state=0),
]
# Those that take minibatches, in another order than in memory.
EPOCHS = [
    MLPClassifier((8,), max_iter=5, random_state=0),
    MLPClassifier((8,), max_iter=5, early_stopping=True, dropout=0.1, random_state=0),
    MLPRegressor(hidden_layer_sizes=(8,), solver="sgd", max_iter=5, shuffle=False, random_state=0),
    MLPClassifier(max_iter=3, pretraining=AUTOENCODER, random_state=0),
    clone(AUTOENCODER).set_params(solver="adam", noise=0.1),
]
of_sums = pytest.mark.parametrize("estimator", SUMS, ids=lambda each: repr(each)[:60])
of_epochs = pytest.mark.parametrize("estimator", EPOCHS, ids=lambda each: repr(each)[:60])
METHODS = ("predict_proba", "predict", "decision_function", "transform", "score_samples",
           "reconstruction_error")  # fmt: skip


def blocks(data, **sizes):
    return RowBlocks(data, **{"block_rows": 37, "buffer_rows": 150, **sizes})


def outputs(fitted, data):
    return [getattr(fitted, name)(data) for name in METHODS if hasattr(fitted, name)]


@of_sums
def test_sums_over_blocks_give_the_model_of_all_rows(estimator):
    expected = clone(estimator).fit(X, Y)
    found = clone(estimator).fit(blocks(X), Y)
    for one, other in zip(outputs(found, X), outputs(expected, X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert one.dtype == other.dtype
    assert found.n_features_in_ == 64


@of_sums
def test_outputs_for_blocks_are_those_for_all_rows(estimator):
    fitted = clone(estimator).fit(X, Y)
    for one, other in zip(outputs(fitted, blocks(X)), outputs(fitted, X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@of_epochs
def test_epochs_over_blocks_learn_and_are_the_same_for_any_number_of_threads(estimator):
    fits = []
    for n_threads in (1, 3):
        with threadpool_limits(n_threads):
            fits.append(clone(estimator).fit(blocks(X), Y))
    assert_same_bits(*fits)
    assert fits[0].loss_curve_[-1] < fits[0].loss_curve_[0]
    other = clone(estimator).set_params(random_state=1).fit(blocks(X), Y)
    assert other.loss_curve_ != fits[0].loss_curve_


def test_shuffled_blocks_learn_as_well_as_shuffled_rows():
    """Rows sorted by class, read in blocks of one class each: the order of blocks mixes them."""
    order = np.argsort(Y, kind="stable")
    mlp = MLPClassifier((30,), max_iter=60, batch_size=20, random_state=0)
    in_memory = clone(mlp).fit(X[order], Y[order])
    by_blocks = clone(mlp).fit(blocks(X[order], block_rows=10, buffer_rows=200), Y[order])
    assert in_memory.score(X, Y) > 0.99
    assert by_blocks.score(X, Y) > 0.99


@pytest.mark.parametrize("estimator", [SUMS[0], SUMS[3], EPOCHS[0]], ids=lambda e: repr(e)[:60])
def test_sparse_blocks(estimator):
    data = np.where(X > 0.3, X, 0)
    fits = [
        clone(estimator).fit(each, Y) for each in (blocks(data), blocks(sparse.csr_array(data)))
    ]
    for one, other in zip(*(outputs(each, data) for each in fits), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("by_blocks", [False, True])
def test_sample_weights_and_validation_rows(by_blocks):
    rows = blocks if by_blocks else np.asarray
    weights = np.where(Y < 5, 1.0, 0.0)
    mlp = MLPClassifier((30,), max_iter=30, batch_size=20, random_state=0)
    mlp.fit(
        rows(X), Y, weights, X_val=rows(X[:100]), y_val=Y[:100], sample_weight_val=weights[:100]
    )
    assert mlp.validation_scores_[-1] > 0.9
    assert (mlp.predict(X) < 5).all()


def test_held_out_rows_that_do_not_fit_in_memory_are_read_by_blocks(monkeypatch):
    mlp = MLPClassifier((8,), max_iter=5, early_stopping=True, random_state=0)
    expected = clone(mlp).fit(blocks(X), Y)
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 0)
    found = clone(mlp).fit(blocks(X), Y)
    np.testing.assert_allclose(
        found.validation_loss_curve_, expected.validation_loss_curve_, rtol=1e-12
    )


def test_partial_fit_of_blocks():
    mlp = MLPClassifier((30,), batch_size=20, random_state=0)
    autoencoder = clone(EPOCHS[-1])
    for _ in range(20):
        mlp.partial_fit(blocks(X), Y, classes=range(10))
        autoencoder.partial_fit(blocks(X))
    assert mlp.score(blocks(X), Y) > 0.9
    assert autoencoder.n_iter_ == 1


@pytest.mark.parametrize("max_iter", [3, 6])
def test_an_interrupted_training_on_blocks_continues(tmp_path, max_iter):
    mlp = MLPClassifier((8,), max_iter=6, early_stopping=True, random_state=0)
    expected = clone(mlp).fit(blocks(X), Y)
    for n in (3, 6):
        found = clone(mlp).set_params(max_iter=n)
        found.set_callbacks(Checkpoint(tmp_path / "run.skops"))
        found.fit(blocks(X), Y)
    found.set_callbacks()
    assert_same_bits(found, expected)
    found.set_callbacks(Checkpoint(tmp_path / "run.skops"))
    other = X.copy()
    other[-1, -1] += 1
    with pytest.raises(ValueError, match="X was blocks of float64"):
        found.fit(blocks(other), Y)


def test_a_fit_is_undone_when_a_late_block_has_nan():
    wrong = X.copy()
    wrong[390, 3] = np.nan
    mlp = MLPClassifier((8,), solver="lbfgs", max_iter=3, random_state=0).fit(X, Y)
    before = mlp.coefs_[0].copy()
    with pytest.raises(ValueError, match="NaN or infinity in row 390, column 3"):
        mlp.fit(blocks(wrong), Y)
    np.testing.assert_array_equal(mlp.coefs_[0], before)
    for estimator in (ZCAWhitening(), LinearClassifier(alphas=1), EPOCHS[0], AUTOENCODER):
        with pytest.raises(ValueError, match="row 390"):
            clone(estimator).fit(blocks(wrong), Y)


def test_what_is_wrong_with_shapes_is_said_before_anything_is_read():
    class Unread:
        shape, dtype = (40, 3), np.dtype(float)

        def __getitem__(self, rows):
            raise AssertionError("was read")

    rows, mlp = RowBlocks(Unread()), MLPClassifier()
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[40, 39\]"):
        mlp.fit(rows, np.arange(39) % 2)
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor().fit(rows, np.full(40, np.nan))
    fitted = MLPClassifier((3,), max_iter=1).fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 64"):
        fitted.predict(rows)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        mlp.fit(RowBlocks(X[:0]), Y[:0])


def test_values_outside_the_range_of_the_output_are_named():
    autoencoder = clone(AUTOENCODER).set_params(output_activation="logistic")
    with pytest.raises(ValueError, match="values from 0 to 1, but X has values from 0 to 2"):
        autoencoder.fit(blocks(2 * X))


def test_estimators_without_blocks_load_them():
    found, expected = (KernelClassifier().fit(each, Y) for each in (blocks(X), X))
    assert_same_bits(found, expected)


def test_whitened_components_of_blocks_are_those_of_all_rows():
    for data in (X, X[:30], X.astype(np.float32)):
        for n in (5, 64):
            found, expected = (WhitenedComponents(n).fit(each) for each in (blocks(data), data))
            tolerance = 1e-8 if data.dtype == np.float64 else 1e-3
            largest = np.abs(expected.components_).max()
            if data.dtype == np.float64 or n == 5:  # float32 has weak directions by rounding
                np.testing.assert_allclose(
                    found.components_, expected.components_, atol=tolerance * largest
                )
            np.testing.assert_allclose(found.mean_, expected.mean_, rtol=1e-5, atol=1e-9)
            rtol, atol = (1e-10, 1e-12) if data.dtype == np.float64 else (1e-5, 1e-6)
            np.testing.assert_allclose(
                found.transform(blocks(data)), found.transform(data), rtol=rtol, atol=atol
            )
    for constant in (0.1, 1e9):
        with pytest.raises(ValueError, match="All rows are equal"):
            WhitenedComponents(5).fit(blocks(np.full((90, 7), constant)))


# --- arrays of other libraries --------------------------------------------------------------


def as_memory_map(folder, data):
    np.save(folder / "X.npy", data)
    return np.load(folder / "X.npy", mmap_mode="r")


def as_hdf5(folder, data):
    h5py = pytest.importorskip("h5py")
    file = h5py.File(folder / "X.h5", "w")
    return file.create_dataset("X", data=data, chunks=(37, 20))


def as_zarr(folder, data):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        folder / "X.zarr", shape=data.shape, dtype=data.dtype, chunks=(37, 64)
    )
    array[:] = data
    return array


def as_dask(folder, data):
    array = pytest.importorskip("dask.array")
    sizes = (37, 0, 80, 1, len(data) - 118)
    return array.from_array(data, chunks=(sizes, (40, 24)))


KINDS = [as_memory_map, as_hdf5, as_zarr, as_dask]
of_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@of_kinds
@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_small_arrays_have_the_bits_of_arrays_in_memory(kind, dtype, tmp_path):
    data = (16 * X).astype(dtype)
    stored = kind(tmp_path, data)
    for estimator in (EPOCHS[0], ZCAWhitening(), AUTOENCODER):
        assert_same_bits(clone(estimator).fit(stored, Y), clone(estimator).fit(data, Y))


@of_kinds
@pytest.mark.parametrize("estimator", [*SUMS[::3], EPOCHS[1]], ids=lambda each: repr(each)[:60])
def test_large_arrays_are_read_by_blocks(kind, estimator, tmp_path, monkeypatch):
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 0)
    monkeypatch.setattr(row_blocks, "PIECE_BYTES", 1)
    stored = kind(tmp_path, X)
    monkeypatch.setattr(type(stored), "__array__", None, raising=False)
    fitted = clone(estimator).fit(stored, Y)
    for one, other in zip(outputs(fitted, stored), outputs(fitted, X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    if estimator in SUMS:
        expected = clone(estimator).fit(X, Y)
        for one, other in zip(outputs(fitted, X), outputs(expected, X), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_frames_of_dask_keep_the_names_of_their_columns(monkeypatch):
    frames = pytest.importorskip("dask.dataframe")
    import pandas as pd

    table = pd.DataFrame(X[:, 20:30], columns=[f"pixel {i}" for i in range(10)])
    frame, labels = (
        frames.from_pandas(table, npartitions=3),
        frames.from_pandas(pd.Series(Y), npartitions=2),
    )
    expected = SUMS[0].fit(table, Y)
    assert_same_bits(clone(SUMS[0]).fit(frame, labels), expected)
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 0)
    fitted = clone(SUMS[0]).fit(frame, labels)
    assert fitted.feature_names_in_.tolist() == list(table.columns)
    np.testing.assert_allclose(
        fitted.predict_proba(frame), expected.predict_proba(table), atol=1e-6
    )
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[["pixel 0", "pixel 1"]])


def test_unknown_numbers_of_rows_are_refused():
    array = pytest.importorskip("dask.array")
    data = array.from_array(X, chunks=(100, 64))
    with pytest.raises(ValueError, match=r"X.compute_chunk_sizes\(\) first"):
        clone(EPOCHS[0]).fit(data[data[:, 20] > 0.5], Y)
