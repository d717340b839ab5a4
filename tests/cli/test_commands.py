"""The commands, one after the other: learn, train, predict, show, demo."""

import csv
import io
import os
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from command_line import QUICK, files_below, grating, invoke, succeed
from PIL import Image
from rich.console import Console

from striate.cli.confusion_text import print_confusion
from striate.cli.progress_bar import progress
from striate.persistence import load

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_learn_writes_features_and_their_picture(gratings, tmp_path):
    out = tmp_path / "features.skops"
    lines = succeed("learn", gratings, "--out", out, *QUICK).splitlines()
    assert lines[-2] == "Learned 8 features of 6×6 pixels, grey, from 16 images"
    assert (
        lines[-1]
        == f"Wrote the features to {out} and a picture of them to {tmp_path / 'features.png'}"
    )
    assert files_below(tmp_path) == ["features.png", "features.skops"]
    assert load(out).filters_.shape == (8, 6, 6, 1)
    with Image.open(tmp_path / "features.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10


def test_the_same_seed_gives_the_same_features(gratings, features, tmp_path):
    for name, seed in [("same.skops", 0), ("other.skops", 1)]:
        succeed("learn", gratings, "--out", tmp_path / name, *QUICK, "--seed", seed)
    expected = load(features).filters_
    np.testing.assert_array_equal(load(tmp_path / "same.skops").filters_, expected)
    assert not np.array_equal(load(tmp_path / "other.skops").filters_, expected)


def test_train_prints_the_accuracy_on_held_out_images(gratings, features, tmp_path):
    out = tmp_path / "model.skops"
    lines = succeed("train", gratings, "--features", features, "--out", out).splitlines()
    assert lines[:2] == ["across: 8 images", "down: 8 images"]
    assert lines[2].startswith("accuracy on held-out images: ")
    assert lines[2].endswith(" over 5 folds (always the most frequent class: 50.0%)")
    assert re.match(r"probabilities: [\d.]+% claimed on average, [\d.]+% correct; ", lines[3])
    assert lines[4].strip() == "confusion matrix (rows: true class, columns: predicted class)"
    assert lines[5].split() == ["across", "down"]
    counts = [line.split() for line in lines[6:8]]
    assert [row[0] for row in counts] == ["across", "down"]
    assert [sum(map(int, row[1:])) for row in counts] == [8, 8]
    assert lines[8] == f"Wrote the model to {out}"


def test_train_stores_its_measurements_in_the_model(model):
    kept = load(model).cross_validation_
    assert kept["accuracies"].shape == (5,)
    assert kept["baseline"] == 0.5
    assert kept["confusion"].sum() == len(load(model).trained_on_["checksums"]) == 16


def test_confusion_of_many_classes_is_a_list_of_pairs(capsys):
    confusion = np.diag(np.full(21, 3))
    confusion[2, 5] = 4
    print_confusion([f"class {k}" for k in range(21)], confusion)
    printed = capsys.readouterr().out
    assert printed == "most frequent mistakes:\n  class 2 predicted as class 5: 4 of 7\n"


def test_confusion_with_long_names_fits_a_terminal(capsys):
    print_confusion([f"class {k} of some length" for k in range(20)], np.full((20, 20), 2))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [str(k + 1) for k in range(20)]
    assert lines[20].split()[0] == "19"
    assert "…" not in "".join(lines)


def test_progress_is_shown_on_a_terminal(monkeypatch):
    shown = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("striate.cli.progress_bar.get_console", lambda: shown)
    assert list(progress([1, 2, 3], "Counting")) == [1, 2, 3]
    assert "Counting" in shown.file.getvalue()


def test_train_with_one_image_per_class(gratings, features, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "few" / name).mkdir(parents=True)
        (tmp_path / "few" / name / "0.png").write_bytes((gratings / name / "0.png").read_bytes())
    out = tmp_path / "model.skops"
    printed = succeed("train", tmp_path / "few", "-f", features, "-o", out)
    assert "across: 1 image\n" in printed
    assert (
        "accuracy on held-out images: not estimated, because across has a single image" in printed
    )
    assert not hasattr(load(out), "cross_validation_")


def test_predict_prints_a_table_and_nothing_else(model, tmp_path):
    for axis, name in enumerate(["across", "down"]):
        for seed in range(100, 104):
            grating(axis, seed, size=31).save(tmp_path / f"{name} {seed}.png")
    table = list(csv.DictReader(io.StringIO(succeed("predict", model, tmp_path))))
    assert [row["file"] for row in table] == [str(each) for each in sorted(tmp_path.iterdir())]
    assert all(row["label"] in os.path.basename(row["file"]) for row in table)
    assert all(0.5 <= float(row["probability"]) <= 1 for row in table)


def test_predict_writes_a_file(model, gratings, tmp_path):
    out = tmp_path / "predictions.csv"
    printed = succeed("predict", model, gratings / "down", "--out", out)
    assert printed == f"Wrote 8 predictions to {out}\n"
    assert out.read_text() == succeed("predict", model, gratings / "down")


def test_model_files_work_in_python(model, gratings):
    files = sorted((gratings / "down").iterdir())
    assert list(load(model).predict(files)) == ["down"] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
def test_odd_file_names(model, gratings, tmp_path):
    content = (gratings / "down" / "0.png").read_bytes()
    for name in (b'comma, quote".png', b"\xff.png", "größe.png".encode()):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(content)
    result = invoke("predict", model, tmp_path)
    assert result.exit_code == 0
    assert b"\xff.png,down," in result.stdout_bytes
    assert len(list(csv.reader(io.StringIO(result.stdout)))) == 4


def test_show_describes_a_file(features, model, tmp_path):
    printed = succeed("show", features, "--out", tmp_path / "a.png")
    for fact in ("features", "8", "6×6 pixels, grey", "SparseAutoencoder"):
        assert fact in printed
    assert "classes" not in printed
    assert "across, down" in succeed("show", model, "--out", tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert succeed("show", model).endswith(f"to {model.with_suffix('.png')}\n")


@pytest.mark.long
def test_grey_features_of_colour_images(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "colour" / name).mkdir(parents=True)
        for path in (gratings / name).iterdir():
            Image.open(path).convert("RGB").save(tmp_path / "colour" / name / path.name)
    features, model = tmp_path / "features.skops", tmp_path / "model.skops"
    succeed("learn", tmp_path / "colour", gratings, "--out", features, *QUICK, "--grey")
    assert load(features).patch_shape_ == (6, 6, 1)
    succeed("train", tmp_path / "colour", "--features", features, "--out", model)
    grey = succeed("predict", model, gratings / "down")
    colour = succeed("predict", model, tmp_path / "colour" / "down")
    assert [row[1:] for row in csv.reader(io.StringIO(colour))] == [
        row[1:] for row in csv.reader(io.StringIO(grey))
    ]


def test_colour_features_of_grey_images(gratings, tmp_path):
    for seed in range(4):
        stripes = [grating(axis, seed) for axis in (0, 1, 0)]
        Image.merge("RGB", stripes).save(tmp_path / f"{seed}.png")
    features, model = tmp_path / "features.skops", tmp_path / "model.skops"
    assert "6×6 pixels, colour" in succeed("learn", tmp_path, "--out", features, *QUICK)
    succeed("train", gratings, "--features", features, "--out", model)
    assert succeed("predict", model, gratings / "down").count("down,") == 8


def test_images_of_a_single_colour(gratings, features, model, tmp_path):
    Image.new("L", (24, 24), 128).save(tmp_path / "flat.png")
    succeed("learn", tmp_path, gratings, "--out", tmp_path / "features.skops", *QUICK)
    assert "flat.png," in succeed("predict", model, tmp_path / "flat.png")


def test_progress_is_shown_on_terminals(gratings, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = invoke("learn", gratings, "--out", tmp_path / "features.skops", *QUICK)
    assert result.exit_code == 0
    assert "PatchFeatures" in result.stderr
    assert "PatchFeatures" not in result.stdout


def test_demo_creates_its_folder_and_runs(tmp_path, monkeypatch):
    folders = []
    stub = SimpleNamespace(run=lambda out, **_: folders.append(out))
    monkeypatch.setitem(sys.modules, "striate.demo", stub)
    succeed("demo", "--out", tmp_path / "a" / "story")
    assert folders == [tmp_path / "a" / "story"]
    assert folders[0].is_dir()
