"""Tables of features that were computed before, with the file of each row in a table beside."""

import csv
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .decoded_pixels import ImageError
from .kept_features import KeptFeatures
from .label_table import FILE

# Files that tell which folder the names in a table are relative to.
_SOME_FILES = 100
# Rows that are compared with features that are computed anew, and by how much they may differ:
# processors round differently.
_COMPARED = 3
_TOLERANCE = 1e-3


class FeatureTable:
    """A .npy file with one row per image, and the .csv file beside it that names the images.

    Parameters
    ----------
    path : Path
        The .npy file, such as `striate features` writes. The .csv file has a column "file".
    folder : Path or None, default=None
        Folder that the names may be relative to. They may also be relative to the current folder,
        or to that of the table: whichever has most of the files.

    Attributes
    ----------
    path : Path
        The .npy file.
    features : ndarray of shape (n_rows, n_features)
        Memory map of the features.

    Raises
    ------
    OSError
        If one of the files cannot be read.
    ValueError
        If they are not such tables, or do not belong together.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self.path = path
        try:
            self.features: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError):
            raise ValueError(f"{path}: is not an array of NumPy (.npy), or is damaged") from None
        if getattr(self.features, "ndim", 0) != 2 or self.features.dtype.kind not in "fiu":
            raise ValueError(f"{path}: is not a table of numbers, with one row per image")
        names = _names(path.with_suffix(".csv"))
        if len(names) != len(self.features):
            raise ValueError(
                f"{path}: has {len(self.features)} rows, but {path.with_suffix('.csv')} names "
                f"{len(names)} files"
            )
        bases = [Path(), path.parent, *([] if folder is None else [folder])]
        some = [names[i] for i in range(0, len(names), max(1, len(names) // _SOME_FILES))]
        base = max(bases, key=lambda base: sum((base / name).is_file() for name in some))
        self._row_of = {os.path.abspath(base / name): i for i, name in enumerate(names)}

    def rows_of(self, files: Sequence[Path]) -> npt.NDArray[np.intp]:
        """Return the row of each file, or -1 if the table has none, or only NaN, for it."""
        rows = np.array([self._row_of.get(os.path.abspath(file), -1) for file in files], np.intp)
        known = np.flatnonzero(rows >= 0)
        rows[known[~np.isfinite(self.features[rows[known]]).all(axis=1)]] = -1
        return rows

    def all_rows_of(self, files: Sequence[Path]) -> npt.NDArray[Any]:
        """Return the features of files that must all be in the table.

        Raises
        ------
        ValueError
            If some are not; the message says how many, and names one.
        """
        rows = self.rows_of(files)
        missing = np.flatnonzero(rows < 0)
        if missing.size:
            raise ValueError(
                f"{self.path}: has no features of {missing.size} of {len(files)} images, for "
                f"example {files[missing[0]]}"
            )
        return np.asarray(self.features[rows], dtype=np.result_type(self.features, np.float32))


def _names(path: Path) -> list[str]:
    """Return the column "file" of a table."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; it names the image of each row in the column {FILE}"
        )
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise ValueError(f"{path}: is not a table ({error})") from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    if FILE not in header:
        raise ValueError(f"{path}: the first line must name a column {FILE}")
    column = header.index(FILE)
    if any(len(line) <= column for line in lines):
        raise ValueError(f"{path}: a line has no file")
    return [line[column] for line in lines[1:]]


class TabledFeatures:
    """A transformer of image files that takes rows from a table, and computes those it lacks.

    Rows of files that are newer than the table are computed, too.

    Parameters
    ----------
    table : FeatureTable
        The table.
    others : KeptFeatures
        Computes the other rows; it has the features that the table should have.
    """

    def __init__(self, table: FeatureTable, others: KeptFeatures) -> None:
        self._table, self._others = table, others
        self._time = os.stat(table.path).st_mtime_ns

    def check(self, files: Sequence[Path]) -> None:
        """Compare some rows with features that are computed now.

        Raises
        ------
        ValueError
            If they differ.
        """
        rows = self._rows(files)
        known = np.flatnonzero(rows >= 0)
        for i in known[:: max(1, len(known) // _COMPARED)][:_COMPARED].tolist():
            try:
                computed = self._others.transform([files[i]])[0]
            except ImageError:
                continue  # it is reported when its turn comes
            kept = np.asarray(self._table.features[rows[i]])
            scale = np.abs(computed).max()
            if kept.shape != computed.shape or not np.allclose(
                kept, computed, rtol=_TOLERANCE, atol=_TOLERANCE * scale
            ):
                raise ValueError(
                    f"{self._table.path}: holds other features of {files[i]} than those "
                    "that were given; make it again with `striate features`"
                )

    def transform(self, files: Sequence[Path]) -> npt.NDArray[Any]:
        """Return the features (n_files, n_features) of some files.

        Raises
        ------
        ValueError
            If an image cannot be used.
        """
        rows = self._rows(files)
        missing = np.flatnonzero(rows < 0)
        if not missing.size:
            return np.asarray(self._table.features[rows])
        computed = self._others.transform([files[i] for i in missing.tolist()])
        X = np.empty((len(files), computed.shape[1]), computed.dtype)
        X[missing] = computed
        X[rows >= 0] = self._table.features[rows[rows >= 0]]
        return X

    def _rows(self, files: Sequence[Path]) -> npt.NDArray[np.intp]:
        rows = self._table.rows_of(files)
        for i in np.flatnonzero(rows >= 0).tolist():
            with suppress(OSError):
                if os.stat(files[i]).st_mtime_ns <= self._time:
                    continue
            rows[i] = -1
        return rows
