"""The predictions of a random forest, for several threads at a time."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier


class ForestVotes:
    """A fitted forest, which several threads may call.

    scikit-learn's own methods go through joblib, and each call changes the warning filters of the
    process for a while, which other threads must not do meanwhile.

    Parameters
    ----------
    forest : fitted RandomForestClassifier
    """

    def __init__(self, forest: RandomForestClassifier) -> None:
        self._forest = forest

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return the mean of what the trees predict, (n_samples, n_classes)."""
        X = np.ascontiguousarray(X, dtype=np.float32)  # as trees take it
        trees = self._forest.estimators_
        total = np.zeros((len(X), len(self._forest.classes_)))
        for tree in trees:
            total += tree.predict_proba(X, check_input=False)
        return total / len(trees)

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the most probable class of each row, (n_samples,)."""
        labels: npt.NDArray[Any] = self._forest.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels
