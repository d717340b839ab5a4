"""The page for labelling by its requests: what is served, and to whom."""

import io
import json

import numpy as np
import pytest
from asgi_client import Client
from PIL import Image

from striate.labelling.label_pictures import LabelPictures
from striate.labelling.label_server import label_app, new_token, open_socket

PORT, TOKEN = 8123, "secret-part"


@pytest.fixture
def client(folder):
    session = folder.session()
    pictures = LabelPictures(folder.files, (0.0, 1.0))
    app = label_app(session, pictures, TOKEN, PORT)
    client = Client(app, PORT)
    client.session = session
    return client


def act(client, action, index=None, label="", look="new"):
    wish = {"action": action, "index": index, "label": label, "look": look}
    return post(client, json.dumps(wish).encode())


def post(client, content, headers=()):
    headers = {"content-type": "application/json", **dict(headers)}
    return client.post(f"/{TOKEN}/act", content, headers)


def test_the_page_and_its_files(client):
    page = client.get(f"/{TOKEN}/")
    assert page.status_code == 200
    assert "<title>Labels of trees</title>" in page.text
    assert client.get(f"/{TOKEN}/label.js").headers["content-type"].startswith("text/javascript")
    assert client.get(f"/{TOKEN}/label.css").headers["content-type"].startswith("text/css")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in page.text


def test_labels_are_written_and_undone(client, folder):
    state = client.get(f"/{TOKEN}/state").json()
    index = state["queue"][0]["index"]
    after = act(client, "label", index, "birch").json()
    assert folder.labels.read_text() == f"file,label,note\n{folder.names[index]},birch,\n"
    assert after["queue"][0]["index"] == state["queue"][1]["index"]
    assert act(client, "undo").json()["queue"][0]["index"] == index
    assert folder.labels.read_text() == "file,label,note\n"


def test_pictures_are_those_of_the_images(client, folder):
    answer = client.get(f"/{TOKEN}/picture/7")
    assert answer.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(shown, np.asarray(Image.open(folder.files[7])))


@pytest.mark.parametrize(
    "path",
    [
        "/", "/label.js", "/wrong/", "/wrong/state", f"/{TOKEN}", f"/{TOKEN}/picture/60",
        f"/{TOKEN}/picture/-1", f"/{TOKEN}/picture/x", f"/{TOKEN}/label.html",
        f"/{TOKEN}/../labels.csv", f"/{TOKEN}/..%2f..%2flabels.csv", f"/{TOKEN}/picture/%2e%2e/a",
        f"/{TOKEN}/label_server.py", "/docs", "/openapi.json",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code in (404, 307)
    assert answer.status_code == 404 or answer.headers["location"].endswith(f"/{TOKEN}/")
    assert b"birch" not in answer.content


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": f"evil.example:{PORT}"},
        {"host": "127.0.0.1"},
        {"host": f"127.0.0.1:{PORT + 1}"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"origin": f"http://127.0.0.1:{PORT + 1}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["", "state", "picture/0", "label.js"])
def test_other_origins_are_refused(client, folder, headers, path):
    assert client.get(f"/{TOKEN}/{path}", headers=headers).status_code == 403
    wish = b'{"action": "label", "index": 0, "label": "ash"}'
    assert post(client, wish, headers).status_code == 403
    assert not folder.labels.exists()


def test_the_own_page_is_served(client):
    for host in ("127.0.0.1", "localhost"):
        own = {
            "host": f"{host}:{PORT}",
            "origin": f"http://{host}:{PORT}",
            "sec-fetch-site": "same-origin",
        }
        assert client.get(f"/{TOKEN}/state", headers=own).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"action": "label", "index": "0", "label": "ash"}', 400),
        (b'{"action": "label", "index": true, "label": "ash"}', 400),
        (b'{"action": "label", "index": 1e9, "label": "ash"}', 400),
        (b'{"action": "label", "index": 0, "label": ["ash"]}', 400),
        (b'{"action": "label", "index": 0, "label": "oak"}', 400),
        (b'{"action": "add", "label": "a\\u0000"}', 400),
        (b'{"action": "burn", "index": 0}', 400),
        (b'"' + 20_000 * b"x" + b'"', 413),
    ],
)
def test_wishes_that_make_no_sense(client, folder, content, status):
    answer = post(client, content)
    assert answer.status_code == status
    assert status != 400 or answer.json()["error"]
    assert not folder.labels.exists()


def test_forms_are_refused(client):
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        headers = {"content-type": kind}
        assert post(client, b'{"action": "undo"}', headers).status_code == 415


def test_hostile_names_are_text(client, folder):
    name = '<script>alert(1)</script>"&'
    assert act(client, "add", label=name).status_code == 200
    state = act(client, "label", 0, name)
    assert json.loads(state.text)["classes"][-1] == {"name": name, "count": 1}
    assert state.headers["content-type"] == "application/json"
    assert state.headers["x-content-type-options"] == "nosniff"
    page = client.get(f"/{TOKEN}/label.js").text
    assert "innerHTML" not in page
    assert "insertAdjacent" not in page


def test_a_title_is_escaped(folder, tmp_path):
    session = folder.session()
    session.folder = tmp_path / '<img src="x">'
    app = label_app(session, LabelPictures([], (0.0, 1.0)), TOKEN, PORT)
    page = Client(app, PORT).get(f"/{TOKEN}/").text
    assert "<img src=" not in page
    assert "&lt;img" in page


def test_an_image_that_vanishes(client, folder):
    folder.files[3].unlink()
    answer = client.get(f"/{TOKEN}/picture/3")
    assert answer.status_code == 404
    assert "003.png" in answer.text


def test_a_disk_that_is_full(client, folder, monkeypatch):
    def refuse(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("striate.files.atomic_writing.write_whole", refuse)
    answer = act(client, "label", 0, "ash")
    assert answer.status_code == 507
    assert "not saved" in answer.json()["error"]
    assert client.session.book.labels[0] == ""


def test_two_servers_on_one_port():
    with open_socket(0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=f"--port {port}: .*in use; choose another"):
            open_socket(port)
        assert first.getsockname()[0] == "127.0.0.1"


def test_tokens_are_long_and_different():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 20
