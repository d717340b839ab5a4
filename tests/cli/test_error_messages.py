"""One line on standard error for every mistake of a user, and no half-written file."""

import errno
import os
import re

import numpy as np
import pytest
from command_line import QUICK, fail, files_below, grating
from PIL import Image

import striate
from striate.persistence import save

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# --- bad arguments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lern"], "No such command 'lern'"),
        (["learn"], "Missing argument 'IMAGES'. See: striate learn --help"),
        (["learn", "photos"], "Missing option '--out'"),
        (["learn", "photos", "--out", "f.skops", "--n-features", "0"], "'--n-features': "),
        (["learn", "photos", "--out", "f.skops", "--seed", "x"], "'--seed': "),
        (["learn", "photos", "--out", "f.skops", "--colour"], "No such option: --colour"),
        (["learn", "photos", "--out", "f.skops"], "photos: no such file or folder"),
        (["learn", "photos", "--out", "f.png"], "--out f.png: this is the name of an image"),
        (
            ["train", "photos", "--features", "f.skops", "--out", "m.skops"],
            "photos: no such folder",
        ),
        (["predict", "m.skops", "photos"], "m.skops: cannot be read (no such file"),
        (["predict", "m.skops", "--out", "a.jpg", "b.jpg"], "--out a.jpg: this is the name of an"),
        (["show", "m.skops"], "m.skops: cannot be read (no such file"),
        (["show", "m.skops", "--out", "m.pdf"], "--out m.pdf: give a name that ends in .png"),
        (["show", "m.png"], "m.png: is a picture; give a file from"),
    ],
)
def test_bad_arguments(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert said in fail(*arguments)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [  # all inputs are missing too, but the output is checked first
        ["learn", "photos", "--out", "PLACE.skops"],
        ["train", "photos", "--features", "f.skops", "--out", "PLACE.skops"],
        ["predict", "m.skops", "photos", "--out", "PLACE.csv"],
        ["show", "m.skops", "--out", "PLACE.png"],
        ["report", "m.skops", "photos", "--out", "PLACE.html"],
        ["demo", "--out", "PLACE.html"],
    ],
)
@pytest.mark.parametrize("place", ["missing/new", "folder", "file/new"])
def test_output_is_checked_before_the_work(tmp_path, monkeypatch, arguments, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    out = arguments[-1].replace("PLACE", place)
    if arguments[0] == "demo":  # makes its folder
        out = "file"
    elif place == "folder":
        (tmp_path / out).mkdir()
    before = files_below(tmp_path)
    assert fail(*arguments[:-1], out).startswith(f"striate: {out}: ")
    assert files_below(tmp_path) == before


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody may write")
def test_folders_that_cannot_be_written(gratings):
    line = fail("learn", gratings, "--out", "/proc/self/f.skops")
    assert line.startswith("striate: /proc/self/f.skops: the folder /proc/")
    assert fail("demo", "--out", "/proc/self").startswith("striate: /proc/self/index.html: the fol")


# --- bad images -----------------------------------------------------------------------------


def make_bad_images(folder, kind):
    """Write three good images, and one that is not."""
    for seed in range(3):
        grating(0, seed).save(folder / f"{seed}.png")
    bad = folder / "bad.png"
    good = (folder / "0.png").read_bytes()
    if kind == "zero bytes":
        bad.touch()
    elif kind == "truncated":
        bad.write_bytes(good[: len(good) // 2])
    elif kind == "text":
        bad.write_text("not an image")
    elif kind == "NaN":
        Image.fromarray(np.full((24, 24), np.nan, np.float32)).save(bad, "TIFF")
    elif kind == "infinity":
        Image.fromarray(np.full((24, 24), np.inf, np.float32)).save(bad, "TIFF")
    elif kind == "small":
        grating(0, 0, size=5).save(bad)
    elif kind == "colour":
        grating(0, 0).convert("RGB").save(bad)
    elif kind == "animated":
        frames = [grating(0, seed) for seed in range(3)]
        frames[0].save(bad, "GIF", save_all=True, append_images=frames[1:])


BAD_IMAGES = {
    "zero bytes": "the file is empty (0 bytes)",
    "truncated": "cannot be read (",
    "text": "not an image",
    "NaN": "has no pixel with data",
    "infinity": "has infinite pixels",
    "small": "5",
    "animated": "holds 3 images",
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
@pytest.mark.parametrize("command", ["learn", "train", "predict"])
def test_bad_images_are_named(features, model, gratings, tmp_path, command, kind):
    folder = tmp_path / "classes" / "one"
    folder.mkdir(parents=True)
    make_bad_images(folder, kind)
    (tmp_path / "classes" / "two").mkdir()
    grating(1, 0).save(tmp_path / "classes" / "two" / "0.png")
    before = files_below(tmp_path)
    arguments = {
        "learn": ["learn", folder, *QUICK],
        "train": ["train", folder.parent, "--features", features],
        "predict": ["predict", model, folder],
    }[command]
    line = fail(*arguments, "--out", tmp_path / "out.skops")
    assert str(folder / "bad.png") in line
    assert BAD_IMAGES[kind] in line
    assert files_below(tmp_path) == before


def test_mixed_channels_suggest_grey(tmp_path):
    make_bad_images(tmp_path, "colour")
    line = fail("learn", tmp_path, "--out", tmp_path / "f.skops", *QUICK)
    assert f"{tmp_path / 'bad.png'} has 3 channels" in line or "bad.png: has 3" in line
    assert "--grey" in line


def test_pictures_overwrite_no_image(tmp_path):
    grating(0, 0).save(tmp_path / "photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    line = fail("learn", tmp_path, "--out", tmp_path / "photo.skops", *QUICK)
    assert f"would overwrite {tmp_path / 'photo.png'}, which is one of the images" in line
    assert (tmp_path / "photo.png").read_bytes() == before


def test_folders_without_images(gratings, features, model, tmp_path):
    (tmp_path / "notes.txt").touch()
    for arguments in (
        ["learn", tmp_path, "--out", tmp_path / "f.skops"],
        ["predict", model, tmp_path],
    ):
        assert f"no image files found in {tmp_path} (looked for" in fail(*arguments)
    train = ["train", tmp_path, "--features", features, "--out", tmp_path / "m.skops"]
    assert f"{tmp_path}: has 0 sub-folders" in fail(*train)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert f"no image files found in {tmp_path / 'one'}" in fail(*train)


def test_a_full_disk(gratings, tmp_path, monkeypatch):
    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    line = fail("learn", gratings, "--out", tmp_path / "f.skops", *QUICK)
    assert re.fullmatch(r"striate: .*f\.png: no space left on device: [\d.]+ kB needed\n", line)
    assert files_below(tmp_path) == []


# --- bad files ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["empty", "truncated", "text"])
@pytest.mark.parametrize("command", ["train", "predict", "show"])
def test_bad_model_files_are_named(gratings, model, tmp_path, command, kind):
    bad = tmp_path / "bad.skops"
    content = model.read_bytes()
    bad.write_bytes({"empty": b"", "truncated": content[:-100], "text": b"hello"}[kind])
    arguments = {
        "train": ["train", gratings, "--features", bad, "--out", tmp_path / "m.skops"],
        "predict": ["predict", bad, gratings],
        "show": ["show", bad],
    }[command]
    assert fail(*arguments).startswith(f"striate: {bad}: ")
    assert files_below(tmp_path) == ["bad.skops"]


def test_files_of_the_wrong_kind(gratings, features, model, tmp_path):
    from sklearn.preprocessing import StandardScaler

    scaler = tmp_path / "scaler.skops"
    save(StandardScaler(), scaler)
    assert "holds a StandardScaler without learned features" in fail("show", scaler)
    assert "holds no classifier" in fail("predict", features, gratings)
    line = fail("train", gratings, "--features", model, "--out", tmp_path / "m.skops")
    assert f"{model}: is a model; give features" in line


def test_features_of_other_channels_cannot_read_files(gratings, tmp_path):
    images = np.random.default_rng(0).random((4, 16, 16, 5))
    encoder = striate.SparseAutoencoder(3, max_iter=2, random_state=0)
    features = striate.PatchFeatures(encoder, patch_size=4, n_patches=100, random_state=0)
    save(features.fit(images), tmp_path / "f.skops")
    arguments = ["--features", tmp_path / "f.skops", "--out", tmp_path / "m.skops"]
    message = "0.png: has 1 channels, but the features were learned on 5"
    assert message in fail("train", gratings, *arguments)
