"""Predictions of image files, as a CSV table or as JSON lines."""

import csv
import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_regressor

from striate.files.spreadsheet_cells import file_cell, text_cell


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts for each of some files.

    Attributes
    ----------
    files : list of Path
        The images.
    classes : list of str
        Classes; empty for a regression.
    values : ndarray of shape (n_files, n_classes), or (n_files,) for a regression
        Probability of each class, or the predicted number.
    """

    files: list[Path]
    classes: list[str]
    values: npt.NDArray[np.floating[Any]]

    @property
    def labels(self) -> list[str]:
        """Most probable class of each file."""
        return [self.classes[k] for k in self.values.argmax(axis=1)]

    def least_sure_first(self) -> "Predictions":
        """Return the same predictions, sorted by the probability of the predicted class."""
        order = np.argsort(self.values.max(axis=1), kind="stable")
        return replace(self, files=[self.files[i] for i in order], values=self.values[order])

    def csv(self) -> str:
        """Return a table that a spreadsheet can open safely."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = map(file_cell, self.files)
        if not self.classes:
            writer.writerow(["file", "value"])
            writer.writerows(
                [name, f"{value:.6g}"] for name, value in zip(names, self.values, strict=True)
            )
            return text.getvalue()
        writer.writerow(["file", "label", "probability"])
        for name, label, row in zip(names, self.labels, self.values, strict=True):
            writer.writerow([name, text_cell(label), f"{row.max():.4f}"])
        return text.getvalue()

    def json_lines(self) -> str:
        """Return one JSON object per line; bytes of file names that are not text are escaped."""
        return "".join(json.dumps(each) + "\n" for each in self._records())

    def _records(self) -> list[dict[str, Any]]:
        names = map(os.fspath, self.files)
        if not self.classes:
            pairs = zip(names, self.values.tolist(), strict=True)
            return [{"file": name, "value": value} for name, value in pairs]
        return [
            {
                "file": name,
                "label": label,
                "probability": round(max(row), 6),
                "probabilities": {k: round(p, 6) for k, p in zip(self.classes, row, strict=True)},
            }
            for name, label, row in zip(names, self.labels, self.values.tolist(), strict=True)
        ]


def predicted(model: Any, files: list[Path], X: npt.NDArray[Any]) -> Predictions:
    """Predict files from their features, by the steps of a model after the features."""
    if is_regressor(model):
        return Predictions(files, [], model[1:].predict(X))
    classes = [str(each) for each in model.classes_]
    return Predictions(files, classes, model[1:].predict_proba(X))
