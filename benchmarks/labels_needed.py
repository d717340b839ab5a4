"""How many labels are needed: the order of `striate label` beside random order.

    python -m benchmarks.labels_needed FOLDER [FOLDER ...] [--cifar]

Half of the images of a folder are labelled one after the other, the classifier is trained on the
labels so far, and predicts the other half. Of CIFAR-10, 4,000 images can be labelled and 2,000
others are predicted.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from striate.analysis.image_classifier import new_image_classifier
from striate.labelling.label_order import next_images, similarity_space

from .folder_features import FolderFeatures, features_of, folder_features

SIZES = (10, 20, 30, 50, 70, 100, 150, 200)
_BATCH = 10


def random_order(X: NDArray, y: NDArray, n: int, seed: int) -> NDArray:
    return np.random.default_rng(seed).permutation(len(y))[:n]


def label_order(X: NDArray, y: NDArray, n: int, seed: int) -> NDArray:
    """Return the images as `striate label` asks for them; the seed chooses a part of the pool."""
    pool = np.sort(np.random.default_rng(seed).permutation(len(y))[: int(0.9 * len(y))])
    Z, known = similarity_space(X[pool]), np.empty(0, dtype=np.intp)
    while len(known) < n:
        p, labels = None, y[pool[known]]
        if len(np.unique(labels)) > 1:
            head = new_image_classifier(len(known)).fit(X[pool[known]], labels)
            p = head.predict_proba(X[pool])
        known = np.append(known, next_images(Z, p, known, _BATCH, n_labels=len(known)))
    return pool[known[:n]]


def accuracies(data: FolderFeatures, order: NDArray, test: NDArray) -> list[float]:
    scores = []
    for n in SIZES:
        rows = order[:n]
        if len(np.unique(data.y[rows])) < 2:
            scores.append(np.nan)
            continue
        head = new_image_classifier(n).fit(data.X[rows], data.y[rows])
        scores.append(float(head.score(data.X[test], data.y[test])))
    return scores


def measure(data: FolderFeatures, n_seeds: int = 5) -> dict[str, NDArray]:
    """Return the accuracies (n_seeds, n_sizes) of each order."""
    half = min(len(data.y) // 2, 4000)
    pool, test = np.arange(half), np.arange(half, min(len(data.y), half + 2000))
    found: dict[str, list[list[float]]] = {"random": [], "striate label": []}
    for seed in range(n_seeds):
        for name, order in (("random", random_order), ("striate label", label_order)):
            rows = order(data.X[pool], data.y[pool], max(SIZES), seed)
            found[name].append(accuracies(data, rows, test))
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
        data = [folder_features(Path(each)) for each in arguments if each != "--cifar"]
        data += [cifar()] if "--cifar" in arguments else []
        for each in data:
            found = measure(each)
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
