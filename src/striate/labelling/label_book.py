"""The labels of a folder while they are made: kept in a table after each, and undone."""

import os
from collections.abc import Sequence
from pathlib import Path

from striate.files.label_table import FILE, LABEL, NOTE, LabelTable, read_label_table

NOT_SURE = "not sure"
CONFIRMED = "confirmed"
BY_CLUSTER = "by cluster"

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
        self._undo: list[dict[int, dict[str, str] | None]] = []
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
        """Return the note on an image: `NOT_SURE`, `CONFIRMED`, `BY_CLUSTER` or another."""
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
        self.set_all([index], label, note)

    def set_all(self, indices: Sequence[int], label: str, note: str = "") -> None:
        """Set the label of several images at once, and write the table; one `undo` takes it back.

        Raises
        ------
        OSError, ValueError
            As `set`.
        """
        self.read_again()
        known: dict[int, dict[str, str] | None] = {}
        changed: dict[int, dict[str, str] | None] = {}
        for index in indices:
            earlier = self._row_of.get(self.names[index])
            known[index] = None if earlier is None else dict(earlier)
            row = known[index] or {FILE: self.names[index]}
            changed[index] = {**row, LABEL: label, NOTE: note}
        self._put(changed)
        self._undo.append(known)

    def undo(self) -> int | None:
        """Take the last change back; return its first image, or None if there is none.

        Raises
        ------
        OSError, ValueError
            As `set`.
        """
        if not self._undo:
            return None
        self.read_again()
        self._put(self._undo[-1])
        return next(iter(self._undo.pop()))

    def _cell(self, index: int, column: str) -> str:
        return self._row_of.get(self.names[index], {}).get(column, "")

    def _put(self, changed: dict[int, dict[str, str] | None]) -> None:
        """Replace the rows of images, or remove them, in the file first."""
        new = {self.names[index]: row for index, row in changed.items()}
        rows = [new.get(each[FILE], each) for each in self._table.rows]
        rows += [row for name, row in new.items() if name not in self._row_of]
        kept = [row for row in rows if row is not None]
        table = LabelTable(self.path, self._table.columns, kept)
        table.write(durable=True)
        self._table, self._stamp = table, self._stamp_now()
        self._row_of = {each[FILE]: each for each in kept}

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size
