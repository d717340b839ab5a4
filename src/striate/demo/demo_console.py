"""The demo's console output: numbered steps, and tables of results."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box, get_console
from rich.console import Console
from rich.table import Table


class DemoConsole:
    """Print numbered and timed steps and tables on standard output.

    Parameters
    ----------
    n_steps : int
        Number of steps.
    """

    def __init__(self, n_steps: int) -> None:
        self.n_steps, self.n_done = n_steps, 0
        self.began = time.perf_counter()
        # Text is the result, on standard output; progress bars use rich's own console.
        self.console = Console(highlight=False, soft_wrap=True)
        self.on_terminal = get_console().is_terminal

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the title of a step, and at its end how long it took."""
        self.n_done += 1
        self.console.print(f"[bold]{self.n_done}/{self.n_steps}  {title}[/bold]")
        began = time.perf_counter()
        yield
        self.console.print(f"     [dim]{time.perf_counter() - began:.1f} s[/dim]")

    def line(self, text: str) -> None:
        """Print a line within a step."""
        self.console.print(f"     {text}", markup=False)

    def table(self, title: str, header: list[str], rows: list[list[str]]) -> None:
        """Print a table: text in the first column, numbers in the others."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for k, name in enumerate(header):
            table.add_column(name, justify="right" if k else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self.console.print(f"\n[bold]{title}[/bold]")
        self.console.print(table, soft_wrap=False)

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.perf_counter() - self.began

    def end(self, text: str) -> None:
        """Print the last line, with the total time."""
        self.console.print(f"\n{text} in {self.seconds:.0f} s", markup=False)
