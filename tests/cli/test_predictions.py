"""`striate predict`: order, formats, copies, and names that spreadsheets would run."""

import csv
import io
import json

import numpy as np
import pytest
from command_line import fail, files_below, grating, run, succeed

from striate.persistence import load, save

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def mixed(tmp_path):
    """Images of both classes, in two folders with the same file names."""
    folder = tmp_path / "mixed"
    for axis, name in enumerate(["one", "two"]):
        (folder / name).mkdir(parents=True)
        for seed in range(3):
            grating(axis, 70 + seed).save(folder / name / f"{seed}.png")
    return folder


def test_the_least_sure_come_first(model, mixed):
    plain = rows_of(succeed("predict", model, mixed))
    sorted_rows = rows_of(succeed("predict", model, mixed, "--sort-by", "uncertainty"))
    p = [float(row["probability"]) for row in sorted_rows]
    assert p == sorted(p)
    assert sorted(map(str, sorted_rows)) == sorted(map(str, plain))


def test_json_lines_have_all_probabilities(model, mixed, tmp_path):
    out = tmp_path / "p.jsonl"
    assert succeed("predict", model, mixed, "--out", out) == f"Wrote 6 predictions to {out}\n"
    text = out.read_text()
    assert succeed("predict", model, mixed, "--format", "jsonl") == text
    found = [json.loads(line) for line in text.splitlines()]
    for one, row in zip(found, rows_of(succeed("predict", model, mixed)), strict=True):
        assert one["file"] == row["file"]
        assert (
            one["label"] == row["label"] == max(one["probabilities"], key=one["probabilities"].get)
        )
        assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert one["probability"] == pytest.approx(float(row["probability"]), abs=1e-4)
    assert succeed("predict", model, mixed, "-o", out, "--format", "csv")
    assert out.read_text().startswith("file,label,probability\n")


def test_names_are_safe_in_spreadsheets(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("=1+1.png", "@a.png", "+b.png"):
        grating(0, 0).save(tmp_path / name)
    rows = rows_of(succeed("predict", model, "=1+1.png", "@a.png", "+b.png"))
    assert [row["file"] for row in rows] == ["./=1+1.png", "./@a.png", "./+b.png"]


def test_labels_are_safe_in_spreadsheets(gratings, features, tmp_path):
    for name, new in [("across", "=across"), ("down", "-1")]:
        (tmp_path / "labelled" / new).mkdir(parents=True)
        for file in (gratings / name).iterdir():
            (tmp_path / "labelled" / new / file.name).write_bytes(file.read_bytes())
    succeed("train", tmp_path / "labelled", "-f", features, "-o", tmp_path / "m.skops")
    rows = rows_of(succeed("predict", tmp_path / "m.skops", gratings))
    assert {row["label"] for row in rows} == {"'=across", "-1"}


def test_images_are_copied_to_folders_of_their_class(model, mixed, tmp_path):
    out = tmp_path / "sorted"
    for seed in range(3):  # names that are equal in one class
        grating(0, 80 + seed).save(mixed / "two" / f"{seed}.png")
    printed, said = run("predict", model, mixed, "--copy-to", out)
    assert said == f"Copied 6 images to {out}\n"
    rows = rows_of(printed)
    for row in rows:
        name = row["file"].removeprefix(f"{mixed}/")
        copied = out / row["label"] / name
        assert copied.read_bytes() == (mixed / name).read_bytes()
    assert len([each for each in out.rglob("*") if each.is_file()]) == 6


def test_copies_in_one_folder_have_no_sub_folders(model, mixed, tmp_path):
    out = tmp_path / "sorted"
    succeed("predict", model, mixed / "one", "-o", tmp_path / "p.csv", "--copy-to", out)
    assert files_below(out) == ["across", "across/0.png", "across/1.png", "across/2.png"]


def test_copies_of_two_folders_overwrite_nothing(model, mixed, tmp_path):
    out = tmp_path / "sorted"
    for seed in range(3):
        grating(0, 80 + seed).save(mixed / "two" / f"{seed}.png")
    words = ["predict", model, mixed / "one", mixed / "two", "-o", tmp_path / "p.csv"]
    succeed(*words, "--copy-to", out)
    assert len(list((out / "across").iterdir())) == 6


def test_a_folder_that_is_not_empty_is_refused(model, mixed, tmp_path):
    before = files_below(tmp_path)
    assert "is not empty; give a new folder" in fail("predict", model, mixed, "--copy-to", mixed)
    file = mixed / "one" / "0.png"
    assert "is not a folder" in fail("predict", model, mixed, "--copy-to", file)
    assert files_below(tmp_path) == before


@pytest.mark.long
@pytest.mark.parametrize("name", ["../out", "", "a/b", "..", " a"])
def test_classes_that_lead_out_of_the_folder_are_refused(model, mixed, tmp_path, name):
    changed = load(model)
    changed[-1].classes_ = np.array(["across", name])
    save(changed, tmp_path / "changed.skops")
    words = ["predict", tmp_path / "changed.skops", mixed, "--copy-to", tmp_path / "sorted"]
    assert "cannot be the name of a folder" in fail(*words)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "sorted").exists()
