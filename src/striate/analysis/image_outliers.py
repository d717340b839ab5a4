"""Images unlike the rest: far from their nearest neighbours in the space of features, and where.

Features pooled in many small cells say where an image differs: the squared difference from the mean
of its neighbours is a sum over the cells, and each has its share. They are computed for few images,
since features pooled in large cells find odd images better.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from striate.estimators.outlier_detection import outlier_offset
from striate.files.image_collection import ImageCollection
from striate.images.deep_patch_features import LayeredFeatures, layers_of
from striate.images.patch_features import PatchFeatures

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]

_NEIGHBOURS = 5
# Images nearer than this share of the usual distance to the nearest one are copies.
_COPY = 0.25
# Versions of an image are linked by distances of at most these shares of the usual one. A small
# group of linked images counts as copies at either of them.
_LINKS = (0.8, 1.2)
_MOST_VERSIONS, _LARGEST_GROUP = 45, 0.1  # images, and share of all
# Neighbours among which those that are no copies are looked for.
_MOST_COPIES = 50
_REGIONS = 4  # down and across


@dataclass(frozen=True, eq=False)
class ImageOutliers:
    """Which images are unlike the rest.

    Attributes
    ----------
    scores : ndarray of shape (n_images,)
        Mean distance to the nearest other images, in multiples of the median: the larger, the more
        unusual. Copies do not count.
    threshold : float
        Images with a larger score are outliers.
    nearest : ndarray of int of shape (n_images, n_neighbours)
        The nearest other images but for copies, the nearest first. Those that have none but copies
        have these.
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


def image_outliers(X: Floats, contamination: float | str = "auto") -> ImageOutliers:
    """Measure how far images are from others.

    Copies of an image, and versions of it that form a small group apart from all others, do not
    count among its neighbours: an odd image is odd, however often it is there.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Features; each is standardized.
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
    Z = StandardScaler().fit_transform(X)
    n_found = min(n_neighbours + _MOST_COPIES, len(X) - 1)
    distances, nearest = NearestNeighbors(n_neighbors=n_found).fit(Z).kneighbors()
    of_copies = distances <= _COPY * np.median(distances[:, 0])
    usual = np.median(_nearest_others(distances, nearest, of_copies, 1)[0])
    each = [
        _nearest_others(distances, nearest, of_copies | of_versions, n_neighbours)
        for of_versions in (_of_one_group(nearest, distances <= link * usual) for link in _LINKS)
    ]
    all_scores = np.stack([scores for scores, _ in each])
    which = all_scores.argmax(axis=0)
    nearest = np.where((which == 0)[:, np.newaxis], each[0][1], each[1][1])
    scores = all_scores.max(axis=0)
    scores /= np.median(scores) or 1.0
    threshold = np.sqrt(-outlier_offset(-(scores**2), contamination))
    return ImageOutliers(scores, float(threshold), nearest)


def _of_one_group(nearest: Rows, are_linked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which neighbours (n_images, n_found) are in the same small group as their image."""
    n = len(nearest)
    starts = np.concatenate([[0], are_linked.sum(axis=1).cumsum()])
    links = csr_array((np.ones(starts[-1], np.int8), nearest[are_linked], starts), shape=(n, n))
    _, group = connected_components(links, directed=False)
    is_small = np.bincount(group)[group] <= min(_MOST_VERSIONS, _LARGEST_GROUP * n)
    together: NDArray[np.bool_] = group[nearest] == group[:, np.newaxis]
    return together & is_small[:, np.newaxis]


def _nearest_others(
    distances: Floats, nearest: Rows, are_copies: NDArray[np.bool_], n: int
) -> tuple[Floats, Rows]:
    """Return the mean distance to the n nearest images but for copies, and these images."""
    order = np.argsort(are_copies, axis=1, kind="stable")[:, :n]
    means = np.take_along_axis(distances, order, axis=1).mean(axis=1, dtype=np.float64)
    return means, np.take_along_axis(nearest, order, axis=1)


def region_shares(
    features: LayeredFeatures, images: ImageCollection, found: ImageOutliers, rows: Rows
) -> Floats:
    """Return how much each region of an image contributes to its difference from its neighbours.

    Parameters
    ----------
    features : PatchFeatures or DeepPatchFeatures
        Fitted features. Of several layers, the first counts.
    images : ImageCollection
        All images.
    found : ImageOutliers
    rows : ndarray of int
        The images to explain.

    Returns
    -------
    ndarray of shape (n_rows, down, across)
        Shares of the squared difference, of sum 1; 0 for an image that does not differ.
    """
    together = np.column_stack([rows, found.nearest[rows]])
    needed, place = np.unique(together, return_inverse=True)
    some = images.take(needed.tolist())
    regional = _with_regions(layers_of(features)[0], some)
    grid = regional.pool_grids[0]
    F = regional.transform(some)
    place = place.reshape(together.shape)
    return cell_shares(F, place[:, 0], place[:, 1:], grid)


def cell_shares(F: Floats, own: Rows, nearest: Rows, grid: tuple[int, int]) -> Floats:
    """Return the part of each cell in the squared difference from the mean of the neighbours.

    Parameters
    ----------
    F : ndarray of shape (n, down * across * n_codes)
        Features of images, cell by cell.
    own : ndarray of int of shape (n_rows,)
        The images, as rows of F.
    nearest : ndarray of int of shape (n_rows, n_neighbours)
        The neighbours of each.
    grid : (int, int)
        Number of cells, down and across.
    """
    spread = F.std(axis=0, dtype=np.float64)
    spread[spread == 0] = 1
    differences = np.stack([F[i] - F[k].mean(axis=0) for i, k in zip(own, nearest, strict=True)])
    squares = (differences / spread) ** 2
    shares: Floats = squares.reshape(len(own), *grid, -1).sum(axis=3)
    total = shares.sum(axis=(1, 2), keepdims=True)
    return shares / np.where(total > 0, total, 1)


def _with_regions(layer: PatchFeatures, images: ImageCollection) -> PatchFeatures:
    """Return a layer that pools in small cells, with features of their own for each side."""
    height, width, _ = layer.patch_shape_
    shapes = [image.shape[:2] for image in images]
    positions = [(h - height) // layer.stride + 1 for h, _ in shapes]
    positions += [(w - width) // layer.stride + 1 for _, w in shapes]
    n = min(_REGIONS, *positions)
    changed: PatchFeatures = copy.copy(layer).set_params(
        flips=False, pool_grid=(n, n), pool_size=None, pool_overlap=0.0
    )
    return changed
