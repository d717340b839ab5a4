"""The labelled pixels of images, and a limited choice of them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.files.strokes import Strokes

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


def check_labels(strokes: list[Strokes | None]) -> None:
    """Raise a ValueError unless a pixel has a label."""
    if not any(each is not None and each.labels.size for each in strokes):
        raise ValueError("the masks have no labels: all are 0; mark some pixels of each class")


def check_classes(strokes: list[Strokes | None]) -> None:
    """Raise a ValueError unless there are labels of at least two classes."""
    check_labels(strokes)
    classes = np.unique(_labels(strokes))
    if classes.size == 1:
        raise ValueError(
            f"the masks have labels of a single class, {classes[0]}; mark some pixels of another, "
            "too, such as the background (0 is no class: it means no label)"
        )


def chosen(
    strokes: list[Strokes | None], most: int, random_state: np.random.RandomState
) -> list[Strokes | None]:
    """Return at most `most` of the labels.

    Each class keeps as many pixels as every other, or all if it has fewer.
    """
    labels = _labels(strokes)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.sum() <= most:
        return strokes
    quota = _quota(counts.tolist(), most)
    keep = np.zeros(labels.size, dtype=bool)
    for label, count in zip(classes, counts, strict=True):
        places = np.flatnonzero(labels == label)
        keep[places[random_state.permutation(count)[:quota]]] = True
    kept: list[Strokes | None] = []
    for each in strokes:
        if each is None:
            kept.append(None)
            continue
        n = each.labels.size
        kept.append(each.kept(keep[:n]))
        keep = keep[n:]
    return kept


def _labels(strokes: list[Strokes | None]) -> Array:
    return np.concatenate([each.labels for each in strokes if each is not None])


def _quota(counts: list[int], most: int) -> int:
    """Return how many of each class are kept, such that all together are at most `most`."""
    for i, count in enumerate(sorted(counts)):
        share = most // (len(counts) - i)
        if count > share:
            return max(share, 1)
        most -= count
    return max(counts)
