"""Files of maps: NumPy, OME-TIFF and Zarr hold what is written, or there is no file."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from striate.files import map_files
from striate.files.large_image import opened_array
from striate.files.map_output import finished, map_output

NAMES = ["maps.npy", "maps.zarr", "maps.ome.tif", "MAPS.TIFF"]
RNG = np.random.default_rng(0)


def blocks(shape, side=64):
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            yield slice(y, min(y + side, shape[0])), slice(x, min(x + side, shape[1]))


def written(path, values, side=64):
    with map_output(path, values.shape, values.dtype, side) as output:
        for place in blocks(values.shape, side):
            output[place] = values[place]
    return finished(path, output)


def interrupted(path, values, error):
    with map_output(path, values.shape, values.dtype, 64) as output:
        output[0:64, 0:64] = values[:64, :64]
        raise error


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((70, 90), "u1"), ((65, 130, 5), "f4"), ((9, 8, 3), "f8"), ((5, 6, 1), "f4"), ((64, 1), "i4")],
)
def test_each_format_holds_what_is_written(tmp_path, name, shape, dtype):
    values = RNG.integers(0, 99, shape).astype(dtype)
    found = written(tmp_path / name, values)
    assert (found.shape, found.dtype) == (shape, np.dtype(dtype))
    np.testing.assert_array_equal(found[:], values)
    assert os.listdir(tmp_path) == [name]


def test_other_programs_read_the_files(tmp_path):
    values = RNG.random((70, 80, 4), dtype=np.float32)
    written(str(tmp_path / "maps.ome.tif"), values)
    with tifffile.TiffFile(tmp_path / "maps.ome.tif") as file:
        assert file.is_ome
        assert file.series[0].axes == "YXS"
        np.testing.assert_array_equal(file.asarray(), values)
    array = written(tmp_path / "maps.zarr", values)
    assert array.chunks == (64, 64, 4)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "maps.zarr", mode="r")[:], values)
    np.testing.assert_array_equal(opened_array(tmp_path / "maps.zarr")[:], values)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_exists_is_replaced_by_a_whole_one_only(tmp_path, name):
    before, after = RNG.random((2, 70, 66, 2))
    written(tmp_path / name, before)
    with pytest.raises(KeyError):
        interrupted(tmp_path / name, after, KeyError())
    assert os.listdir(tmp_path) == [name]
    np.testing.assert_array_equal(finished(tmp_path / name, before)[:], before)
    np.testing.assert_array_equal(written(tmp_path / name, after)[:], after)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["maps.npy", "maps.ome.tif"])
def test_a_full_disk_is_found_before_anything_is_computed(tmp_path, name, monkeypatch):
    def full(file, size):
        raise OSError(28, "No space left on device", str(file.name))

    monkeypatch.setattr(map_files, "reserve", full)
    (tmp_path / name).write_bytes(b"before")
    with (
        pytest.raises(OSError, match=rf"No space left on device: .* kB needed.*{name}"),
        map_output(tmp_path / name, (90, 80, 3), np.float32, 64),
    ):
        raise AssertionError
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"before"


def test_a_disk_that_fills_while_zarr_is_written_leaves_no_folder(tmp_path):
    full = OSError(28, "No space left on device")
    with pytest.raises(OSError, match=r"No space left on device.*maps\.zarr"):
        interrupted(tmp_path / "maps.zarr", np.ones((90, 80)), full)
    assert os.listdir(tmp_path) == []


def test_folders_that_are_something_else_are_kept(tmp_path):
    for name in ("maps.zarr", "maps.tif"):
        (tmp_path / name).mkdir()
    (tmp_path / "maps.zarr" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"maps\.zarr: exists, and is something else"):
        written(tmp_path / "maps.zarr", np.ones((3, 3)))
    with pytest.raises(IsADirectoryError, match="is a folder"):
        written(tmp_path / "maps.tif", np.ones((3, 3)))
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        written(tmp_path / "missing" / "maps.zarr", np.ones((3, 3)))
    assert (tmp_path / "maps.zarr" / "notes.txt").read_text() == "mine"


def test_folders_of_killed_processes_are_removed(tmp_path):
    abandoned = tmp_path / ".striate-0123456789abcdef.zarr"
    (abandoned / "c").mkdir(parents=True)
    mine = tmp_path / ".striate-notes"
    mine.mkdir()
    os.utime(abandoned, (time.time() - 100_000,) * 2)
    written(tmp_path / "maps.zarr", np.ones((3, 3)))
    assert sorted(os.listdir(tmp_path)) == [".striate-notes", "maps.zarr"]


def test_types_that_ome_does_not_have(tmp_path):
    values = np.ones((3, 3), np.int64)
    with pytest.raises(ValueError, match=r"no pixels of int64; choose a \.npy or \.zarr file"):
        written(tmp_path / "labels.tif", values)
    assert os.listdir(tmp_path) == []
    np.testing.assert_array_equal(written(tmp_path / "labels.zarr", values)[:], values)


@pytest.mark.parametrize(("name", "package"), [("a.zarr", "zarr"), ("a.tif", "tifffile")])
def test_missing_packages_are_named(tmp_path, name, package, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"needs {package}: pip install 'striate\["):
        written(tmp_path / name, np.ones((3, 3)))
    assert list(Path(tmp_path).iterdir()) == []
