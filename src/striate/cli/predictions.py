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

from .models import label_names


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


@dataclass(frozen=True, eq=False)
class LabelProbabilities(Predictions):
    """The probability of each of several labels, which may all be true, for each of some files.

    The attributes are those of `Predictions`; `classes` are the labels.
    """

    @property
    def labels(self) -> list[str]:
        """Labels of each file that are more probable than not, separated by commas."""
        return [",".join(names) for names in self._true()]

    def least_sure_first(self) -> Predictions:
        """Return the same predictions, sorted by how sure the least sure label is."""
        order = np.argsort(np.abs(self.values - 0.5).min(axis=1), kind="stable")
        return replace(self, files=[self.files[i] for i in order], values=self.values[order])

    def csv(self) -> str:
        """Return a table with a column of probabilities for each label."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["file", *map(text_cell, self.classes)])
        for name, row in zip(map(file_cell, self.files), self.values, strict=True):
            writer.writerow([name, *(f"{p:.4f}" for p in row)])
        return text.getvalue()

    def _true(self) -> list[list[str]]:
        pairs = [zip(self.classes, row, strict=True) for row in self.values]
        return [[name for name, p in pair if p > 0.5] for pair in pairs]

    def _records(self) -> list[dict[str, Any]]:
        rows = zip(map(os.fspath, self.files), self._true(), self.values.tolist(), strict=True)
        return [
            {
                "file": name,
                "labels": true,
                "probabilities": {k: round(p, 6) for k, p in zip(self.classes, row, strict=True)},
            }
            for name, true, row in rows
        ]


def predicted(model: Any, files: list[Path], X: npt.NDArray[Any]) -> Predictions:
    """Predict files from their features, by the steps of a model after the features."""
    names = label_names(model)
    if names:
        values = np.column_stack([p[:, 1] for p in model[1:].predict_proba(X)])
        return LabelProbabilities(files, names, values)
    if is_regressor(model):
        return Predictions(files, [], model[1:].predict(X))
    classes = [str(each) for each in model.classes_]
    return Predictions(files, classes, model[1:].predict_proba(X))
