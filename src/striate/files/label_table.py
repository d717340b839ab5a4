"""Labels of image files in a CSV table that people and other programs may edit, too.

The table has a line for each image: its file, relative to the folder of the images, and its label.
It may have more columns, such as the group of an image; they are kept.
"""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .atomic_writing import write_file
from .regular_files import ENDLESS, is_endless
from .spreadsheet_cells import file_cell, text_cell, text_of_cell

FILE, LABEL, GROUP, NOTE = "file", "label", "group", "note"
_DELIMITERS = (",", ";", "\t")


@dataclass
class LabelTable:
    """A table of labels.

    Attributes
    ----------
    path : Path
        The CSV file.
    columns : list of str
        Names of the columns; `FILE` is one of them.
    rows : list of dict of {str: str}
        Cells of each row, by column.
    lines : list of int
        Line of the file that each row ends at, for messages.
    """

    path: Path
    columns: list[str] = field(default_factory=lambda: [FILE, LABEL])
    rows: list[dict[str, str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def write(self, *, durable: bool = False) -> None:
        """Write the table, atomically.

        Raises
        ------
        OSError
            If it cannot be written. The file is as it was.
        """
        text = io.StringIO()
        # Before Python 3.13, a carriage return in a file name is not quoted by itself.
        has_returns = any("\r" in cell for row in self.rows for cell in row.values())
        dialect: Any = {"quoting": csv.QUOTE_ALL} if has_returns else {}
        writer = csv.writer(text, lineterminator="\n", **dialect)
        writer.writerow(self.columns)
        for row in self.rows:
            writer.writerow(
                file_cell(row[each]) if each == FILE else text_cell(row.get(each, ""))
                for each in self.columns
            )
        write_file(self.path, text.getvalue().encode("utf-8", "surrogateescape"), durable=durable)


def read_label_table(path: str | os.PathLike[str], columns: Sequence[str] = (LABEL,)) -> LabelTable:
    """Read a table with the column "file" and others, separated by comma, semicolon or tab.

    Parameters
    ----------
    path : path
        The table.
    columns : sequence of str, default=("label",)
        Columns of labels, which must be there.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such table, or if it gives a file two labels; the message names the line.
    """
    path = Path(path)
    if is_endless(path):
        raise ValueError(f"{path}: {ENDLESS}")
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        table = _table(path, reader, columns)
    except csv.Error as error:
        raise ValueError(
            f"{path}: line {reader.line_num} is not a line of a table ({error})"
        ) from None
    _check_files(table, columns)
    return table


def _table(path: Path, reader: Any, labels: Sequence[str]) -> LabelTable:
    columns = [name.strip().lower() for name in next(reader, [])]
    if not {FILE, *labels} <= set(columns):
        found = ", ".join(columns) or "nothing"
        needed = f"{', '.join([FILE, *labels[:-1]])} and {labels[-1]}"
        raise ValueError(f"{path}: the first line must name the columns {needed}; it has {found}")
    if len(set(columns)) < len(columns):
        raise ValueError(f"{path}: two columns have the same name")
    table = LabelTable(path, columns)
    for cells in reader:
        if not any(cells):
            continue  # an empty line
        if len(cells) != len(columns):
            raise ValueError(
                f"{path}: line {reader.line_num} has {len(cells)} cells instead of {len(columns)}"
            )
        values = zip(columns, cells, strict=True)
        row = {name: text if name == FILE else text_of_cell(text) for name, text in values}
        row |= {name: row[name].strip() for name in labels}
        if not row[FILE]:
            raise ValueError(f"{path}: line {reader.line_num} names no file")
        table.rows.append(row)
        table.lines.append(reader.line_num)
    return table


def _check_files(table: LabelTable, labels: Sequence[str]) -> None:
    """Raise an error if a file has two labels; drop repeated rows."""
    known: dict[str, int] = {}
    for i, row in enumerate(table.rows):
        name = row[FILE] = os.path.normpath(row[FILE])
        first = known.setdefault(name, i)
        for each in labels:
            before, now = table.rows[first][each], row[each]
            if before != now:
                raise ValueError(
                    f"{table.path}: lines {table.lines[first]} and {table.lines[i]} give {name} "
                    f"the labels {before!r} and {now!r}"
                )
    kept = sorted(known.values())
    table.rows = [table.rows[i] for i in kept]
    table.lines = [table.lines[i] for i in kept]
