"""What the demo says while it runs: plain lines, with progress bars on a terminal."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich import box, get_console
from rich.console import Console
from rich.progress import track
from rich.table import Table

T = TypeVar("T")


class Narrator:
    """Numbers the steps, times them, and prints tables; progress goes where rich's console does.

    Parameters
    ----------
    n_steps : int
        How many there will be.
    """

    def __init__(self, n_steps: int) -> None:
        self.n_steps, self.n_done = n_steps, 0
        self.began = time.perf_counter()
        # What is told is the result, on standard output; bars go to rich's own console.
        self.console = Console(highlight=False, soft_wrap=True)
        self.on_terminal = get_console().is_terminal

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and say at its end how long it took."""
        self.n_done += 1
        self.console.print(f"[bold]{self.n_done}/{self.n_steps}  {title}[/bold]")
        began = time.perf_counter()
        yield
        self.console.print(f"     [dim]{time.perf_counter() - began:.1f} s[/dim]")

    def tell(self, text: str) -> None:
        """Print one line of a step."""
        self.console.print(f"     {text}", markup=False)

    def watched(self, items: Iterable[T], title: str) -> Iterable[T]:
        """Go through items, with a progress bar on a terminal."""
        if not self.on_terminal:
            return items
        return track(items, f"     {title}", console=get_console(), transient=True)

    def table(self, title: str, header: list[str], rows: list[list[str]]) -> None:
        """Print a table: words in the first column, numbers in the others."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for k, name in enumerate(header):
            table.add_column(name, justify="right" if k else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self.console.print(f"\n[bold]{title}[/bold]")
        self.console.print(table, soft_wrap=False)

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self.began

    def end(self, text: str) -> None:
        """Print the last line, with the time that all took."""
        self.console.print(f"\n{text} in {self.seconds:.0f} s", markup=False)
