"""The demo's pictures: whitening, features, convolution and pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from striate.analysis.orientation import orientation_selectivity, preferred_orientation
from striate.display import FeatureDisplay
from striate.display.style import QUIET
from striate.files.image_collection import ImageCollection
from striate.images.patches import sample_patches

from .learned_features import PATCH_SIZE, pooled
from .photographs import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_PATCHES = (5, 10)  # rows and columns of example patches
_GRID = (3, 3)
_ANGLES = (0, 45, 90, 135)  # degrees; orientations of the units whose responses are drawn


def draw_whitening(photograph: Image, model: Pipeline) -> Figure:
    """Draw a photograph and patches of it, original and whitened."""
    from matplotlib import pyplot as plt

    heights = (photograph.shape[0] / photograph.shape[1], _N_PATCHES[0] / _N_PATCHES[1])
    titles = 0.75  # inches
    size = (7, 7 / 2 * sum(heights) + titles)
    figure, axes = plt.subplots(2, 2, figsize=size, height_ratios=heights)
    kinds = {"Original": photograph, "Whitened": model[0].transform([photograph])[0]}
    for (name, image), column in zip(kinds.items(), axes.T, strict=True):
        _show(column[0], image[..., 0], np.percentile(image, (1, 99)), name)
        # The same seed: the same places in both.
        patches = sample_patches(
            ImageCollection([image]),
            (PATCH_SIZE, PATCH_SIZE),
            int(np.prod(_N_PATCHES)),
            check_random_state(0),
        )
        patches -= patches.mean(axis=1, keepdims=True)
        patches = patches.clip(-2.5 * patches.std(), 2.5 * patches.std())
        display = FeatureDisplay(patches, image_shape=(PATCH_SIZE, PATCH_SIZE))
        display.plot(ax=column[1], n_columns=_N_PATCHES[1], scale="common")
    axes[1, 0].set_title("Patches minus their means")
    axes[1, 1].set_title("The same patches, whitened")
    return figure


def draw_features(model: Pipeline) -> Figure:
    """Draw what each unit looks for, sorted by orientation."""
    return FeatureDisplay.from_estimator(model, sort="orientation").figure_


def draw_convolution(window: Image, model: Pipeline) -> Figure:
    """Draw where in a window some units respond, and their pooled responses."""
    from matplotlib import pyplot as plt

    filters = model[-1].filters_[..., 0]
    units = _unit_near_each_angle(filters)
    maps = _responses(window, model, tuple(n - PATCH_SIZE + 1 for n in window.shape[:2]))
    cells = _responses(window, model, _GRID)
    figure, axes = plt.subplots(3, 1 + len(units), figsize=(7, 4.5))
    _show(axes[0, 0], window[..., 0], (0, 1), "Photograph")
    white = model[0].transform([window])[0][..., 0]
    _show(axes[1, 0], white, np.percentile(white, (1, 99)), "Whitened")
    axes[2, 0].set_axis_off()
    for unit, column in zip(units, axes[:, 1:].T, strict=True):
        largest = np.abs(filters[unit]).max()
        _show(column[0], filters[unit], (-largest, largest), "")
        for ax, response in zip(column[1:], (maps, cells), strict=True):
            _show(ax, response[..., unit], (0, np.percentile(response[..., unit], 99.7)), "")
    for ax, title in zip(axes[:, 1], ("Four units", "Responses", "Pooled"), strict=True):
        ax.set_title(title)
    return figure


def _unit_near_each_angle(filters: NDArray[Any]) -> list[int]:
    """Return, for each of `_ANGLES`, a selective unit with its edge in the middle."""
    selectivity = orientation_selectivity(filters)
    power = filters**2 / (filters**2).sum(axis=(1, 2), keepdims=True)
    from_center = np.hypot(*(np.indices(filters.shape[1:]) - (filters.shape[1] - 1) / 2))
    score = selectivity - 0.15 * (power * from_center).sum(axis=(1, 2))
    found = []
    for angle in np.radians(_ANGLES):
        # cos 2(θ − angle) is 1 where the orientations agree
        agreement = np.cos(2 * (np.nan_to_num(preferred_orientation(filters)) - angle))
        found.append(int(np.argmax(score + 5 * agreement.clip(max=0.95))))
    return found


def _responses(window: Image, model: Pipeline, grid: tuple[int, ...]) -> NDArray[Any]:
    """Return the responses of all units in one window, (*grid, n_units)."""
    responses: NDArray[np.float32] = pooled(model, pool_grid=grid).transform([window])
    return responses.reshape(*grid, -1)


def _show(ax: Axes, values: NDArray[Any], limits: tuple[float, float], title: str) -> None:
    ax.imshow(values, cmap="gray", vmin=limits[0], vmax=limits[1])
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=QUIET)
