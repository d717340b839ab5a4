"""The command line on folders with files that cannot be used, and `striate features`."""

import csv
import os

import numpy as np
import pytest
from command_line import run
from PIL import Image

from striate import PatchFeatures, SparseAutoencoder
from striate.files import read_images
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
    "200",
    "--max-iter",
    "5",
]


@pytest.fixture
def labelled(tmp_path):
    """Two classes of six images, of which four cannot be used."""
    rng = np.random.default_rng(0)
    for name, level in [("dark", 60), ("light", 250)]:
        folder = tmp_path / "labelled" / name
        folder.mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, level, (18, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    (folder / "0.png").write_bytes(b"")
    (folder / "3.png").write_text("no image")
    (folder / "4.png").write_bytes((folder / "5.png").read_bytes()[:99])
    Image.new("L", (7, 7)).save(folder.parent / "dark" / "2.png")
    return tmp_path / "labelled"


BAD = ["dark/2.png", "light/0.png", "light/3.png", "light/4.png"]


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    images = np.random.default_rng(0).random((4, 20, 20))
    encoder = SparseAutoencoder(4, max_iter=5, random_state=0)
    features = PatchFeatures(encoder, patch_size=6, n_patches=200, random_state=0).fit(images)
    path = tmp_path_factory.mktemp("learned") / "features.skops"
    save(features, path)
    return path


def listed(stderr, folder):
    """Files that were reported as skipped."""
    first, *lines = stderr.splitlines()
    assert first == f"striate: skipped {len(lines)} image{'s' if len(lines) != 1 else ''}:"
    return sorted(line.split(": ")[0].strip().removeprefix(f"{folder}/") for line in lines)


def test_learn(labelled, tmp_path):
    out = tmp_path / "f.skops"
    printed, said = run("learn", labelled, "--out", out, *QUICK, "--skip-errors")
    assert "from 9 images" in printed  # a patch fits into the small one
    assert listed(said, labelled) == BAD[1:]


def test_train_predict_and_report(labelled, learned, tmp_path):
    model, table, page = (tmp_path / name for name in ("m.skops", "p.csv", "r.html"))
    printed, said = run("train", labelled, "-f", learned, "-o", model, "--skip-errors")
    assert "dark: 5 images\nlight: 3 images\n" in printed
    assert listed(said, labelled) == BAD
    printed, said = run("predict", model, labelled, "--out", table, "--skip-errors")
    assert printed == f"Wrote 8 predictions to {table}\n"
    assert listed(said, labelled) == BAD
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert not [row for row in rows if any(row["file"].endswith(bad) for bad in BAD)]
    run("report", model, "--out", page, "--skip-errors")
    assert page.exists()


def test_images_are_read_once(labelled, learned, tmp_path, monkeypatch):
    for bad in BAD:
        (labelled / bad).unlink()
    monkeypatch.setenv("STRIATE_CACHE_DIR", "")
    read = []
    original = read_images._decode

    def counted(path, *arguments, **options):
        read.append(path)
        return original(path, *arguments, **options)

    monkeypatch.setattr(read_images, "_decode", counted)
    run("train", labelled, "-f", learned, "-o", tmp_path / "m.skops", "--skip-errors")
    assert sorted(read) == sorted(labelled.rglob("*.png"))


@pytest.fixture
def locked(labelled, monkeypatch):
    """Add a sub-folder that may not be listed, not even by root."""
    for bad in BAD:
        (labelled / bad).unlink()
    folder = labelled / "dark" / "locked"
    folder.mkdir()
    scandir = os.scandir

    def refusing(path="."):
        if os.fspath(path) == str(folder):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return folder


@pytest.mark.long
def test_a_locked_folder_is_skipped_by_every_command(labelled, learned, locked, tmp_path):
    model = tmp_path / "m.skops"
    commands = [
        ["learn", labelled, "-o", tmp_path / "f.skops", *QUICK],
        ["train", labelled, "-f", learned, "-o", model],
        ["predict", model, labelled, "-o", tmp_path / "p.csv"],
        ["report", model, labelled, "-o", tmp_path / "r.html"],
        ["features", learned, labelled, "-o", tmp_path / "X.npy"],
    ]
    for words in commands:
        _, said = run(*words, status=2)
        assert said == f"striate: {locked}: permission denied\n"
        _, said = run(*words, "--skip-errors")
        assert said == f"striate: skipped 1 folder:\n  {locked}: permission denied\n"
    (labelled / "dark" / "0.png").write_bytes(b"")
    _, said = run(*commands[0], "--skip-errors")
    assert said.startswith("striate: skipped 1 image and 1 folder:\n")


def test_nothing_to_skip(labelled, learned, tmp_path):
    for bad in BAD:
        (labelled / bad).unlink()
    run("train", labelled, "-f", learned, "-o", tmp_path / "plain.skops")
    _, said = run("train", labelled, "-f", learned, "-o", tmp_path / "m.skops", "--skip-errors")
    assert said == ""
    both = [load(tmp_path / name)[-1].coef_ for name in ("plain.skops", "m.skops")]
    np.testing.assert_array_equal(*both)


def test_a_class_without_usable_images(labelled, learned, tmp_path):
    for path in (labelled / "light").iterdir():
        path.write_bytes(b"")
    arguments = ["train", labelled, "-f", learned, "-o", tmp_path / "m.skops", "--skip-errors"]
    _, said = run(*arguments, status=2)
    assert "none of 6 images can be used" in said
    assert "light" in said


def test_features_and_their_files(labelled, learned, tmp_path):
    out = tmp_path / "X.npy"
    _, said = run("features", learned, labelled, "--out", out, status=2)
    assert "dark/2.png: has 2 x 2 positions" in said
    assert not out.exists()
    printed, said = run("features", learned, labelled, "--out", out, "--skip-errors")
    assert printed.startswith(f"Wrote 36 features of each of 12 images to {out}\n")
    assert listed(said, labelled) == BAD
    X, rows = np.load(out), list(csv.DictReader((tmp_path / "X.csv").read_text().splitlines()))
    bad = [row["error"] != "" for row in rows]
    assert np.isnan(X).all(axis=1).tolist() == bad
    good = [row["file"] for row in rows if not row["error"]]
    np.testing.assert_array_equal(X[~np.isnan(X[:, 0])], load(learned).transform(good))


def test_interrupted_features(labelled, learned, tmp_path, monkeypatch):
    def interrupted(blocks, title):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("striate.cli.progress_bar.progress", interrupted)
        arguments = ["features", learned, labelled / "dark", "-o", tmp_path / "X.npy"]
        _, said = run(*arguments, "--skip-errors", status=130)
    assert said == "striate: interrupted; run the same command again to continue\n"
    run(*arguments, "--skip-errors")
    assert not list(tmp_path.glob("X.npy.*"))


@pytest.mark.parametrize("name", ["X.csv", "X.png", "X"])
def test_names_of_features(learned, labelled, tmp_path, name):
    _, said = run("features", learned, labelled, "--out", tmp_path / name, status=2)
    assert "give a name that ends in .npy" in said
