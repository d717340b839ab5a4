"""The choice among features by cross-validation, which is cross-validated itself.

The best of several accuracies on the same images is too high: chance is chosen, too. So each fold
is predicted with the features that did best on the other folds.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .held_out_predictions import HeldOutPredictions, Rows
from .number_validation import HeldOutNumbers

HeldOut = HeldOutPredictions | HeldOutNumbers


def chosen(losses: NDArray[np.float64]) -> int:
    """Return the row of the smallest mean, or the first if that is hardly smaller.

    Parameters
    ----------
    losses : ndarray of shape (n_candidates, n_images)
        Loss of each image with each of the features, such as 1 for a mistake. The first row is
        preferred: another one must be better by more than a standard error of the difference.
    """
    best = int(losses.mean(axis=1).argmin())
    gain = losses[0] - losses[best]
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    return best if gain.mean() > error else 0


def chosen_by_fold(losses: NDArray[np.float64], folds: Rows) -> Rows:
    """Return what is chosen without each fold, for its images, of shape (n_images,)."""
    choice = np.empty(len(folds), dtype=np.intp)
    for fold in np.unique(folds):
        choice[folds == fold] = chosen(losses[:, folds != fold])
    return choice


def choose_features(held_out: Sequence[HeldOut]) -> tuple[int, HeldOut]:
    """Choose among features, and predict each image with what is chosen without its fold.

    Parameters
    ----------
    held_out : sequence of HeldOutPredictions or of HeldOutNumbers
        Predictions with each of the features, on the same images and folds.

    Returns
    -------
    chosen : int
        Which of the features.
    held_out : HeldOutPredictions or HeldOutNumbers
        Predictions whose scores are not biased by the choice.
    """
    losses = np.stack([losses_of(each) for each in held_out])
    by_fold, images = chosen_by_fold(losses, held_out[0].folds), np.arange(losses.shape[1])
    first = held_out[0]
    if isinstance(first, HeldOutNumbers):
        predicted = [each.predicted for each in held_out if isinstance(each, HeldOutNumbers)]
        numbers = np.stack(predicted)
        return chosen(losses), replace(first, predicted=numbers[by_fold, images])
    predictions = [each for each in held_out if isinstance(each, HeldOutPredictions)]
    probabilities = np.stack([each.probabilities for each in predictions])
    return chosen(losses), replace(first, probabilities=probabilities[by_fold, images])


def losses_of(held_out: HeldOut) -> NDArray[np.float64]:
    """Return 1 for each mistake, or the absolute error of each number."""
    if isinstance(held_out, HeldOutNumbers):
        return np.abs(held_out.predicted - held_out.true)
    return (held_out.predicted != held_out.labels).astype(float)
