"""Predictions of images that a classifier was not trained on, and the scores computed from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

from .reliability import Reliability

Rows = NDArray[np.intp]

# Ratio of the sizes of two classes above which accuracy says little about the smaller one.
_MUCH_LARGER = 3


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """Predictions of classifiers on images that they were not trained on.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels.
    labels : ndarray of int of shape (n_images,)
        Index of the true class.
    probabilities : ndarray of shape (n_images, n_classes)
        Predicted probabilities.
    folds : ndarray of int of shape (n_images,)
        Fold that each image was held out in; all 0 if one classifier predicted all of them.
    """

    classes: NDArray[Any]
    labels: Rows
    probabilities: NDArray[np.floating]
    folds: Rows

    @property
    def predicted(self) -> Rows:
        """Index of the most probable class, of shape (n_images,)."""
        predicted: Rows = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """Accuracy in each fold."""
        correct = self.predicted == self.labels
        return np.bincount(self.folds, correct) / np.bincount(self.folds)

    @property
    def baseline(self) -> float:
        """Accuracy of always predicting the most frequent class."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def confusion(self) -> Rows:
        """Confusion matrix: true classes in rows, predicted classes in columns."""
        indices = np.arange(len(self.classes))
        counts: Rows = confusion_matrix(self.labels, self.predicted, labels=indices)
        return counts

    @property
    def n_mistakes(self) -> int:
        """Number of misclassified images."""
        return int((self.predicted != self.labels).sum())

    @property
    def recalls(self) -> NDArray[np.float64]:
        """Share of each class that was predicted correctly; NaN for a class without images."""
        correct = np.bincount(self.labels, self.predicted == self.labels, len(self.classes))
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return np.divide(correct, counts, out=np.full(len(counts), np.nan), where=counts > 0)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes."""
        return float(np.nanmean(self.recalls))

    @property
    def f1(self) -> float:
        """Mean over classes of the harmonic mean of precision and recall."""
        present = np.unique(self.labels)
        score = f1_score(
            self.labels, self.predicted, labels=present, average="macro", zero_division=0
        )
        return float(score)

    @property
    def roc_auc(self) -> float:
        """Mean over classes of the area under the ROC curve, of the class against the others."""
        areas = [
            roc_auc_score(self.labels == k, self.probabilities[:, k])
            for k in np.unique(self.labels)
            if (self.labels != k).any()
        ]
        return float(np.mean(areas)) if areas else float("nan")

    @property
    def is_imbalanced(self) -> bool:
        """Whether a class has more than three times as many images as another."""
        counts = np.bincount(self.labels)
        return bool(counts.max() > _MUCH_LARGER * counts[counts > 0].min())

    @property
    def reliability(self) -> Reliability:
        """How often predictions are correct, by the probability that they claim."""
        return Reliability.of(self.probabilities.max(axis=1), self.predicted == self.labels)

    def most_confident_mistakes(self, n: int) -> Rows:
        """Return at most `n` misclassified images, the most confident predictions first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        order = np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")
        return wrong[order[:n]]

    def sentence(self) -> str:
        """Return the accuracy with its spread and the baseline, in one line."""
        scores = self.accuracies
        return (
            f"{scores.mean():.1%} ± {scores.std():.1%} over {len(scores)} folds "
            f"(always the most frequent class: {self.baseline:.1%})"
        )

    def summary(self) -> dict[str, Any]:
        """Return what a model file keeps, as plain numbers and arrays."""
        return {
            "accuracies": self.accuracies,
            "baseline": self.baseline,
            "confusion": self.confusion,
            "balanced_accuracy": self.balanced_accuracy,
            "calibration_error": self.reliability.error,
        }
