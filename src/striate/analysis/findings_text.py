"""A table of findings as text, with cells of several lines."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from striate.estimators.finding import Finding

# Widths of severity, finding, evidence and what to do: 100 columns with the gaps.
_WIDTHS = (8, 18, 34, 34)
_GAP = "  "


def findings_table(findings: Sequence[Finding]) -> list[str]:
    """Return the lines of a table: severity, finding, evidence, what to do."""
    lines = list(_row("severity", "finding", "evidence", "what to do"))
    lines.append(_GAP.join("-" * width for width in _WIDTHS))
    for k, each in enumerate(findings):
        if k:
            lines.append("")
        lines += _row(each.severity, each.subject, each.evidence, each.advice)
    return lines


def _row(*cells: str) -> Iterator[str]:
    """Yield the lines of a row; long words, such as names of classes, are broken."""
    wrapped = [
        textwrap.wrap(cell, width, break_on_hyphens=False)
        for cell, width in zip(cells, _WIDTHS, strict=True)
    ]
    for parts in zip_longest(*wrapped, fillvalue=""):
        padded = (part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True))
        yield _GAP.join(padded).rstrip()
