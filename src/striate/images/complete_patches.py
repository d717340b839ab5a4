"""Places of patches all of whose pixels have data: NaN is where there are none."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]


def complete_patches(
    image: npt.NDArray[np.floating], size: tuple[int, int], stride: int = 1
) -> Bools | None:
    """Return at which positions (n_y, n_x) patches have no NaN; None if the image has none."""
    missing = np.isnan(image)
    if not missing.any():
        return None
    missing = missing.any(axis=2)
    # Numbers of missing pixels above and to the left of each place.
    n = np.zeros((missing.shape[0] + 1, missing.shape[1] + 1), dtype=np.intp)
    n[1:, 1:] = missing.cumsum(axis=0).cumsum(axis=1)
    height, width = size
    inside = n[height:, width:] - n[:-height, width:] - n[height:, :-width] + n[:-height, :-width]
    return np.asarray(inside == 0)[::stride, ::stride]


def rectangles(places: Bools) -> Iterator[tuple[slice, slice]]:
    """Divide the places that are true into rectangles of rows and columns."""
    begun: dict[tuple[int, int], int] = {}
    for row in range(len(places) + 1):
        runs = _runs(places[row]) if row < len(places) else []
        for run in [each for each in begun if each not in runs]:
            yield slice(begun.pop(run), row), slice(*run)
        for run in runs:
            begun.setdefault(run, row)


def _runs(row: Bools) -> list[tuple[int, int]]:
    """Return the first and the last + 1 of each run of true values."""
    edges = np.flatnonzero(np.diff(row, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
