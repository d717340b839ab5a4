"""Folders as people have them: few images of a class, files that vanish, images of other bands."""

import struct
from pathlib import Path

import numpy as np
import pytest
from command_line import run
from PIL import Image

from striate import PatchFeatures, SparseAutoencoder
from striate.files.image_folders import find_images
from striate.persistence import load, save

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = [
    "--encoder",
    "autoencoder",
    "--n-features",
    "4",
    "--patch-size",
    "6",
    "--n-patches",
    "300",
    "--max-iter",
    "3",
]
READERS = ["learn", "train", "features", "predict", "report"]


def write_images(folder, n, seed=0):
    folder.mkdir(parents=True)
    rng = np.random.default_rng([seed, n])
    for i in range(n):
        Image.fromarray(rng.integers(0, 256, (16, 18), dtype=np.uint8)).save(folder / f"{i}.png")


def write_classes(folder):
    for seed, name in enumerate(["fine", "coarse"]):
        write_images(folder / name, 5, seed)
    return folder


@pytest.fixture
def labelled(tmp_path):
    return write_classes(tmp_path / "labelled")


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    images = np.random.default_rng(0).random((4, 20, 20))
    encoder = SparseAutoencoder(4, max_iter=5, random_state=0)
    features = PatchFeatures(encoder, patch_size=6, n_patches=200, random_state=0).fit(images)
    path = tmp_path_factory.mktemp("learned") / "features.skops"
    save(features, path)
    return path


@pytest.fixture(scope="module")
def model(learned):
    """A model that was trained on images like those of `labelled`."""
    path = learned.with_name("model.skops")
    run("train", write_classes(learned.parent / "labelled"), "-f", learned, "-o", path)
    return path


def command(name, labelled, learned, model, out):
    """Return the words of a command that reads all of a labelled folder."""
    return {
        "learn": ["learn", labelled, *QUICK, "-o", out / "f.skops"],
        "train": ["train", labelled, "-f", learned, "-o", out / "m.skops"],
        "features": ["features", learned, labelled, "-o", out / "X.npy"],
        "predict": ["predict", model, labelled, "-o", out / "p.csv"],
        "report": ["report", model, labelled, "-o", out / "r.html"],
    }[name]


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_vanishes_is_named(labelled, learned, model, tmp_path, monkeypatch, name):
    gone = labelled / "fine" / "3.png"

    def listed(paths, skipped):
        files = find_images(paths, skipped=skipped)
        if gone in files:  # another program was quicker
            gone.unlink()
        return files

    monkeypatch.setattr("striate.cli.skip_errors.find_images", listed)
    out = tmp_path / "out"
    out.mkdir()
    _, said = run(*command(name, labelled, learned, model, out), status=2)
    assert said.startswith(f"striate: {gone}: cannot be read (No such file")
    assert said.count("\n") == 1
    assert [path for path in out.iterdir() if not path.name.startswith("X.npy.")] == []


def many_bands(path):
    """Write a TIFF of 16 x 16 pixels with five bands side by side."""
    pixels = bytes(16 * 16 * 5)
    at = 8 + len(pixels)
    tags = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 5, at), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, 8), (277, 3, 1, 5), (278, 4, 1, 16), (279, 4, 1, len(pixels))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
    bits = struct.pack("<5H", *[8] * 5)
    head = struct.pack("<2sHI", b"II", 42, at + len(bits))
    path.write_bytes(head + pixels + bits + directory + bytes(4))


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_an_image_of_many_bands_is_named(labelled, learned, model, tmp_path, name):
    other = labelled / "coarse" / "2.tif"
    many_bands(other)
    out = tmp_path / "out"
    out.mkdir()
    words = command(name, labelled, learned, model, out)
    _, said = run(*words, status=2)
    assert said.startswith(f"striate: {other}: has 5 channels, but ")
    assert said.count("\n") == 1
    assert list(out.iterdir()) == [] or name == "features"
    _, said = run(*words, "--skip-errors")
    assert said.startswith(f"striate: skipped 1 image:\n  {other}: ")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param(name, mode, marks=() if i == j else pytest.mark.long)
        for i, name in enumerate(READERS)
        for j, mode in enumerate(["RGB", "RGBA", "CMYK", "LA", "P"])
    ],
)
def test_kinds_are_turned_into_one(labelled, learned, model, tmp_path, name, mode):
    other = labelled / "coarse" / "2.png"
    with Image.open(other) as image:
        turned = image.convert("RGB").convert(mode)
    turned.save(other.with_suffix(".tif"))
    other.unlink()
    words = command(name, labelled, learned, model, tmp_path)
    if name == "learn":
        words.append("--grey")
    assert run(*words)[1] == ""


def test_learn_wants_images_of_one_kind(labelled, learned, model, tmp_path):
    other = labelled / "coarse" / "2.png"
    Image.open(other).convert("RGB").save(other)
    _, said = run(*command("learn", labelled, learned, model, tmp_path), status=2)
    assert f"{other}: has 3 channels (colour), but " in said
    assert said.endswith("or convert all to grey with --grey\n")


@pytest.mark.long
def test_a_class_of_one_image(labelled, learned, tmp_path):
    write_images(labelled / "rare", 1, seed=7)
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    printed, _ = run("train", labelled, "-f", learned, "-o", model)
    assert "rare: 1 image\n" in printed
    assert "rare has a single image, and is left out of the following measurements\n" in printed
    assert "(always the most frequent class: 50.0%)" in printed
    assert list(load(model).classes_) == ["coarse", "fine", "rare"]
    assert run("predict", model, labelled)[0].count("\n") == 12
    run("report", model, "-o", page)
    text = page.read_text(encoding="utf-8")
    assert "Not measured, because their images are single ones: rare." in text
    assert "Measured on\n10 images" in text


def test_a_report_needs_two_classes_that_can_be_held_out(labelled, learned, tmp_path):
    for path in list((labelled / "fine").iterdir())[1:]:
        path.unlink()
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    printed, _ = run("train", labelled, "-f", learned, "-o", model)
    assert "not estimated, because fine has a single image; give at least two" in printed
    _, said = run("report", model, "-o", page, status=2)
    assert said.startswith(f"striate: {labelled}: has fewer than two classes with at least two ima")
    assert not page.exists()


@pytest.mark.long
def test_fewer_images_than_folds(labelled, learned, tmp_path):
    write_images(labelled / "rare", 2, seed=7)
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    printed, _ = run("train", labelled, "-f", learned, "-o", model)
    assert " over 2 folds " in printed
    run("report", model, "-o", page)
    assert "divided into 2 folds" in page.read_text(encoding="utf-8")


def test_a_class_that_is_an_empty_folder(labelled, learned, tmp_path):
    (labelled / "none").mkdir()
    _, said = run("train", labelled, "-f", learned, "-o", tmp_path / "m.skops", status=2)
    assert said.startswith(f"striate: no image files found in {labelled / 'none'} (")


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("learn", ["Checking images", "reading images"]),
        ("train", ["Computing features of images", "Cross-validating"]),
    ],
)
def test_progress_while_files_are_read(labelled, learned, tmp_path, monkeypatch, name, titles):
    monkeypatch.setenv("FORCE_COLOR", "1")
    words = command(name, labelled, learned, Path(), tmp_path)
    _, said = run(*words, "--skip-errors")
    for title in titles:
        assert title in said
