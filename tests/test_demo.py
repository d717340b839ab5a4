"""The demo: what it claims, and what it writes."""

import contextlib
import io
import os
import re
from html.parser import HTMLParser

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from striate.demo import run
from striate.demo.demo_page import CODE
from striate.demo.demo_settings import Settings
from striate.demo.gradient_checks import (
    HIDDEN,
    LIMIT,
    OUTPUTS,
    difference_of_a_mistake,
    gradient_differences,
)
from striate.demo.label_curves import METHODS, accuracies, digits_task, photographs_task
from striate.demo.learned_features import learn_features, n_edges, pooled, with_random_filters
from striate.demo.photographs import NAMES, halves, photographs, tiles
from striate.demo.run_demo import PAGE, PICTURES
from striate.demo.shift_invariance import changes
from striate.report.page_templates import page_template

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = Settings(n_patches=10_000, n_labels=(5, 20), n_splits=2, n_windows=1)
FEW = Settings(n_features=64, n_patches=6000, max_iter=400)
HASTY = Settings(n_features=64, n_patches=3000, max_iter=100)
TINY = Settings(n_features=4, n_patches=300, max_iter=3, n_labels=(2,), n_splits=1, n_windows=1)


@pytest.fixture(scope="module")
def images():
    return photographs()


@pytest.fixture(scope="module")
def model(images):
    return learn_features(halves(images)[0], SMALL, show_progress=False)


@pytest.fixture(scope="module")
def few_features(images):
    return learn_features(halves(images)[0], FEW, show_progress=False)


@pytest.fixture(scope="module")
def hasty_features(images):
    """Not all of them are edges yet."""
    return learn_features(halves(images)[0], HASTY, show_progress=False)


@pytest.mark.long
def test_nearly_all_units_become_edges(model):
    assert n_edges(model[-1]) >= 85


@pytest.mark.long
def test_most_units_become_edges(few_features):
    assert n_edges(few_features[-1]) >= 48


def test_progress_can_be_shown(images):
    model = learn_features(images[:1], TINY, show_progress=True)
    assert len(model[-1].filters_) == TINY.n_features


@pytest.mark.long
def test_few_labels_are_worth_more_with_learned_features(images, model):
    result = accuracies(photographs_task(*halves(images), model), SMALL)
    learned, random, raw = (result[name].mean() for name in METHODS)
    assert learned > random + 3
    assert random > raw + 3
    assert result[METHODS[0]].shape == (2, 2)


@pytest.mark.long
def test_digits_are_told_apart():
    result = accuracies(digits_task(SMALL, show_progress=False), SMALL)
    learned, _, raw = (result[name].mean() for name in METHODS)
    assert learned > raw > 80


def test_pooled_features_stand_still(images, hasty_features):
    change = changes(halves(images)[1], hasty_features, SMALL).sensitivities
    before = change["not pooled"].mean
    for name in ("pooled, mean", "pooled, maximum"):
        assert (change[name].mean[:2] < before[:2] / 3).all()
    assert all((np.diff(each.mean[:2]) > 0).all() for each in change.values())
    assert all(each.mean.max() < 1.2 for each in change.values())
    plt.close("all")


def test_gradients_are_right_and_a_mistake_is_found():
    differences = gradient_differences()
    assert list(differences) == OUTPUTS
    table = np.array(list(differences.values()))
    assert table.shape == (len(OUTPUTS), len(HIDDEN))
    assert (table < LIMIT).all()
    assert difference_of_a_mistake() > 1e-3


def test_tiles_of_the_two_halves_share_no_pixel():
    image = np.arange(70 * 130, dtype=np.float32).reshape(70, 130, 1)
    left, right = halves([image])
    (of_left, source), (of_right, _) = tiles(left, 32), tiles(right, 32)
    assert of_left.shape == of_right.shape == (4, 32, 32, 1)
    assert source.tolist() == [0, 0, 0, 0]
    assert not np.intersect1d(of_left, of_right).size
    np.testing.assert_array_equal(of_left[1], image[:32, 32:64])


def test_other_pooling_and_random_filters_leave_the_model_as_it_is(hasty_features):
    model = hasty_features
    learned = model[-1].encoder_.components_.copy()
    changed = with_random_filters(pooled(model, pool_grid=(1, 1)), seed=0)
    np.testing.assert_array_equal(model[-1].encoder_.components_, learned)
    assert model[-1].pool_grid == (3, 3)
    norms = [np.linalg.norm(each, axis=1) for each in (changed[-1].encoder_.components_, learned)]
    np.testing.assert_allclose(*norms, rtol=1e-5)
    assert n_edges(changed[-1]) < 16


class _Page(HTMLParser):
    """Collects tags and whatever they refer to, and sees that tags are closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.tags, self.references, self.open = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder that the demo made, and what it printed."""
    folder, printed = tmp_path_factory.mktemp("demo") / "new" / "folder", io.StringIO()
    with contextlib.redirect_stdout(printed):
        run(folder, TINY)
    return folder, printed.getvalue()


def test_what_is_written(written):
    written, _ = written
    assert sorted(os.listdir(written)) == sorted([*(f"{name}.png" for name in PICTURES), PAGE])
    for name in PICTURES:
        assert (written / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_page_needs_nothing_else(written):
    text = (written[0] / PAGE).read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "link", "iframe"})
    assert len(page.references) == len(PICTURES)
    assert all(each.startswith("data:image/png;base64,") for each in page.references)
    without_pictures = re.sub(r"base64,[^\"]*", "", text)
    assert "://" not in without_pictures
    assert "url(" not in without_pictures
    assert "{{" not in without_pictures


def test_code_on_the_page_runs():
    images = np.random.default_rng(0).random((6, 20, 20))
    names = {"photographs": images, "few_images": images, "few_labels": [0, 0, 0, 1, 1, 1]}
    short = CODE.replace("20_000", "200").replace("max_iter=500", "max_iter=2")
    assert short != CODE
    exec(short, names)
    assert names["classifier"].classes_.tolist() == [0, 1]
    plt.close("all")


def test_what_is_printed(written):
    lines = written[1].splitlines()
    assert lines[0].startswith("1/6  Learning 4 features")
    assert re.fullmatch(r"Wrote 6 pictures and .*index.html, which shows them, in \d+ s", lines[-1])
    for title in ("Gradient checks", "Which photograph", "Which digit", "Change when"):
        assert any(line.startswith(title) for line in lines)


def test_text_of_tables_is_escaped():
    table = page_template("pieces.html").module.table
    assert "<b>" not in table("<b>", ["<b>"], [["<b>", "<b>"]])


def test_folder_that_cannot_be_used_is_found_before_the_work(tmp_path, monkeypatch):
    def work(*_):
        raise AssertionError("the work began")

    monkeypatch.setattr("striate.demo.run_demo._measure_and_draw", work)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        run(tmp_path / "file", TINY)
    (tmp_path / "out" / "features.png").mkdir(parents=True)
    with pytest.raises(OSError, match=r"features\.png: is a folder"):
        run(tmp_path / "out", TINY)


def test_there_is_a_label_for_each_class(images):
    assert len(images) == len(NAMES)
    smallest = min(len(tiles([half], 32)[0]) for side in halves(images) for half in side)
    assert smallest >= max(Settings().n_labels)
