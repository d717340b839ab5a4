"""Rows that are read straight into memory that is used again: the numbers, and who keeps them."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import RowBlocks
from striate.core.direct_reading import reading_into
from striate.core.finite_values import all_finite
from striate.core.reused_buffers import ReusedBuffers

X = np.random.default_rng(0).normal(size=(300, 7)).astype(np.float32)


def as_file(folder, data=X, mode="r"):
    np.save(folder / "X.npy", data)
    return np.load(folder / "X.npy", mmap_mode=mode)


def as_hdf5(folder):
    h5py = pytest.importorskip("h5py")
    return h5py.File(folder / "X.h5", "w").create_dataset("X", data=X, chunks=(40, 3))


def as_zarr(folder):
    zarr = pytest.importorskip("zarr")
    return zarr.create_array(folder / "X.zarr", data=X, chunks=(40, 7))


@pytest.mark.parametrize("kind", [as_file, as_hdf5, as_zarr])
def test_rows_are_read_into_a_part_of_an_array(kind, tmp_path):
    data = kind(tmp_path)
    with reading_into(data, X.dtype) as read:
        assert read is not None
        for lo, hi in [(0, 300), (35, 45), (299, 300)]:
            target = np.zeros((310, 7), np.float32)
            read(lo, hi, target[5 : 5 + hi - lo])
            np.testing.assert_array_equal(target[5 : 5 + hi - lo], X[lo:hi])
            assert not target[:5].any()
            assert not target[5 + hi - lo :].any()
    with reading_into(data, np.dtype(np.float64)) as read:
        assert read is None  # nothing is converted


def test_a_part_of_a_memory_map_is_found_in_its_file(tmp_path):
    data = as_file(tmp_path)[100:][20:]
    with reading_into(data, X.dtype) as read:
        target = np.zeros((10, 7), np.float32)
        read(3, 13, target)
    np.testing.assert_array_equal(target, X[123:133])


@pytest.mark.parametrize("change", ["removed", "replaced", "private", "columns", "part of columns"])
def test_a_map_whose_file_has_other_numbers_is_read_through_memory(change, tmp_path):
    data, expected = as_file(tmp_path, mode="c" if change == "private" else "r"), X
    if change == "removed":
        (tmp_path / "X.npy").unlink()
    elif change == "replaced":
        np.save(tmp_path / "new.npy", -X)
        os.replace(tmp_path / "new.npy", tmp_path / "X.npy")
    elif change == "private":
        data[7] = 5
        expected = X.copy()
        expected[7] = 5
    elif change == "columns":
        np.save(tmp_path / "F.npy", np.asfortranarray(X))
        data = np.load(tmp_path / "F.npy", mmap_mode="r")
    else:
        data, expected = data[:, 2:5], X[:, 2:5]
    with reading_into(data, X.dtype) as read:
        assert read is None
    rows = RowBlocks(data, block_rows=31)
    np.testing.assert_array_equal(rows[:], expected)
    for pool in rows.pools(8, 0):
        np.testing.assert_array_equal(pool.x, expected[pool.rows])


def test_what_is_written_to_a_map_is_read(tmp_path):
    data = as_file(tmp_path, mode="r+")
    data[250] = 17
    assert (RowBlocks(data, block_rows=50).read(240, 260)[10] == 17).all()


def test_a_file_that_has_become_shorter_is_an_error(tmp_path):
    large = np.zeros((3000, 7), np.float32)
    rows = RowBlocks(as_file(tmp_path, large), block_rows=100)
    os.truncate(tmp_path / "X.npy", 50_000)
    with pytest.raises(ValueError, match=r"X.npy: has become shorter than X"):
        list(rows.parts())


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 40)),
    dtype=st.sampled_from([np.float32, np.float64]),
    value=st.sampled_from([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4e38, -3.4e38]),
    place=st.integers(0, 399),
)
@settings(deadline=None)
def test_values_that_are_not_finite_are_found_wherever_they_are(shape, dtype, value, place):
    x = np.ones(shape, dtype)
    x.flat[place % x.size] = value
    assert all_finite(x) == np.isfinite(value)
    x.setflags(write=False)
    assert all_finite(x) == np.isfinite(value)


def test_memory_is_used_again_only_when_no_array_refers_to_it():
    buffers, dtype = ReusedBuffers(), np.dtype(np.float32)
    x = buffers.array((10, 4), dtype)
    address, part = x.ctypes.data, x[3:5].T
    del x
    part[:] = 8  # a part of it keeps all of it
    y = buffers.array((10, 4), dtype)
    y[:] = 0
    assert (part == 8).all()
    del part
    assert buffers.array((5, 8), dtype).ctypes.data == address
    assert buffers.array((5, 8), np.dtype(float)).shape == (5, 8)  # larger than all that are kept


def test_epochs_use_two_buffers(tmp_path):
    rows = RowBlocks(as_file(tmp_path), block_rows=10, buffer_rows=50)
    buffers, found = ReusedBuffers(), set()
    for epoch in range(3):
        for pool in rows.pools(10, epoch, buffers):
            found.add(pool.x.ctypes.data)
            del pool
    assert len(found) <= 2


def test_pools_and_parts_that_are_kept_keep_their_rows(tmp_path):
    data = as_file(tmp_path)
    rows = RowBlocks(data, block_rows=10, buffer_rows=50)
    for pool in list(rows.pools(8, 1)):
        np.testing.assert_array_equal(pool.x, X[pool.rows])
    for part, x in list(rows.parts()):
        np.testing.assert_array_equal(x, X[part])


def test_nan_in_a_file_is_named_in_every_epoch(tmp_path):
    wrong = X.copy()
    wrong[123, 4] = np.nan
    rows = RowBlocks(as_file(tmp_path, wrong), block_rows=10, buffer_rows=50)
    for seed in range(3):
        with pytest.raises(ValueError, match="NaN or infinity in row 123, column 4"):
            list(rows.pools(8, seed))
    with pytest.raises(ValueError, match="row 123"):
        list(rows.parts())
