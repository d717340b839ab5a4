"""Images with their pixels coloured by class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .style import PALETTE

# Share of the colour at pixels of a class; its borders are drawn in full.
_OPACITY = 0.35
# More classes than the palette: hues at the golden angle, which differ as much as possible.
_GOLDEN = 0.618034


def class_colours(n_classes: int) -> NDArray[np.uint8]:
    """Return colours (n_classes, 3) that differ; the first ones are those of all figures."""
    import colorsys

    colours = [tuple(int(each[i : i + 2], 16) for i in (1, 3, 5)) for each in PALETTE[:n_classes]]
    for i in range(len(colours), n_classes):
        rgb = colorsys.hsv_to_rgb(i * _GOLDEN % 1, 0.75, 0.85)
        colours.append(tuple(round(255 * part) for part in rgb))
    return np.array(colours, dtype=np.uint8).reshape(n_classes, 3)


def segmentation_overlay(
    image: NDArray[Any], labels: NDArray[Any], classes: NDArray[Any]
) -> NDArray[np.uint8]:
    """Return an image with each class in a colour of its own, and lines between them.

    Parameters
    ----------
    image : ndarray of shape (h, w, c)
        Floats; its darkest pixel is drawn black, and its brightest white. NaN is black, too.
    labels : ndarray of shape (h, w)
        A class for each pixel; pixels of other labels stay grey.
    classes : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    ndarray of uint8 of shape (h, w, 3)
    """
    grey = image.mean(axis=2) if image.shape[2] != 3 else image
    low, high = np.nanpercentile(grey, (0.5, 99.5))
    grey = np.nan_to_num(((grey - low) / max(high - low, 1e-12)).clip(0, 1))
    base = 255 * (grey if grey.ndim == 3 else np.repeat(grey[..., np.newaxis], 3, axis=2))
    colours = class_colours(len(classes))
    index = np.searchsorted(classes, labels).clip(0, len(classes) - 1)
    known = classes[index] == labels
    border = np.zeros(labels.shape, dtype=bool)
    border[1:] |= labels[1:] != labels[:-1]
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    share = np.where(known, np.where(border, 1.0, _OPACITY), 0.0)[..., np.newaxis]
    mixed = (1 - share) * base + share * colours[index]
    return np.asarray(np.rint(mixed), dtype=np.uint8)
