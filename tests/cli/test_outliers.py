"""The command `outliers`: the odd images of a folder, and where they are odd."""

import csv
import re

import numpy as np
import pytest
from browser import look_at
from command_line import fail, files_below, grating, run, succeed
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.analysis.image_outliers import cell_shares, image_outliers

HOSTILE = "=1+1 <img src=x onerror=alert(1)> & 'quoted'.png"


@pytest.fixture(scope="module")
def odd_folder(tmp_path_factory):
    """Stripes across; one image has noise in its lower right, another has stripes down."""
    folder = tmp_path_factory.mktemp("odd")
    for seed in range(30):
        grating(0, seed, size=32).save(folder / f"{seed:02}.png")
    pixels = np.array(grating(0, 99, size=32))
    pixels[19:, 19:] = np.random.default_rng(0).integers(0, 256, (13, 13))
    Image.fromarray(pixels).save(folder / "noise.png")
    grating(1, 99, size=32).save(folder / HOSTILE)
    return folder


@pytest.fixture(scope="module")
def found(odd_folder, tmp_path_factory):
    """What the command prints, and the folder of the page and the table."""
    out = tmp_path_factory.mktemp("found")
    return succeed("outliers", odd_folder, "--out", out / "odd.html"), out


@pytest.fixture(scope="module")
def rows(found):
    with open(found[1] / "odd.csv", newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_the_odd_images_come_first(odd_folder, rows):
    assert {row["file"] for row in rows[:2]} == {
        str(odd_folder / HOSTILE), str(odd_folder / "noise.png")
    }  # fmt: skip
    assert [row["outlier"] for row in rows[:2]] == ["yes", "yes"]
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert np.median(scores) == pytest.approx(1, abs=5e-6)  # the table has 6 digits
    assert {row["file"] for row in rows} == set(map(str, odd_folder.iterdir()))
    assert sum(row["outlier"] == "yes" for row in rows) <= 6


def test_images_on_the_page_have_regions(rows):
    assert [bool(row["left"]) for row in rows] == [True] * 24 + [False] * 8


def test_the_region_is_where_the_image_is_odd(rows):
    (noise,) = [row for row in rows if row["file"].endswith("noise.png")]
    left, top, right, bottom = (float(noise[side]) for side in ("left", "top", "right", "bottom"))
    assert left >= 0.5
    assert top >= 0.5
    assert (right, bottom) == (left + 0.25, top + 0.25)


def test_the_page_and_what_is_printed(found, odd_folder, rows):
    printed, out = found
    n = sum(row["outlier"] == "yes" for row in rows)
    assert printed.splitlines() == [
        f"{n} of 32 images are farther from similar ones than usual",
        f"Wrote a page to {out / 'odd.html'} and a table to {out / 'odd.csv'}",
    ]
    assert files_below(out) == ["odd.csv", "odd.html"]
    page = (out / "odd.html").read_text(encoding="utf-8")
    assert str(odd_folder) in page
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count('<li>\n<div class="three">') == 24


@pytest.mark.long
def test_the_page_fits_wide_and_narrow_screens(found, tmp_path):
    page = (found[1] / "odd.html").read_text(encoding="utf-8")
    seen, console = look_at(page, tmp_path, [320, 1200])
    assert console == []
    for each in seen.values():
        assert each["taken"] <= each["room"]
        assert each["broken"] == each["hidden"] == []
        assert each["images"] == 1 + 3 * 24


@pytest.mark.long
def test_the_same_seed_gives_the_same_files_and_another_one_others(found, odd_folder, tmp_path):
    succeed("outliers", odd_folder, "--out", tmp_path / "odd.html")
    succeed("outliers", odd_folder, "--out", tmp_path / "other.html", "--seed", 1)
    for name in ("odd.csv", "odd.html"):
        assert (tmp_path / name).read_bytes() == (found[1] / name).read_bytes()
    assert (tmp_path / "other.csv").read_bytes() != (tmp_path / "odd.csv").read_bytes()


@pytest.mark.parametrize("kind", ["features", "model"])
def test_features_or_a_model_may_be_given(kind, odd_folder, tmp_path, request):
    given = request.getfixturevalue(kind)
    out = tmp_path / "odd.html"
    succeed("outliers", odd_folder, "--model", given, "--out", out, "--top", 3)
    first = out.with_suffix(".csv").read_text(encoding="utf-8").splitlines()[1:3]
    assert any("noise" in line for line in first)
    assert out.read_text(encoding="utf-8").count('<div class="three">') == 3


def test_contamination_is_the_share_of_outliers(odd_folder, tmp_path):
    printed = succeed(
        "outliers", odd_folder, "--out", tmp_path / "odd.html", "--contamination", 0.25
    )
    assert printed.startswith("8 of 32 images are ")


@pytest.mark.parametrize("share", ["0", "0.6", "-1", "nan"])
def test_other_shares_are_refused_before_any_work(share, tmp_path):
    message = fail("outliers", tmp_path / "nowhere", "--contamination", share)
    assert "give a share above 0, at most 0.5" in message


def test_a_broken_file_is_named_or_skipped(odd_folder, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for i in range(4):
        (folder / f"{i}.png").write_bytes((odd_folder / f"0{i}.png").read_bytes())
    (folder / "broken.png").write_bytes(b"no image")
    out = tmp_path / "odd.html"
    assert "broken.png" in fail("outliers", folder, "--out", out)
    assert files_below(tmp_path) == ["folder", *(f"folder/{i}.png" for i in range(4)),
                                     "folder/broken.png"]  # fmt: skip
    printed, said = run("outliers", folder, "--out", out, "--skip-errors")
    assert "of 4 images" in printed
    assert "skipped 1 image" in said
    assert "broken.png" not in out.with_suffix(".csv").read_text(encoding="utf-8")


def test_one_image_has_nothing_to_be_compared_with(odd_folder, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes((odd_folder / "00.png").read_bytes())
    message = fail("outliers", tmp_path / "one", "--out", tmp_path / "odd.html")
    assert "one image has no others" in message
    assert files_below(tmp_path) == ["one", "one/a.png"]


def test_other_errors(odd_folder, tmp_path):
    assert "no such folder" in fail("outliers", tmp_path / "nowhere")
    assert "is not a folder" in fail("outliers", odd_folder / "00.png")
    (tmp_path / "empty").mkdir()
    assert "no image files found" in fail("outliers", tmp_path / "empty")
    assert ".html" in fail("outliers", odd_folder, "--out", tmp_path / "odd.txt")
    assert "there is no folder" in fail("outliers", odd_folder, "--out", tmp_path / "no" / "a.html")


def test_grey_and_colour_images_need_a_word(odd_folder, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes((odd_folder / f"0{i}.png").read_bytes())
    Image.new("RGB", (32, 32), "red").save(folder / "red.png")
    assert "--grey" in fail("outliers", folder, "--out", tmp_path / "odd.html")
    succeed("outliers", folder, "--grey", "--out", tmp_path / "odd.html")


def test_the_share_of_a_cell_is_its_part_of_the_squared_difference():
    """Compared with a loop over images and cells."""
    F = np.random.default_rng(0).normal(size=(30, 4 * 3 * 2))
    own, nearest = np.arange(5), np.arange(5, 20).reshape(5, 3)
    shares = cell_shares(F, own, nearest, (4, 3))
    scaled = F / F.std(axis=0)
    for i, of_image in zip(own, shares, strict=True):
        squares = (scaled[i] - scaled[nearest[i]].mean(axis=0)) ** 2
        expected = [[squares[2 * (3 * y + x) :][:2].sum() for x in range(3)] for y in range(4)]
        np.testing.assert_allclose(of_image, np.array(expected) / squares.sum())


@given(st.integers(2, 40), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_scores_do_not_depend_on_units_or_order(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8))
    found = image_outliers(X)
    order = rng.permutation(n)
    moved = image_outliers(3 * X[order] + rng.normal(size=8))
    np.testing.assert_allclose(moved.scores, found.scores[order], rtol=1e-6)
    assert not (found.nearest == np.arange(n)[:, np.newaxis]).any()


@pytest.mark.parametrize("noise", [0, 1e-3, 0.1, 0.2])
def test_copies_of_an_odd_image_are_found(noise):
    rng = np.random.default_rng(0)
    X = np.concatenate(
        [rng.normal(size=(100, 8)), np.repeat(4 + rng.normal(size=(1, 8)), 9, axis=0)]
    )
    X[100:] += noise * rng.normal(size=(9, 8))
    found = image_outliers(X)
    assert sorted(found.order[:9]) == list(range(100, 109))
    assert found.are_outliers[100:].all()
    assert (found.nearest[100:] < 100).all()


def test_a_large_group_is_no_version_of_an_image():
    """A second kind of images, a fifth of all, is as usual as the first."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(80, 8)), 9 + rng.normal(size=(20, 8))])
    found = image_outliers(X)
    assert (found.nearest[80:] >= 80).all()
    assert not found.are_outliers[80:].all()


def test_copies_of_a_usual_image_hardly_change_scores():
    """But for a few images at the edge of a group: copies change the spread of the features."""
    X = np.random.default_rng(1).normal(size=(80, 8))
    found = image_outliers(np.concatenate([X, np.repeat(X[:1], 3, axis=0)]))
    assert (found.scores[80:] == found.scores[0]).all()
    changes = np.abs(found.scores[:80] / image_outliers(X).scores - 1)
    assert np.quantile(changes, 0.9) < 0.05
    assert changes.max() < 0.5


def test_equal_images_are_no_outliers():
    X = np.ones((6, 8))
    found = image_outliers(X)
    assert not found.are_outliers.any()
    assert (cell_shares(X, np.arange(6), found.nearest, (2, 2)) == 0).all()


def test_images_hardly_larger_than_a_patch(tmp_path):
    """There are fewer positions than regions."""
    folder = tmp_path / "small"
    folder.mkdir()
    for seed in range(5):
        grating(seed % 2, seed, size=7).save(folder / f"{seed}.png")
    succeed("outliers", folder, "--out", tmp_path / "odd.html")
    table = (tmp_path / "odd.csv").read_text(encoding="utf-8")
    assert {line.split(",")[5] for line in table.splitlines()[1:]} <= {"0.5", "1"}
