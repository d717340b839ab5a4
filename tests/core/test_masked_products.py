"""Layers whose units see few inputs: every kernel beside NumPy, and indices that lie."""

from itertools import pairwise, product

import masked
import numba
import numpy as np
import pytest
from all_pairs import all_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from threadpoolctl import threadpool_limits

from striate.core.design_matrix import as_input, with_noise
from striate.core.inference import _layer, layer_output, network_output
from striate.core.masked_layers import links_of, masked_weights
from striate.core.masked_products import to_columns, to_rows
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.sparse_matrices import canonical
from striate.native.vectors import (
    CAPACITIES,
    accumulate_inner,
    capacity_for,
    scatter_add,
    weighted_sums,
)

ROWS = (1, 15, 16, 17, 100, 128, 129, 300, 512)
DTYPES = (np.float32, np.float64)
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


@numba.njit(error_model="numpy")
def all_products(W, first, end, columns, own):
    """The three products of units first to end, each into a copy."""
    starts = W.starts
    values = W.values[starts[first] : starts[end]]
    sums, below, gradient = own.copy(), columns.copy(), values.copy()
    weighted_sums(values, W.inputs, starts, first, end, columns, sums)
    scatter_add(values, W.inputs, starts, first, end, below, own)
    accumulate_inner(gradient, W.inputs, starts, first, end, columns, own)
    return sums, below, gradient


@numba.njit(error_model="numpy")
def there_and_back(X, n, columns, Z):
    to_columns(X, n, columns)
    to_rows(columns, Z)


def layer_of(n_in, n_out, dtype, seed=0, density=0.4):
    M = masked.mask(n_in, n_out, seed, density)
    values = np.random.default_rng(seed).normal(size=M.shape).astype(dtype)
    return sparse.csc_array(M * values), M


# --- the kernels ----------------------------------------------------------------------------


@pytest.mark.parametrize(("n_rows", "dtype"), all_pairs(product(ROWS, DTYPES)))
def test_products_are_numpy_s(n_rows, dtype):
    W, M = layer_of(23, 11, dtype)
    rng = np.random.default_rng(1)
    capacity = capacity_for(n_rows)
    columns, own = (rng.normal(size=(n, capacity)).astype(dtype) for n in W.shape)
    D = W.toarray()
    sums, below, gradient = all_products(masked_weights(W, dtype), 0, 11, columns, own)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * np.sqrt(capacity)}
    np.testing.assert_allclose(sums, D.T @ columns, **close)
    np.testing.assert_allclose(below, columns + D @ own, **close)
    np.testing.assert_allclose(gradient, (D + columns @ own.T).T[M.T], **close)
    assert {part.dtype for part in (sums, below, gradient)} == {np.dtype(dtype)}


@settings(max_examples=40, deadline=None)
@given(
    n_in=st.integers(1, 12),
    n_out=st.integers(1, 9),
    capacity=st.sampled_from([*CAPACITIES, 256]),
    density=st.floats(0, 1),
    ends=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    seed=st.integers(0, 99),
)
def test_some_units_of_any_layer(n_in, n_out, capacity, density, ends, seed):
    """Also units that see nothing, as those of a layer of which `sparsify` left little."""
    rng = np.random.default_rng(seed)
    M = rng.random((n_in, n_out)) < density
    W = sparse.csc_array(M * rng.normal(size=M.shape))
    M = W.toarray() != 0
    first, end = sorted(min(e, n_out) for e in ends)
    columns, own = (rng.normal(size=(n, capacity)) for n in W.shape)
    sums, below, gradient = all_products(masked_weights(W, np.float64), first, end, columns, own)
    D, these = W.toarray(), slice(first, end)
    expected = own.copy()
    expected[these] = D[:, these].T @ columns
    np.testing.assert_allclose(sums, expected, atol=1e-12)
    np.testing.assert_allclose(below, columns + D[:, these] @ own[these], atol=1e-12)
    moved = (D[:, these] + columns @ own[these].T).T[M[:, these].T]
    np.testing.assert_allclose(gradient, moved, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("dense", np.float32),
        ("noisy csr", np.float64),
        pytest.param("dense", np.float64, marks=pytest.mark.long),  # each is compiled anew
        pytest.param("csr", np.float64, marks=pytest.mark.long),
    ],
)
def test_rows_as_columns(kind, dtype):
    """And back. What is beyond the last row becomes 0."""
    rng = np.random.default_rng(2)
    for n_rows in ROWS:
        X = (rng.normal(size=(n_rows, 21)) * (rng.random((n_rows, 21)) < 0.5)).astype(dtype)
        given = as_input(sparse.csr_array(X) if "csr" in kind else X)
        if "noisy" in kind:
            given = with_noise(given, NOISE["masking"], 0.4, 7)
        columns = np.full((21, capacity_for(n_rows)), np.nan, dtype=dtype)
        Z = np.ones((n_rows, 21), dtype=dtype)
        there_and_back(given, n_rows, columns, Z)
        seen = columns[:, :n_rows].T
        if "noisy" in kind:
            kept = (seen != 0) | (X == 0)
            np.testing.assert_array_equal(seen, X * kept)
            assert n_rows < 100 or 0.55 < seen[X != 0].astype(bool).mean() < 0.65
        else:
            np.testing.assert_array_equal(seen, X)
        assert not columns[:, n_rows:].any()
        np.testing.assert_array_equal(Z, seen)


def test_capacities():
    assert [capacity_for(n) for n in (0, 1, 16, 17, 64, 65, 128)] == [16, 16, 16, 32, 64, 128, 128]
    assert [capacity_for(n) for n in (129, 256, 257, 512)] == [256, 256, 384, 512]


# --- a layer's output -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (np.asarray, np.float32),
        (np.asarray, np.float64),
        (sparse.csr_array, np.float64),
        pytest.param(sparse.csr_array, np.float32, marks=pytest.mark.long),  # compiled anew
    ],
)
def test_output_is_scipy_s(kind, dtype):
    W, _ = layer_of(40, 13, dtype, density=0.2)
    rng = np.random.default_rng(3)
    b = rng.normal(size=13).astype(dtype)
    for m in (*ROWS, 513, 1200):
        X = (rng.normal(size=(m, 40)) * (rng.random((m, 40)) < 0.6)).astype(dtype)
        got = layer_output(kind(X), W, b, "identity")
        assert got.dtype == dtype
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(got, X @ W.toarray() + b, rtol=tolerance, atol=tolerance)


def test_output_of_no_rows_and_of_no_connections():
    W = sparse.csc_array((6, 4))
    assert layer_output(np.empty((0, 6)), W, np.zeros(4), "relu").shape == (0, 4)
    b = np.arange(4.0)
    np.testing.assert_array_equal(layer_output(np.ones((3, 6)), W, b, "relu"), [b] * 3)


@pytest.mark.parametrize("format", ["csr", "coo", "csc", "bsr"])
def test_any_format_and_order(format):
    W, _ = layer_of(12, 7, np.float64)
    X = np.random.default_rng(4).normal(size=(20, 12))
    other = W.asformat(format)
    if format == "csc":  # the inputs of each unit backwards
        order = np.concatenate(
            [np.arange(*each)[::-1] for each in zip(W.indptr, W.indptr[1:], strict=False)]
        )
        other = sparse.csc_array((W.data[order], W.indices[order], W.indptr), shape=W.shape)
        assert not other.has_sorted_indices
    expected = layer_output(X, W, np.zeros(7), "tanh")
    np.testing.assert_array_equal(layer_output(X, other, np.zeros(7), "tanh"), expected)


def test_arrays_that_cannot_be_written():
    """As joblib's memory maps: nothing is compiled anew for them."""
    W, _ = layer_of(12, 7, np.float64)
    X = np.random.default_rng(4).normal(size=(20, 12))
    expected, n_compiled = layer_output(X, W, np.zeros(7), "tanh"), len(_layer.signatures)
    for array in (W.data, W.indices, W.indptr):
        array.flags.writeable = False
    np.testing.assert_array_equal(layer_output(X, W, np.zeros(7), "tanh"), expected)
    assert len(_layer.signatures) == n_compiled


def test_output_does_not_depend_on_threads():
    W, _ = layer_of(60, 50, np.float64)
    X = np.random.default_rng(5).normal(size=(3000, 60))
    assert len(X) * W.nnz > 1_000_000  # else one thread does it all
    outputs = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            outputs.append(layer_output(X, W, np.ones(50), "logistic").tobytes())
    assert outputs[0] == outputs[1] == outputs[2]


# --- θ --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", masked.KINDS)
def test_every_connection_has_one_place(kind):
    """Also in a layer that is small beside the rest of θ: SciPy copies small parts of arrays."""
    for sizes in (masked.SIZES, (9, 7, 300, 3), (300, 7, 5, 3)):
        network = masked.connected_network(kind, sizes)
        theta = np.arange(1.0, network.n_parameters + 1)
        W, b = network.unpack(theta)
        parts = [*(w.data if sparse.issparse(w) else w for w in W), *b]
        assert all(np.shares_memory(part, theta) for part in parts)
        assert [w.shape for w in W] == list(pairwise(network.sizes))
        own = len(network.patterns)
        places = np.concatenate([np.ravel(part) for part in (*parts[:own], *b)])
        np.testing.assert_array_equal(np.sort(places), theta)
        assert max(part.max() for part in parts[:own]) == network.n_weights
        np.testing.assert_array_equal(network.pack(W, b), theta)
        if kind == "tied":
            for w, mirror in zip(W, W[::-1], strict=True):
                np.testing.assert_array_equal(w.toarray(), mirror.T.toarray())
        theta *= 2
        np.testing.assert_array_equal(network.pack(W, b), theta)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5), seed=st.integers(0, 99))
def test_pack_and_unpack_are_inverse(sizes, seed):
    rng = np.random.default_rng(seed)
    shapes = list(pairwise(sizes))
    connections = [
        sparse.csc_array(rng.random(shape) < rng.random()) if rng.random() < 0.7 else None
        for shape in shapes
    ]
    network = Network(sizes, ["tanh"] * len(shapes), patterns=connections)
    theta = rng.normal(size=network.n_parameters)
    W, b = network.unpack(theta)
    np.testing.assert_array_equal(network.pack(W, b), theta)
    csr = [w.tocsr() if sparse.issparse(w) else w for w in W]
    np.testing.assert_array_equal(network.pack(csr, b), theta)
    for w, C in zip(W, connections, strict=True):
        assert sparse.issparse(w) == (C is not None)
        if C is not None:
            np.testing.assert_array_equal(w.toarray() != 0, C.toarray())


def test_links_of_dense_layers_are_none():
    assert links_of([None, None]) is None
    assert Network((3, 2), ("tanh",)).workspace(2, 100, np.float64).columns.size == 0


def test_initial_weights_are_drawn_for_the_connections_of_each_unit():
    """A unit with one connection gets larger weights than one with all of them."""
    M = np.zeros((400, 300), dtype=bool)
    M[:, ::2] = True
    M[:4, 1::2] = True
    network = Network((400, 300), ("tanh",), patterns=[sparse.csc_array(M)])
    (W,), (b,) = network.unpack(network.initial_theta(np.random.RandomState(0), "glorot"))
    for units, n in ((slice(0, None, 2), 400), (slice(1, None, 2), 4)):
        bound = np.sqrt(6 / (n + M.sum() / 400))
        assert 0.9 * bound < np.abs(W.toarray()[:, units]).max() < bound
        assert 0.9 * bound < np.abs(b[units]).max() < bound
    full = Network((9, 7), ("tanh",), patterns=[sparse.csc_array(np.ones((9, 7)))])
    dense = Network((9, 7), ("tanh",))
    for how in ("uniform", "glorot", "normal"):
        (W,), (b,) = full.unpack(full.initial_theta(np.random.RandomState(0), how))
        (V,), (c,) = dense.unpack(dense.initial_theta(np.random.RandomState(0), how))
        np.testing.assert_allclose(W.data, V.ravel())
        np.testing.assert_allclose(b, c)


# --- indices that lie -----------------------------------------------------------------------


def forged(kind=sparse.csc_array, **changes):
    """A matrix (5, 4) (for CSR, (4, 5)) some of whose arrays are others."""
    W = kind(np.arange(1.0, 21).reshape((5, 4) if kind is sparse.csc_array else (4, 5)))
    for name, value in changes.items():
        array = getattr(W, name).copy()
        if callable(value):
            array = value(array)
        else:
            array[value[0]] = value[1]
        setattr(W, name, array)
    return W


FORGERIES = {
    "beyond": {"indices": (7, 5)},
    "far beyond": {"indices": (7, 2**31 - 1)},
    "negative": {"indices": (0, -1)},
    "decreasing": {"indptr": (2, 1)},
    "begins late": {"indptr": (0, 1)},
    "ends late": {"indptr": (-1, 1000)},
    "few units": {"indptr": lambda a: a[:-1]},
    "no units": {"indptr": lambda a: a[:0]},
    "many units": {"indptr": lambda a: np.append(a, a[-1])},
    "few weights": {"data": lambda a: a[:-1]},
    "few indices": {"indices": lambda a: a[:-1]},
    "many of both": {"indices": lambda a: np.append(a, 0), "data": lambda a: np.append(a, 0)},
}


@pytest.mark.parametrize("kind", [sparse.csc_array, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("changes", FORGERIES.values(), ids=FORGERIES)
def test_forged_indices_are_refused(changes, kind):
    """Before SciPy turns one format into another, which reads beyond arrays, too."""
    W = forged(kind, **changes) if kind is not sparse.csc_matrix else forged(**changes)
    if kind is sparse.csc_matrix:
        matrix = sparse.csc_matrix(W.shape)
        matrix.indptr, matrix.indices, matrix.data = W.indptr, W.indices, W.data
        W = matrix
    message = "indices of a sparse matrix .* do not fit its shape"
    with pytest.raises(ValueError, match=message):
        canonical(W)
    n_in, n_out = W.shape
    with pytest.raises(ValueError, match=message):
        layer_output(np.ones((3, n_in)), W, np.zeros(n_out), "relu")
    with pytest.raises(ValueError, match=message):
        network_output(np.ones((3, n_in)), [(W, np.zeros(n_out), "relu")])
    with pytest.raises(ValueError, match=message):
        Network((n_in, n_out), ("relu",), patterns=[W])


def test_layers_of_other_sizes_are_refused():
    C = sparse.csc_array(np.ones((5, 4)))
    with pytest.raises(ValueError, match=r"pattern \(5, 4\) is not between .* \(6, 4\)"):
        Network((6, 4), ("relu",), patterns=[C])
    with pytest.raises(ValueError, match="do not fit together"):
        layer_output(np.ones((3, 6)), C, np.zeros(4), "relu")
    network = Network((5, 4), ("relu",), patterns=[C])
    with pytest.raises(ValueError, match="23 weights and biases do not fit a network of 24"):
        network.pack([C], [np.zeros(3)])
    fewer = sparse.csc_array(np.eye(5, 4))
    with pytest.raises(ValueError, match="8 weights and biases do not fit a network of 24"):
        network.pack([fewer], [np.zeros(4)])
