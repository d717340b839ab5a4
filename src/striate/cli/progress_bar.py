"""Progress bar with the remaining time, on a terminal."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from rich import get_console
from rich.progress import track

Item = TypeVar("Item")


def progress(items: Sequence[Item], title: str) -> Iterable[Item]:
    """Iterate over items; show a progress bar if standard error is a terminal."""
    console = get_console()
    if not console.is_terminal:
        return items
    return track(items, title, console=console, transient=True)


def working(title: str) -> AbstractContextManager[Any]:
    """Show a title during work that reports no progress, if standard error is a terminal."""
    console = get_console()
    return console.status(title) if console.is_terminal else nullcontext()
