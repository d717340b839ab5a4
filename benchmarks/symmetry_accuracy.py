"""Accuracy and time of `symmetries`, with few labels.

    python -m benchmarks.symmetry_accuracy FOLDER [FOLDER ...] [--cifar]

Of each folder with one sub-folder per class, and of CIFAR-10, some images are drawn. Five times, 10
or 50 per class are labelled, and the others are predicted. Seconds are those of the processor, with
the decoding of files.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import DictionaryEncoder, ImageCollection, PatchFeatures, ZCAWhitening, find_images

from .image_datasets import cifar10

WAYS: tuple[tuple[int, dict[str, Any]], ...] = (
    (200, {}),
    (400, {}),
    (200, {"pool_grid": (1, 1)}),
    (200, {"flips": True}),
    (50, {"symmetries": "flips"}),
    (200, {"symmetries": "flips"}),
    (50, {"symmetries": "rotations"}),
    (200, {"symmetries": "rotations"}),
    (25, {"symmetries": "all"}),
    (50, {"symmetries": "all"}),
    (200, {"symmetries": "all"}),
    (200, {"symmetries": "all", "pool_grid": (1, 1)}),
)
_N_LABELS = (10, 50)


def features(n_filters: int, stride: int, **settings: Any) -> PatchFeatures:
    encoder = DictionaryEncoder(
        n_filters, dictionary="omp1", encoding="soft_threshold", random_state=0
    )
    fixed = {"patch_size": 6, "n_patches": 20_000, "whitening": ZCAWhitening(0.1)}
    settings = {"pool_grid": (2, 2), **fixed, **settings}
    return PatchFeatures(encoder, stride=stride, signed_sqrt=True, random_state=0, **settings)


def accuracies(X: NDArray, y: NDArray, n_labels: int) -> list[float]:
    scores = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        train = [rng.permutation(np.flatnonzero(y == c))[:n_labels] for c in np.unique(y)]
        rows = np.concatenate(train)
        rest = np.setdiff1d(np.arange(len(y)), rows)
        model = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(0, 6, 13)))
        scores.append(float(model.fit(X[rows], y[rows]).score(X[rest], y[rest])))
    return scores


def measure(name: str, images: Any, y: NDArray, stride: int) -> None:
    for n_filters, settings in WAYS:
        learned = features(n_filters, stride, **settings).fit(images)
        begin = time.process_time()
        X = learned.transform(images)
        milliseconds = 1000 * (time.process_time() - begin) / len(y)
        scores = [accuracies(X, y, n) for n in _N_LABELS]
        shown = ", ".join(f"{np.mean(each):.1%} ± {np.std(each):.1%}" for each in scores)
        print(
            f"{name} {n_filters} {settings}: {shown}; {milliseconds:.2f} ms per image", flush=True
        )


def of_folder(folder: Path, n: int = 600) -> tuple[ImageCollection, NDArray]:
    files = find_images(folder)
    y = np.unique([each.relative_to(folder).parts[0] for each in files], return_inverse=True)[1]
    rows = np.sort(np.random.default_rng(0).permutation(len(files))[:n])
    return ImageCollection([files[i] for i in rows]), y[rows]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if argument != "--cifar":
            images, y = of_folder(Path(argument))
            measure(Path(argument).name, images, y, stride=3)
    if "--cifar" in sys.argv[1:] and (data := cifar10()):
        rows = np.random.default_rng(0).permutation(len(data[0]))[:2000]
        measure("CIFAR-10", data[0][rows], data[1][rows], stride=1)
