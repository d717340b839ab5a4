"""Progress through many items, with the time left, where somebody watches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich import get_console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def watched(items: Sequence[Any], title: str) -> Iterable[Any]:
    """Go through items, with a bar on a terminal."""
    return _with_bar(items, title) if get_console().is_terminal else items


def _with_bar(items: Sequence[Any], title: str) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=get_console(), transient=True) as progress:
        yield from progress.track(items, description=title)
