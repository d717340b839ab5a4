"""`striate label`: what it checks before it serves, and what it says."""

import os
import re

import pytest
from command_line import fail, files_below, run

from striate.labelling import label_server
from striate.labelling.label_server import open_socket

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Stopped:
    """A server that is interrupted as soon as it serves."""

    def __init__(self, app):
        self.app = app

    def run(self, sockets):
        assert sockets[0].getsockname()[0] == "127.0.0.1"
        raise KeyboardInterrupt


@pytest.fixture
def stopped(monkeypatch):
    monkeypatch.setattr(label_server, "new_server", Stopped)


@pytest.mark.usefixtures("stopped")
def test_it_says_where_the_page_and_the_labels_are(gratings, features, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("file,label\nacross/0.png,across\n")
    words = ["label", gratings, "-f", features, "-l", labels, "--classes", "down,", "--no-browser"]
    printed, said = run(*words)
    lines = printed.splitlines()
    assert re.fullmatch(
        r"16 images; the page for labelling is http://127\.0\.0\.1:\d+/[\w-]{20,}/", lines[0]
    )
    assert lines[-1] == f"1 label in {labels}"
    assert said == ""
    assert files_below(tmp_path) == ["labels.csv"]
    assert labels.read_text() == "file,label\nacross/0.png,across\n"
    address = re.search(r"http\S+", lines[0])[0]
    assert re.search(r"http\S+", run(*words)[0])[0] != address


@pytest.mark.usefixtures("stopped")
def test_images_that_cannot_be_used_are_left_out(gratings, features, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("0.png", "1.png"):
        (folder / name).write_bytes((gratings / "down" / name).read_bytes())
    (folder / "bad.png").write_bytes(b"no image")
    printed, said = run(
        "label", folder, "-f", features, "-l", tmp_path / "labels.csv", "--no-browser"
    )
    assert printed.startswith("2 images; ")
    assert said.startswith(f"striate: skipped 1 image:\n  {folder / 'bad.png'}: ")


def test_what_cannot_be_labelled(gratings, features, tmp_path, monkeypatch):
    labels = tmp_path / "labels.csv"
    words = ["label", gratings, "-f", features, "-l", labels, "--no-browser"]
    assert "none: no such folder" in fail("label", tmp_path / "none", *words[2:])
    (tmp_path / "empty").mkdir()
    assert "no image files found in " in fail("label", tmp_path / "empty", *words[2:])
    assert "no folder" in fail(*words[:4], "-l", tmp_path / "none" / "labels.csv")
    assert "the name of a class has 1 to 100 letters" in fail(*words, "--classes", "x" * 101)
    with open_socket(0) as taken:
        assert re.search(r"--port \d+: .*in use", fail(*words, "--port", taken.getsockname()[1]))
    labels.write_text("name,label\n")
    assert "labels.csv: the first line must name the columns" in fail(*words)
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else 1)
        assert "uvicorn is missing: pip install 'striate[label]'" in fail(*words)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a folder that nobody may write")
def test_labels_where_nothing_can_be_written(gratings, features):
    words = ["label", gratings, "-f", features, "-l", "/proc/self/labels.csv"]
    assert fail(*words).startswith("striate: /proc/self/labels.csv: the folder /proc/")
