"""Masked layers never allocate n_inputs × n_units: memory grows with the connections."""

import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from scipy import sparse

from striate import LocalReceptiveFields, MLPClassifier, MLPRegressor, SparseAutoencoder
from striate.persistence import load, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FIELDS = LocalReceptiveFields((96, 96), 8, stride=4, n_maps=2)  # 1,058 units of 64 connections
N_INPUTS, N_UNITS = 96 * 96, 23 * 23 * 2
DENSE = N_INPUTS * N_UNITS * 8  # bytes of W: 78 MB
# 67,712 connections are 0.5 MB, their indices and moments 3 MB, columns of 16 rows 1.3 MB.
LIMIT = 0.15 * DENSE


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.random((12, N_INPUTS)), np.arange(12) % 3


@contextmanager
def little_memory(limit=LIMIT):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


def test_the_mask_and_the_windows():
    with little_memory():
        mask = FIELDS.mask()
    assert mask.shape == (N_INPUTS, N_UNITS)
    assert mask.nnz == N_UNITS * 64


@pytest.mark.long
@pytest.mark.parametrize(
    ("l1_weight", "solver"),
    [
        (0.0, "adam"),
        (0.01, "lbfgs"),
        pytest.param(0.0, "sgd", marks=pytest.mark.long),
        pytest.param(0.0, "lbfgs", marks=pytest.mark.long),
        pytest.param(0.0, "gd", marks=pytest.mark.long),
        pytest.param(0.01, "adam", marks=pytest.mark.long),
        pytest.param(0.01, "sgd", marks=pytest.mark.long),
        pytest.param(0.01, "gd", marks=pytest.mark.long),
    ],
)
def test_a_perceptron(l1_weight, solver, data, tmp_path):
    X, y = data
    mlp = MLPClassifier(
        connectivity=FIELDS, solver=solver, l1_weight=l1_weight, max_iter=2, random_state=0
    )
    save(mlp.fit(X, y), tmp_path / "mlp.skops")  # import and compile everything first
    mlp.predict(X)
    limit = LIMIT
    if solver == "lbfgs":  # SciPy holds some 55 vectors like θ: of W⁺ and W⁻ with an L1 term
        limit += 60 * 8 * sum(W.size for W in mlp.coefs_) * (2 if l1_weight else 1)
    with little_memory(limit):
        mlp.fit(X, y)
    with little_memory():
        mlp.predict(X)
    with little_memory():
        mlp.sparsify()
        mlp.predict(X)
    with little_memory():
        save(mlp, tmp_path / "mlp.skops")
    assert (tmp_path / "mlp.skops").stat().st_size < LIMIT
    with little_memory():
        again = load(tmp_path / "mlp.skops")
    np.testing.assert_array_equal(again.predict(X), mlp.predict(X))


@pytest.mark.parametrize("tied", [False, True])
def test_an_autoencoder(tied, data):
    X, _ = data
    autoencoder = SparseAutoencoder(
        connectivity=FIELDS, tied_weights=tied, solver="adam", max_iter=2, random_state=0
    )
    autoencoder.fit(X).partial_fit(X)
    with little_memory(2 * LIMIT):  # two layers
        autoencoder.fit(X)
    with little_memory(2 * LIMIT):
        autoencoder.partial_fit(X)
        autoencoder.score_samples(X)
        autoencoder.sparsify()
        autoencoder.inverse_transform(autoencoder.transform(X))


def test_sparse_rows_and_an_irregular_mask():
    """A table with 20,000 columns; each unit sees ten of them."""
    rng = np.random.default_rng(1)
    X = sparse.random_array((30, 20_000), density=0.01, rng=rng, format="csr", dtype=np.float64)
    rows, units = rng.permutation(20_000), np.arange(20_000) % 2000
    mask = sparse.coo_array((np.ones(20_000, dtype=bool), (rows, units)), shape=(20_000, 2000))
    mlp = MLPRegressor(connectivity=mask, max_iter=2, random_state=0, solver="adam")
    y = rng.normal(size=30)
    mlp.fit(X, y).predict(X)
    with little_memory(0.05 * 20_000 * 2000 * 8):
        mlp.fit(X, y)
        mlp.predict(X)
    assert mlp.coefs_[0].nnz == 20_000
