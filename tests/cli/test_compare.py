"""`striate compare`: what it tries, what it prints and writes, and what it refuses."""

import csv
import json
import re

import numpy as np
import pytest
from command_line import fail, files_below, grating, run, succeed
from PIL import Image

from striate.cli import compared_features, encoder_options
from striate.cli.encoder_options import EncoderSettings

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Learn few features from few patches."""
    settings = EncoderSettings(8, 6, 300, 3, False)
    for name in ("_AUTOENCODER", "_DICTIONARY"):
        monkeypatch.setattr(encoder_options, name, settings)


def lines_of(printed):
    """Name and score of each line of the table, in its order."""
    found = re.findall(r"^(\S.*?)\s+(\d+)\s+([\d.]+)% ± ([\d.]+)%  ", printed, re.MULTILINE)
    return {name: (int(values), float(score)) for name, values, score, _ in found}


@pytest.mark.long
def test_all_kinds_are_compared_the_best_first(gratings, tmp_path):
    out, picture = tmp_path / "c.csv", tmp_path / "c.png"
    printed = succeed("compare", gratings, "--out", out, "--picture", picture)
    found = lines_of(printed)
    assert set(found) == {
        *("omp1", "kmeans", "patches", "random", "autoencoder"),
        *("pixels", "colour histogram", "local binary patterns", "gradients (HOG)"),
    }
    scores = [score for _, score in found.values()]
    assert scores == sorted(scores, reverse=True)
    assert found["gradients (HOG)"][1] == 100
    assert found["pixels"][0] == 1024
    assert "\nalways the most frequent class: 50.0%\n" in printed
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["features"] for row in rows] == list(found)
    for row in rows:
        assert 100 * float(row["accuracy"]) == pytest.approx(found[row["features"]][1], abs=0.06)
        assert float(row["seconds_per_1000_images"]) > 0
        assert (row["learning_seconds"] != "") == (row["features"] in list(encoder_options.Encoder))
    with Image.open(picture) as image:
        assert image.size[0] > 500
    assert files_below(tmp_path) == ["c.csv", "c.png"]


def test_the_accuracy_is_that_of_train(gratings, features, tmp_path):
    printed = succeed("compare", gratings, "--encoders", "", "--no-handmade", "--with", features)
    trained = succeed("train", gratings, "-f", features, "-o", tmp_path / "m.skops")
    accuracy = re.search(r"images: ([\d.]+)% ± ([\d.]+)%", trained)
    assert f" {accuracy[1]}% ± {accuracy[2]}%  " in printed


def test_encoders_and_sizes(gratings):
    words = ["--encoders", "omp1, patches", "--n-features", "4,9", "--no-handmade", "--flips"]
    found = lines_of(succeed("compare", gratings, *words))
    assert {name: n for name, (n, _) in found.items()} == {
        "omp1 4": 2 * 4 * 4,
        "omp1 9": 2 * 4 * 9,
        "patches 4": 2 * 4 * 4,
        "patches 9": 2 * 4 * 9,
    }


def test_a_table_of_other_features(gratings, tmp_path):
    files = sorted(gratings.rglob("*.png"))
    rng = np.random.default_rng(0)
    X = np.column_stack([[file.parent.name == "down" for file in files], rng.random(16)])
    order = rng.permutation(16)
    np.save(tmp_path / "other.npy", X[order])
    names = [str(files[i].relative_to(gratings)) for i in order]
    (tmp_path / "other.csv").write_text("\n".join(["file", *names]))
    words = ["compare", gratings, "--encoders", "", "--no-handmade", "--with"]
    printed = succeed(*words, tmp_path / "other.npy", "-o", tmp_path / "c.json")
    assert lines_of(printed) == {"other.npy": (2, 100.0)}
    (record,) = json.loads((tmp_path / "c.json").read_text())
    assert record["accuracy"] == 1
    assert record["learning_seconds"] is record["seconds_per_1000_images"] is None
    (tmp_path / "other.csv").write_text("\n".join(["file", *names[:-2], "x", "y"]))
    said = fail(*words, tmp_path / "other.npy")
    assert "other.npy: has no features of 2 of 16 images, for example " in said


@pytest.mark.long
def test_labels_groups_and_numbers_are_those_of_train(gratings, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    lines = ["file,label,group"]
    for seed in range(8):
        for axis, name in enumerate(["across", "down"]):
            grating(axis, 50 + seed).save(flat / f"{name}{seed}.png")
            lines.append(f"{name}{seed}.png,{name},g{seed // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    words = ["compare", flat, "--labels", tmp_path / "labels.csv", "--encoders", "patches"]
    succeed(*words, "-o", tmp_path / "c.csv")
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    assert {row["folds"] for row in rows} == {"4"}
    text = (tmp_path / "labels.csv").read_text().replace(",across,", ",0,").replace(",down,", ",1,")
    (tmp_path / "labels.csv").write_text(text)
    printed = succeed(*words, "--regression", "-o", tmp_path / "c.csv")
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    errors = [float(row["mean_absolute_error"]) for row in rows]
    assert errors == sorted(errors)
    assert "\nalways the median: 0.5\n" in printed


@pytest.mark.long
def test_grey_and_colour_together(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "mixed" / name).mkdir(parents=True)
        for file in (gratings / name).iterdir():
            image = Image.open(file)
            mode = "RGB" if file.stem in "12" else "L"
            image.convert(mode).save(tmp_path / "mixed" / name / file.name)
    found = lines_of(succeed("compare", tmp_path / "mixed", "--encoders", "patches"))
    assert found["pixels"][0] == 3072


@pytest.mark.long
def test_images_that_cannot_be_used(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        for file in list((gratings / name).iterdir())[:5]:
            (tmp_path / "bad" / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "bad" / "down" / "x.png").write_bytes(b"no image")
    Image.new("L", (6, 6)).save(tmp_path / "bad" / "down" / "small.png")
    words = ["compare", tmp_path / "bad", "--encoders", "patches"]
    assert ".png: " in fail(*words)
    printed, said = run(*words, "--skip-errors")
    assert len(lines_of(printed)) == 5
    assert said.startswith("striate: skipped 2 images:\n")
    assert "small.png: is 6 x 6 pixels, but 7 x 7 are needed" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--encoders", "omp2"], "--encoders: 'omp2' is not one of autoencoder, kmeans, omp1"),
        (["--encoders", "auto"], "--encoders: 'auto' is not one of "),
        (["--n-features", "ten"], "--n-features: 'ten' is not a whole number"),
        (["--n-features", "0"], "--n-features: '0' is not a whole number"),
        (["--n-features", "400"], "--n-features 400 cannot be found among --n-patches 300"),
        (["--encoders", "", "--no-handmade"], "there is nothing to compare"),
        (["--with", "a.txt"], "--with a.txt: give a table (.npy), or features (.skops)"),
        (["--with", "gone.npy"], "gone.npy: no such file"),
        (["--out", "c.txt"], "--out c.txt: give a name that ends in .csv or .json"),
        (["--picture", "c.jpg"], "give a name that ends in .png"),
    ],
)
def test_what_is_refused_before_any_work(gratings, monkeypatch, words, message):
    monkeypatch.setattr(compared_features, "fit_features", None)
    assert message in fail("compare", gratings, *words)


def test_nothing_that_can_be_held_out(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "two" / name).mkdir(parents=True)
        (tmp_path / "two" / name / "0.png").write_bytes((gratings / name / "0.png").read_bytes())
    said = fail("compare", tmp_path / "two", "--encoders", "patches")
    assert "no image can be held out; give at least two images of each of two classes" in said


def test_learned_features_are_those_of_learn(gratings, tmp_path):
    words = ["compare", gratings, "--no-handmade", "--no-flips", "--encoders"]
    compared = lines_of(succeed(*words, "omp1"))["omp1"]
    learned = tmp_path / "f.skops"
    succeed("learn", gratings, "-o", learned, "--encoder", "omp1", "--no-flips")
    assert lines_of(succeed(*words, "", "--with", learned))["f.skops"] == compared
