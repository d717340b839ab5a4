"""Labelling without a browser: what is asked next, what is learned, and what is disputed."""

import threading
import time

import numpy as np
import pytest

from striate.labelling.label_book import CONFIRMED, NOT_SURE
from striate.labelling.label_learning import learn
from striate.labelling.label_session import checked_class


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


@pytest.fixture
def session(folder):
    session = folder.session()
    yield session
    session.close()


def test_images_are_asked_once(session):
    seen = []
    while queue := session.state()["queue"]:
        seen.append(queue[0]["index"])
        session.label(queue[0]["index"], "ash")
    assert sorted(seen) == list(range(60))


def test_skipped_images_come_last_and_unsure_ones_never(session):
    first, second = (item["index"] for item in session.state()["queue"][:2])
    session.skip(first)
    session.not_sure(second)
    asked = []
    while (queue := session.state()["queue"]) and queue[0]["index"] not in asked:
        asked.append(queue[0]["index"])
        if asked[-1] != first:
            session.label(asked[-1], "ash")
    assert asked[-1] == first
    assert second not in asked
    assert session.book.note(second) == NOT_SURE
    assert session.state()["n_not_sure"] == 1


def test_undo_shows_the_image_again(session):
    first, second, third = (item["index"] for item in session.state()["queue"][:3])
    session.label(first, "ash")
    session.skip(second)
    session.not_sure(third)
    assert [session.undo() for _ in range(4)] == [third, second, first, None]
    assert session.book.labels == [""] * 60
    assert [item["index"] for item in session.state()["queue"][:3]] == [first, second, third]


def test_what_is_wrong_is_refused(session):
    for index in (-1, 60):
        with pytest.raises(ValueError, match="there is no image"):
            session.label(index, "ash")
    with pytest.raises(ValueError, match="there is no class 'oak'"):
        session.label(0, "oak")
    session.add_class(" oak ")
    session.add_class("oak")
    session.label(0, "oak")
    assert session.classes == ["ash", "birch", "cedar", "oak"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "x" * 101, "\udcff"])
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match="the name of a class"):
        checked_class(name)


@pytest.mark.long
def test_it_learns_in_the_background(folder, session):
    session.start()
    wait_until(lambda: session._learned_from)
    for _ in range(30):
        index = session.state()["queue"][0]["index"]
        session.label(index, folder.kinds[index])
    wait_until(lambda: session.knowledge is not None and session.knowledge.n_labels >= 27)
    wait_until(lambda: not session.state()["is_learning"])
    state = session.state()
    assert state["accuracy"] > 0.7
    assert state["curve"][-1] == (state["n_learned"], state["accuracy"])
    counts = np.array(state["confusion"]["counts"])
    assert state["confusion"]["classes"] == ["ash", "birch", "cedar"]
    assert counts.sum() == state["n_learned"]
    assert np.trace(counts) / counts.sum() == pytest.approx(state["accuracy"], abs=0.1)
    right = [item["guess"] == folder.kinds[item["index"]] for item in state["queue"]]
    assert np.mean(right) > 0.6
    assert all(1 / 3 <= item["probability"] <= 1 for item in state["queue"])
    assert [each["count"] for each in state["classes"]] == [
        session.book.labels.count(each["name"]) for each in state["classes"]
    ]


def test_wrong_labels_are_disputed_until_they_are_confirmed(folder, session):
    wrong = [5, 17]
    for index in range(60):
        label = folder.kinds[index]
        session.label(index, "ash" if index in wrong and label != "ash" else label)
    wrong = [i for i in wrong if folder.kinds[i] != "ash"]
    assert wrong
    session._learn(session.book.labels, np.zeros((60, 1)))
    disputed = [item["index"] for item in session.state(again=True)["queue"]]
    assert set(wrong) <= set(disputed)
    assert len(disputed) < 12
    assert session.state()["n_disputed"] == len(disputed)
    session.label(wrong[0], "ash", again=True)  # confirmed
    assert session.book.note(wrong[0]) == CONFIRMED
    for index in wrong[1:]:
        session.label(index, folder.kinds[index], again=True)
    left = [item["index"] for item in session.state(again=True)["queue"]]
    assert not set(wrong) & set(left)


def test_labels_do_not_wait_for_the_training(session, monkeypatch):
    going_on, started = threading.Event(), threading.Event()

    def slow(X, labels):
        started.set()
        assert going_on.wait(60)
        return learn(X, labels)

    monkeypatch.setattr("striate.labelling.label_session.learn", slow)
    session.start()
    assert started.wait(60)
    for _ in range(5):
        session.label(session.state()["queue"][0]["index"], "ash")
    assert session.state()["is_learning"]
    assert session.state()["n_labels"] == 5
    going_on.set()
    wait_until(lambda: not session.state()["is_learning"])


def test_an_error_while_learning_is_told(folder, monkeypatch):
    told = []

    def fail(X, labels):
        raise MemoryError("too much")

    monkeypatch.setattr("striate.labelling.label_session.learn", fail)
    session = folder.session()
    session._on_error = told.append
    session.start()
    session._thread.join(60)
    assert str(told[0]) == "too much"
    assert not session.state()["is_learning"]
    session.label(0, "ash")  # labelling goes on


def test_labels_of_one_class_teach_nothing(folder):
    assert learn(folder.X, ["ash"] * 10 + [""] * 50) is None
    known = learn(folder.X, ["ash", "birch"] + [""] * 58)
    assert known.accuracy is None
    assert known.probabilities.shape == (60, 2)
