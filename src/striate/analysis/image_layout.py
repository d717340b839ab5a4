"""Places of images on a page: similar images lie near each other.

Coordinates come from t-SNE, or from UMAP or PaCMAP where they are installed. A grid has one place
per image, so that none hides another: the points are divided between the halves of the grid again
and again, and the images of a small part are assigned to its places with the least total distance.
"""

import logging
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.floating[Any]]
Places = NDArray[np.intp]

#: Methods of `similarity_layout`, and the package that each needs.
METHODS = {"tsne": "scikit-learn", "umap": "umap-learn", "pacmap": "pacmap"}

# PaCMAP logs a warning of each seed. Without a handler, Python would print it.
logging.getLogger("pacmap").addHandler(logging.NullHandler())

# Fewer images than t-SNE has use for.
_FEW_IMAGES = 10
# Places that are assigned at once: the time is cubic in their number.
_MOST_ASSIGNED = 600
# Width of a grid divided by its height.
_GRID_SHAPE = 1.4


def nearest_images(Z: Floats, n_nearest: int) -> Places:
    """Return the nearest other images of each image, the nearest first.

    Parameters
    ----------
    Z : ndarray of shape (n_images, n_components)
        Coordinates in which similar images are near each other.
    n_nearest : int
        Number of images; fewer if there are not as many others.

    Returns
    -------
    ndarray of int of shape (n_images, n_nearest)
    """
    n_nearest = min(n_nearest, len(Z) - 1)
    if n_nearest < 1:
        return np.empty((len(Z), 0), dtype=np.intp)
    found: Places = NearestNeighbors(n_neighbors=n_nearest).fit(Z).kneighbors()[1]
    return found


def similarity_layout(Z: Floats, method: str = "tsne", *, seed: int = 0) -> Floats:
    """Return a place in the plane for each image.

    Parameters
    ----------
    Z : ndarray of shape (n_images, n_components)
        Coordinates in which similar images are near each other.
    method : {"tsne", "umap", "pacmap"}
        How they become two.
    seed : int
        Seed of the method.

    Returns
    -------
    ndarray of float64 of shape (n_images, 2)
        Across and down, from 0 to 1.

    Raises
    ------
    ModuleNotFoundError
        If the package of the method is not installed.
    """
    if len(Z) < _FEW_IMAGES or not np.ptp(Z, axis=0).any():
        points = np.zeros((len(Z), 2))
        points[:, : min(2, Z.shape[1])] = (Z - Z.mean(axis=0))[:, :2]
    elif method == "tsne":
        perplexity = min(30.0, (len(Z) - 1) / 3)
        init = "pca" if Z.shape[1] > 1 else "random"
        points = TSNE(perplexity=perplexity, init=init, random_state=seed).fit_transform(Z)
    else:
        points = _reducer(method, seed).fit_transform(Z)
    points = np.asarray(points, dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    scaled: Floats = (points - low) / np.where(high > low, high - low, 1)
    return scaled


def check_method(method: str) -> None:
    """Raise a ModuleNotFoundError if the package of a method is not installed."""
    if method != "tsne":
        _module(method)


def _reducer(method: str, seed: int) -> Any:
    if method == "umap":  # which warns of more threads, since these would change the map
        return _module(method).UMAP(n_components=2, random_state=seed, n_jobs=1)
    return _module(method).PaCMAP(n_components=2, random_state=seed)


def _module(method: str) -> Any:
    try:
        return import_module(method)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{method} is not installed: pip install {METHODS[method]}, or choose tsne"
        ) from error


def grid_places(points: Floats) -> Places:
    """Return a place of a grid for each point, near its own.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Across and down.

    Returns
    -------
    ndarray of int of shape (n, 2)
        Column and row, each pair once; only the last row has free places, at its end.

    Examples
    --------
    >>> import numpy as np
    >>> grid_places(np.array([[0.9, 0.1], [0.8, 0.9], [0.1, 0.5]])).tolist()
    [[1, 0], [0, 1], [0, 0]]
    """
    n = len(points)
    n_columns = max(1, min(n, round((_GRID_SHAPE * n) ** 0.5)))
    cells = np.column_stack([np.arange(n) % n_columns, np.arange(n) // n_columns])
    places = np.empty((n, 2), dtype=np.intp)
    waiting = [(np.arange(n), cells)]
    while waiting:
        rows, some = waiting.pop()
        if len(rows) <= _MOST_ASSIGNED:
            places[rows] = _assigned(points[rows], some)
            continue
        axis = int(np.argmax(np.ptp(some, axis=0)))
        middle = (some[:, axis].min() + some[:, axis].max() + 1) // 2
        first = some[:, axis] < middle
        order = rows[np.argsort(points[rows, axis], kind="stable")]
        waiting += [(order[: first.sum()], some[first]), (order[first.sum() :], some[~first])]
    return places


def _assigned(points: Floats, cells: Places) -> Places:
    """Return the cell of each point: as many cells as points."""
    if len(points) < 2:
        return cells
    of_points, of_cells = (_spread(each) for each in (points, cells))
    chosen = linear_sum_assignment(cdist(of_points, of_cells, "sqeuclidean"))[1]
    assigned: Places = cells[chosen]
    return assigned


def _spread(points: NDArray[Any]) -> Floats:
    """Return ranks along each axis, since clusters must become as wide as the space for them."""
    ranks: Floats = rankdata(points, axis=0) / len(points)
    return ranks
