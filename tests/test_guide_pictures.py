"""Screenshots of the pages in the guide to one's own images, taken in a headless browser.

The test draws images of its own and writes screenshots to a temporary folder. To make those of the
guide again, name a folder with one sub-folder per class:

    STRIATE_GUIDE_IMAGES=cells/ python -m pytest tests/test_guide_pictures.py -m long

They are written to docs/images.
"""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browser_keys import open_browser
from command_line import grating, succeed
from PIL import Image

from striate.files.label_table import read_label_table

DOCS = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1180, 800)
MOST_PER_CLASS = 150
N_LABELS = 40
LEARN = ["--encoder", "patches", "--n-features", "100", "--n-patches", "20000"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def flat_copy(source, folder):
    """Copy images from sub-folders into one folder; return the class of each name."""
    folder.mkdir()
    classes = {}
    for of_class in sorted(each for each in source.iterdir() if each.is_dir()):
        files = sorted(each for each in of_class.iterdir() if each.is_file())
        some = np.linspace(0, len(files) - 1, min(MOST_PER_CLASS, len(files))).astype(int)
        for file in (files[i] for i in some):
            name = f"{file.stem}_{len(classes)}{file.suffix}"
            shutil.copyfile(file, folder / name)
            classes[name] = of_class.name
    return classes


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Return a folder of images, their classes, and where screenshots are written."""
    tmp_path = tmp_path_factory.mktemp("guide")
    if "STRIATE_GUIDE_IMAGES" in os.environ:
        source, out = Path(os.environ["STRIATE_GUIDE_IMAGES"]), DOCS
    else:
        source, out = tmp_path / "drawn", tmp_path / "images"
        out.mkdir()
        for axis, name in enumerate(["across", "down"]):
            (source / name).mkdir(parents=True)
            for seed in range(24):
                grating(axis, seed).save(source / name / f"{seed}.png")
    folder = tmp_path / "photographs"
    return folder, flat_copy(source, folder), out


def keep(page, path):
    """Write a screenshot in few colours, and check that it shows a light page with something."""
    with Image.open(io.BytesIO(page.picture())) as picture:
        assert picture.size == SIZE
        colours = picture.convert("RGB").quantize(128)
        grey = np.asarray(picture.convert("L"), dtype=float)
    colours.save(path, optimize=True)
    assert grey[:, -8:].mean() > 200
    assert grey.std() > 10


def label_some(page, classes, n):
    """Label n images by keys, rightly."""
    keys = {name: str(i + 1) for i, name in enumerate(sorted(set(classes.values())))}
    for _ in range(n):
        name = page.text("name")
        page.press(keys[classes[name]])
        page.wait(f"document.getElementById('name').textContent !== {name!r}")


def keep_finished_pages(page, folder, out):
    """Keep pictures of the pages of outliers and of the map, which are in a folder."""
    for name in ("odd", "map"):
        page.open((folder / f"{name}.html").as_uri())
        loaded(page)
        if name == "map":
            page.wait("document.documentElement.dataset.ready === 'yes'")
            page.value("document.getElementById('map').focus()")
            page.press("ArrowRight")  # selects an image in the middle
        else:
            page.value("document.querySelector('h2').scrollIntoView()")
        keep(page, out / f"guide_{name}.png")


def keep_labelling_page(page, words, classes, out):
    """Start the server of the page, label some images, and keep a picture of it."""
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        page.open(re.search(r"http://\S+", server.stdout.readline())[0])
        page.wait("document.getElementById('classes')?.children.length >= 2")
        label_some(page, classes, min(N_LABELS, len(classes) // 2))
        page.wait("document.getElementById('guess').textContent")
        page.wait("document.getElementById('picture').naturalWidth > 0")
        keep(page, out / "guide_label.png")
    finally:
        server.terminate()
        server.communicate()


def loaded(page):
    page.wait("document.readyState === 'complete'")
    page.wait("[...document.images].every(each => each.complete)")


def test_pictures_of_the_guide(given, tmp_path, monkeypatch):
    folder, classes, out = given
    monkeypatch.chdir(folder.parent)  # pages show names as they are given
    folder = folder.name
    learned, labels, model = (tmp_path / name for name in ("f.skops", "labels.csv", "m.skops"))
    succeed("learn", folder, "--out", learned, *LEARN)
    succeed("outliers", folder, "--model", learned, "--top", "12", "--out", tmp_path / "odd.html")
    succeed("map", folder, "--model", learned, "--out", tmp_path / "map.html")
    words = [sys.executable, "-m", "striate", "label", folder, "-f", learned, "-l", labels]
    words += ["--classes", ",".join(sorted(set(classes.values()))), "--no-browser"]
    with open_browser(tmp_path / "profile") as page:
        page.shape(*SIZE)
        keep_finished_pages(page, tmp_path, out)
        keep_labelling_page(page, words, classes, out)
        rows = {row["file"]: row["label"] for row in read_label_table(labels).rows}
        assert rows == {name: classes[name] for name in rows}
        printed = succeed("train", folder, "-l", labels, "-f", learned, "-o", model)
        assert "accuracy on held-out images: " in printed
        succeed("report", model, "--out", tmp_path / "report.html")
        page.open((tmp_path / "report.html").as_uri())
        loaded(page)
        page.value("document.querySelectorAll('h2')[2].scrollIntoView()")
        keep(page, out / "guide_report.png")
