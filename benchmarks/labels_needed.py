"""How many labels are needed: the order of `striate label` beside random order.

    python -m benchmarks.labels_needed FOLDER [FOLDER ...] [--cifar] [--logistic]

Half of the images of a folder are labelled one after the other, the classifier is trained on the
labels so far, and predicts the other half. Of CIFAR-10, 4,000 images can be labelled and 2,000
others are predicted. With ``--logistic``, a logistic regression on the space of similar images
stands for the classifier of `striate train`, which takes a hundred times as long.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from striate.analysis.image_classifier import new_image_classifier
from striate.labelling.label_order import next_images, similarity_space

from .folder_features import FolderFeatures, features_of, folder_features

SIZES = (10, 20, 30, 50, 70, 100, 150, 200)
_BATCH = 10


def label_order(X: NDArray, Z: NDArray, y: NDArray, n: int, seed: int, logistic: bool) -> NDArray:
    """Return the images as `striate label` asks for them; the seed chooses a part of the pool."""
    pool = np.sort(np.random.default_rng(seed).permutation(len(y))[: int(0.9 * len(y))])
    Z, known = Z[pool], np.empty(0, dtype=np.intp)
    while len(known) < n:
        p, labels = None, y[pool[known]]
        if len(np.unique(labels)) > 1:
            head = new_head(len(known), logistic).fit(X[pool[known]], labels)
            p = head.predict_proba(X[pool])
        known = np.append(known, next_images(Z, p, known, _BATCH, n_labels=len(known)))
    return pool[known[:n]]


def new_head(n: int, logistic: bool) -> Any:
    return LogisticRegression(C=0.1, max_iter=60) if logistic else new_image_classifier(n)


def accuracies(
    X: NDArray, y: NDArray, order: NDArray, test: NDArray, logistic: bool
) -> list[float]:
    scores = []
    for n in SIZES:
        rows = order[:n]
        if len(np.unique(y[rows])) < 2:
            scores.append(np.nan)
            continue
        scores.append(float(new_head(n, logistic).fit(X[rows], y[rows]).score(X[test], y[test])))
    return scores


def measure(data: FolderFeatures, n_seeds: int = 10, *, logistic: bool) -> dict[str, NDArray]:
    """Return the accuracies (n_seeds, n_sizes) of each order."""
    Z, y = similarity_space(data.X), data.y
    X = StandardScaler().fit_transform(Z) if logistic else data.X
    half = min(len(data.y) // 2, 4000)
    pool, test = np.arange(half), np.arange(half, min(len(data.y), half + 2000))
    found: dict[str, list[list[float]]] = {"random": [], "striate label": []}
    for seed in range(n_seeds):
        orders = {
            "random": np.random.default_rng(seed).permutation(half)[: max(SIZES)],
            "striate label": label_order(X[pool], Z[pool], y[pool], max(SIZES), seed, logistic),
        }
        for name, rows in orders.items():
            found[name].append(accuracies(X, y, rows, test, logistic))
    return {name: np.array(each) for name, each in found.items()}


def labels_for(accuracy: float, means: NDArray) -> float:
    """Return the number of labels at which a curve first reaches an accuracy, interpolated."""
    above = np.flatnonzero(means >= accuracy)
    if not above.size:
        return np.inf
    k = above[0]
    if k == 0:
        return SIZES[0]
    share = (accuracy - means[k - 1]) / (means[k] - means[k - 1])
    return SIZES[k - 1] + share * (SIZES[k] - SIZES[k - 1])


def cifar() -> FolderFeatures:
    from .image_datasets import cifar10

    images, y, _, _ = cifar10()
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[:6000])
    return features_of("cifar-10", images[rows], np.asarray(y)[rows])


def main(arguments: list[str]) -> None:
    with threadpool_limits(1, user_api="blas"):
        data = [folder_features(Path(each)) for each in arguments if not each.startswith("--")]
        data += [cifar()] if "--cifar" in arguments else []
        for each in data:
            found = measure(each, logistic="--logistic" in arguments)
            print(f"{each.name}: labels {', '.join(map(str, SIZES))}")
            for name, scores in found.items():
                means, spreads = scores.mean(axis=0), scores.std(axis=0)
                cells = [
                    f"{100 * m:.1f}±{100 * s:.1f}" for m, s in zip(means, spreads, strict=True)
                ]
                print(f"  {name:14}", " ".join(cells))
            aim = found["random"].mean(axis=0)[SIZES.index(100)]
            needed = labels_for(aim, found["striate label"].mean(axis=0))
            print(f"  labels for the accuracy of 100 random ones: {needed:.0f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
