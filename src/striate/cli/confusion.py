"""The confusion matrix on a terminal."""

import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from striate.report.confusion_table import MOST_CLASSES, confused_pairs, headings

_MOST_PAIRS = 10
# Letters of all names together, up to which they stand above the columns of 80.
_ROOM = 30


def print_confusion(names: list[str], confusion: npt.NDArray) -> None:
    """Print which classes are taken for which: a table, or the worst pairs of many classes."""
    if len(names) > MOST_CLASSES:
        _print_pairs(names, confusion)
        return
    rows, columns = headings(names, _ROOM)
    print("true class (rows), taken for (columns)")
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in zip(rows, confusion, strict=True):
        table.add_row(name, *map(str, counts))
    # Files and pipes have no edge that a wide table could run over.
    width = None if Console().is_terminal else 1000
    Console(markup=False, highlight=False, width=width).print(table)


def _print_pairs(names: list[str], confusion: npt.NDArray) -> None:
    print("most frequent mistakes:")
    for i, j in confused_pairs(confusion, _MOST_PAIRS):
        print(f"  {names[i]} taken for {names[j]}: {confusion[i, j]} of {confusion[i].sum()}")
