"""A finding about a training: what is wrong, the numbers that show it, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: From the most to the least serious.
SEVERITIES = ("high", "medium", "low")
# Columns or classes that a finding names; the rest is only counted.
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a training, and what to do.

    Attributes
    ----------
    severity : {"high", "medium", "low"}
        "high": the model is probably useless, or learned a fraction of what it could; "medium": it
        costs accuracy or time; "low": worth knowing.
    subject : str
        What is wrong, in a few words that are the same for every finding of this kind.
    evidence : str
        The numbers that show it.
    advice : str
        What to do.

    Examples
    --------
    >>> from striate import Finding
    >>> print(Finding("low", "constant columns", "column 3 is always 7", "Remove it."))
    constant columns: column 3 is always 7. Remove it.
    """

    severity: str
    subject: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.evidence}. {self.advice}"


def most_serious_first(findings: Iterable[Finding | None]) -> list[Finding]:
    """Return the findings by severity, in the given order where it is the same."""
    found = [each for each in findings if each is not None]
    return sorted(found, key=lambda each: SEVERITIES.index(each.severity))


def named(indices: Any, names: NDArray[Any] | None, noun: str = "column") -> str:
    """Return the first few of some columns in words: by their names, or by their indices."""
    indices = np.asarray(indices)
    shown = [f"{noun} {k}" if names is None else repr(str(names[k])) for k in indices[:_NAMED]]
    n_more = len(indices) - len(shown)
    if n_more:
        return f"{', '.join(shown)} and {n_more:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
