"""Labels of image files in a CSV table that people and other programs may edit, too.

The table has a line for each image: its file, relative to the folder of the images, and its label.
It may have more columns, such as the group of an image; they are kept.
"""

import csv
import io
import os
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


def read_label_table(path: str | os.PathLike[str]) -> LabelTable:
    """Read a table with the columns "file" and "label", separated by comma, semicolon or tab.

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
        table = _table(path, reader)
    except csv.Error as error:
        raise ValueError(
            f"{path}: line {reader.line_num} is not a line of a table ({error})"
        ) from None
    _check_files(table)
    return table


def _table(path: Path, reader: Any) -> LabelTable:
    columns = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in (FILE, LABEL) if name not in columns]
    if missing:
        found = ", ".join(columns) or "nothing"
        raise ValueError(
            f"{path}: the first line must name the columns {FILE} and {LABEL}; it has {found}"
        )
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
        row[LABEL] = row[LABEL].strip()
        if not row[FILE]:
            raise ValueError(f"{path}: line {reader.line_num} names no file")
        table.rows.append(row)
        table.lines.append(reader.line_num)
    return table


def _check_files(table: LabelTable) -> None:
    """Raise an error if a file has two labels; drop repeated rows."""
    known: dict[str, int] = {}
    for i, row in enumerate(table.rows):
        name = row[FILE] = os.path.normpath(row[FILE])
        first = known.setdefault(name, i)
        if table.rows[first][LABEL] != row[LABEL]:
            raise ValueError(
                f"{table.path}: lines {table.lines[first]} and {table.lines[i]} give {name} the "
                f"labels {table.rows[first][LABEL]!r} and {row[LABEL]!r}"
            )
    kept = sorted(known.values())
    table.rows = [table.rows[i] for i in kept]
    table.lines = [table.lines[i] for i in kept]
