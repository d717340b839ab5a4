"""Labels that are written at once: undone, edited by hand, kept when the disk is full."""

import errno
import os

import pytest

from striate.files.label_table import read_label_table
from striate.labelling.label_book import CONFIRMED, NOT_SURE, LabelBook


@pytest.fixture
def book(tmp_path):
    return LabelBook(tmp_path / "labels.csv", ["a.png", "sub/b.png", "=c.png"])


def test_each_label_is_in_the_file_at_once(book):
    assert not book.path.exists()
    book.set(1, "cat")
    assert book.path.read_text() == "file,label,note\nsub/b.png,cat,\n"
    book.set(2, "=dog", CONFIRMED)
    book.set(0, "", NOT_SURE)
    assert book.path.read_text().splitlines()[2:] == ["./=c.png,'=dog,confirmed", "a.png,,not sure"]
    assert book.labels == ["", "cat", "=dog"]
    again = LabelBook(book.path, book.names)
    assert again.labels == book.labels
    assert [again.note(i) for i in range(3)] == [NOT_SURE, "", CONFIRMED]


def test_undo_goes_back_to_the_beginning(book):
    book.set(0, "cat")
    book.set(0, "dog")
    book.set(1, "cat", CONFIRMED)
    assert book.undo() == 1
    assert book.labels == ["dog", "", ""]
    assert book.undo() == 0
    assert book.labels == ["cat", "", ""]
    assert book.undo() == 0
    assert book.undo() is None
    assert book.path.read_text() == "file,label,note\n"


def test_an_edit_by_hand_is_kept(book):
    book.set(0, "cat")
    book.path.write_text("file,label,patient\na.png,lion,7\nelsewhere.png,dog,8\n")
    os.utime(book.path, ns=(1, 1))
    book.set(1, "cat")
    assert book.labels == ["lion", "cat", ""]
    rows = read_label_table(book.path).rows
    assert [row["file"] for row in rows] == ["a.png", "elsewhere.png", "sub/b.png"]
    assert [row["patient"] for row in rows] == ["7", "8", ""]
    book.set(0, "tiger")
    assert read_label_table(book.path).rows[0] == {
        "file": "a.png", "label": "tiger", "patient": "7", "note": "",
    }  # fmt: skip


def test_a_table_that_became_unreadable_is_not_overwritten(book):
    book.set(0, "cat")
    book.path.write_text("file,label\na.png\n")
    with pytest.raises(ValueError, match="line 2 has 1 cells"):
        book.set(1, "dog")
    assert book.path.read_text() == "file,label\na.png\n"
    assert book.labels == ["cat", "", ""]


def test_a_table_that_was_removed_begins_anew(book):
    book.set(0, "cat")
    book.path.unlink()
    book.set(1, "dog")
    assert book.labels == ["", "dog", ""]


def test_a_full_disk_loses_nothing(book, monkeypatch):
    book.set(0, "cat")
    before = book.path.read_bytes()

    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("striate.files.atomic_writing.write_whole", refuse)
        with pytest.raises(OSError, match="[Nn]o space left"):
            book.set(1, "dog")
        with pytest.raises(OSError, match="[Nn]o space left"):
            book.undo()
    assert book.path.read_bytes() == before
    assert book.labels == ["cat", "", ""]
    assert [each.name for each in book.path.parent.iterdir()] == ["labels.csv"]
    book.set(1, "dog")
    assert book.labels == ["cat", "dog", ""]
