"""The labels of a folder while they are made: kept in a table after each, and undone."""

import os
from collections.abc import Sequence
from pathlib import Path

from striate.files.label_table import FILE, LABEL, NOTE, LabelTable, read_label_table

NOT_SURE = "not sure"
CONFIRMED = "confirmed"

_COLUMNS = (FILE, LABEL, NOTE)


class LabelBook:
    """Labels of some images, which are written to a CSV table at each change.

    The table may be edited by hand meanwhile: it is read again if it has changed. Its other rows
    and columns are kept.

    Parameters
    ----------
    path : Path
        The table; it is made with the first label.
    names : sequence of str
        Files of the images, relative to the folder.

    Attributes
    ----------
    names : list of str
        Files of the images.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path, self.names = path, [os.path.normpath(name) for name in names]
        self._undo: list[tuple[int, dict[str, str] | None]] = []
        self._stamp: tuple[int, int] | None = None
        self._table = LabelTable(path, list(_COLUMNS))
        self._row_of: dict[str, dict[str, str]] = {}
        self.read_again()

    def read_again(self) -> bool:
        """Read the table if it has changed since; return whether it had.

        Raises
        ------
        OSError, ValueError
            If it cannot be read.
        """
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return False
        table = (
            LabelTable(self.path, list(_COLUMNS)) if stamp is None else read_label_table(self.path)
        )
        if NOTE not in table.columns:
            table.columns.append(NOTE)
        self._table, self._stamp = table, stamp
        self._row_of = {row[FILE]: row for row in table.rows}
        return True

    def label(self, index: int) -> str:
        """Return the label of an image, or an empty text."""
        return self._cell(index, LABEL)

    def note(self, index: int) -> str:
        """Return the note on an image: `NOT_SURE`, `CONFIRMED` or another."""
        return self._cell(index, NOTE)

    @property
    def labels(self) -> list[str]:
        """Labels of all images; empty where there is none."""
        return [self.label(i) for i in range(len(self.names))]

    def set(self, index: int, label: str, note: str = "") -> None:
        """Set the label of an image, and write the table.

        Raises
        ------
        OSError, ValueError
            If the table cannot be written, or was changed meanwhile so that it cannot be read. The
            label is as it was.
        """
        self.read_again()
        earlier = self._row_of.get(self.names[index])
        known = None if earlier is None else dict(earlier)
        self._put(index, {**(known or {FILE: self.names[index]}), LABEL: label, NOTE: note})
        self._undo.append((index, known))

    def undo(self) -> int | None:
        """Take the last change back; return its image, or None if there is none.

        Raises
        ------
        OSError, ValueError
            As `set`.
        """
        if not self._undo:
            return None
        self.read_again()
        index, known = self._undo[-1]
        self._put(index, known)
        self._undo.pop()
        return index

    def _cell(self, index: int, column: str) -> str:
        return self._row_of.get(self.names[index], {}).get(column, "")

    def _put(self, index: int, row: dict[str, str] | None) -> None:
        """Replace the row of an image, in the file first."""
        name = self.names[index]
        rows = [each for each in self._table.rows if each[FILE] != name or row is not None]
        if row is not None:
            known = self._row_of.get(name)
            rows = [row if each is known else each for each in rows]
            if known is None:
                rows.append(row)
        table = LabelTable(self.path, self._table.columns, rows)
        table.write(durable=True)
        self._table, self._stamp = table, self._stamp_now()
        self._row_of = {each[FILE]: each for each in rows}

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size
