"""A classifier of images that also learns from its own predictions of images without labels."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from striate.estimators.kernel_classifier import KernelClassifier
from striate.estimators.self_taught import SelfTaughtClassifier
from striate.estimators.whitened_components import WhitenedComponents
from striate.tables.temperature import fitted_beta

from .held_out_predictions import HeldOutPredictions

_N_COMPONENTS = 500
# Of five fits, whose time grows with the square of this number: more take too long.
_N_CENTERS = 2400
_PSEUDO_LABEL_WEIGHT = 0.2
_SMALLEST = 1e-9


def new_self_trained_classifier(
    X: NDArray[Any], U: NDArray[Any], class_weight: str | None = None
) -> Pipeline:
    """Return an unfitted classifier, on components of all images, labelled or not.

    Parameters
    ----------
    X, U : ndarray of shape (n_images, n_features)
        Features of the images with labels, and of those without, which `fit` takes as
        `classifier__unlabeled`.
    class_weight : {"balanced"} or None
        Whether classes count equally.
    """
    components = WhitenedComponents(_N_COMPONENTS, random_state=0).fit(np.concatenate([X, U]))
    kernel = KernelClassifier(n_centers=_N_CENTERS, class_weight=class_weight, random_state=0)
    classifier = SelfTaughtClassifier(
        FrozenEstimator(components), kernel, pseudo_label_weight=_PSEUDO_LABEL_WEIGHT
    )
    return Pipeline([("classifier", classifier)])


def is_self_trained(classifier: Any) -> bool:
    """Return whether a classifier, or the last step of a pipeline, is such a one."""
    steps = getattr(classifier, "steps", [("", classifier)])
    return isinstance(steps[-1][1], SelfTaughtClassifier)


def unlabeled_parameter(U: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
    """Return the parameter of `fit` that hands images without labels to the classifier."""
    return {} if U is None else {"classifier__unlabeled": U}


def calibrated(held_out: HeldOutPredictions) -> tuple[HeldOutPredictions, float]:
    """Return predictions that are as sure as they are right, and how much surer they are.

    A classifier that learns from its own predictions is too sure of them. Scores are multiplied by
    the factor that makes the true classes most likely; for each fold, by that of the other folds.

    Returns
    -------
    HeldOutPredictions
    float
        The factor of all folds, for the classifier that is trained on all images.
    """
    scores = np.log(held_out.probabilities.clip(_SMALLEST))
    labels, folds = held_out.labels, held_out.folds
    probabilities = np.empty_like(held_out.probabilities)
    for fold in np.unique(folds):
        others = folds != fold
        factor = _factor(scores[others], labels[others]) if others.any() else 1.0
        probabilities[~others] = softmax(factor * scores[~others], axis=1)
    return replace(held_out, probabilities=probabilities), _factor(scores, labels)


def sharpen(classifier: Pipeline, factor: float) -> None:
    """Multiply the scores of a fitted classifier by a factor, before they become probabilities."""
    classifier[-1].classifier_.sharpness_ *= factor


def _factor(scores: NDArray[Any], labels: NDArray[np.intp]) -> float:
    return fitted_beta(scores, labels, np.ones(len(labels)))
