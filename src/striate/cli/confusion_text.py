"""The confusion matrix on a terminal."""

from typing import Any

import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from striate.report.confusion_table import MOST_CLASSES, confused_pairs, headings

_MAX_PAIRS = 10
# Total length of the class names that fit as column headings into 80 columns.
_MAX_LETTERS = 30


def print_confusion(names: list[str], confusion: npt.NDArray[Any]) -> None:
    """Print the confusion matrix, or only the most frequent mistakes if there are many classes."""
    if len(names) > MOST_CLASSES:
        _print_pairs(names, confusion)
        return
    rows, columns = headings(names, _MAX_LETTERS)
    print("confusion matrix (rows: true class, columns: predicted class)")
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in zip(rows, confusion, strict=True):
        table.add_row(name, *map(str, counts))
    # Files and pipes have no edge to cut a wide table at.
    width = None if Console().is_terminal else 1000
    Console(markup=False, highlight=False, width=width).print(table)


def _print_pairs(names: list[str], confusion: npt.NDArray[Any]) -> None:
    print("most frequent mistakes:")
    for i, j in confused_pairs(confusion, _MAX_PAIRS):
        print(f"  {names[i]} predicted as {names[j]}: {confusion[i, j]} of {confusion[i].sum()}")
