"""Finding image files: in folders and behind links, and what is said of files passed over."""

import os

import pytest

from striate import extract_features, readable_images
from striate.files.image_folders import find_images


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found_below(folder):
    return [path.relative_to(folder).as_posix() for path in find_images(folder)]


def test_folders_are_searched_in_order(tmp_path):
    names = ["b/2.png", "b/10.JPG", "a.tiff", "c.txt", ".hidden.png", ".git/d.png", "b/deep/e.bmp"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a.tiff", "b/10.JPG", "b/2.png", "b/deep/e.bmp"]


def test_files_keep_their_order_and_come_once(tmp_path):
    for name in ("z.png", "a.png", "scan"):
        (tmp_path / name).touch()
    given = [tmp_path / "z.png", str(tmp_path / "scan"), tmp_path]
    assert [path.name for path in find_images(given)] == ["z.png", "scan", "a.png"]


def test_missing_path_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such file or folder"):
        find_images([tmp_path / "nowhere"])


@pytest.mark.parametrize("paths", [[], None])
def test_nothing_found(tmp_path, paths):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"no image files found in .*\(looked for .*\.png"):
        find_images(tmp_path if paths is None else paths)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JFIF", ".j2k", ".mpo"])
def test_rarer_suffixes_of_formats_that_are_read(tmp_path, suffix):
    touch(tmp_path, f"photo{suffix}")
    assert found_below(tmp_path) == [f"photo{suffix}"]


def test_kinds_that_cannot_be_read_are_counted(tmp_path):
    touch(tmp_path, "a.png", "b.heic", "deep/c.HEIC", "d.dcm", "notes.txt")
    with pytest.warns(UserWarning, match=r"passed over: 2 \.heic, 1 \.dcm; these kinds"):
        assert found_below(tmp_path) == ["a.png"]
    (tmp_path / "a.png").unlink()
    with pytest.raises(ValueError, match=r"no image files .*; passed over: 2 \.heic, 1 \.dcm\)"):
        find_images(tmp_path)


# --- links ----------------------------------------------------------------------------------


def test_links_to_folders_are_followed(tmp_path):
    touch(tmp_path, "elsewhere/a.png", "elsewhere/deep/b.png", "photos/c.png")
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "only").symlink_to(tmp_path / "elsewhere")
    assert found_below(tmp_path / "photos") == ["c.png", "more/a.png", "more/deep/b.png"]
    assert found_below(tmp_path / "links") == ["only/a.png", "only/deep/b.png"]


def test_a_folder_is_searched_once(tmp_path):
    """A loop, two links to one folder, and a link to a folder that is there itself."""
    touch(tmp_path, "photos/b/1.png", "elsewhere/2.png")
    photos = tmp_path / "photos"
    for name, goal in [("b/loop", photos), ("a", photos / "b"), ("x", tmp_path / "elsewhere")]:
        (photos / name).symlink_to(goal)
    (photos / "y").symlink_to(tmp_path / "elsewhere")
    (photos / "self").symlink_to(photos / "self")
    assert found_below(photos) == ["b/1.png", "x/2.png"]


# --- folders without permission -------------------------------------------------------------


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A folder of two images and a sub-folder that may not be listed, not even by root."""
    touch(tmp_path, "a.png", "b.png", "locked/c.png")
    scandir = os.scandir

    def refusing(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return tmp_path / "locked"


def test_a_locked_folder_is_an_error_or_skipped(locked):
    with pytest.raises(PermissionError, match="locked"):
        find_images(locked.parent)
    skipped = {}
    found = find_images(locked.parent, skipped=skipped)
    assert [path.name for path in found] == ["a.png", "b.png"]
    assert skipped == {locked: f"{locked}: permission denied"}
    with pytest.raises(ValueError, match="no image files found .*locked: permission denied"):
        find_images(locked, skipped={})


@pytest.mark.parametrize("function", [readable_images, extract_features])
def test_functions_that_skip_errors_skip_locked_folders(locked, function):
    from PIL import Image

    from striate import DictionaryEncoder, PatchFeatures

    for name in ("a.png", "b.png"):
        Image.effect_noise((9, 9), 50).save(locked.parent / name)
    if function is readable_images:
        paths, skipped = function(locked.parent, on_error="skip")
    else:
        encoder = DictionaryEncoder(2, dictionary="random", random_state=0)
        features = PatchFeatures(encoder, patch_size=3, n_patches=20, random_state=0)
        features.fit([locked.parent / "a.png"])
        out = locked.parent / "X.npy"
        _, paths, skipped = function(features, locked.parent, out, on_error="skip")
    assert [path.name for path in paths] == ["a.png", "b.png"]
    assert skipped == {locked: f"{locked}: permission denied"}


def test_a_file_in_a_locked_folder_is_skipped(tmp_path, monkeypatch):
    def refusing(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    touch(tmp_path, "a.png")
    skipped = {}
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.stat", refusing)
        with pytest.raises(ValueError, match="permission denied"):
            find_images(tmp_path / "a.png", skipped=skipped)
    assert skipped == {tmp_path / "a.png": f"{tmp_path / 'a.png'}: permission denied"}
