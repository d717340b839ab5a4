"""Cells of CSV tables that a spreadsheet shows as text, whatever they begin with.

A cell that begins with = + - or @ is a formula for a spreadsheet, and is run when a table is
opened. File names and labels may come from strangers.
"""

import os
import re

_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def file_cell(path: str | os.PathLike[str]) -> str:
    """Return a path that does not begin with such a sign: ``./=1+1.png`` is ``=1+1.png``, too."""
    text = os.fspath(path)
    return f"./{text}" if text.startswith(_SIGNS) else text


def text_cell(text: str) -> str:
    """Return a text with an apostrophe before such a sign; numbers such as -1 stay."""
    return f"'{text}" if text.startswith((*_SIGNS, "'")) and not _is_number(text) else text


def text_of_cell(cell: str) -> str:
    """Return the text that `text_cell` turned into a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_SIGNS, "'")) else cell


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", text, re.ASCII) is not None
