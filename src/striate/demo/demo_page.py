"""The demo's page: its words are in the template, its numbers are here."""

from collections.abc import Mapping
from typing import Any

import striate
from striate.report.page_templates import page_template

from .demo_results import DIGITS, PHOTOGRAPHS, Results, accuracy_tables, gradient_table
from .demo_settings import Settings
from .label_curves import DIGITS_PATCH_SIZE, TILE_SIZE
from .learned_features import PATCH_SIZE, SPARSITY_TARGET, n_edges
from .photographs import NAMES
from .shift_invariance import NOT_POOLED, POOLED, WINDOW

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


def demo_page(
    results: Results, settings: Settings, seconds: float, pictures: Mapping[str, bytes]
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    results : Results
        Measurements.
    settings : Settings
        Sizes of the demo.
    seconds : float
        Time that the demo took.
    pictures : dict
        PNG files by their names.
    """
    return page_template("demo.html", package="striate.demo").render(
        pictures=pictures,
        code=CODE,
        version=striate.__version__,
        seconds=f"{seconds:.0f}",
        gradient_table=gradient_table(results),
        accuracy_tables=accuracy_tables(results, settings),
        **_values_of_learning(results, settings),
        **_values_of_checks(results),
        **_values_of_accuracies(results, settings),
        **_values_of_shifts(results, settings),
    )


def _values_of_learning(results: Results, settings: Settings) -> dict[str, Any]:
    features = results.model[-1]
    return {
        "n_edges": n_edges(features),
        "n_features": len(features.filters_),
        "n_patches": f"{settings.n_patches:,}",
        "patch_size": PATCH_SIZE,
        "n_pixels": PATCH_SIZE**2,
        "sparsity_target": SPARSITY_TARGET,
        "n_iter": features.encoder_.n_iter_,
        "seconds_learning": f"{results.seconds_learning:.0f}",
    }


def _values_of_checks(results: Results) -> dict[str, Any]:
    return {
        "n_checks": sum(len(row) for row in results.gradients.values()),
        "largest_difference": _power_of_ten(results.largest_difference),
        "mistake": f"{results.mistake:.1g}",
    }


def _values_of_accuracies(results: Results, settings: Settings) -> dict[str, Any]:
    photographs = results.accuracies[PHOTOGRAPHS]
    return {
        "few": settings.n_labels[0],
        "learned_few": f"{photographs['learned features'][0].mean():.0f}",
        "raw_few": f"{photographs['raw pixels'][0].mean():.0f}",
        "tile_size": TILE_SIZE,
        "tile_pooling": {"mean": "mean", "max": "maximum"}[results.tile_pooling],
        "digits_patch": DIGITS_PATCH_SIZE,
        "lead_photographs": f"{results.lead(PHOTOGRAPHS, 'random filters'):.1f}",
        "lead_pixels": f"{results.lead(PHOTOGRAPHS, 'raw pixels'):.1f}",
        "difference_digits": f"{abs(results.lead(DIGITS, 'random filters')):.1f}",
    }


def _values_of_shifts(results: Results, settings: Settings) -> dict[str, Any]:
    return {
        "window": WINDOW,
        "n_windows": settings.n_windows * len(NAMES),
        "change_whole": f"{results.changes[NOT_POOLED].mean[0]:.2f}",
        "change_pooled": f"{results.changes[POOLED].mean[0]:.2f}",
    }


def _power_of_ten(value: float) -> str:
    """Write 2e-08 as 2 × 10⁻⁸."""
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit} × 10" + str(int(exponent)).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
