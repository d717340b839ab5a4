"""The report on a model: what is measured, what is drawn, and the page as a browser shows it."""

import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import look_at
from command_line import fail, succeed
from jinja2 import UndefinedError
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import DictionaryEncoder, PatchFeatures
from striate.analysis.cross_validation import learning_curve
from striate.files.image_collection import ImageCollection
from striate.persistence import load, save
from striate.report.confusion_table import ConfusionTable, confused_pairs, headings
from striate.report.model_settings import settings_in_words
from striate.report.page_templates import page_template
from striate.report.report_pictures import curve_svg, features_png, strip_png, thumbnail_png

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = [
    "--encoder",
    "autoencoder",
    "--n-features",
    "30",
    "--patch-size",
    "6",
    "--n-patches",
    "500",
    "--max-iter",
    "10",
]
CLASSES = ("across", "down", "both & $all")


def stripes(kind, seed, size=24):
    """Stripes across, down, or both, in colour and so noisy that some are taken for others."""
    rng = np.random.default_rng([kind, seed])
    down, across = (np.sin(np.arange(size) + rng.uniform(0, 6)) for _ in range(2))
    image = (0.15 * down[:, None] * (kind != 1) + 0.15 * across * (kind != 0))[..., None]
    image = 0.5 + image * rng.uniform(0.3, 1, 3) + rng.normal(0, 0.2, (size, size, 3))
    return Image.fromarray((255 * image.clip(0, 1)).astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Labelled images, one of a size of its own and one with a wrong label."""
    folder = tmp_path_factory.mktemp("labelled")
    for kind, name in enumerate(CLASSES):
        (folder / name).mkdir()
        for seed in range(8 + kind):
            stripes(kind, seed, 130 if seed == 0 else 24).save(folder / name / f"{seed}.png")
    stripes(1, 100).save(folder / "across" / "wrong label.png")
    return folder


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    succeed("learn", folder, "--out", path / "features.skops", *QUICK)
    succeed("train", folder, "--features", path / "features.skops", "--out", path / "model.skops")
    return path / "model.skops"


@pytest.fixture(scope="module")
def page(model, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    assert succeed("report", model, folder, "--out", out) == f"Wrote the report to {out}\n"
    assert [each.name for each in out.parent.iterdir()] == ["report.html"]
    return out.read_text(encoding="utf-8")


# --- the page -------------------------------------------------------------------------------


class Parts(HTMLParser):
    """Tags with their attributes; sees that they are closed in order."""

    VOID = ("meta", "img", "br", "source")

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.long
def test_page_needs_nothing_else(page):
    parts = Parts()
    parts.feed(page)
    assert parts.open == []
    assert {"script", "link", "iframe", "a"}.isdisjoint(tag for tag, _ in parts.tags)
    images = [attributes for tag, attributes in parts.tags if tag == "img"]
    assert len(images) > 30
    assert all(each["alt"] for each in images)
    for _, attributes in parts.tags:
        for name in ("src", "srcset", "href"):
            assert re.match(
                "data:image/(png|svg.xml);base64,", attributes.get(name, "data:image/png;base64,")
            )
    without_pictures = re.sub(r"base64,[^\"]*", "", page)
    for outside in ("://", "url(", "@import"):
        assert outside not in without_pictures


def test_page_says_what_was_measured(page, model):
    known = load(model).cross_validation_
    assert f"<b>{known['accuracies'].mean():.1%}</b> accuracy on images" in page
    assert f"<b>{known['baseline']:.1%}</b> accuracy of always" in page
    counts = re.findall(r'<td class="(?:right|wrong|none)"[^>]*>(\d+)</td>', page)
    np.testing.assert_array_equal(np.array(counts, int).reshape(3, 3), known["confusion"])
    n_wrong = known["confusion"].sum() - np.trace(known["confusion"])
    assert f"{n_wrong} of 28 images" in page
    assert page.count("predicted <b>") == n_wrong > 0
    assert "across/wrong label.png" in page
    for setting in (
        "6 × 6 pixels, in colour",
        "a sparse autoencoder",
        f"LinearClassifier (α = {load(model)[-1].alpha_:g})",
        "was chosen on held-out images",
    ):
        assert setting in page


def test_page_shows_all_features(page):
    assert "The next 6 features" in page
    assert page.count("and the 8 patches that excite it most") == 30


def test_names_are_text(page):
    assert "both & " not in page
    assert "both &amp; $all" in page


@pytest.mark.long
def test_same_report_again_without_the_folder(page, model, tmp_path):
    succeed("report", model, "--out", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_page_in_a_browser(page, tmp_path):
    seen, console = look_at(page, tmp_path, [360, 1280])
    assert console == []
    for width in (360, 1280):
        assert seen[width]["title"] == "Report on model.skops"
        assert seen[width]["images"] > 30
        assert seen[width]["broken"] == seen[width]["hidden"] == []
        assert seen[width]["taken"] <= seen[width]["room"] == width


@pytest.mark.long
def test_new_images_are_predicted_by_the_model_itself(model, tmp_path):
    for kind, name in enumerate(CLASSES[:2]):
        (tmp_path / name).mkdir()
        for seed in range(200, 205):
            stripes(kind, seed).save(tmp_path / name / f"{seed}.png")
    succeed("report", model, tmp_path, "--out", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    files = sorted(tmp_path.glob("*/*.png"))
    accuracy = np.mean(load(model).predict(files) == [each.parent.name for each in files])
    assert f"on none of these images. Its accuracy on them is {accuracy:.1%}." in page
    assert f"<b>{accuracy:.1%}</b> accuracy on images" in page


# --- bad input ------------------------------------------------------------------------------


def test_inputs_of_the_wrong_kind(model, folder, tmp_path):
    out = tmp_path / "report.html"
    features = model.with_name("features.skops")
    assert "holds no classifier" in fail("report", features, folder, "--out", out)
    assert "no such folder" in fail("report", model, tmp_path / "none", "--out", out)
    assert "in .html" in fail("report", model, folder, "--out", tmp_path / "model.skops")
    assert "there is no folder" in fail("report", model, folder, "--out", tmp_path / "a" / "b.html")
    assert "has 0 sub-folders" in fail("report", model, tmp_path, "--out", out)
    for kind, name in enumerate(["across", "unknown"]):
        (tmp_path / "other" / name).mkdir(parents=True)
        stripes(kind, 0).save(tmp_path / "other" / name / "0.png")
    line = fail("report", model, tmp_path / "other", "--out", out)
    assert f"{tmp_path / 'other' / 'unknown'}: is not a class of the model" in line
    (tmp_path / "other" / "unknown").rename(tmp_path / "other" / "down")
    line = fail("report", model, tmp_path / "other", "--out", out)
    assert "other: has fewer than two classes with at least two images each" in line
    assert not out.exists()


def test_bad_image_leaves_nothing(model, folder, tmp_path):
    for name in CLASSES[:2]:
        (tmp_path / name).mkdir()
        for seed in range(2):
            stripes(0, seed).save(tmp_path / name / f"{seed}.png")
    (tmp_path / "down" / "bad.png").write_text("no image")
    assert "bad.png: not an image" in fail("report", model, tmp_path, "--out", tmp_path / "r.html")
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(CLASSES[:2])


def test_model_whose_images_are_gone(model, tmp_path):
    estimator = load(model)
    estimator.trained_on_["folder"] = str(tmp_path / "gone")
    save(estimator, tmp_path / "m.skops")
    line = fail("report", tmp_path / "m.skops", "--out", tmp_path / "r.html")
    assert f"trained on the images in {tmp_path / 'gone'}, which does not exist" in line
    del estimator.trained_on_
    save(estimator, tmp_path / "m.skops")
    line = fail("report", tmp_path / "m.skops", "--out", tmp_path / "r.html")
    assert "give FOLDER" in line


# --- what is drawn --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def images():
    return ImageCollection(np.random.default_rng(0).random((20, 12, 12, 3)))


def opened(png):
    return Image.open(io.BytesIO(png))


def test_gaps_let_the_page_be_seen():
    rng = np.random.default_rng(0)
    for channels in (1, 3):
        grid = np.asarray(opened(features_png(rng.normal(size=(7, 4, 4, channels)))))
        assert set(np.unique(grid[..., 3])) == {0, 255}
        strip = opened(
            strip_png(rng.normal(size=(4, 4, channels)), rng.random((8, 4, 4, channels)))
        )
        assert strip.mode == "RGBA"
        assert strip.width > 9 * 40
        assert opened(strip_png(None, rng.random((8, 4, 4, channels)))).width < strip.width


def test_patches_of_one_colour_can_be_drawn():
    assert np.isfinite(np.asarray(opened(strip_png(None, np.ones((2, 4, 4, 1)))))).all()


def test_thumbnails():
    png, is_small = thumbnail_png(np.ones((600, 300, 3)))
    assert (opened(png).size, is_small) == ((120, 240), False)
    png, is_small = thumbnail_png(np.zeros((20, 30, 1)))
    assert (opened(png).size, opened(png).mode, is_small) == ((30, 20), "L", True)


def test_curve_is_drawn_for_light_and_dark():
    labels = np.repeat([0, 1], 20)
    curve = learning_curve(LogisticRegression(), labels[:, None] * 1.0, labels)
    light, dark = (curve_svg(curve, 0.5, dark=dark) for dark in (False, True))
    assert light.startswith(b"<?xml")
    assert light != dark
    assert light == curve_svg(curve, 0.5, dark=False)


def test_many_classes_are_told_by_their_mistakes():
    confusion = np.diag(np.full(30, 5))
    confusion[3, 4] = 7
    names = [f"class <{k}>" for k in range(30)]
    html = page_template("confusion.html").render(confusion=ConfusionTable(names, confusion))
    assert "class &lt;3&gt;" in html
    assert "7 of 12" in html
    assert "<td class" not in html
    assert confused_pairs(confusion) == [(3, 4)]


def test_long_names_give_way_to_numbers():
    assert headings(["a", "b"]) == (["a", "b"], ["a", "b"])
    long = ["a" * 30, "b" * 30]
    assert headings(long) == ([f"1  {long[0]}", f"2  {long[1]}"], ["1", "2"])


def test_settings_in_words(images):
    features = PatchFeatures(
        DictionaryEncoder(4, dictionary="patches", random_state=0),
        patch_size=4,
        n_patches=50,
        stride=2,
        pool_size=2,
        flips=True,
        signed_sqrt=True,
        normalize="mean",
        whitening=None,
    ).fit(images)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    values = {each.name: each.value for each in settings_in_words(features, classifier)}
    assert values == {
        "Patches": "4 × 4 pixels, in colour",
        "Learned by": "a dictionary of patches, drawn at random",
        "Normalization": "brightness removed",
        "Whitening": "none",
        "Where it looks": "every 2 pixels, down and across; the mirror image too",
        "Pooling": "the mean over windows of 2 positions",
        "Classifier": "StandardScaler, then LogisticRegression (C = 0.1)",
        "Random seed": "None",
    }


def test_missing_template_engine_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ModuleNotFoundError, match=r"Jinja2.* pip install 'striate\[app\]'"):
        page_template("report.html")


def test_templates_escape_text_and_refuse_unknown_names():
    table = page_template("pieces.html").module.table
    assert "<b>" not in table("<b>", ["<b>"], [["<b>", '"<b>']])
    with pytest.raises(UndefinedError, match="confusion"):
        page_template("confusion.html").render()


def test_no_name_of_a_page_replaces_a_model(model, folder):
    before = model.read_bytes()
    fail("report", model, folder, "--out", model)
    assert Path(model).read_bytes() == before
