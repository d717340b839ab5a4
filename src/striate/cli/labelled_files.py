"""Files with labels: from the names of sub-folders, or from a table."""

import math
from pathlib import Path
from typing import NamedTuple

from striate.files.label_table import FILE, LABEL, LabelTable, read_label_table

from .image_groups import groups_of
from .label_decisions import join_decisions
from .plurals import plural
from .skip_errors import SkippedImages

# With more different numbers as labels, nearly each image would be a class of its own.
_MANY_CLASSES = 20


class LabelSource(NamedTuple):
    """Where labels come from: the values of an argument and of options.

    Attributes
    ----------
    folder : Path
        Folder of the images.
    table : Path or None
        Table of the labels; None for the names of sub-folders.
    groups : str or None
        Value of `--groups`.
    regression : bool
        Whether labels are numbers to predict.
    columns : tuple of str
        Columns of the table with a decision each; without any, the column "label" has the labels.
    """

    folder: Path
    table: Path | None = None
    groups: str | None = None
    regression: bool = False
    columns: tuple[str, ...] = ()


class LabelledFiles(NamedTuple):
    """Image files, their classes or numbers, and their groups.

    Attributes
    ----------
    source : LabelSource
        Where they come from.
    files : list of Path
        The images.
    labels : list of str or list of float
        Label of each image; of several decisions, the columns that are true.
    groups : list of str or None
        Group of each image.
    """

    source: LabelSource
    files: list[Path]
    labels: list[str] | list[float]
    groups: list[str] | None


def files_with_labels(source: LabelSource, skipped: SkippedImages) -> LabelledFiles:
    """List the labelled files.

    Files and folders that are missing or cannot be listed are left to `skipped`.

    Raises
    ------
    OSError
        If the folder, the table, or a file in the table does not exist.
    ValueError
        If labels or groups are not what they should be.
    """
    folder, table, rows = source.folder, None, None
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "no such folder"
        raise NotADirectoryError(f"{folder}: {reason}")
    if source.table is None:
        named = _files_by_class(folder, skipped)
    else:
        table = read_label_table(source.table, source.columns or (LABEL,))
        if source.columns:
            join_decisions(table, source.columns)
        named, rows = _files_in_table(table, folder, skipped)
    files = [file for file, _ in named]
    names = [name for _, name in named]
    groups = groups_of(source.groups, folder, files, rows, table)
    if source.regression:
        return LabelledFiles(source, files, [_number(name) for name in names], groups)
    if source.columns:
        return LabelledFiles(source, files, names, groups)
    if len(set(names)) < 2:
        raise ValueError(
            f"{source.table}: all labels are {names[0]!r}; at least two classes are needed"
        )
    if len(set(names)) > max(_MANY_CLASSES, len(names) / 2) and all(map(_is_number, names)):
        raise ValueError(
            f"{source.table or folder}: the labels are {len(set(names))} different numbers; add "
            "--regression to predict numbers"
        )
    return LabelledFiles(source, files, names, groups)


def _files_by_class(folder: Path, skipped: SkippedImages) -> list[tuple[Path, str]]:
    classes = sorted(
        each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            f"{folder}: has {plural(len(classes), 'sub-folder')}; make one sub-folder of images "
            "per class, at least two, or give a table of labels with --labels"
        )
    return [(file, each.name) for each in classes for file in skipped.find(each)]


def _files_in_table(
    table: LabelTable, folder: Path, skipped: SkippedImages
) -> tuple[list[tuple[Path, str]], list[dict[str, str]]]:
    labelled = [
        (row, line) for row, line in zip(table.rows, table.lines, strict=True) if row[LABEL]
    ]
    if not labelled:
        raise ValueError(f"{table.path}: has no labels")
    missing = [(row[FILE], line) for row, line in labelled if not (folder / row[FILE]).is_file()]
    if missing and (not skipped.skip or len(missing) == len(labelled)):
        name, line = missing[0]
        raise FileNotFoundError(
            f"{table.path}: {len(missing)} of {plural(len(labelled), 'file')} with labels cannot "
            f"be found in {folder}, for example {name} (line {line})"
        )
    for name, line in missing:
        skipped.reasons[folder / name] = (
            f"{folder / name}: no such file ({table.path}, line {line})"
        )
    rows = [row for row, _ in labelled if folder / row[FILE] not in skipped.reasons]
    return [(folder / row[FILE], row[LABEL]) for row in rows], rows


def _number(text: str) -> float:
    if not _is_number(text):
        raise ValueError(f"--regression: the label {text!r} is not a number")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
