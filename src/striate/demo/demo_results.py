"""What the demo measured, as tables and in words."""

from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

import striate
from striate.analysis.shift_sensitivity import ShiftSensitivity
from striate.report.html import table

from .demo_settings import Settings
from .gradient_checks import HIDDEN
from .label_curves import DIGITS_PATCH_SIZE, METHODS, TILE_SIZE
from .learned_features import PATCH_SIZE, SPARSITY_TARGET, n_edges
from .photographs import NAMES
from .shift_invariance import NOT_POOLED, POOLED, SHIFTS, WINDOW

#: Titles of the two tasks.
PHOTOGRAPHS, DIGITS = "Which photograph is a tile from?", "Which digit is it?"

CODE = """\
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from striate import FeatureDisplay, ImageWhitening, PatchFeatures, PatchScaler, SparseAutoencoder

autoencoder = SparseAutoencoder(
    100, output_activation="logistic", sparsity_target=0.02, sparsity_weight=0.3, max_iter=500
)
features = PatchFeatures(
    autoencoder, patch_size=10, n_patches=20_000, normalize="mean", whitening=PatchScaler()
)
look = make_pipeline(ImageWhitening(), features).fit(photographs)  # no labels
FeatureDisplay.from_estimator(features, sort="orientation")
classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
classifier.fit(look.transform(few_images), few_labels)
"""


@dataclass
class Findings:
    """All that was measured.

    Attributes
    ----------
    model : Pipeline
        Learned from the photographs.
    seconds_learning : float
    gradients : dict
        (loss, output activation): differences, one for each hidden activation.
    mistake : float
        The difference for a gradient with a mistake.
    accuracies : dict of dict
        Task: method: array (n label counts, n splits), in percent.
    changes : dict
        Description: change for each of `SHIFTS`.
    tile_pooling : str
        How features of a tile are pooled.
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
        """Points by which learned features are ahead, on average."""
        result = self.accuracies[task]
        return float(result[METHODS[0]].mean() - result[over].mean())


# A table: its title, the heads of its columns, its rows.
Table = tuple[str, list[str], list[list[str]]]


def gradient_table(found: Findings) -> Table:
    """Relative differences between exact and numerical gradients."""
    rows = [
        [f"{loss.replace('_', ' ')}, {output}", *(f"{value:.0e}" for value in values)]
        for (loss, output), values in found.gradients.items()
    ]
    title = "Gradient checks: relative difference, for each kind of hidden units"
    return title, ["loss, output units", *HIDDEN], rows


def accuracy_tables(found: Findings, settings: Settings) -> list[Table]:
    """Accuracies in percent, with their spread over the splits."""
    header = ["labels a class", *(str(n) for n in settings.n_labels)]
    return [
        (
            f"{task} % right, mean ± standard deviation of {settings.n_splits} draws",
            header,
            [
                [name, *(f"{row.mean():.1f} ± {row.std():.1f}" for row in rows)]
                for name, rows in result.items()
            ],
        )
        for task, result in found.accuracies.items()
    ]


def change_table(found: Findings) -> Table:
    """Changes of descriptions when the image moves."""
    header = ["moved by", *(f"{d} pixel{'s' if d > 1 else ''}" for d in SHIFTS)]
    rows = [[name, *(f"{v:.2f}" for v in each.mean)] for name, each in found.changes.items()]
    return "Change when the picture moves; 1: as far as another picture", header, rows


def parts_of_page(found: Findings, settings: Settings, seconds: float) -> dict[str, str]:
    """What the page says, but for its pictures."""
    photographs = found.accuracies[PHOTOGRAPHS]
    features = found.model[-1]
    texts: dict[str, object] = {
        "n_edges": n_edges(features),
        "n_features": len(features.filters_),
        "n_patches": f"{settings.n_patches:,}",
        "patch_size": PATCH_SIZE,
        "n_pixels": PATCH_SIZE**2,
        "sparsity_target": SPARSITY_TARGET,
        "n_iter": features.encoder_.n_iter_,
        "seconds_learning": f"{found.seconds_learning:.0f}",
        "n_checks": sum(len(row) for row in found.gradients.values()),
        "largest_difference": _power_of_ten(found.largest_difference),
        "mistake": f"{found.mistake:.1g}",
        "few": settings.n_labels[0],
        "learned_few": f"{photographs['learned features'][0].mean():.0f}",
        "raw_few": f"{photographs['raw pixels'][0].mean():.0f}",
        "tile_size": TILE_SIZE,
        "tile_pooling": {"mean": "mean", "max": "maximum"}[found.tile_pooling],
        "digits_patch": DIGITS_PATCH_SIZE,
        "lead_photographs": f"{found.lead(PHOTOGRAPHS, 'random filters'):.1f}",
        "lead_pixels": f"{found.lead(PHOTOGRAPHS, 'raw pixels'):.1f}",
        "lead_digits": f"{found.lead(DIGITS, 'random filters'):.1f}",
        "window": WINDOW,
        "n_windows": settings.n_windows * len(NAMES),
        "change_whole": f"{found.changes[NOT_POOLED].mean[0]:.2f}",
        "change_pooled": f"{found.changes[POOLED].mean[0]:.2f}",
        "version": striate.__version__,
        "seconds": f"{seconds:.0f}",
    }
    return {name: escape(str(text)) for name, text in texts.items()} | {
        "code": escape(CODE),
        "gradients": table(*gradient_table(found)),
        "accuracies": "".join(table(*each) for each in accuracy_tables(found, settings)),
    }


def _power_of_ten(value: float) -> str:
    """Write 2e-08 as 2 × 10⁻⁸."""
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit} × 10" + str(int(exponent)).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
