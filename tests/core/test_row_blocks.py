"""Rows that are read by blocks: what is read, in which order, and the sums over it."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_team import limited_team
from scipy import sparse

from striate import RowBlocks
from striate.core import row_blocks
from striate.core.design_matrix import as_input, with_noise
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.core.read_ahead import read_ahead
from striate.core.row_blocks import as_rows, parts_of
from striate.core.stored_arrays import chunk_edges, divided
from striate.core.tree_sum import tree_sum
from striate.native.threads import team
from striate.solvers.minibatch import Minibatch
from striate.solvers.update_rules import Adam


class Stored:
    """An array on the disk, as far as anyone can tell: it notes the largest slice read."""

    def __init__(self, values, chunks=None):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.largest, self.n_read = 0, 0
        if chunks:
            self.chunks = chunks

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        lo, hi, _ = rows.indices(self.shape[0])
        self.largest, self.n_read = max(self.largest, hi - lo), self.n_read + hi - lo
        return self.values[rows]


sizes = st.integers(1, 60)


@given(n=sizes, block=sizes, buffer=sizes, batch=sizes, seed=st.none() | st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_an_epoch_takes_each_row_once_in_whole_batches(n, block, buffer, batch, seed):
    X = np.arange(2.0 * n).reshape(n, 2)
    rows = RowBlocks(X, block_rows=block, buffer_rows=buffer)
    pools = list(rows.pools(batch, seed))
    taken = np.concatenate([pool.rows[pool.order] for pool in pools])
    assert sorted(taken) == list(range(n))
    assert all(len(pool.order) % batch == 0 for pool in pools[:-1])
    for pool in pools:
        np.testing.assert_array_equal(pool.x, X[pool.rows])
        assert len(pool.x) <= max(buffer, batch + block) + block
    again = np.concatenate([pool.rows[pool.order] for pool in rows.pools(batch, seed)])
    np.testing.assert_array_equal(taken, again)
    if seed is None:
        np.testing.assert_array_equal(taken, np.arange(n))


def test_other_seeds_give_other_orders_and_mix_blocks():
    X = np.arange(1000.0)[:, np.newaxis]
    rows = RowBlocks(X, block_rows=10, buffer_rows=200)
    orders = []
    for seed in (0, 1):
        pools = list(rows.pools(16, seed))
        orders.append(np.concatenate([pool.rows[pool.order] for pool in pools]))
        assert len(pools) == 5 or len(pools) == 6
        assert np.mean(np.diff(orders[-1]) == 1) < 0.05
    assert (orders[0] != orders[1]).any()


@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=20),
    wanted=st.integers(1, 20),
    most=st.integers(1, 40),
)
@settings(deadline=None)
def test_chunks_are_joined_and_divided(sizes, wanted, most):
    edges = np.unique(np.cumsum([0, *sizes]))
    made = divided(edges, wanted, most)
    assert made[0] == 0
    assert made[-1] == edges[-1]
    lengths = np.diff(made)
    assert (lengths > 0).all()
    assert (lengths <= most).all()
    # Whole chunks, unless one alone is too large.
    whole = np.isin(made, edges)
    assert all(whole[1:] | whole[:-1] | (lengths * 2 >= most))


@pytest.mark.parametrize("n", range(1, 40))
def test_a_sum_is_a_tree_of_neighbours(n):
    terms = [(f"{i} ",) for i in range(n)]

    class Text(str):
        def __add__(self, other):
            return Text(f"({self!s}+{other!s})")

    level = [Text(i) for i in range(n)]
    while len(level) > 1:
        pairs = [level[i] + level[i + 1] for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    terms = ((Text(i),) for i in range(n))
    assert tree_sum(terms) == (level[0],)


def test_one_item_is_read_ahead_and_errors_arrive():
    made, allowed = [], threading.Semaphore(2)

    def items():
        for i in range(5):
            assert allowed.acquire(timeout=10)
            made.append(i)
            yield i
        raise OSError("the disk is gone")

    found = read_ahead(items())
    assert next(found) == 0
    while made != [0, 1]:
        pass
    for _ in range(4):
        allowed.release()
    assert [next(found) for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(OSError, match="disk is gone"):
        next(found)


def test_without_another_thread_rows_are_read_when_asked(two_threads_start, monkeypatch):
    two_threads_start.extend([None, None])
    assert list(read_ahead(iter(range(3)))) == [0, 1, 2]


def test_no_more_than_a_block_is_read_at_a_time():
    X = Stored(np.random.default_rng(0).normal(size=(1000, 3)))
    rows = RowBlocks(X, block_rows=70, buffer_rows=200)
    assert sum(len(x) for _, x in rows.parts()) == 1000
    for pool in rows.pools(32, 0):
        assert len(pool.x) <= 300
    chosen = np.array([0, 1, 500, 999])
    np.testing.assert_array_equal(rows[chosen], X.values[chosen])
    assert X.largest == 70
    X.n_read = 0
    rows[chosen]
    assert X.n_read == 4  # and nothing in between


def test_blocks_follow_the_chunks_and_the_limits(monkeypatch):
    X = np.zeros((1000, 16))  # 128 bytes per row
    monkeypatch.setattr(row_blocks, "PIECE_BYTES", 128 * 10)
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 128 * 100)
    monkeypatch.setattr(row_blocks, "BUFFER_BYTES", 128 * 300)
    for chunk, piece, block in [(3, 12, 96), (50, 50, 100), (70, 70, 70), (200, 200, 100)]:
        rows = RowBlocks(Stored(X, chunks=(chunk, 16)))
        assert np.diff(rows.piece_edges)[0] == piece
        assert np.diff(rows.block_edges)[0] == block
    rows = RowBlocks(Stored(X))  # without chunks
    assert np.diff(rows.piece_edges)[0] == 10
    assert np.diff(RowBlocks(Stored(X, chunks=(900, 16))).piece_edges).max() == 300


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_nan_is_named_by_row_column_and_chunk(kind):
    X = np.ones((100, 3))
    X[57, 2] = np.nan
    rows = RowBlocks(Stored(kind(X), chunks=((20, 30, 0, 50), (3,))), block_rows=10)
    with pytest.raises(ValueError, match=r"row 57, column 2 \(row 7 of chunk 2\)"):
        list(rows.parts())
    with pytest.raises(ValueError, match="row 57"):
        list(rows.chosen(np.arange(50, 60)).parts())
    assert len(rows.read(0, 50).shape) == 2


def test_large_numbers_are_not_taken_for_infinity():
    X = np.full((10, 3), np.finfo(np.float32).max, np.float32)
    assert RowBlocks(X).read(0, 10).max() == X.max()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros(5), r"must have shape \(n_samples, n_features\), got \(5,\)"),
        (np.zeros((2, 2, 2)), "must have shape"),
        (np.zeros((2, 2), complex), "must hold numbers, got dtype complex128"),
        (np.array([["a"]]), "must hold numbers"),
        (Stored(np.zeros((4, 2)), chunks=((np.nan, 2), (2,))), "compute_chunk_sizes"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        RowBlocks(data)


@pytest.mark.parametrize("name", ["block_rows", "buffer_rows"])
def test_sizes_are_at_least_one(name):
    with pytest.raises(ValueError, match=f"{name}=0 must be at least 1"):
        RowBlocks(np.zeros((2, 2)), **{name: 0})


def test_an_array_that_shrinks_is_noticed():
    data = Stored(np.zeros((10, 2)))
    rows = RowBlocks(data)
    data.values = data.values[:5]
    with pytest.raises(ValueError, match="rows have shape"):
        rows.read(0, 10)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.uint8, np.float64), (np.float32, np.float32), (">f4", np.float32), (bool, np.float64)],
)
def test_types_of_the_arithmetic(given, expected):
    rows = RowBlocks(np.ones((3, 2), given))
    assert rows.dtype == expected
    assert rows.read(1, 3).dtype == expected
    assert rows.read(1, 3).dtype.isnative


def test_small_stored_arrays_are_loaded_and_large_ones_are_not(tmp_path, monkeypatch):
    X = np.arange(12, dtype=np.float32).reshape(4, 3)
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    assert as_rows(X) is X
    assert as_rows(mapped) is mapped
    assert type(as_rows(Stored(X))) is np.ndarray
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 47)
    assert isinstance(as_rows(mapped), RowBlocks)
    assert isinstance(as_rows(Stored(X)), RowBlocks)
    assert as_rows(X) is X
    assert as_rows(np.asarray(mapped)) is not mapped
    for other in ([[1.0]], "text", sparse.csr_array(X), X[0], mapped[0], np.array([["a"]])):
        assert as_rows(other) is other


def test_arrays_that_joblib_maps_stay_arrays(tmp_path, monkeypatch):
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 0)
    folder = tmp_path / "joblib_memmapping_folder_1_2"
    folder.mkdir()
    mapped = np.memmap(folder / "X", np.float32, "w+", shape=(4, 3))
    assert as_rows(mapped) is mapped


def test_chunk_edges_of_every_kind():
    X = np.zeros((10, 2))
    assert chunk_edges(X).tolist() == [0, 10]
    assert chunk_edges(Stored(X, (4, 2))).tolist() == [0, 4, 8, 10]
    assert chunk_edges(Stored(X, ((0, 7, 0, 3), (1, 1)))).tolist() == [0, 7, 10]
    assert chunk_edges(np.zeros((0, 2))).tolist() == [0]


def test_parts_of_arrays_and_of_blocks_are_the_same_rows():
    X = np.random.default_rng(0).normal(size=(50, 3))
    blocks, some = RowBlocks(X, block_rows=9), np.array([0, 3, 8, 9, 30, 31, 49])
    for rows in (None, some):
        for data in (X, blocks):
            found = [(np.arange(len(X if rows is None else rows))[p], x)
                     for p, x in parts_of(data, 4, rows)]  # fmt: skip
            expected = X if rows is None else X[rows]
            np.testing.assert_array_equal(np.concatenate([x for _, x in found]), expected)
            np.testing.assert_array_equal(
                np.concatenate([p for p, _ in found]), np.arange(len(expected))
            )


# --- J and ∇J ------------------------------------------------------------------------------

NETWORK = Network((5, 7, 3), ("logistic", "softmax"))
TERMS = [
    {},
    {"weight_decay": 0.02, "decay_over_n": 0.3},
    {"sparsity_target": 0.1, "sparsity_weight": 0.5, "l1_weight": 0.01},
]


def data(m=100, kind=None):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, 5))
    if kind == "sparse":
        X[rng.random(X.shape) < 0.6] = 0
    Y, w = np.eye(3)[rng.integers(0, 3, m)], rng.uniform(0, 2, m)
    theta = rng.normal(0, 0.7, NETWORK.n_parameters)
    stored = sparse.csr_array(X) if kind == "sparse" else X
    blocks = RowBlocks(Stored(stored), block_rows=13)
    whole, blocks = as_input(stored), as_input(blocks)
    if kind == "noisy":
        whole, blocks = (with_noise(each, NOISE["gaussian"], 0.5, 7) for each in (whole, blocks))
    return whole, blocks, Y, w, theta


@pytest.mark.parametrize("kind", ["dense", "sparse", "noisy"])
@pytest.mark.parametrize("terms", TERMS, ids=lambda terms: "-".join(terms))
@pytest.mark.parametrize("weighted", [False, True])
def test_J_of_blocks_is_that_of_all_rows(kind, terms, weighted):
    X, blocks, Y, w, theta = data(kind=kind)
    w = w if weighted else None
    with team(1) as run:
        expected = Objective(Problem(NETWORK, "cross_entropy", X, Y, w, **terms), run)
        found = Objective(Problem(NETWORK, "cross_entropy", blocks, Y, w, **terms), run)
        value, gradient = expected(theta)
        other_value, other_gradient = found(theta)
    assert other_value == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(other_gradient, gradient, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found.mean_activation, expected.mean_activation, rtol=1e-13)


def test_J_of_blocks_has_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    X, theta = rng.normal(size=(3000, 5)), data()[-1]
    Y = np.eye(3)[rng.integers(0, 3, 3000)]
    found = []
    for n_threads in (1, 2, 5):
        with limited_team(n_threads) as run:
            problem = Problem(NETWORK, "cross_entropy", RowBlocks(X, block_rows=1100), Y)
            value, gradient = Objective(problem, run)(theta)
        found.append((value, gradient.tobytes()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("terms", TERMS, ids=lambda terms: "-".join(terms))
def test_steps_over_pools_are_those_over_the_same_rows_in_memory(kind, terms):
    X, blocks, Y, w, theta = data(kind=kind)
    blocks = RowBlocks(blocks.data, block_rows=13, buffer_rows=40)
    pools = list(blocks.pools(8, 3))
    assert len(pools) > 2
    order = np.concatenate([pool.rows[pool.order] for pool in pools])
    rates, found = np.linspace(0.1, 0.01, 13)[:, np.newaxis], []
    for rows in (X, blocks):
        with team(1) as run:
            problem = Problem(NETWORK, "cross_entropy", rows, Y, w, **terms)
            batches = Minibatch(problem, run, theta.copy(), batch_size=8, rule=Adam())
            if rows is blocks:
                value = batches.epoch_of_blocks(3, rates)
            else:
                value = batches.epoch(order, rates)
            found.append((batches.theta.tobytes(), value))
    assert found[0][0] == found[1][0]
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-13)


def test_noise_differs_between_pools_and_epochs():
    """With a learning rate of 0, J of an epoch shows the noise alone."""
    _, blocks, Y, _, theta = data(kind="noisy")
    with team(1) as run:
        problem = Problem(NETWORK, "cross_entropy", blocks, Y)
        batches = Minibatch(problem, run, theta, batch_size=8, rule=Adam())
        values = [batches.epoch_of_blocks(0, 0.0)["data"] for _ in range(3)]
    assert len(set(values)) == 3
