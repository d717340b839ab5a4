"""Copies of images, which must not be in different folds: equal files, and near-duplicates."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

Rows = NDArray[np.intp]

# Distance of near-duplicates, in units of the median distance of two images, or of the distance to
# the fifth nearest. Different images of steel, cells and landscapes were farther by both measures
# (0.05 and 0.31 at least); copies without two rows and columns were nearer by one.
_NEAR = 0.03
_NEARER_THAN_FIFTH = 0.25
# Of few images, the nearest are no measure.
_LEAST_IMAGES = 50
_N_COMPONENTS = 64
_N_PAIRS = 2000
_N_NEIGHBORS = 10


def joined_groups(checksums: NDArray[Any], groups: NDArray[Any] | None) -> NDArray[Any] | None:
    """Join the groups of files with equal content.

    Parameters
    ----------
    checksums : ndarray of shape (n_images,)
        Checksum of each file.
    groups : ndarray of shape (n_images,) or None
        Groups that are given; None for single images.

    Returns
    -------
    ndarray of int of shape (n_images,) or None
        Groups that keep copies together; None if there are neither groups nor copies.
    """
    n = len(checksums)
    contents, content = np.unique(checksums, return_inverse=True)
    if len(contents) == n:
        return groups
    if groups is None:
        return content
    codes = np.unique(groups, return_inverse=True)[1]
    # Groups and contents are nodes, and each image is an edge between its two.
    n_nodes = int(codes.max()) + 1 + len(contents)
    edges = (np.ones(n), (codes, int(codes.max()) + 1 + content))
    graph = sparse.csr_array(edges, shape=(n_nodes, n_nodes))
    labels: NDArray[Any] = connected_components(graph, directed=False)[1]
    return labels[codes]


def copies(checksums: NDArray[Any]) -> list[Rows]:
    """Return the rows of each content that several files have, in their order."""
    order = np.argsort(checksums, kind="stable")
    starts = np.flatnonzero(np.diff(checksums[order])) + 1
    parts = [rows for rows in np.split(order, starts) if len(rows) > 1]
    return sorted(parts, key=lambda rows: int(rows[0]))


def near_duplicates(X: NDArray[Any], groups: NDArray[Any]) -> list[tuple[int, int]]:
    """Return pairs of images of different groups whose features are nearly equal.

    They are much nearer than other images, in the space of the first principal components of
    standardized features. Among fewer than 50 images, none are found.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    groups : ndarray of shape (n_images,)
        Groups that are in one fold each.
    """
    if len(X) < _LEAST_IMAGES:
        return []
    S = StandardScaler().fit_transform(X)
    n_components = min(_N_COMPONENTS, *S.shape)
    if n_components < min(S.shape):
        S = PCA(n_components, svd_solver="randomized", random_state=0).fit_transform(S)
    rng = np.random.default_rng(0)
    first, second = rng.integers(len(S), size=(2, _N_PAIRS))
    typical = np.median(np.linalg.norm(S[first] - S[second], axis=1)[first != second])
    if not typical > 0:
        return []
    distances, others = NearestNeighbors(n_neighbors=_N_NEIGHBORS).fit(S).kneighbors()
    limit = np.maximum(_NEAR * typical, _NEARER_THAN_FIFTH * distances[:, 4])
    i = np.repeat(np.arange(len(S)), others.shape[1])
    j = others.ravel()
    near = (distances.ravel() <= limit[i]) & (groups[i] != groups[j])
    return sorted(
        {(min(pair), max(pair)) for pair in zip(i[near].tolist(), j[near].tolist(), strict=True)}
    )
