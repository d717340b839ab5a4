"""`striate show`: what is in a file, in words and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.shared_options import FeaturesOrModel

if TYPE_CHECKING:
    from striate.images.deep_patch_features import LayeredFeatures

EXAMPLES = ("striate show model.skops --out features.png",)


def show(
    file: FeaturesOrModel,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PNG",
            help="Output file for the picture (default: FILE with the suffix .png).",
        ),
    ] = None,
) -> None:
    """Print the settings stored in a file and draw its features.

    FILE comes from `striate learn` or `striate train`.
    """
    from striate.cli.models import feature_picture, load_features
    from striate.cli.output_paths import check_output, picture_beside
    from striate.files.atomic_writing import write_file

    if out is not None:
        check_output(out, ".png")
    picture = out or picture_beside(file)
    if picture == file:
        raise ValueError(f"{file}: is a picture; give a file from `striate learn` or `train`")
    estimator, features = load_features(file)
    write_file(picture, feature_picture(features))
    _print_table(str(file), _facts(estimator, features))
    print(f"Wrote a picture of the features to {picture}")


def _facts(estimator: Any, features: LayeredFeatures) -> dict[str, str]:
    from sklearn.base import is_regressor

    from striate.cli.models import label_names, layer_text, patch_text, symmetry_text
    from striate.images.deep_patch_features import layers_of

    classes = getattr(estimator, "classes_", None)
    first, *above = layers_of(features)
    kind = "classifier on features" if classes is not None else "features"
    kind = "regression on features" if is_regressor(estimator) else kind
    facts = {
        "kind": kind,
        "features": str(len(features.filters_)),
        "patch size": patch_text(features),
        "encoder": _encoder_text(first.encoder_),
        "pooling": f"{first.pooling}, {first.pool_grid}",
        "same features": symmetry_text(first),
    }
    facts |= {f"layer {number}": layer_text(layer) for number, layer in enumerate(above, 2)}
    several = label_names(estimator) if hasattr(estimator, "steps") else []
    if several:
        facts["labels"] = ", ".join(several)
    elif classes is not None:
        facts["classes"] = ", ".join(map(str, classes))
    return facts | _training_facts(estimator)


def _encoder_text(encoder: Any) -> str:
    from striate import DictionaryEncoder

    name = type(encoder).__name__
    if isinstance(encoder, DictionaryEncoder):
        name += f" ({encoder.dictionary}, {encoder.encoding})"
    return name


def _training_facts(model: Any) -> dict[str, str]:
    """Return what `striate train` stored in the model."""
    facts = {}
    if hasattr(model, "trained_on_"):
        facts["trained on"] = f"{len(model.trained_on_['checksums'])} images"
    if hasattr(model, "cross_validation_"):
        facts |= _scores(model.cross_validation_)
    return facts


def _scores(known: dict[str, Any]) -> dict[str, str]:
    if "r2" in known:
        error = f"{known['mean_absolute_error']:.4g} on held-out images"
        return {"mean absolute error": error, "R²": f"{known['r2']:.3f}"}
    accuracies = known["accuracies"]
    spread = f"{accuracies.mean():.1%} ± {accuracies.std():.1%}"
    facts = {"accuracy": f"{spread} on held-out images, over {len(accuracies)} folds"}
    if "calibration_error" in known:
        facts["expected calibration error"] = f"{known['calibration_error']:.1%}"
    return facts


def _print_table(title: str, facts: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(name, value)
    Console(markup=False, highlight=False).print(table)
