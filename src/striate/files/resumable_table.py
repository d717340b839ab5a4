"""A table of numbers that grows on disk block by block, and a journal of the blocks that are done.

While the table ``features.npy`` is made it is called ``features.npy.part``. Beside it lies
``features.npy.journal``: a line of JSON that says what is being made, then one for each block that
has safely reached the disk. A process may die between any two steps and lose one block at most.
"""

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

_FORMAT = "striate features 1"


class TableOnDisk:
    """A table (n_rows, n_columns) of which blocks of rows are written in any order.

    Parameters
    ----------
    out : Path
        The .npy file that will be there at the end, and not before.

    Attributes
    ----------
    plan : dict or None
        What is being made, from the journal of a run that was cut off.
    done : dict of int to str
        The blocks that run has written, and their stamps.
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
    def how_to_begin_anew(self) -> str:
        """What messages say to somebody who does not want to go on."""
        return f"to begin anew, remove {self.part} and {self.journal}, or choose another name"

    def open(self, plan: dict[str, Any]) -> None:
        """Begin a table of ``plan["shape"]`` and ``plan["dtype"]``, or go on with it."""
        shape, self._dtype = tuple(plan["shape"]), np.dtype(plan["dtype"])
        self._row_bytes = shape[1] * self._dtype.itemsize
        going_on = self.plan is not None
        if not going_on:  # an old journal must never lie beside a new table
            self.journal.unlink(missing_ok=True)
        self._table = self._opened(self.part, going_on)
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._table, header)
        self._start = self._table.tell()
        size = self._start + shape[0] * self._row_bytes
        if going_on and os.fstat(self._table.fileno()).st_size != size:
            raise ValueError(f"{self.part}: is damaged; {self.how_to_begin_anew}")
        try:
            self._reserve(size)
        except OSError:
            self.close()
            if not going_on:
                self.part.unlink()
            raise
        self._lines = self._opened(self.journal, going_on)
        self._lines.truncate(self._journal_length)  # the last line may have been cut off
        self._lines.seek(self._journal_length)
        if not going_on:
            self._note({"format": _FORMAT, **plan})

    def write(self, block: int, first_row: int, rows: npt.NDArray[Any], stamp: str | None) -> None:
        """Write a block of rows; without a stamp, it will be made again if the run is cut off."""
        self._table.seek(self._start + first_row * self._row_bytes)
        self._table.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        if stamp is not None:
            _to_disk(self._table)
            self._note({"block": block, "stamp": stamp})

    def finish(self) -> None:
        """Give the table its name."""
        _to_disk(self._table)
        self.close()
        os.replace(self.part, self.out)
        self.journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave everything as it is, to go on another time."""
        for file in self._files:
            with suppress(OSError):  # a full disk has been told of
                file.close()

    def _opened(self, path: Path, going_on: bool) -> IO[bytes]:
        file = open(path, "r+b" if going_on else "w+b")  # noqa: SIM115, `close` closes it
        self._files.append(file)
        return file

    def _note(self, entry: dict[str, Any]) -> None:
        self._lines.write(json.dumps(entry).encode() + b"\n")
        _to_disk(self._lines)

    def _reserve(self, size: int) -> None:
        """Find out now, not after hours, whether the disk has room."""
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self._table.fileno(), 0, size)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                    raise OSError(
                        error.errno, f"{error.strerror}: {size / 1e6:.0f} MB needed", str(self.part)
                    ) from error
                # Not every file system can reserve; then a full disk is met in `write`.
        if os.fstat(self._table.fileno()).st_size < size:
            self._table.truncate(size)

    def _read_journal(self) -> None:
        lines = self.journal.read_bytes().splitlines(keepends=True)
        entries = []
        for line in lines:
            entry = _entry(line)
            if entry is None:
                break
            entries.append(entry)
            self._journal_length += len(line)
        if not entries:  # cut off before anything was done
            return
        if entries[0].pop("format", None) != _FORMAT:
            raise ValueError(
                f"{self.journal}: is no journal of this version of Striate; "
                f"{self.how_to_begin_anew}"
            )
        self.plan = entries[0]
        self.done = {entry["block"]: entry["stamp"] for entry in entries[1:]}


def _entry(line: bytes) -> dict[str, Any] | None:
    """What a line says, unless it was cut off."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
