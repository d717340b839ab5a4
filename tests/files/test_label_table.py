"""Tables of labels: read as people write them, written so that nothing is lost or run."""

import os
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.files.label_table import LabelTable, read_label_table
from striate.files.spreadsheet_cells import file_cell, text_cell, text_of_cell


def read(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_label_table(path)


@pytest.mark.parametrize(
    "text",
    [
        "file,label\na.png,cat\nsub/b.png,dog\n",
        "file;label\r\na.png;cat\r\nsub/b.png;dog\r\n",
        "\ufeffFile\tLabel\na.png\tcat\nsub/b.png\tdog",
        'label,file\n"cat",a.png\n\ndog,./sub//b.png\n',
        "file,label\na.png, cat \na.png,cat\nsub/b.png,dog\n",
    ],
)
def test_tables_as_programs_write_them(tmp_path, text):
    rows = read(tmp_path, text).rows
    assert [(row["file"], row["label"]) for row in rows] == [
        ("a.png", "cat"),
        (os.path.join("sub", "b.png"), "dog"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line must name the columns file and label; it has nothing"),
        ("name,label\na,b\n", "the columns file and label; it has name, label"),
        ("file,label,file\n", "two columns have the same name"),
        ("file,label\na.png,cat\nb.png\n", "line 3 has 1 cells instead of 2"),
        ("file,label\na.png,cat,dog\n", "line 2 has 3 cells instead of 2"),
        ("file,label\n,cat\n", "line 2 names no file"),
        ("file,label\na.png,cat\nb.png,dog\na.png,dog\n", "lines 2 and 4 give a.png the labels 'c"),
        ('file,label\n"a.png,cat\n', "line 2 is not a line of a table"),
    ],
)
def test_tables_that_are_none(tmp_path, text, message):
    with pytest.raises(ValueError, match="labels.csv: ") as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_more_columns_are_kept(tmp_path):
    table = read(tmp_path, "file,label,patient\na.png,cat,7\nb.png,,8\n")
    table.rows[1]["label"] = "dog"
    table.write()
    assert table.path.read_text() == "file,label,patient\na.png,cat,7\nb.png,dog,8\n"


def test_a_formula_is_written_as_text(tmp_path):
    table = LabelTable(tmp_path / "labels.csv")
    table.rows = [{"file": "=1+1.png", "label": "@SUM(A1)"}, {"file": "-a.png", "label": "-1.5"}]
    table.write()
    lines = table.path.read_text().splitlines()
    assert lines[1:] == ["./=1+1.png,'@SUM(A1)", "./-a.png,-1.5"]
    assert read_label_table(table.path).rows == table.rows


NAMES = st.text(
    st.sampled_from("=+-@'\t\r\n,;\"" + string.ascii_letters + "é\udcff"), min_size=1, max_size=8
)


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4, unique_by=lambda pair: pair[0]))
def test_what_is_written_is_read_again(tmp_path_factory, pairs):
    table = LabelTable(tmp_path_factory.getbasetemp() / "round trip.csv")
    table.rows = [{"file": name, "label": label.strip()} for name, label in pairs]
    table.write()
    assert read_label_table(table.path).rows == table.rows


@given(NAMES)
def test_no_cell_is_a_formula(text):
    assert text_of_cell(text_cell(text)) == text
    cell = text_cell(text)
    assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
    assert not cell.startswith(("+", "-")) or np.isfinite(float(text))
    assert not file_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert os.path.normpath(file_cell(text)) == os.path.normpath(text)
