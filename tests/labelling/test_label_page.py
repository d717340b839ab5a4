"""The page for labelling in a real browser, by keys."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from browser_keys import open_browser
from command_line import QUICK, grating, succeed
from PIL import Image

from striate.files.label_table import read_label_table
from striate.labelling.label_pictures import LabelPictures
from striate.labelling.label_server import label_app, new_server, open_socket

NAME = "#name"


@contextmanager
def served(session, folder):
    """Serve the page in a thread; yield its address."""
    listening = open_socket(0)
    port = listening.getsockname()[1]
    server = new_server(label_app(session, LabelPictures(folder.files, (0.0, 1.0)), "t", port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/t/"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
        session.close()


def label_all(page, key_of, n):
    """Label n images by keys; return their names in order."""
    names = []
    for _ in range(n):
        name = page.text("name")
        names.append(name)
        page.press(key_of(name))
        page.wait(f"document.getElementById('name').textContent !== {name!r}")
    return names


@pytest.mark.long
def test_labels_by_keys(folder, tmp_path):
    session = folder.session(["ash", "birch"])
    with served(session, folder) as address, open_browser(tmp_path / "profile") as page:
        page.shape(1200, 800)
        page.open(address)
        page.wait("document.getElementById('classes')?.children.length === 2")
        # A class is added by keys alone.
        page.press("n")
        for letter in "cedar":
            page.press(letter)
        page.press("Enter")
        page.wait("document.getElementById('classes').children.length === 3")
        keys = dict(zip(folder.names, folder.kinds, strict=True))
        number = {"ash": "1", "birch": "2", "cedar": "3"}
        first = label_all(page, lambda name: number[keys[name]], 4)
        page.press("z")
        page.wait(f"document.getElementById('name').textContent === {first[-1]!r}")
        page.press("u")
        page.wait(f"document.getElementById('name').textContent !== {first[-1]!r}")
        skipped = page.text("name")
        page.press(" ")
        page.wait(f"document.getElementById('name').textContent !== {skipped!r}")
        rows = {row["file"]: row["label"] for row in read_label_table(folder.labels).rows}
        assert rows == {**{name: keys[name] for name in first[:3]}, first[-1]: ""}
        # The guess is accepted by Enter.
        session.start()
        page.wait("document.getElementById('guess').textContent")
        guess = re.match(r"guess: (\w+) \(\d+%\)", page.text("guess"))[1]
        name = page.text("name")
        page.press("Enter")
        page.wait(f"document.getElementById('name').textContent !== {name!r}")
        rows = {row["file"]: row["label"] for row in read_label_table(folder.labels).rows}
        assert rows[name] == guess
        assert "4 of 60 images labelled, 1 not sure" in page.text("progress")
        assert [each for each in page.said if "favicon" not in str(each)] == []


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_on_phones_and_wide_screens(folder, tmp_path, dark):
    session = folder.session(
        ["ash", "a name that is as long as names of classes are at times", "x" * 90]
    )
    with served(session, folder) as address, open_browser(tmp_path / "profile") as page:
        for width, height in [(1400, 900), (360, 740)]:
            page.shape(width, height, dark=dark, phone=width < 500)
            page.open(address)
            page.wait("document.getElementById('picture')?.naturalWidth > 0")
            assert page.value("document.documentElement.scrollWidth") <= width
            assert (
                page.value("document.getElementById('picture').getBoundingClientRect().height")
                > 200
            )
            shown = np.asarray(Image.open(io.BytesIO(page.picture())).convert("L"))
            assert (shown[:3].mean() < 60) == dark
            hidden = (
                "[...document.querySelectorAll('button')].filter(b => b.getBoundingClientRect()"
                ".right > innerWidth).length"
            )
            assert page.value(hidden) == 0
        # Every button has a name, and can be reached by the Tab key.
        assert page.value(
            "[...document.querySelectorAll('button')].every(b => b.textContent.trim() && "
            "b.tabIndex === 0)"
        )


def test_an_image_that_vanishes_and_a_server_that_ends(folder, tmp_path):
    session = folder.session()
    with open_browser(tmp_path / "profile") as page:
        with served(session, folder) as address:
            folder.files[session.state()["queue"][0]["index"]].unlink()
            page.open(address)
            page.wait("document.getElementById('message')?.textContent")
            assert "has vanished or cannot be read. Skip it." in page.text("message")
            page.press(" ")
            page.wait("!document.getElementById('message').textContent")
        page.press("1")
        page.wait("document.getElementById('message').textContent")
        assert "Labels so far are saved" in page.text("message")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_from_nothing_to_predictions(tmp_path):
    """Label twenty images by keys, kill the server, go on, train and predict."""
    photos, labels = tmp_path / "photos", tmp_path / "labels.csv"
    photos.mkdir()
    for axis, name in enumerate(["across", "down"]):
        for seed in range(20):
            grating(axis, seed).save(photos / f"{seed} {name}.png")
    learned, model = tmp_path / "f.skops", tmp_path / "m.skops"
    succeed("learn", photos, "--out", learned, *QUICK)
    words = [sys.executable, "-m", "striate", "label", photos, "-f", learned, "-l", labels]
    words += ["--classes", "across,down", "--no-browser"]
    names = []
    with open_browser(tmp_path / "profile") as page:
        for _ in range(2):
            server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            page.open(address)
            page.wait("document.getElementById('classes')?.children.length === 2")
            names += label_all(page, lambda name: "1" if "across" in name else "2", 10)
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
            server.stdout.close()
            rows = {row["file"]: row["label"] for row in read_label_table(labels).rows}
            assert rows == {name: name.split()[1].removesuffix(".png") for name in names}
    assert len(set(names)) == 20
    succeed("train", photos, "--labels", labels, "-f", learned, "-o", model)
    predicted = list(csv.DictReader(io.StringIO(succeed("predict", model, photos))))
    assert np.mean([row["label"] in row["file"] for row in predicted]) > 0.9
