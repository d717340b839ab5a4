"""The labelled pixels of images, and a limited choice of them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class LabelledPixels(NamedTuple):
    """Features, label and image of some pixels.

    Attributes
    ----------
    X : ndarray of shape (n_pixels, n_features)
    y : ndarray of shape (n_pixels,)
        Labels, without 0.
    of_image : ndarray of int of shape (n_pixels,)
        Index of the image that each pixel is from.
    """

    X: Array
    y: Array
    of_image: npt.NDArray[np.intp]


def check_labels(masks: list[Array | None]) -> None:
    """Raise a ValueError unless a pixel has a label."""
    if not any(mask is not None and mask.any() for mask in masks):
        raise ValueError("the masks have no labels: all are 0; mark some pixels of each class")


def check_classes(masks: list[Array | None]) -> None:
    """Raise a ValueError unless there are labels of at least two classes."""
    check_labels(masks)
    classes = np.unique(np.concatenate([np.unique(mask) for mask in masks if mask is not None]))
    classes = classes[classes > 0]
    if classes.size == 1:
        raise ValueError(
            f"the masks have labels of a single class, {classes[0]}; mark some pixels of another, "
            "too, such as the background (0 is no class: it means no label)"
        )


def chosen(
    masks: list[Array | None], most: int, random_state: np.random.RandomState
) -> list[Array | None]:
    """Return the masks with at most `most` labels.

    Each class keeps as many pixels as every other, or all if it has fewer.
    """
    labels = np.concatenate([mask[mask > 0] for mask in masks if mask is not None])
    classes, counts = np.unique(labels, return_counts=True)
    if counts.sum() <= most:
        return masks
    quota = _quota(counts.tolist(), most)
    keep = np.zeros(labels.size, dtype=bool)
    for label, count in zip(classes, counts, strict=True):
        places = np.flatnonzero(labels == label)
        keep[places[random_state.permutation(count)[:quota]]] = True
    kept: list[Array | None] = []
    for mask in masks:
        if mask is None:
            kept.append(None)
            continue
        some, here = np.zeros_like(mask), mask > 0
        n = int(here.sum())
        some[here] = np.where(keep[:n], mask[here], 0)
        kept.append(some)
        keep = keep[n:]
    return kept


def _quota(counts: list[int], most: int) -> int:
    """Return how many of each class are kept, such that all together are at most `most`."""
    for i, count in enumerate(sorted(counts)):
        share = most // (len(counts) - i)
        if count > share:
            return max(share, 1)
        most -= count
    return max(counts)
