"""Several labels per image: `striate train --label-columns`, and what other commands do."""

import csv
import json
import re

import numpy as np
import pytest
from command_line import fail, grating, run, succeed
from PIL import Image

from striate.persistence import load

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRUE, FALSE = ("1", "yes", "TRUE", "y"), ("0", "no", "False", "n")


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """Twenty-four images with stripes across, down, both or neither, and their labels."""
    folder = tmp_path_factory.mktemp("crossed")
    rng = np.random.default_rng(0)
    for i in range(24):
        pixels = rng.normal(0, 6, (24, 24)) + 128
        for axis in range(2):
            if i >> axis & 1:
                pixels += (np.asarray(grating(axis, i), float) - 128) * 0.7
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture
def labels(tmp_path):
    cells = [[(TRUE if i >> axis & 1 else FALSE)[i % 4] for axis in range(2)] for i in range(24)]
    return write(tmp_path / "labels.csv", cells)


def write(path, cells, header="file,Across,down"):
    rows = [",".join([f"{i:02}.png", *row]) for i, row in enumerate(cells)]
    path.write_text("\n".join([header, *rows, ""]))
    return path


@pytest.fixture
def words(crossed, features, labels, tmp_path):
    out = tmp_path / "m.skops"
    return ["train", crossed, "-f", features, "-o", out, "--labels", labels, "--label-columns"]


def test_each_label_has_a_decision_and_a_probability(crossed, words, tmp_path):
    printed = succeed(*words, "across,down")
    lines = printed.splitlines()
    assert lines[0] == "accuracy on held-out images, of 2 labels:"
    for name, line in zip(("across", "down"), lines[1:3], strict=True):
        assert re.match(rf"  {name} \(12 of 24 images\): [\d.]+% ± [\d.]+% over 5 folds \(", line)
        assert float(re.search(r": ([\d.]+)%", line)[1]) > 90
    model = tmp_path / "m.skops"
    rows = list(csv.DictReader(succeed("predict", model, crossed).splitlines()))
    assert list(rows[0]) == ["file", "across", "down"]
    for i, row in enumerate(rows):
        assert (float(row["across"]) > 0.5) == bool(i & 1)
        assert (float(row["down"]) > 0.5) == bool(i >> 1 & 1)
    assert "across, down" in succeed("show", model, "-o", tmp_path / "a.png")


def test_json_lines_and_the_least_sure(crossed, words, tmp_path):
    succeed(*words, "down")
    model = tmp_path / "m.skops"
    options = ["--sort-by", "uncertainty", "--format", "jsonl"]
    found = [json.loads(line) for line in succeed("predict", model, crossed, *options).splitlines()]
    doubt = [abs(each["probabilities"]["down"] - 0.5) for each in found]
    assert doubt == sorted(doubt)
    for each in found:
        assert each["labels"] == (["down"] if each["probabilities"]["down"] > 0.5 else [])


@pytest.mark.long
def test_one_label_is_as_two_classes(crossed, features, words, labels, tmp_path):
    """Each label has the classifier that its column alone would have."""
    succeed(*words, "across,down")
    text = labels.read_text().replace("Across", "label")
    labels.write_text(re.sub(r"\b(yes|TRUE|y)\b", "1", re.sub(r"\b(no|False|n)\b", "0", text)))
    plain = tmp_path / "plain.skops"
    succeed("train", crossed, "-f", features, "-o", plain, "-l", labels)
    several, alone = load(tmp_path / "m.skops")[-1].estimators_[0], load(plain)[-1]
    np.testing.assert_array_equal(several.coef_, alone.coef_)


def test_groups_are_held_out_together(crossed, features, labels, tmp_path, words):
    printed = succeed(*words, "across,down", "--groups", "^(.)")
    assert printed.startswith("3 groups of images, each held out as a whole\n")
    assert printed.count(" over 3 folds ") == 2


@pytest.mark.long
def test_images_without_labels_are_left_out(words, labels):
    cells = [line.split(",")[1:] for line in labels.read_text().splitlines()[1:]]
    write(labels, [*cells[:20], *[["", ""]] * 4])
    assert "across (10 of 20 images): " in succeed(*words, "across,down")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_label_that_is_rare(words, labels):
    write(labels, [["1" if i == 3 else "0", str(i % 2)] for i in range(24)])
    printed = succeed(*words, "across,down")
    assert "across (1 of 24 images): not estimated; at least two images with and " in printed
    assert "down (12 of 24 images): " in printed


@pytest.mark.parametrize(
    ("option", "cells", "message"),
    [
        ("across,wet", None, "the first line must name the columns file, across and wet"),
        ("across,across", None, "--label-columns across,across: give different names"),
        ("across,", None, "give different names, separated by commas"),
        ("file", None, "'file' cannot be a label"),
        ("across,down", [["1", ""]] * 24, "line 2 has '' in the column down; write 1 or 0"),
        ("across,down", [["1", "maybe"]] * 24, "line 2 has 'maybe' in the column down"),
        ("across", [["1", "0"]] * 24, "across is true for all images; leave it out"),
        ("across", [["0", "0"]] * 24, "across is true for no image; leave it out"),
        ("across", [["", "0"]] * 24, "labels.csv: has no labels"),
    ],
)
def test_tables_that_do_not_fit(words, labels, tmp_path, option, cells, message):
    if cells is not None:
        write(labels, cells)
    assert message in fail(*words, option)
    assert not (tmp_path / "m.skops").exists()


def test_a_file_with_two_decisions(words, labels):
    labels.write_text(labels.read_text() + "01.png,0,0\n")
    assert "give 01.png the labels " in fail(*words, "across,down")


@pytest.mark.long
def test_options_that_do_not_go_together(crossed, features, words, labels, tmp_path):
    assert "--label-columns: numbers have no classes" in fail(*words, "across", "--regression")
    out = tmp_path / "m.skops"
    said = fail("train", crossed, "-f", features, "-o", out, "--label-columns", "across")
    assert "--label-columns: needs --labels" in said
    succeed(*words, "across,down")
    assert "--copy-to: images with several labels" in fail(
        "predict", out, crossed, "--copy-to", tmp_path / "sorted"
    )


def test_a_report_on_each_label(crossed, labels, words, tmp_path):
    printed, model, page = succeed(*words, "across,down"), tmp_path / "m.skops", tmp_path / "r.html"
    succeed("report", model, "-o", page)
    text = page.read_text()
    rows = re.findall(r'<tr><th scope="row">(\w+)</th>((?:<td>[^<]*</td>)+)</tr>', text)
    assert [name for name, _ in rows] == ["across", "down"]
    said = re.findall(r"images\): ([\d.]+%).* accuracy ([\d.]+%), .* curve ([\d.]+)", printed)
    for (_, cells), scores in zip(rows, said, strict=True):
        found = re.findall(r"<td>([^<]*)</td>", cells)
        assert found[0] == "12"
        assert (found[1], found[2], found[5]) == scores
    assert text.count("<h3>") == 2
    assert "LinearClassifier, one per label" in text
    assert ">12<" in text  # images with the label
    other = tmp_path / "other.csv"
    other.write_text(labels.read_text().replace("Across", "wet"))
    words = ["report", model, crossed, "-o", page]
    assert "give their table with --labels" in fail(*words)
    assert "must name the columns file, across" in fail(*words, "--labels", other)


def test_a_report_on_new_images_and_rare_labels(crossed, labels, words, features, tmp_path):
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    succeed(*words, "across,down")
    new = tmp_path / "new"
    new.mkdir()
    for i in range(8):
        grating(0, 300 + i).save(new / f"{i:02}.png")
    table = write(tmp_path / "new.csv", [["1", str(int(i == 3))] for i in range(8)])
    succeed("report", model, new, "--labels", table, "-o", page)
    text = page.read_text()
    assert "was trained on none of these images" in text
    assert '<tr><th scope="row">across</th><td>8</td>' in text
    cells = [["1" if i == 3 else "0", str(i % 2)] for i in range(24)]
    rare = write(tmp_path / "rare.csv", cells)
    succeed("report", model, crossed, "--labels", rare, "-o", page)
    assert "without are needed: across." in page.read_text().replace("\n", " ")


@pytest.mark.long
def test_features_that_are_learned_here(crossed, labels, tmp_path, monkeypatch):
    from striate.cli import encoder_options

    settings = encoder_options.EncoderSettings(8, 6, 300, 3, True)
    monkeypatch.setattr(encoder_options, "_DICTIONARY", settings)
    words = ["train", crossed, "-o", tmp_path / "m.skops", "-l", labels]
    printed, _ = run(*words, "--label-columns", "across,down")
    assert printed.startswith("--encoder auto: omp1, the most accurate on average\n")
