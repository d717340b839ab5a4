"""Clusters of similar images, in an order in which similar clusters are neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from sklearn.cluster import MiniBatchKMeans

Rows = NDArray[np.intp]

_MOST_CLUSTERS = 40
_IMAGES_PER_CLUSTER = 12


def similar_images(Z: NDArray[np.floating[Any]], *, seed: int = 0) -> list[Rows]:
    """Divide images into clusters.

    Parameters
    ----------
    Z : ndarray of shape (n_images, n_components)
        From `similarity_space`.
    seed : int, default=0
        Seed of the clustering.

    Returns
    -------
    list of ndarray of int
        Images of each cluster, the most typical first; about twelve, or more if there are more
        than 480 images. Clusters are in an order in which neighbours are similar.
    """
    n_clusters = int(np.clip(len(Z) // _IMAGES_PER_CLUSTER, 1, _MOST_CLUSTERS))
    means = MiniBatchKMeans(n_clusters, n_init=3, batch_size=2048, random_state=seed).fit(Z)
    distance = np.linalg.norm(Z - means.cluster_centers_[means.labels_], axis=1)
    by_distance = np.argsort(distance, kind="stable")
    clusters = [by_distance[means.labels_[by_distance] == k] for k in range(n_clusters)]
    if n_clusters > 2:
        tree = linkage(means.cluster_centers_, "average", optimal_ordering=True)
        clusters = [clusters[k] for k in leaves_list(tree)]
    return [rows for rows in clusters if rows.size]
