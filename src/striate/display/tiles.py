"""Grids of tiles: weights as pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from .check_parameters import check_choice, is_image_shape


def as_tiles(
    components: ArrayLike, image_shape: tuple[int, ...] | None = None
) -> NDArray[np.floating]:
    """Return components as tiles (n_units, height, width, 1 or 3)."""
    try:
        given = check_array(
            components, dtype=[np.float64, np.float32], allow_nd=True, input_name="components"
        )
    except OverflowError as error:
        raise ValueError(f"components have a number too large for float64: {error}.") from error
    if given.ndim == 2:
        shape = infer_image_shape(given.shape[1]) if image_shape is None else image_shape
    elif given.ndim in (3, 4):
        shape = given.shape[1:] if image_shape is None else image_shape
    else:
        raise ValueError(
            "components must have the shape (n_units, n_features), (n_units, height, width) or "
            f"(n_units, height, width, n_channels), got {given.shape}."
        )
    height, width, channels = _full_shape(shape)
    if height * width * channels != math.prod(given.shape[1:]):
        raise ValueError(
            f"image_shape={tuple(shape)} holds {height * width * channels} values, but each of "
            f"the components holds {math.prod(given.shape[1:])}. "
            "Pass the (height, width) or (height, width, n_channels) of the training images."
        )
    tiles: NDArray[np.floating] = given.reshape(len(given), height, width, channels)
    return tiles


def infer_image_shape(n_features: int) -> tuple[int, ...]:
    """Return the shape of a square grey or colour image with `n_features` values."""
    side = math.isqrt(n_features)
    if side * side == n_features:
        return side, side
    side = math.isqrt(n_features // 3)
    if 3 * side * side == n_features:
        return side, side, 3
    raise ValueError(
        f"{n_features} features are neither a square grey image nor a square colour image. "
        "Pass image_shape=(height, width) or image_shape=(height, width, 3)."
    )


def _full_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if not is_image_shape(shape):
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, n_channels), got {shape!r}."
        )
    height, width = int(shape[0]), int(shape[1])
    channels = int(shape[2]) if len(shape) == 3 else 1
    if channels not in (1, 3):
        raise ValueError(
            f"Only 1 channel (grey) or 3 channels (red, green, blue) can be shown, got {channels}. "
            "Select some, for example components[..., [0, 1, 2]] or components[..., 0]."
        )
    return height, width, channels


def scaled(tiles: NDArray[np.floating], scale: str) -> NDArray[np.float64]:
    """Scale the tiles to [-1, 1], each by its own factor or all by one; zero stays zero."""
    check_choice(scale, ("tile", "common"), "scale")
    axis = (1, 2, 3) if scale == "tile" else None
    largest = np.abs(tiles).max(axis=axis, keepdims=True).astype(np.float64)
    return tiles / np.where(largest > 0, largest, 1.0)


def choose_columns(n_tiles: int, height: int, width: int) -> int:
    """Return the number of columns of a grid that is roughly square, with few empty places."""
    square = math.sqrt(n_tiles * height / width)
    least = min(n_tiles, math.ceil(square - 1e-9))
    most = min(n_tiles, max(least, math.floor(1.3 * square + 1)))
    return min(range(least, most + 1), key=lambda columns: (-n_tiles % columns, columns))


def choose_zoom(
    grid: tuple[int, int], tile: tuple[int, int], room: tuple[float, float], largest_tile: float
) -> int:
    """Return the whole number of pixels per value of a tile with which the grid fits `room`."""
    rows, columns = grid
    height, width = tile
    fit = min(room[0] / (rows * height), room[1] / (columns * width)) / (1 + GAP)
    return max(1, math.floor(min(fit, largest_tile / max(tile))))


GAP = 0.07  # between tiles, relative to the shorter side of a tile


def gap_for(tile: tuple[int, int], zoom: int) -> int:
    """Return the number of pixels between two tiles."""
    return max(1, round(GAP * zoom * min(tile)))


def mosaic(tiles: NDArray[np.float64], n_columns: int, zoom: int, gap: int) -> NDArray[np.float64]:
    """Place magnified tiles row by row; gaps and empty places are NaN.

    Parameters
    ----------
    tiles : ndarray of shape (n, height, width, channels)
        Tiles.
    n_columns : int
        Number of tiles per row.
    zoom : int
        Height and width in pixels of each value of a tile.
    gap : int
        Number of pixels between two tiles.

    Returns
    -------
    pixels : ndarray of shape (n_rows, n_columns, channels)
        Grid without an outer border.
    """
    n, height, width, channels = tiles.shape
    n_rows = -(-n // n_columns)
    cell_height, cell_width = height * zoom + gap, width * zoom + gap
    cells = np.full((n_rows * n_columns, cell_height, cell_width, channels), np.nan)
    cells[:n, : height * zoom, : width * zoom] = tiles.repeat(zoom, axis=1).repeat(zoom, axis=2)
    cells = cells.reshape(n_rows, n_columns, cell_height, cell_width, channels)
    pixels = cells.swapaxes(1, 2).reshape(n_rows * cell_height, n_columns * cell_width, channels)
    return pixels[: n_rows * cell_height - gap, : n_columns * cell_width - gap]


def colored(pixels: NDArray[np.float64], cmap: Any) -> NDArray[np.uint8]:
    """Convert values in [-1, 1] to (rows, columns, 3) bytes; NaN, the background, becomes white."""
    import matplotlib as mpl

    background = np.isnan(pixels[..., 0])
    level = np.where(background[..., None], 0.0, (pixels + 1) / 2)
    if level.shape[2] == 1:
        colormap = mpl.colormaps[cmap] if isinstance(cmap, str) else cmap
        level = colormap(level[..., 0])[..., :3]
    colors: NDArray[np.uint8] = np.rint(255 * level).astype(np.uint8)
    colors[background] = 255
    return colors
