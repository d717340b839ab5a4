"""Images unlike the rest: far from their nearest neighbours in the space of features, and where.

Distances are those of the features that are pooled in few large cells. The squared difference from the
mean of the neighbours is a sum over the cells of the finest grid: each cell has its share.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from striate.estimators.outlier_detection import outlier_offset
from striate.images.deep_patch_features import LayeredFeatures, layers_of
from striate.images.patch_features import PatchFeatures

Floats = NDArray[np.floating[Any]]

_NEIGHBOURS = 5
_BLOCK = 64  # images whose differences are in memory


class Cells(NamedTuple):
    """Features that are pooled in the cells of one grid.

    Attributes
    ----------
    columns : slice
        The features, cell by cell.
    grid : (int, int)
        Number of cells, down and across.
    """

    columns: slice
    grid: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ImageOutliers:
    """Which images are unlike the rest.

    Attributes
    ----------
    scores : ndarray of shape (n_images,)
        Mean distance to the nearest other images, in multiples of the median: the larger, the more
        unusual.
    threshold : float
        Images with a larger score are outliers.
    nearest : ndarray of int of shape (n_images, n_neighbours)
        The nearest other images, the nearest first.
    """

    scores: Floats
    threshold: float
    nearest: NDArray[np.intp]

    @property
    def are_outliers(self) -> NDArray[np.bool_]:
        """Whether each image is an outlier."""
        found: NDArray[np.bool_] = self.scores > self.threshold
        return found

    @property
    def order(self) -> NDArray[np.intp]:
        """The images, the most unusual first."""
        return np.argsort(-self.scores, kind="stable")


def image_outliers(
    X: Floats, cells: list[Cells], contamination: float | str = "auto"
) -> ImageOutliers:
    """Measure how far images are from others.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Features; each is standardized.
    cells : list of Cells
        From `cells_of_features`. The features of the coarsest grids count.
    contamination : "auto" or float, default="auto"
        As for `SparseAutoencoder`.

    Raises
    ------
    ValueError
        If there is a single image.
    """
    if len(X) < 2:
        raise ValueError("one image has no others to be compared with; give at least two")
    n_neighbours = min(_NEIGHBOURS, len(X) - 1)
    Z = StandardScaler().fit_transform(_part(X, _of_size(cells, min)))
    distances, nearest = NearestNeighbors(n_neighbors=n_neighbours).fit(Z).kneighbors()
    scores = distances.mean(axis=1, dtype=np.float64)
    scores /= np.median(scores) or 1.0
    threshold = np.sqrt(-outlier_offset(-(scores**2), contamination))
    return ImageOutliers(scores, float(threshold), nearest)


def cells_of_features(features: LayeredFeatures) -> list[Cells]:
    """Return where the features of an image come from: one entry per layer and grid."""
    found, begin = [], 0
    for layer in layers_of(features):
        n_codes = layer.patch_encoder_.n_codes
        for grid in _grids(layer):
            end = begin + n_codes * grid[0] * grid[1]
            found.append(Cells(slice(begin, end), grid))
            begin = end
    return found


def _grids(layer: PatchFeatures) -> tuple[tuple[int, int], ...]:
    if layer.pool_size is None:
        return layer.pool_grids
    size = layer.pool_size
    window = (size, size) if isinstance(size, int | np.integer) else size
    down, across = (-(-n // int(m)) for n, m in zip(layer.map_shape_, window, strict=True))
    return ((down, across),)


def cell_shares(
    X: Floats, found: ImageOutliers, cells: list[Cells], rows: NDArray[np.intp]
) -> Floats:
    """Return how much each cell of an image contributes to its difference from its neighbours.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        As given to `image_outliers`.
    found : ImageOutliers
    cells : list of Cells
        From `cells_of_features`. Those of the finest grid are compared.
    rows : ndarray of int
        The images.

    Returns
    -------
    ndarray of shape (n_rows, down, across)
        Shares of the squared difference, of sum 1; 0 for an image that does not differ.
    """
    finest = _of_size(cells, max)
    grid = finest[0].grid
    same = [each for each in finest if each.grid == grid]
    F = _part(X, same)
    spread = F.std(axis=0)
    spread[spread == 0] = 1
    shares = np.zeros((len(rows), *grid))
    for first in range(0, len(rows), _BLOCK):
        some = rows[first : first + _BLOCK]
        squares = ((F[some] - F[found.nearest[some]].mean(axis=1)) / spread) ** 2
        begin = 0
        for each in same:
            end = begin + each.columns.stop - each.columns.start
            of_cells = squares[:, begin:end].reshape(len(some), *grid, -1)
            shares[first : first + _BLOCK] += of_cells.sum(axis=3, dtype=np.float64)
            begin = end
    total = shares.sum(axis=(1, 2), keepdims=True)
    return shares / np.where(total > 0, total, 1)


def _of_size(cells: list[Cells], choose: Callable[[Iterable[int]], int]) -> list[Cells]:
    """Return those with the smallest or the largest number of cells."""
    size = choose(down * across for _, (down, across) in cells)
    return [each for each in cells if each.grid[0] * each.grid[1] == size]


def _part(X: Floats, cells: list[Cells]) -> Floats:
    return np.concatenate([X[:, each.columns] for each in cells], axis=1)
