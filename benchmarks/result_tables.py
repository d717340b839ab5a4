"""Tables of results, on the terminal and as Markdown."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table as RichTable


@dataclass
class Table:
    """A table of text."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells):
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(tuple(map(str, cells)))

    def markdown(self):
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def rich(self):
        table = RichTable()
        for column in self.columns:
            table.add_column(column)
        for row in self.rows:
            table.add_row(*row)
        return table


@dataclass
class Report:
    """Tables, remarks and PNG files (by name) of one benchmark."""

    title: str
    tables: list[Table]
    remarks: list[str]
    pictures: dict[str, bytes] = field(default_factory=dict)

    def markdown(self):
        remarks = "\n".join(f"- {remark}" for remark in self.remarks)
        return "\n\n".join([*(table.markdown() for table in self.tables), remarks])

    def show(self, console=None):
        console = console or Console()
        console.print(f"\n{self.title}", style="bold", highlight=False)
        for table in self.tables:
            console.print(table.rich())
        for remark in self.remarks:
            console.print(f"  {remark}", highlight=False)


class Times(Table):
    """Times of contenders, with derived quantities."""

    def __init__(self, *more):
        super().__init__(("", "median", "quartiles", *more))

    def add_time(self, name, seconds, *more):
        low, high = map(duration, seconds.quartiles)
        self.add(name, duration(seconds.median), f"{low} – {high}", *more)


class ValueTargets(Table):
    """Single values with their targets."""

    def __init__(self, columns=("", "ours", "target", "")):
        super().__init__(columns)

    def at_least(self, what, value, target, form="{:.2f}"):
        verdict = _verdict(self._compared(value) >= target)
        self.add(what, *self._cells(value, form), f"at least {form.format(target)}", verdict)

    def at_most(self, what, value, target, form="{:.2f}"):
        verdict = _verdict(self._compared(value) <= target)
        self.add(what, *self._cells(value, form), f"at most {form.format(target)}", verdict)

    def for_the_record(self, what, value, form="{:.2f}"):
        self.add(what, *self._cells(value, form), "", "")

    def _compared(self, value):
        return value

    def _cells(self, value, form):
        return [form.format(value)]


class SpreadTargets(ValueTargets):
    """Repeatedly measured quantities, whose medians have targets."""

    def __init__(self):
        super().__init__(("", "median", "quartiles", "target", ""))

    def _compared(self, spread):
        return spread.median

    def _cells(self, spread, form):
        low, high = map(form.format, spread.quartiles)
        return [form.format(spread.median), f"{low} – {high}"]


def _verdict(reached):
    return "reached" if reached else "missed"


def duration(seconds):
    """Format seconds with three significant digits, in s, ms or µs.

    >>> duration(0.0123)
    '12.3 ms'
    """
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        value = seconds * factor
        if value >= 1 or unit == "µs":
            decimals = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{decimals}f} {unit}"
    raise AssertionError
