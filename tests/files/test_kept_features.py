"""Features that are computed once: found by content, and computed again if anything is wrong."""

import errno
import os
import threading

import numpy as np
import pytest
from PIL import Image

from striate import PatchFeatures, SparseAutoencoder
from striate.files import kept_features as module
from striate.files.cache_folder import cache_folder, cache_size
from striate.files.decoded_pixels import ImageError
from striate.files.kept_features import KeptFeatures


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "kept"
    monkeypatch.setenv("STRIATE_CACHE_DIR", str(folder))
    monkeypatch.delenv("STRIATE_CACHE_GB", raising=False)
    return folder


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(path)
    return paths


def learned(seed=0, **settings):
    images = np.random.default_rng(0).random((5, 16, 16))
    encoder = SparseAutoencoder(4, tol=0.1, random_state=seed)
    settings = {"patch_size": 5, "n_patches": 200, **settings}
    return PatchFeatures(encoder, random_state=0, **settings).fit(images)


@pytest.fixture(scope="module")
def features():
    return learned()


@pytest.fixture
def computed(monkeypatch):
    """Numbers of images whose features were computed at a time."""
    calls = []
    original = module.transformed

    def counted(features, paths, channels):
        calls.append(len(paths))
        return original(features, paths, channels)

    monkeypatch.setattr(module, "transformed", counted)
    return calls


def rows_of(features, files, channels=1):
    with KeptFeatures(features, channels) as kept:
        return kept.transform(files)


def tables(cache):
    return sorted(cache.glob("[!.]*.rows"))  # not temporary ones


def test_they_are_computed_once(features, files, computed):
    first, second = (rows_of(features, files) for _ in range(2))
    assert computed == [5]
    np.testing.assert_array_equal(first, second)
    assert second.dtype == first.dtype == np.float32
    np.testing.assert_array_equal(first, features.transform(files))


def test_the_content_counts_not_the_name_or_the_time(features, files, tmp_path, computed):
    expected = rows_of(features, files)
    moved = tmp_path / "elsewhere" / "other.png"
    moved.parent.mkdir()
    os.rename(files[3], moved)
    os.utime(moved, ns=(1, 1))
    np.testing.assert_array_equal(rows_of(features, [moved, files[0]]), expected[[3, 0]])
    assert computed == [5]


def test_another_content_of_the_same_size_and_time_is_noticed(features, tmp_path, computed):
    file = tmp_path / "0.pgm"
    for level in (10, 200):
        pixels = np.full((16, 16), level, np.uint8)
        pixels[4:9] = 90
        Image.fromarray(pixels).save(file)
        os.utime(file, ns=(1, 1))
        np.testing.assert_array_equal(rows_of(features, [file]), features.transform([file]))
    assert computed == [1, 1]


@pytest.mark.parametrize(
    "change",
    [{"stride": 2}, {"pool_grid": (2, 2)}, {"flips": True}, {"signed_sqrt": True}, {"seed": 1}],
)
def test_other_features_have_rows_of_their_own(features, files, computed, change):
    rows_of(features, files)
    other = learned(**change)
    np.testing.assert_array_equal(rows_of(other, files), other.transform(files))
    assert computed == [5, 5]


def test_channels_and_the_used_range_count(features, files, computed):
    rows_of(features, files)
    other = learned()
    other.used_range_ = (0.0, 0.5)
    rows_of(other, files)
    assert computed == [5, 5]
    colour = PatchFeatures(SparseAutoencoder(4, tol=0.1, random_state=0), patch_size=5)
    colour.set_params(n_patches=200, random_state=0).fit(
        np.random.default_rng(0).random((3, 16, 16, 3))
    )
    rows_of(colour, files, channels=3)
    assert computed == [5, 5, 5]


def test_saved_and_loaded_features_are_the_same(features, files, computed, tmp_path):
    from striate.persistence import load, save

    rows_of(features, files)
    save(features, tmp_path / "f.skops")
    rows_of(load(tmp_path / "f.skops"), files)
    assert computed == [5]


def test_files_in_any_order_and_more_than_once(features, files, computed):
    expected = rows_of(features, files)
    order = [2, 2, 0, 4, 2]
    np.testing.assert_array_equal(rows_of(features, [files[i] for i in order]), expected[order])
    assert computed == [5]


def test_new_files_only_are_computed(features, files, computed):
    rows_of(features, files[:2])
    rows_of(features, files)
    assert computed == [2, 3]


@pytest.mark.parametrize("share", np.linspace(0, 0.99, 12))
def test_a_truncated_table_is_computed_again(features, files, cache, computed, share):
    expected = rows_of(features, files)
    (table,) = tables(cache)
    content = table.read_bytes()
    table.write_bytes(content[: int(share * len(content))])
    np.testing.assert_array_equal(rows_of(features, files), expected)
    np.testing.assert_array_equal(rows_of(features, files), expected)
    assert computed == [5, 5]


def test_no_flipped_bit_changes_a_feature(features, files, cache):
    expected = rows_of(features, files)
    (table,) = tables(cache)
    content = table.read_bytes()
    for at in np.linspace(0, len(content) - 1, 60).astype(int):
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(at % 8)
        for each in tables(cache):
            each.unlink()
        table.write_bytes(damaged)
        np.testing.assert_array_equal(rows_of(features, files), expected)


def test_what_is_no_table_is_passed_over(features, files, cache, computed):
    rows_of(features, files)
    (table,) = tables(cache)
    name = table.name.split("-")[0]
    (cache / "notes.txt").write_text("mine")
    (cache / f"{name}-folder.rows").mkdir()
    np.save(cache / f"{name}-object.npy", np.array([{}]), allow_pickle=True)
    os.rename(cache / f"{name}-object.npy", cache / f"{name}-object.rows")
    rows_of(features, files)
    assert computed == [5]
    assert (cache / "notes.txt").exists()


def test_an_interrupted_run_keeps_what_it_computed(features, files, computed):
    def interrupted():
        with KeptFeatures(features, 1) as kept:
            kept.transform(files[:3])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    rows_of(features, files)
    assert computed == [3, 2]


def test_a_killed_run_loses_one_table_at_most(features, files, computed, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 2)
    kept = KeptFeatures(features, 1)  # never left
    for file in files:
        kept.transform([file])
    rows_of(features, files)
    assert computed == [1] * 5 + [1]


def test_two_processes_at_once(features, files, cache, computed):
    """Both compute what neither has written yet; nothing is lost or damaged."""
    expected = features.transform(files)
    with KeptFeatures(features, 1) as one, KeptFeatures(features, 1) as two:
        one.transform(files[:3])
        two.transform(files[1:])
    assert computed == [3, 4]
    assert len(tables(cache)) == 2
    np.testing.assert_array_equal(rows_of(features, files), expected)
    assert computed == [3, 4]


def test_many_writers_and_a_cleaner(features, files, cache):
    """Tables vanish under their readers, as another process may remove them."""
    expected = features.transform(files)
    found, stop = [], threading.Event()

    def clean():
        while not stop.is_set():
            for table in tables(cache):
                table.unlink(missing_ok=True)

    def use():
        found.extend(rows_of(features, files) for _ in range(8))

    cleaner, users = threading.Thread(target=clean), [threading.Thread(target=use) for _ in "ab"]
    for thread in (cleaner, *users):
        thread.start()
    for thread in users:
        thread.join()
    stop.set()
    cleaner.join()
    assert len(found) == 16
    for each in found:
        np.testing.assert_array_equal(each, expected)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_takes_nothing_costs_the_cache_alone(features, files, cache, monkeypatch, code):
    def refuse(path, content):
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(module, "write_file", refuse)
    with pytest.warns(UserWarning, match="features are not kept for the next run"):
        found = rows_of(features, files)
    np.testing.assert_array_equal(found, features.transform(files))
    assert tables(cache) == []


def test_a_folder_that_cannot_be_made(features, files, cache, monkeypatch):
    cache.write_text("a file")
    with pytest.warns(UserWarning, match="STRIATE_CACHE_DIR may name another folder"):
        rows_of(features, files)
    assert cache.read_text() == "a file"


def test_it_is_safe_to_delete(features, files, cache, computed):
    with KeptFeatures(features, 1) as kept:
        kept.transform(files)
        for table in tables(cache):
            table.unlink()
    for table in tables(cache):
        table.unlink()
    cache.rmdir()
    rows_of(features, files)
    assert computed == [5, 5]


def test_the_oldest_tables_make_room(features, files, cache, monkeypatch):
    sizes = []
    for i, file in enumerate(files):
        rows_of(features, [file])
        for table in tables(cache):
            if table.stat().st_mtime > 2000:
                os.utime(table, (1000 + i, 1000 + i))
                sizes.append(table.stat().st_size)
    assert len(set(sizes)) == 1
    rows_of(features, files[:1])  # used: no longer the oldest
    monkeypatch.setenv("STRIATE_CACHE_GB", str(3.5 * sizes[0] / 1e9))
    Image.new("L", (16, 16)).save(files[0].with_name("new.png"))
    rows_of(features, [files[0].with_name("new.png")])
    assert len(tables(cache)) == 3
    times = sorted(table.stat().st_mtime for table in tables(cache))
    assert times[0] == 1004
    assert times[1] > 2000


def test_a_run_larger_than_the_cache(features, files, cache, monkeypatch, computed):
    monkeypatch.setattr(module, "_ROWS", 1)
    rows_of(features, files[:1])
    size = tables(cache)[0].stat().st_size
    monkeypatch.setenv("STRIATE_CACHE_GB", str(2.5 * size / 1e9))
    with KeptFeatures(features, 1) as kept:
        for file in files[1:]:
            kept.transform([file])
    assert len(tables(cache)) == 2
    rows_of(features, files[1:3])
    assert computed == [1] * 5  # the first two stayed


def test_images_that_cannot_be_used_are_not_kept(features, files, cache):
    files[1].write_bytes(b"no image")
    for _ in range(2):
        with pytest.raises(ImageError, match=r"1\.png"):
            rows_of(features, files)
    with pytest.raises(ImageError, match=r"gone\.png"):
        rows_of(features, [files[0].with_name("gone.png")])
    assert tables(cache) == []


def test_a_file_that_changes_meanwhile_is_not_kept(features, files, computed, monkeypatch):
    original = module.transformed

    def changing(features, paths, channels):
        rows = original(features, paths, channels)
        Image.new("L", (16, 16), 9).save(files[2])
        os.utime(files[2], ns=(1, 1))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(module, "transformed", changing)
        rows_of(features, files)
    np.testing.assert_array_equal(rows_of(features, files), features.transform(files))
    assert computed == [5, 1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(features, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="a pipe"):
        rows_of(features, [tmp_path / "pipe.png"])


def test_nothing_is_kept_if_that_is_wanted(features, files, computed, monkeypatch, tmp_path):
    monkeypatch.setenv("STRIATE_CACHE_DIR", "")
    before = sorted(tmp_path.iterdir())
    for _ in range(2):
        rows_of(features, files)
    assert computed == [5, 5]
    assert sorted(tmp_path.iterdir()) == before


def test_where_and_how_much(monkeypatch, tmp_path):
    monkeypatch.delenv("STRIATE_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "striate"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "striate"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert cache_folder() == tmp_path / "c" / "striate"
    assert cache_size() == 2_000_000_000
    monkeypatch.setenv("STRIATE_CACHE_GB", "0.5")
    assert cache_size() == 500_000_000
    for text in ("much", "nan", "inf"):
        monkeypatch.setenv("STRIATE_CACHE_GB", text)
        with pytest.raises(ValueError, match="is not a number of gigabytes"):
            cache_size()
