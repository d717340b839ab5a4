"""A table on disk that is written block by block, and resumed after a crash.

Until the table ``features.npy`` is complete, it is called ``features.npy.part``. Beside it lies
``features.npy.journal``: a line of JSON that describes the table, then one for each block that has
safely reached the disk. A process may die between any two steps and lose one block at most.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .disk_space import naming_full_disk, reserve

_FORMAT = "striate features 1"


class ResumableTable:
    """A table (n_rows, n_columns) whose blocks of rows are written in any order.

    Parameters
    ----------
    out : Path
        The .npy file, which exists once it is complete and not before.

    Attributes
    ----------
    plan : dict or None
        Description of the table, from the journal of an interrupted run.
    done : dict of int to str
        Blocks that the interrupted run has written, and their stamps.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.part = out.with_name(out.name + ".part")
        if out.is_dir():
            raise IsADirectoryError(f"{out}: is a folder; give the name of a file")
        self.journal = out.with_name(out.name + ".journal")
        self.plan: dict[str, Any] | None = None
        self.done: dict[int, str] = {}
        self._journal_length = 0
        self._files: list[IO[bytes]] = []
        if self.part.exists() and self.journal.exists():
            self._read_journal()

    @property
    def restart_hint(self) -> str:
        """Hint appended to errors: how to restart from scratch."""
        return f"to start over, remove {self.part} and {self.journal}, or choose another name"

    def open(self, plan: dict[str, Any]) -> None:
        """Start a table of ``plan["shape"]`` and ``plan["dtype"]``, or resume it."""
        shape, self._dtype = tuple(plan["shape"]), np.dtype(plan["dtype"])
        self._row_bytes = shape[1] * self._dtype.itemsize
        resumed = self.plan is not None
        if not resumed:  # an old journal must never lie beside a new table
            self.journal.unlink(missing_ok=True)
        self._table = self._open_file(self.part, resumed)
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._table, header)
        self._start = self._table.tell()
        size = self._start + shape[0] * self._row_bytes
        if resumed and os.fstat(self._table.fileno()).st_size != size:
            raise ValueError(f"{self.part}: is damaged; {self.restart_hint}")
        try:
            with naming_full_disk(self.part, size):
                reserve(self._table, size)
        except OSError:
            self.close()
            if not resumed:
                self.part.unlink()
            raise
        self._lines = self._open_file(self.journal, resumed)
        self._lines.truncate(self._journal_length)  # the last line may have been cut off
        self._lines.seek(self._journal_length)
        if not resumed:
            self._note({"format": _FORMAT, **plan})

    def write(self, block: int, first_row: int, rows: npt.NDArray[Any], stamp: str | None) -> None:
        """Write a block of rows; a resumed run keeps it only if it has a stamp."""
        self._table.seek(self._start + first_row * self._row_bytes)
        with naming_full_disk(self.part):
            self._table.write(np.ascontiguousarray(rows, self._dtype).tobytes())
            if stamp is not None:
                _to_disk(self._table)
        if stamp is not None:
            self._note({"block": block, "stamp": stamp})

    def finish(self) -> None:
        """Give the complete table its final name."""
        with naming_full_disk(self.part):
            _to_disk(self._table)
        self.close()
        os.replace(self.part, self.out)
        self.journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files, to be resumed another time."""
        for file in self._files:
            with suppress(OSError):  # a full disk has been reported before
                file.close()

    def _open_file(self, path: Path, resumed: bool) -> IO[bytes]:
        file = open(path, "r+b" if resumed else "w+b")  # noqa: SIM115, `close` closes it
        self._files.append(file)
        return file

    def _note(self, entry: dict[str, Any]) -> None:
        with naming_full_disk(self.journal):
            self._lines.write(json.dumps(entry).encode() + b"\n")
            _to_disk(self._lines)

    def _read_journal(self) -> None:
        lines = self.journal.read_bytes().splitlines(keepends=True)
        entries = []
        for line in lines:
            entry = _entry(line)
            if entry is None:
                break
            entries.append(entry)
            self._journal_length += len(line)
        if not entries:  # interrupted before anything was done
            return
        if entries[0].pop("format", None) != _FORMAT:
            raise ValueError(
                f"{self.journal}: is not a journal of this version of Striate; {self.restart_hint}"
            )
        self.plan = entries[0]
        self.done = {entry["block"]: entry["stamp"] for entry in entries[1:]}


def _entry(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line, or None if the line is incomplete."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
