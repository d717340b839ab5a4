"""The demo's measurements, and tables of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from striate.analysis.shift_sensitivity import ShiftSensitivity

from .demo_settings import Settings
from .gradient_checks import HIDDEN
from .label_curves import METHODS
from .shift_invariance import SHIFTS

#: Titles of the two tasks.
PHOTOGRAPHS, DIGITS = "Which photograph is a tile from?", "Which digit is it?"


@dataclass
class Results:
    """All measurements.

    Attributes
    ----------
    model : Pipeline
        Features learned from the photographs.
    seconds_learning : float
        Time of learning them.
    gradients : dict
        Relative differences by (loss, output activation), one for each hidden activation.
    mistake : float
        Relative difference for a gradient with a mistake.
    accuracies : dict of dict
        Accuracies in percent by task and method, (number of label counts, number of draws).
    changes : dict
        `ShiftSensitivity` over `SHIFTS` by the name of the features.
    tile_pooling : str
        Pooling of the features of a tile.
    """

    model: Pipeline
    seconds_learning: float
    gradients: dict[tuple[str, str], list[float]]
    mistake: float
    accuracies: dict[str, dict[str, NDArray[np.float64]]]
    changes: dict[str, ShiftSensitivity]
    tile_pooling: str

    @property
    def largest_difference(self) -> float:
        """Largest relative difference of all gradient checks."""
        return max(max(row) for row in self.gradients.values())

    def lead(self, task: str, over: str) -> float:
        """Return by how many points learned features are ahead, on average."""
        accuracies = self.accuracies[task]
        return float(accuracies[METHODS[0]].mean() - accuracies[over].mean())


# A table: its title, its header, its rows.
Table = tuple[str, list[str], list[list[str]]]


def gradient_table(results: Results) -> Table:
    """Return relative differences between exact and numerical gradients."""
    rows = [
        [f"{loss.replace('_', ' ')}, {output}", *(f"{value:.0e}" for value in values)]
        for (loss, output), values in results.gradients.items()
    ]
    title = "Gradient checks: relative difference, by activation of the hidden units"
    return title, ["loss, output units", *HIDDEN], rows


def accuracy_tables(results: Results, settings: Settings) -> list[Table]:
    """Return accuracies in percent with their standard deviations, one table for each task."""
    header = ["labels per class", *(str(n) for n in settings.n_labels)]
    return [
        (
            f"{task} Accuracy in %, mean ± std over {settings.n_splits} draws",
            header,
            [
                [name, *(f"{row.mean():.1f} ± {row.std():.1f}" for row in rows)]
                for name, rows in accuracies.items()
            ],
        )
        for task, accuracies in results.accuracies.items()
    ]


def change_table(results: Results) -> Table:
    """Return the changes of features when the image moves."""
    header = ["moved by", *(f"{d} pixel{'s' if d > 1 else ''}" for d in SHIFTS)]
    rows = [[name, *(f"{v:.2f}" for v in each.mean)] for name, each in results.changes.items()]
    return "Change when the image moves; 1: as much as another image", header, rows
