"""Several labels per image: columns of a table with a decision each, such as cracked and wet.

Inside, the labels of an image are one text: the names of the columns that are true for it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from striate.files.label_table import FILE, GROUP, LABEL, LabelTable

_YES = ("1", "yes", "true", "y", "t")
_NO = ("0", "no", "false", "n", "f")
# Neither is in a name: cells of the first line are stripped.
_SEPARATOR = " + "
_NONE = "none of them"


def columns_of(option: str | None) -> tuple[str, ...]:
    """Return the columns that the option `--label-columns` names.

    Raises
    ------
    ValueError
        If one has a meaning of its own, or if a name is repeated or cannot be told from others.
    """
    if option is None:
        return ()
    names = [part.strip().lower() for part in option.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ValueError(f"--label-columns {option}: give different names, separated by commas")
    for name in names:
        if name in (FILE, GROUP) or _SEPARATOR in name or name == _NONE:
            raise ValueError(f"--label-columns {option}: {name!r} cannot be a label; rename it")
    return tuple(names)


def join_decisions(table: LabelTable, columns: Sequence[str]) -> None:
    """Set the label of each row of a table to the names of the columns that are true.

    Rows whose cells are all empty have no label.

    Raises
    ------
    ValueError
        If a cell is neither yes nor no; the message names the line.
    """
    for row, line in zip(table.rows, table.lines, strict=True):
        cells = [row[name].lower() for name in columns]
        row[LABEL] = ""
        if not any(cells):
            continue
        for name, cell in zip(columns, cells, strict=True):
            if cell not in _YES + _NO:
                raise ValueError(
                    f"{table.path}: line {line} has {row[name]!r} in the column {name}; write 1 or "
                    "0, or yes or no, or leave all labels of an image empty"
                )
        true = [name for name, cell in zip(columns, cells, strict=True) if cell in _YES]
        row[LABEL] = _SEPARATOR.join(true) or _NONE


def decisions_of(labels: npt.NDArray[np.str_], columns: Sequence[str]) -> npt.NDArray[np.intp]:
    """Return 1 where a label is true and 0 elsewhere, of shape (n_images, n_columns)."""
    sets = [set(text.split(_SEPARATOR)) for text in labels.tolist()]
    return np.array([[int(name in true) for name in columns] for true in sets], dtype=np.intp)
