"""The command `map`: a page with all images of a folder, similar ones near each other."""

import io
import json
import re
import sys
from base64 import b64decode
from types import ModuleType

import numpy as np
import pytest
from browser_keys import open_browser
from command_line import fail, files_below, grating, run, succeed
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.analysis.image_layout import grid_places, nearest_images, similarity_layout
from striate.report.thumbnail_sheet import thumbnail_sheet

N_EACH = 12
HOSTILE = "</script><script>document.title='hacked'</script>&'\".png"


@pytest.fixture(scope="module")
def two_kinds(tmp_path_factory):
    """Stripes across and stripes down; a name that is HTML."""
    folder = tmp_path_factory.mktemp("two <kinds>")
    for axis, name in enumerate(["across", "down"]):
        (folder / name).mkdir()
        for seed in range(N_EACH):
            grating(axis, seed).save(folder / name / f"{seed:02}.png")
    (folder / HOSTILE).parent.mkdir(parents=True)
    grating(1, 99).crop((0, 0, 24, 12)).save(folder / HOSTILE)
    return folder


@pytest.fixture(scope="module")
def page(two_kinds, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "map.html"
    assert succeed("map", two_kinds, "--out", out) == f"Wrote a map of 25 images to {out}\n"
    assert files_below(out.parent) == ["map.html"]
    return out


def data_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_holds_all_images(page, two_kinds):
    data = data_of(page)
    assert sorted(data["names"]) == sorted(
        path.relative_to(two_kinds).as_posix() for path in two_kinds.rglob("*.png")
    )
    assert len(set(zip(data["cells"][::2], data["cells"][1::2], strict=True))) == 25
    sheet = re.search(r'src="data:image/jpeg;base64,([^"]*)"', page.read_text(encoding="utf-8"))[1]
    with Image.open(io.BytesIO(b64decode(sheet))) as picture:
        grey = np.asarray(picture.convert("L"), dtype=float)
    images = {name: np.asarray(Image.open(two_kinds / name), float) for name in data["names"]}
    del images[HOSTILE]  # which is half as high
    for i, name in enumerate(data["names"]):
        left, top = (k * data["side"] for k in (i % data["columns"], i // data["columns"]))
        shown = grey[top : top + 24, left : left + 24]
        likest = min(images, key=lambda each: np.abs(images[each] - shown).mean())
        assert name in (likest, HOSTILE)


def test_similar_images_are_of_the_same_kind(page):
    data = data_of(page)
    kinds = [name.split("/")[0] for name in data["names"]]
    nearest = np.reshape(data["nearest"], (25, data["n_nearest"]))
    for i in range(25):
        name, first = kinds[i], [kinds[j] for j in nearest[i, :4]]
        if name in ("across", "down"):
            assert first.count(name) >= 3


def test_nothing_is_loaded_and_no_name_is_code(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert "hacked'</script>" not in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "default-src 'none'" in text
    assert "unsafe-inline" not in re.search(r"script-src ([^;]*);", text)[1]


def test_the_same_seed_gives_the_same_page(page, two_kinds):
    again = page.with_name("again.html")
    succeed("map", two_kinds, "--out", again)
    assert again.read_bytes() == page.read_bytes()
    again.unlink()


def test_keys_and_clicks_in_a_browser(page, two_kinds, tmp_path):
    with open_browser(tmp_path / "profile") as browser:
        browser.shape(1200, 800)
        browser.open(page.as_uri())
        browser.wait("document.documentElement?.dataset.ready === 'yes'")
        assert browser.value("document.title") == f"Map of {two_kinds.name}"
        browser.value("document.getElementById('map').focus()")
        _press(browser, "ArrowRight")  # selects an image in the middle
        first = browser.text("name")
        assert first in data_of(page)["names"]
        _press(browser, "ArrowLeft")
        assert browser.text("name") != first
        browser.press("Enter")  # to the list
        assert browser.value("document.activeElement.closest('#similar') !== null")
        wanted = browser.value("document.activeElement.title")
        browser.value("document.activeElement.click()")
        assert browser.text("name") == wanted
        browser.press("g")
        assert browser.value("document.getElementById('layout').ariaPressed") == "true"
        browser.press("/")
        assert browser.value("document.activeElement.id") == "words"
        browser.value("words.value = 'DOWN/'; words.dispatchEvent(new Event('input'))")
        assert browser.text("matches") == "12 of 25"
        browser.value("document.getElementById('search').requestSubmit()")
        assert browser.text("name").startswith("down/")
        assert browser.said == []


@pytest.mark.long
@pytest.mark.parametrize(("width", "dark"), [(1200, True), (360, False)])
def test_a_click_selects_and_the_page_fits(width, dark, page, tmp_path):
    with open_browser(tmp_path / "profile") as browser:
        browser.shape(width, 800, dark=dark)
        browser.open(page.as_uri())
        browser.wait("document.documentElement?.dataset.ready === 'yes'")
        x, y = browser.value(
            "(() => { const r = document.getElementById('map').getBoundingClientRect();"
            " return [r.x + r.width / 2 + 3, r.y + r.height / 2 + 3]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            browser._ask(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )
        assert browser.text("name") in data_of(page)["names"]
        root = "document.documentElement"
        assert browser.value(f"{root}.scrollWidth <= {root}.clientWidth")
        with Image.open(io.BytesIO(browser.picture())) as picture:
            corner = np.asarray(picture.convert("L"))[-5, 5]
        assert (corner < 100) == dark
        browser.shape(width, 300)  # a low window, where the hint must not cover images
        box = "document.getElementById('{}').getBoundingClientRect()"
        assert browser.value(f"{box.format('map')}.bottom <= {box.format('help')}.top")
        assert browser.value(f"{box.format('map')}.height > 60")
        assert browser.said == []


def _press(browser, key):
    event = {"key": key, "code": key, "windowsVirtualKeyCode": 37 if key == "ArrowLeft" else 39}
    browser._ask("Input.dispatchKeyEvent", type="keyDown", **event)
    browser._ask("Input.dispatchKeyEvent", type="keyUp", **event)


def test_features_may_be_given(two_kinds, features, tmp_path):
    out = tmp_path / "map.html"
    succeed("map", two_kinds, "--model", features, "--out", out)
    assert len(data_of(out)["names"]) == 25


@pytest.mark.parametrize("n", [1, 2, 3, 11])
def test_few_images(n, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    for seed in range(n):
        grating(seed % 2, seed).save(folder / f"{seed}.png")
    succeed("map", folder, "--out", tmp_path / "map.html")
    data = data_of(tmp_path / "map.html")
    assert data["n_nearest"] == min(12, n - 1)
    assert np.isfinite(data["points"]).all()


def test_errors_come_before_any_work(two_kinds, tmp_path, monkeypatch):
    assert "no such folder" in fail("map", tmp_path / "nowhere")
    assert "ends in .html" in fail("map", two_kinds, "--out", tmp_path)
    monkeypatch.setitem(sys.modules, "umap", None)
    message = fail("map", two_kinds, "--method", "umap", "--out", tmp_path / "map.html")
    assert "pip install umap-learn, or choose tsne" in message


def test_a_broken_file_is_skipped(two_kinds, tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes((two_kinds / "down" / f"0{i}.png").read_bytes())
    (folder / "b.png").write_bytes(b"")
    assert "b.png" in fail("map", folder, "--out", tmp_path / "map.html")
    printed, said = run("map", folder, "--out", tmp_path / "map.html", "--skip-errors")
    assert "a map of 3 images" in printed
    assert "the file is empty" in said


def test_another_method_is_called_where_it_is_installed(monkeypatch):
    class UMAP:
        def __init__(self, n_components, random_state, n_jobs):
            assert (n_components, random_state, n_jobs) == (2, 5, 1)

        def fit_transform(self, Z):
            return Z[:, :2].astype(np.float32)

    module = ModuleType("umap")
    module.UMAP = UMAP
    monkeypatch.setitem(sys.modules, "umap", module)
    Z = np.random.default_rng(0).normal(size=(20, 4))
    points = similarity_layout(Z, "umap", seed=5)
    assert (points.min(), points.max(), points.dtype) == (0, 1, np.float64)
    assert np.corrcoef(points[:, 0], Z[:, 0])[0, 1] > 0.999


def test_clusters_lie_apart():
    rng = np.random.default_rng(0)
    of = np.repeat([0, 1, 2], 30)
    Z = (10 * np.eye(6)[of] + rng.normal(size=(90, 6))).astype(np.float32)
    points = similarity_layout(Z)
    assert (of[nearest_images(points, 5)] == of[:, np.newaxis]).mean() > 0.95
    places = grid_places(points)
    assert (of[nearest_images(places, 3)] == of[:, np.newaxis]).mean() > 0.8


def test_copies_have_places_of_their_own():
    Z = np.ones((40, 3), dtype=np.float32)
    assert np.isfinite(similarity_layout(Z)).all()
    nearest = nearest_images(Z, 5)
    assert not (nearest == np.arange(40)[:, np.newaxis]).any()


@given(st.integers(1, 2000), st.integers(0, 100), st.booleans())
@settings(max_examples=15, deadline=None)
def test_each_point_has_a_place_of_its_own(n, seed, clustered):
    points = np.random.default_rng(seed).random((n, 2))
    points = points.round(1) if clustered else points
    places = grid_places(points)
    n_columns, n_rows = places.max(axis=0) + 1
    taken = places[:, 1] * n_columns + places[:, 0]
    np.testing.assert_array_equal(np.sort(taken), np.arange(n))  # only the end is free
    assert n_columns * (n_rows - 1) < n


def test_a_grid_of_points_keeps_its_order():
    """Points that form a grid already: each neighbour stays a neighbour, over the seams too."""
    rows, columns = 30, 42
    points = np.array([[x, y] for y in range(rows) for x in range(columns)], dtype=float)
    order = np.random.default_rng(0).permutation(len(points))
    np.testing.assert_array_equal(grid_places(points[order]), points[order])


def test_thumbnails_of_every_shape_fit():
    images = [np.full(shape, 0.5, np.float32) for shape in [(300, 20, 3), (5, 5, 1), (64, 700, 1)]]
    sheet = thumbnail_sheet(iter(images), 3)
    assert sheet.sizes == [(9, 128), (5, 5), (128, 12)]
