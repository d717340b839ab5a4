"""How much a description of an image changes when the image moves by a pixel or two."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.pipeline import Pipeline

from striate.demo.learning import pooled
from striate.demo.photographs import Image
from striate.demo.settings import Settings

WINDOW = 96
SHIFTS = (1, 2)
POOL_GRID = (3, 3)

Describe = Callable[[Image], NDArray[np.float32]]


def changes(images: list[Image], model: Pipeline, settings: Settings) -> dict[str, list[float]]:
    """Measure how descriptions of windows change when the window moves over its photograph.

    The change is the mean distance between the descriptions of a window before and after,
    relative to the mean distance between the descriptions of two different windows: 0 is no
    change, 1 is as far as another picture.

    Returns
    -------
    dict
        Name of a description: its change for each of `SHIFTS`, to the right and downwards.
    """
    windows = _windows(images, settings)
    n_positions = WINDOW - model[-1].patch_shape_[0] + 1
    descriptions: dict[str, Describe] = {
        "pixels": lambda windows: windows,
        "whitened pixels": model[0].transform,
        "features, not pooled": pooled(model, pool_grid=(n_positions, n_positions)).transform,
        "features, pooled (maximum)": pooled(model, pool_grid=POOL_GRID, pooling="max").transform,
        "features, pooled (mean)": pooled(model, pool_grid=POOL_GRID).transform,
    }
    return {name: _changes_of(describe, windows) for name, describe in descriptions.items()}


def _windows(images: list[Image], settings: Settings) -> dict[tuple[int, int], Image]:
    """Cut windows at random places, and again with the place moved: {(down, right): windows}."""
    rng = np.random.default_rng(settings.seed)
    farthest = WINDOW + max(SHIFTS)
    images = [image for image in images for _ in range(settings.n_windows)]
    places = [rng.integers(np.array(image.shape[:2]) - farthest + 1) for image in images]
    windows = {}
    for move in [(0, 0), *((0, d) for d in SHIFTS), *((d, 0) for d in SHIFTS)]:
        corners = [place + move for place in places]
        cut = zip(images, corners, strict=True)
        windows[move] = np.stack([im[y : y + WINDOW, x : x + WINDOW] for im, (y, x) in cut])
    return windows


def _changes_of(describe: Describe, windows: dict[tuple[int, int], Image]) -> list[float]:
    def flat(move: tuple[int, int]) -> NDArray[np.float32]:
        return describe(windows[move]).reshape(len(windows[move]), -1)

    before = flat((0, 0))
    distances = [
        [np.linalg.norm(flat(move) - before, axis=1) for move in ((0, d), (d, 0))] for d in SHIFTS
    ]
    return [float(np.mean(each) / pdist(before).mean()) for each in distances]
