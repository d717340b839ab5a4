"""Labels from a table, groups, numbers, imbalance and copies: `striate train`, `report`, `show`."""

import re

import numpy as np
import pytest
from command_line import fail, grating, run, succeed
from PIL import Image

from striate.persistence import load

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """Sixteen images of stripes in one folder, with the angle as their name."""
    folder = tmp_path_factory.mktemp("flat")
    for seed in range(8):
        for axis, name in enumerate(["across", "down"]):
            grating(axis, 50 + seed).save(folder / f"p{seed // 2}_{name}{seed}.png")
    return folder


def table_of(folder, path, lines=None, header="file,label"):
    if lines is None:
        lines = [f"{each.name},{each.stem[3:-1]}" for each in sorted(folder.iterdir())]
    path.write_text("\n".join([header, *lines, ""]))
    return path


def train(folder, features, out, *options):
    return succeed("train", folder, "--features", features, "--out", out, *options)


def test_labels_from_a_table_are_those_of_sub_folders(gratings, features, tmp_path):
    files = sorted(gratings.rglob("*.png"))
    lines = [f"{each.relative_to(gratings)},{each.parent.name}" for each in files]
    table = table_of(gratings, tmp_path / "labels.csv", lines)
    by_table = train(gratings, features, tmp_path / "a.skops", "--labels", table)
    by_folder = train(gratings, features, tmp_path / "b.skops")
    assert by_table.splitlines()[:-1] == by_folder.splitlines()[:-1]
    a, b = load(tmp_path / "a.skops"), load(tmp_path / "b.skops")
    np.testing.assert_array_equal(a[-1].coef_, b[-1].coef_)
    assert a.trained_on_["labels"] == str(table)


def test_images_without_a_label_are_left_out(flat, features, tmp_path):
    files = [each.name for each in sorted(flat.iterdir())]
    lines = [f"{name},{name[3:-5] if i < 10 else ''}" for i, name in enumerate(files)]
    table = table_of(flat, tmp_path / "labels.csv", lines)
    printed = train(flat, features, tmp_path / "m.skops", "--labels", table)
    assert printed.startswith("across: 6 images\ndown: 4 images\n")


@pytest.mark.long
def test_groups_of_a_table_a_pattern_and_folders(flat, features, tmp_path):
    files = sorted(flat.iterdir())
    lines = [f"{each.name},{each.stem[3:-1]},{each.name[:2]}" for each in files]
    table = table_of(flat, tmp_path / "labels.csv", lines, "file,label,group")
    other = table_of(flat, tmp_path / "other.csv", lines, "file,label,Patient")
    plain = table_of(flat, tmp_path / "plain.csv")
    printed = [
        train(flat, features, tmp_path / "m.skops", "--labels", *options)
        for options in (
            [table],
            [table, "--groups", "group"],
            [other, "--groups", "patient"],
            [plain, "--groups", "^(p.)_"],
        )
    ]
    for each in (
        tmp_path / "nested" / file.stem[3:-1] / file.name[:2] / file.name for file in files
    ):
        each.parent.mkdir(parents=True, exist_ok=True)
        each.write_bytes((flat / each.name).read_bytes())
    printed.append(train(tmp_path / "nested", features, tmp_path / "m.skops", "--groups", "folder"))
    assert "4 groups of images, each held out as a whole\n" in printed[0]
    assert " over 4 folds " in printed[0]
    assert [each == printed[0] for each in printed] == [True] * 5
    # Without groups there are five folds.
    assert " over 5 folds " in train(flat, features, tmp_path / "m.skops", "--labels", plain)


@pytest.mark.long
def test_the_report_uses_the_labels_and_groups_of_the_training(flat, features, tmp_path):
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    options = ["--labels", table_of(flat, tmp_path / "labels.csv"), "--groups", "^(p.)_"]
    train(flat, features, model, *options)
    succeed("report", model, "--out", page)
    text = page.read_text(encoding="utf-8")
    assert "there are 4 groups" in text
    assert "divided into 4 folds" in text
    assert "Whether its probabilities hold" in text
    found = re.search(r"mean distance from the line, is\n([\d.]+)%", text)
    assert float(found[1]) == pytest.approx(
        100 * load(model).cross_validation_["calibration_error"], abs=0.06
    )
    (tmp_path / "labels.csv").unlink()
    assert "which does not exist; give --labels" in fail("report", model, "--out", page)


def brightness_table(folder, path):
    """Write images whose brightness is their label."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for i in range(24):
        stripes = np.asarray(grating(0, i), float) - 128
        share = rng.uniform(0, 1)
        down = np.asarray(grating(1, i), float) - 128
        image = 128 + share * stripes + (1 - share) * down
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{10 * share - 3:.3f}")
    return table_of(folder, path, lines)


@pytest.mark.long
def test_numbers_as_labels(features, tmp_path):
    table = brightness_table(tmp_path / "mixed", tmp_path / "labels.csv")
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    printed = train(tmp_path / "mixed", features, model, "--labels", table, "--regression")
    lines = printed.splitlines()
    assert re.fullmatch(r"24 images with numbers from -?[\d.]+ to [\d.]+", lines[0])
    assert lines[1] == "on held-out images, over 5 folds, with 95% intervals:"
    assert re.fullmatch(r"  mean absolute error: [\d.]+ \[.*\] \(always the median: .*\)", lines[2])
    assert float(re.match(r"  R²: ([\d.]+) \[", lines[3])[1]) > 0.8
    values = succeed("predict", model, tmp_path / "mixed").splitlines()
    assert values[0] == "file,value"
    assert len(values) == 25
    assert "regression on features" in succeed("show", model, "--out", tmp_path / "a.png")
    succeed("report", model, "--out", page)
    text = page.read_text(encoding="utf-8")
    assert "A regression. Measured on 24 images" in text
    assert "Largest errors" in text
    assert text.count("predicted <b>") == 24
    for options in (["--sort-by", "uncertainty"], ["--copy-to", tmp_path / "sorted"]):
        assert "a regression " in fail("predict", model, tmp_path / "mixed", *options)


def test_numbers_that_are_no_classes(features, tmp_path):
    table = brightness_table(tmp_path / "mixed", tmp_path / "labels.csv")
    words = ["train", tmp_path / "mixed", "-f", features, "-o", tmp_path / "m.skops"]
    assert "the labels are 24 different numbers; add --regression" in fail(*words, "-l", table)
    text = table.read_text().replace("\n0.png,", "\n0.png,1.5 kg")
    table.write_text(text)
    assert "the label '1.5 kg" in fail(*words, "-l", table, "--regression")
    assert "numbers have no classes" in fail(
        *words, "-l", table, "--regression", "--class-weight", "balanced"
    )


@pytest.mark.long
def test_more_scores_where_classes_differ_in_size(flat, features, tmp_path):
    files = sorted(flat.iterdir())
    down = [each for each in files if "down" in each.name]
    across = [each for each in files if "across" in each.name][:2]
    lines = [f"{each.name},{each.stem[3:-1]}" for each in (*down, *across)]
    table = table_of(flat, tmp_path / "labels.csv", lines)
    plain, weighted = (
        train(flat, features, tmp_path / "m.skops", "--labels", table, *options)
        for options in ([], ["--class-weight", "balanced"])
    )
    assert re.search(
        r"\nbalanced accuracy: [\d.]+%, F1: [\d.]+%, area under the ROC curve: ", plain
    )
    assert re.search(r"\nrecall: (across|down) [\d.]+%, (across|down) [\d.]+%\n", plain)
    assert "see --class-weight balanced" in plain
    assert "see --class-weight balanced" not in weighted
    succeed("report", tmp_path / "m.skops", "--out", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "balanced accuracy: the mean recall of the classes" in text


@pytest.mark.filterwarnings("default::UserWarning")
def test_copies_are_held_out_together(features, tmp_path):
    """Noise cannot be learned; copies of it in other folds would be."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "noise" / name).mkdir(parents=True)
        for i in range(3):
            image = Image.fromarray(rng.integers(0, 256, (20, 20), dtype=np.uint8))
            for copy in range(5):
                image.save(tmp_path / "noise" / name / f"{i} {copy}.png")
    printed, said = run("train", tmp_path / "noise", "-f", features, "-o", tmp_path / "m.skops")
    assert "6 groups of images" in printed
    accuracy = float(re.search(r"images: ([\d.]+)% ±", printed)[1])
    assert accuracy < 90
    assert said == (
        "striate: warning: 24 files are copies of another, for example a/0 1.png of a/0 0.png; "
        "copies are held out together\n"
    )


@pytest.mark.filterwarnings("default::UserWarning")
def test_equal_files_with_different_labels_are_named(gratings, features, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "labelled" / name).mkdir(parents=True)
        for seed in range(4):
            content = (gratings / name / f"{seed}.png").read_bytes()
            (tmp_path / "labelled" / name / f"{seed}.png").write_bytes(content)
    wrong = tmp_path / "labelled" / "down" / "wrong.png"
    wrong.write_bytes((gratings / "across" / "0.png").read_bytes())
    _, said = run("train", tmp_path / "labelled", "-f", features, "-o", tmp_path / "m.skops")
    assert (
        "equal files have different labels: across/0.png is across, and down/wrong.png is" in said
    )


@pytest.mark.filterwarnings("default::UserWarning")
def test_near_duplicates_are_named(features, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(60):
        image = rng.normal(128, rng.uniform(5, 60), (40, 40)) + rng.normal(0, 40, (40, 1))
        image = image.clip(0, 255).astype(np.uint8)
        folder = tmp_path / "labelled" / ("a" if i % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
    image[0, 0] //= 2
    Image.fromarray(image).save(folder / "again.png")
    _, said = run("train", tmp_path / "labelled", "-f", features, "-o", tmp_path / "m.skops")
    assert re.search(r"\d images look nearly the same as others that are in other groups", said)
    assert "a/59.png and a/again.png" in said


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["gone.png,a", "p0_down0.png,b"], [], "1 of 2 files with labels cannot be found in "),
        (["p0_down0.png,a", "p0_down1.png,a"], [], "all labels are 'a'; at least two classes"),
        (["p0_down0.png,", "p0_down1.png,"], [], "labels.csv: has no labels"),
        (None, ["--groups", "nurse"], "--groups nurse: is not a column of "),
        (None, ["--groups", "(p"], "--groups (p: is not a regular expression ("),
        (None, ["--groups", "x(.)"], "--groups x(.): does not match p0_across0.png"),
        (None, ["--groups", "^(p)"], "all images are in one group, 'p'"),
        (None, ["--groups", "folder"], "is in no sub-folder of "),
    ],
)
def test_labels_and_groups_that_do_not_fit(flat, features, tmp_path, lines, options, message):
    table = table_of(flat, tmp_path / "labels.csv", lines)
    out = tmp_path / "m.skops"
    said = fail("train", flat, "-f", features, "-o", out, "--labels", table, *options)
    assert message in said
    assert not out.exists()


def test_missing_files_are_skipped_if_that_is_wanted(flat, features, tmp_path):
    table = table_of(flat, tmp_path / "labels.csv")
    table.write_text(table.read_text() + "gone.png,down\n")
    words = ["train", flat, "-f", features, "-o", tmp_path / "m.skops", "--labels", table]
    assert f"gone.png (line {18})" in fail(*words)
    printed, said = run(*words, "--skip-errors")
    assert "down: 8 images" in printed
    assert said == (
        f"striate: skipped 1 image:\n  {flat / 'gone.png'}: no such file ({table}, line 18)\n"
    )


def test_a_class_in_a_single_group_is_not_measured(flat, features, tmp_path):
    lines = [f"{each.name},{each.stem[3:-1]}" for each in sorted(flat.iterdir())]
    lines = [line.replace("down", "odd") if line.startswith("p3_down") else line for line in lines]
    lines = [line.replace("p3_odd", "p3_down") for line in lines]
    table = table_of(flat, tmp_path / "labels.csv", lines)
    printed = train(flat, features, tmp_path / "m.skops", "--labels", table, "--groups", "^(p.)_")
    assert "odd has images in a single group, and is left out of the following" in printed
    assert list(load(tmp_path / "m.skops").classes_) == ["across", "down", "odd"]
