"""Scaling of the features of pixels: codes beside the values of pixels, which are far fewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

from .labelled_pixels import LabelledPixels
from .segmentation_scores import confusion_of, intersections_over_unions

Array = npt.NDArray[Any]
# Folds in which a weight is chosen, and pixels that are used for it, at most.
_N_FOLDS, _MOST_PIXELS = 3, 4000
# Fewer images with labels are not held out whole, but by strokes.
_FEW_IMAGES = 3


@dataclass(frozen=True, eq=False)
class CodeScaler:
    """Square roots of codes, then an affine map of each feature.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,)
    n_codes : int
        Number of features that are codes; they come first.
    """

    mean: Array
    scale: Array
    n_codes: int

    @classmethod
    def fitted(cls, X: Array, n_codes: int) -> Self:
        """Return the map to mean 0 and variance 1 of some pixels; it changes the codes of X."""
        _take_roots(X[:, :n_codes])
        deviation = X.std(axis=0, dtype=np.float64)
        scale = 1 / np.where(deviation > 1e-7, deviation, np.inf)  # 0 for a constant feature
        return cls(X.mean(axis=0, dtype=np.float64).astype(X.dtype), scale.astype(X.dtype), n_codes)

    def weighted(self, code_weight: float) -> "CodeScaler":
        """Return the same, with codes of another variance."""
        scale = self.scale.copy()
        scale[: self.n_codes] *= scale.dtype.type(code_weight)
        return CodeScaler(self.mean, scale, self.n_codes)

    def apply(self, X: Array) -> Array:
        """Scale features, in place."""
        _take_roots(X[..., : self.n_codes])
        X -= self.mean
        X *= self.scale
        return X


def _take_roots(codes: Array) -> None:
    np.copysign(np.sqrt(np.abs(codes)), codes, out=codes)


def choose_code_weight(
    classifier: Any,
    pixels: LabelledPixels,
    n_codes: int,
    weights: Sequence[float],
    random_state: np.random.RandomState,
) -> float:
    """Return the weight of codes with the best intersection over union on held-out strokes.

    Strokes are held out whole, and with at least three labelled images the images are. If none can
    be held out, it is the middle weight.

    Parameters
    ----------
    classifier : classifier
        Cloned.
    pixels : LabelledPixels
        With standardized features.
    n_codes : int
        Number of features that are codes.
    weights : sequence of float
    random_state : RandomState
    """
    X, y, of_image, of_stroke = pixels
    few = np.unique(of_image).size < _FEW_IMAGES
    groups = of_stroke if few else of_image
    some = np.sort(random_state.permutation(len(y))[:_MOST_PIXELS])
    X, y, groups = X[some], y[some], groups[some]
    folds = _folds(y, groups)
    if len(weights) == 1 or not folds:
        return weights[len(weights) // 2]
    classes, scores = np.unique(y), []
    for weight in weights:
        weighted = X.copy()
        weighted[:, :n_codes] *= X.dtype.type(weight)
        confusion = np.zeros((classes.size, classes.size), dtype=np.intp)
        for train, test in folds:
            predicted = clone(classifier).fit(weighted[train], y[train]).predict(weighted[test])
            confusion += confusion_of(y[test], predicted, classes)
        scores.append(np.nanmean(intersections_over_unions(confusion)))
    return weights[int(np.argmax(scores))]


def _folds(y: Array, groups: Array) -> list[tuple[Array, Array]]:
    """Divide pixels by groups; folds whose training part lacks a class are left out."""
    n_groups = min(np.unique(groups[y == label]).size for label in np.unique(y))
    if n_groups < 2:
        return []
    splitter = StratifiedGroupKFold(min(_N_FOLDS, n_groups), shuffle=True, random_state=0)
    n_classes = np.unique(y).size
    return [
        (train, test)
        for train, test in splitter.split(y, y, groups)
        if np.unique(y[train]).size == n_classes
    ]
