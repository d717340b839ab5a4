"""The order in which labels help most: variety first, then what the classifier is unsure of.

With few labels, a classifier does not know what it does not know; typical images of different kinds
teach it most (Hacohen). Later, images between two classes do, if they are not all alike (Zhdanov).

References
----------
G. Hacohen, A. Dekel and D. Weinshall, "Active learning on a budget", ICML (2022).
F. Zhdanov, "Diverse mini-batch active learning", arXiv:1901.05954 (2019).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.preprocessing import StandardScaler
from sklearn.utils.extmath import randomized_svd

Rows = NDArray[np.intp]
Floats = NDArray[np.floating[Any]]

_N_COMPONENTS = 64
# Images that the space is computed from.
_N_SAMPLE = 4000
_BLOCK = 1000
# Candidates per image that is chosen, among the least sure ones.
_CANDIDATES = 10
# Labels per class up to which variety comes before uncertainty.
VARIETY_LABELS = 2


def similarity_space(X: Floats) -> Floats:
    """Return few coordinates of each image, in which similar images are near each other.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Features.

    Returns
    -------
    ndarray of float32 of shape (n_images, n_components)
        Principal components of standardized features, each image scaled to unit length.
    """
    if len(X) < 2:
        return np.ones((len(X), 1), dtype=np.float32)
    rng = np.random.default_rng(0)
    sample = np.sort(rng.permutation(len(X))[:_N_SAMPLE])
    scaler = StandardScaler().fit(X[sample])
    n_components = min(_N_COMPONENTS, len(sample), X.shape[1])
    _, _, directions = randomized_svd(scaler.transform(X[sample]), n_components, random_state=0)
    parts = [X[i : i + _BLOCK] for i in range(0, len(X), _BLOCK)]
    Z = np.concatenate([scaler.transform(part) @ directions.T for part in parts])
    lengths = np.linalg.norm(Z, axis=1, keepdims=True)
    return (Z / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def varied_images(Z: Floats, known: Rows, n: int, *, seed: int = 0) -> Rows:
    """Choose typical images of the largest clusters in which no image is known.

    Parameters
    ----------
    Z : ndarray of shape (n_images, n_components)
        From `similarity_space`.
    known : ndarray of int
        Images that have been shown.
    n : int
        Number of images to choose.
    seed : int
        Seed of the clustering.

    Returns
    -------
    ndarray of int
        At most `n` images, none of `known`.
    """
    free = np.setdiff1d(np.arange(len(Z)), known)
    if len(free) <= n:
        return free
    n_clusters = min(len(Z), len(known) + n)
    cluster_of, distance = _clusters(Z, n_clusters, seed)
    sizes = np.bincount(cluster_of, minlength=n_clusters)
    n_known = np.bincount(cluster_of[known], minlength=n_clusters)
    chosen = []
    for cluster in np.lexsort((-sizes, n_known)):
        members = free[cluster_of[free] == cluster]
        if members.size:
            chosen.append(members[distance[members].argmin()])
        if len(chosen) == n:
            break
    return np.array(chosen, dtype=np.intp)


def unsure_images(Z: Floats, probabilities: Floats, known: Rows, n: int, *, seed: int = 0) -> Rows:
    """Choose images whose two most probable classes are nearly as probable, in different clusters.

    The parameters are those of `varied_images`, and the probabilities (n_images, n_classes).
    """
    free = np.setdiff1d(np.arange(len(Z)), known)
    if len(free) <= n or probabilities.shape[1] < 2:
        return free[:n]
    top = np.partition(probabilities[free], -2, axis=1)[:, -2:]
    margin = top[:, 1] - top[:, 0]
    candidates = free[np.argsort(margin, kind="stable")[: _CANDIDATES * n]]
    doubt = 1 - np.sort(margin)[: _CANDIDATES * n]
    cluster_of, distance = _clusters(Z[candidates], min(n, len(candidates)), seed, weights=doubt)
    chosen = []
    for cluster in np.unique(cluster_of):
        members = np.flatnonzero(cluster_of == cluster)
        chosen.append(members[distance[members].argmin()])
    # Candidates are sorted by their margin: the least sure one comes first.
    return candidates[np.sort(chosen)]


def next_images(
    Z: Floats, probabilities: Floats | None, known: Rows, n: int, *, n_labels: int
) -> Rows:
    """Choose the images to label next: varied ones at first, then unsure ones.

    Parameters
    ----------
    Z : ndarray of shape (n_images, n_components)
        From `similarity_space`.
    probabilities : ndarray of shape (n_images, n_classes) or None
        What the classifier says; None before it exists.
    known : ndarray of int
        Images that have been shown.
    n : int
        Number of images to choose.
    n_labels : int
        Number of labels so far.
    """
    if probabilities is None or n_labels < VARIETY_LABELS * probabilities.shape[1]:
        return varied_images(Z, known, n)
    return unsure_images(Z, probabilities, known, n)


def _clusters(
    Z: Floats, n_clusters: int, seed: int, weights: Floats | None = None
) -> tuple[Rows, Floats]:
    """Return the cluster of each row, and its distance from the centre."""
    means = MiniBatchKMeans(n_clusters, n_init=1, batch_size=2048, random_state=seed)
    cluster_of: Rows = means.fit_predict(Z, sample_weight=weights)
    distance: Floats = np.linalg.norm(Z - means.cluster_centers_[cluster_of], axis=1)
    return cluster_of, distance
