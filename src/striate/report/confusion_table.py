"""The confusion matrix, as a table of a page or in few words where classes are many."""

from html import escape

import numpy as np
from numpy.typing import NDArray

from .html import table

#: Classes up to which the whole matrix is shown.
MOST_CLASSES = 20
_MOST_PAIRS = 20
# Letters of all names together, up to which they stand above the columns.
_MOST_LETTERS = 34


def confused_pairs(confusion: NDArray[np.intp], n: int = _MOST_PAIRS) -> list[tuple[int, int]]:
    """Return the pairs (true class, prediction) that are wrong most often, at most `n`."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:n]
    rows, columns = np.unravel_index(order, wrong.shape)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(i, j) for i, j in pairs if wrong[i, j]]


def headings(names: list[str], room: int = _MOST_LETTERS) -> tuple[list[str], list[str]]:
    """Names of rows and of columns: columns have numbers where their names need too much room."""
    if sum(map(len, names)) <= room:
        return names, names
    numbers = [str(k + 1) for k in range(len(names))]
    return [f"{k}  {name}" for k, name in zip(numbers, names, strict=True)], numbers


def confusion_html(names: list[str], confusion: NDArray[np.intp]) -> str:
    """Show which classes are taken for which."""
    if len(names) > MOST_CLASSES:
        return _pairs_html(names, confusion)
    rows, columns = headings(names)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{_cells(counts, i)}</tr>'
        for i, (name, counts) in enumerate(zip(rows, confusion, strict=True))
    )
    return (
        "<p>In the table, rows are the true classes and columns what they were taken for, in "
        "images; right answers are on the diagonal. The last column is the share of right "
        "answers.</p>"
        '<div class="wide"><table class="confusion" aria-label="Confusion matrix">'
        f'<thead><tr><th scope="col">true class</th>{head}<th scope="col">right</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(counts: NDArray[np.intp], i: int) -> str:
    shares = counts / max(counts.sum(), 1)
    cells = [
        f'<td class="{_kind(i, j, count)}" style="--share:{share:.2f}">{count}</td>'
        for j, (count, share) in enumerate(zip(counts, shares, strict=True))
    ]
    return "".join(cells) + f'<td class="recall">{shares[i]:.0%}</td>'


def _kind(i: int, j: int, count: int) -> str:
    if i == j:
        return "right"
    return "wrong" if count else "none"


def _pairs_html(names: list[str], confusion: NDArray[np.intp]) -> str:
    totals = np.maximum(confusion.sum(axis=1), 1)
    order = np.argsort(np.diag(confusion) / totals, kind="stable")[:_MOST_PAIRS]
    pairs = table(
        "The most frequent mistakes",
        ["true class", "taken for", "images"],
        [
            [names[i], names[j], f"{confusion[i, j]} of {totals[i]}"]
            for i, j in confused_pairs(confusion)
        ],
    )
    worst = table(
        f"The classes that are right least often, of {len(names)}",
        ["class", "right", "images"],
        [[names[i], f"{confusion[i, i] / totals[i]:.0%}", str(totals[i])] for i in order],
    )
    return pairs + worst
