"""Weights of classes: what they make of the weights of rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.class_weight import compute_class_weight

from .sklearn_private import check_sample_weight
from .validated_input import refuse_kinds

Array = npt.NDArray[Any]


class ClassWeights:
    """Weights of the classes of one or several outputs.

    Parameters
    ----------
    class_weight : dict, "balanced", list of dict, or None
        As in scikit-learn: weight of each class (1 for those left out), or "balanced" for
        n_samples / (n_classes · number of rows of the class). With several outputs, the weights of
        a row are multiplied; a list has one dictionary per output.
    classes : list of ndarray
        The classes of each output.
    codes : ndarray of int of shape (n_samples, n_outputs)
        The class of each row, as an index.

    Raises
    ------
    ValueError
        If a class with a weight does not exist, if a weight is negative or not finite, or if a list
        has another length than there are outputs.
    """

    def __init__(self, class_weight: Any, classes: Sequence[Array], codes: Array) -> None:
        several = isinstance(class_weight, list | tuple)
        if several and len(class_weight) != len(classes):
            raise ValueError(
                f"class_weight has {len(class_weight)} entries, but y has {len(classes)} outputs."
            )
        if several and not all(isinstance(one, dict | str | None) for one in class_weight):
            raise ValueError(
                f"A list of class_weight holds a dictionary for each output, got {class_weight}."
            )
        each = class_weight if several else [class_weight] * len(classes)
        self._weights = [
            _weights_of(*arguments) for arguments in zip(each, classes, codes.T, strict=True)
        ]

    def rows(self, codes: Array) -> Array:
        """Return the weight of each row, the product of those of its classes."""
        weights = np.ones(len(codes))
        for of_classes, column in zip(self._weights, codes.T, strict=True):
            weights *= of_classes[column]
        return weights


def _weights_of(class_weight: Any, classes: Array, codes: Array) -> Array:
    if isinstance(class_weight, dict):
        known = classes.tolist()
        unknown = [each for each in class_weight if each not in known]
        if unknown:
            raise ValueError(
                f"class_weight has weights for {unknown}, which are not classes of y: {known}."
            )
        weights = np.array([class_weight.get(each, 1.0) for each in known], dtype=np.float64)
        if not ((weights >= 0) & np.isfinite(weights)).all():
            raise ValueError(f"class_weight must be numbers of at least 0, got {class_weight}.")
        return weights
    weights = np.ones(len(classes))
    present = np.unique(codes)
    weights[present] = compute_class_weight(class_weight, classes=present, y=codes)
    return weights


def weights_of_rows(
    X: Array,
    sample_weight: Any,
    class_weight: Any = None,
    classes: Array | None = None,
    codes: Array | None = None,
) -> Array | None:
    """Return the product of sample and class weights, float64; None if all are 1.

    Raises
    ------
    ValueError
        If weights are negative, NaN or infinite, of another number than X has rows, or all 0.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(X))
    if sample_weight is not None:
        refuse_kinds(sample_weight, "sample_weight", "VMmUST")
        weights = check_sample_weight(
            sample_weight, X, dtype=np.float64, copy=True, ensure_non_negative=True
        )
    if class_weight is not None and classes is not None and codes is not None:
        codes = codes.reshape(-1, 1)
        weights *= ClassWeights(class_weight, [classes], codes).rows(codes)
    if not weights.any():
        raise ValueError("All weights of the rows are 0: nothing can be learned.")
    return weights
