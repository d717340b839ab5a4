"""The map of clusters: similar images together, labelled at once, and taken back at once."""

import io
import json
import threading
from itertools import pairwise

import numpy as np
import pytest
from asgi_client import Client
from browser_keys import open_browser
from PIL import Image
from sklearn.datasets import make_blobs

from striate.files.label_table import read_label_table
from striate.labelling.label_book import BY_CLUSTER, NOT_SURE, LabelBook
from striate.labelling.label_clusters import similar_images
from striate.labelling.label_order import similarity_space
from striate.labelling.label_pictures import LabelPictures
from striate.labelling.label_server import label_app, new_server, open_socket


@pytest.fixture
def session(folder):
    """A session whose clusters are found, and that learns nothing."""
    session = folder.session()
    clusters = similar_images(similarity_space(folder.X))
    session._clusters = [rows.tolist() for rows in clusters]
    return session


@pytest.mark.parametrize("n", [1, 2, 11, 12, 100, 1000])
def test_each_image_is_in_one_cluster(n):
    Z = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    clusters = similar_images(Z)
    assert sorted(np.concatenate(clusters).tolist()) == list(range(n))
    assert 1 <= len(clusters) <= 40


def test_similar_images_are_together_and_similar_clusters_are_neighbours():
    centers = np.random.default_rng(0).normal(size=(3, 8)) * 30
    Z, kinds = make_blobs([40, 40, 40], centers=centers, random_state=0)
    clusters = similar_images(Z)
    assert all(len(set(kinds[rows])) == 1 for rows in clusters)
    of_cluster = [kinds[rows[0]] for rows in clusters]
    assert sum(a != b for a, b in pairwise(of_cluster)) == 2
    for rows in clusters:  # the most typical first
        distances = np.linalg.norm(Z[rows] - Z[rows].mean(axis=0), axis=1)
        assert distances[0] <= np.median(distances)


def test_copies_of_one_image_do_no_harm():
    clusters = similar_images(np.ones((50, 3), dtype=np.float32))
    assert sorted(np.concatenate(clusters).tolist()) == list(range(50))


def test_a_cluster_is_labelled_at_once_and_undone_at_once(folder, session):
    rows = session._clusters[0]
    session.label(rows[0], "cedar")
    session.not_sure(rows[1])
    before = folder.labels.read_text()
    session.label_cluster(0, "birch")
    labels, notes = session.book.labels, [session.book.note(i) for i in rows]
    assert labels[rows[0]] == "cedar"
    assert labels[rows[1]] == ""
    assert {labels[i] for i in rows[2:]} == {"birch"}
    assert notes[:2] == ["", NOT_SURE]
    assert set(notes[2:]) == {BY_CLUSTER}
    assert sum(map(bool, labels)) == len(rows) - 1
    assert LabelBook(folder.labels, folder.names).labels == labels
    assert session.undo() in rows
    assert folder.labels.read_text() == before
    session.undo()
    session.undo()
    assert session.book.labels == [""] * 60


def test_the_table_is_written_once_for_a_cluster(session, monkeypatch):
    written = []
    original = session.book._table.__class__.write

    def counted(table, **options):
        written.append(len(table.rows))
        original(table, **options)

    monkeypatch.setattr("striate.files.label_table.LabelTable.write", counted)
    session.label_cluster(1, "ash")
    assert written == [len(session._clusters[1])]


def test_a_full_disk_labels_nothing(folder, session, monkeypatch):
    def full(path, content, **options):
        raise OSError(28, "No space left on device", str(path))

    session.label(session._clusters[0][0], "ash")
    before = session.book.labels
    with monkeypatch.context() as patch:
        patch.setattr("striate.files.label_table.write_file", full)
        with pytest.raises(OSError, match="No space"):
            session.label_cluster(0, "birch")
        with pytest.raises(OSError, match="No space"):
            session.undo()
    assert session.book.labels == before
    assert session.undo() == session._clusters[0][0]


def test_what_the_map_shows(session):
    rows = session._clusters[0]
    session.label(rows[0], "cedar")
    first, *others = session.map()["clusters"]
    assert first["images"] == rows[:12]
    assert (first["n_images"], first["n_open"]) == (len(rows), len(rows) - 1)
    assert first["labels"] == [{"name": "cedar", "count": 1}]
    assert len(others) == len(session._clusters) - 1
    session._learn([*session.book.labels[:0], *(["ash", "birch"] * 30)], session.X)
    assert session.map()["clusters"][0]["guess"] in ("ash", "birch")


def test_what_is_wrong_is_refused(session):
    for cluster in (-1, len(session._clusters)):
        with pytest.raises(ValueError, match="there is no cluster"):
            session.label_cluster(cluster, "ash")
    with pytest.raises(ValueError, match="there is no class 'oak'"):
        session.label_cluster(0, "oak")
    session.label_cluster(0, "ash")
    with pytest.raises(ValueError, match="all images of this cluster have a label"):
        session.label_cluster(0, "birch")


def test_before_clusters_are_found(folder):
    session = folder.session()
    assert session.map()["clusters"] == []
    with pytest.raises(ValueError, match="there is no cluster 0"):
        session.label_cluster(0, "ash")


def test_requests_of_the_map(folder, session):
    client = Client(label_app(session, LabelPictures(folder.files, (0.0, 1.0)), "t", 8123), 8123)
    found = client.get("/t/map").json()
    assert len(found["clusters"]) == len(session._clusters)
    wish = {"action": "label cluster", "index": 0, "label": "ash"}
    headers = {"content-type": "application/json"}
    answer = client.post("/t/act", json.dumps(wish).encode(), headers)
    assert answer.json()["n_labels"] == len(session._clusters[0])
    again = client.post("/t/act", json.dumps(wish).encode(), headers)
    assert again.status_code == 400
    assert "all images of this cluster" in again.json()["error"]
    assert client.get("/wrong/map").status_code == 404
    assert client.ask("GET", "/t/map", {"host": "evil.example"}).status_code == 403


def test_small_pictures(tmp_path):
    Image.new("L", (400, 200), 77).save(tmp_path / "a.png")
    pictures = LabelPictures([tmp_path / "a.png"], (0.0, 1.0))
    for small, size in [(True, (96, 48)), (False, (400, 200)), (True, (96, 48))]:
        assert Image.open(io.BytesIO(pictures.png(0, small=small))).size == size


@pytest.fixture
def address(folder, session):
    """Serve the page in a thread."""
    listening = open_socket(0)
    port = listening.getsockname()[1]
    server = new_server(label_app(session, LabelPictures(folder.files, (0.0, 1.0)), "t", port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{port}/t/"
    server.should_exit = True
    thread.join(30)
    listening.close()


@pytest.mark.long
def test_the_map_by_keys_in_a_browser(folder, session, address, tmp_path):
    cards = "document.querySelectorAll('#clusters > button')"
    with open_browser(tmp_path / "profile") as page:
        for width, height in [(1300, 850), (360, 740)]:
            page.shape(width, height, phone=width < 500)
            page.open(address)
            page.wait("document.getElementById('classes')?.children.length === 3")
            page.press("m")
            page.wait(f"{cards}.length === {len(session._clusters)}")
            assert page.value("document.documentElement.scrollWidth") <= width
        page.press("ArrowRight")
        page.press("2")
        page.wait(f"{cards}[1].textContent.includes('done')")
        rows = {row["file"]: row["label"] for row in read_label_table(folder.labels).rows}
        assert rows == {folder.names[i]: "birch" for i in session._clusters[1]}
        assert f"{len(rows)} birch" in page.value(f"{cards}[1].textContent")
        page.press("2")
        page.wait("document.getElementById('map-message').textContent")
        assert "have a label" in page.text("map-message")
        page.press("z")
        page.wait(f"!{cards}[1].textContent.includes('done')")
        assert read_label_table(folder.labels).rows == []
        page.press("m")
        page.wait("!document.querySelector('main').hidden")
        assert page.text("name")
        # The browser notes the one request that was refused.
        said = [str(each) for each in page.said if "favicon" not in str(each)]
        assert ["400 (Bad Request)" in each for each in said] == [True]
