"""What is in a file, in words and as a picture."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from striate.files.atomic_writing import replacing
from striate.images.dictionary_encoder import DictionaryEncoder
from striate.images.patch_features import PatchFeatures
from striate.persistence import load

from .outputs import check_picture, picture_beside


def load_features(path: Path) -> tuple[Any, PatchFeatures]:
    """Read a file and find the features in it.

    Returns
    -------
    estimator
        What the file holds: features, or a pipeline that starts with them.
    PatchFeatures
        The features.

    Raises
    ------
    ValueError
        If there are none.
    """
    estimator = load(path)
    first = estimator[0] if hasattr(estimator, "steps") else estimator
    features = getattr(first, "estimator", first)  # frozen by `striate train`
    if not isinstance(features, PatchFeatures) or not hasattr(features, "patch_shape_"):
        raise ValueError(
            f"{path}: holds a {type(estimator).__name__} without learned features; "
            "give a file from `striate learn` or `striate train`"
        )
    return estimator, features


def draw_features(features: PatchFeatures, path: Path) -> None:
    """Write the picture of features to a file."""
    import matplotlib as mpl

    from striate.display import FeatureDisplay

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    display = FeatureDisplay.from_estimator(features)
    try:
        display.figure_.savefig(path, format="png")
    finally:
        plt.close(display.figure_)


def show_file(path: Path, out: Path | None) -> None:
    """Print what a file holds, and draw its features."""
    if out is not None:
        check_picture(out)
    picture = out or picture_beside(path)
    if picture == path:
        raise ValueError(f"{path}: this is the name of a picture; give a file of features")
    estimator, features = load_features(path)
    with replacing(picture) as temporary:
        draw_features(features, temporary)
    _print_table(str(path), _facts(estimator, features))
    print(f"Wrote the picture of the features to {picture}")


def describe(features: PatchFeatures) -> str:
    """Number and size of the features, in words."""
    n_features = len(features.filters_)
    return f"{n_features} feature{'s' if n_features != 1 else ''} of {_patch(features)}"


def _patch(features: PatchFeatures) -> str:
    height, width, channels = features.patch_shape_
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    return f"{height}×{width} pixels, {kind}"


def _facts(estimator: Any, features: PatchFeatures) -> dict[str, str]:
    classes = getattr(estimator, "classes_", None)
    facts = {
        "kind": "features" if classes is None else "classifier on features",
        "features": str(len(features.filters_)),
        "patch size": _patch(features),
        "learned by": _learner(features.encoder_),
        "pooling": f"{features.pooling}, {features.pool_grid}",
        "mirror images": "the same features" if features.flips else "other features",
    }
    if classes is not None:
        facts["classes"] = ", ".join(map(str, classes))
    facts |= _facts_of_training(estimator)
    return facts


def _learner(encoder: Any) -> str:
    name = type(encoder).__name__
    if isinstance(encoder, DictionaryEncoder):
        name += f" ({encoder.dictionary}, {encoder.encoding})"
    return name


def _facts_of_training(model: Any) -> dict[str, str]:
    """Say what `striate train` kept."""
    facts = {}
    if hasattr(model, "trained_on_"):
        facts["trained on"] = f"{len(model.trained_on_['checksums'])} images"
    if hasattr(model, "cross_validation_"):
        scores = model.cross_validation_["accuracies"]
        facts["accuracy"] = f"{scores.mean():.1%} ± {scores.std():.1%} over {len(scores)} folds"
    return facts


def _print_table(title: str, facts: dict[str, str]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(name, value)
    Console(markup=False, highlight=False).print(table)
