"""Features and models in files: loaded, described in words, drawn."""

import io
from pathlib import Path
from typing import Any

from sklearn.base import is_regressor
from sklearn.multioutput import MultiOutputClassifier

from striate.files.read_images import as_picture
from striate.images.deep_patch_features import LayeredFeatures, layers_of
from striate.images.patch_features import PatchFeatures
from striate.persistence import load

from .plurals import plural


def load_features(path: Path) -> tuple[Any, LayeredFeatures]:
    """Load a file from `striate learn` or `striate train`, and find the features in it.

    Returns
    -------
    estimator
        Content of the file: features, or a pipeline that starts with them.
    PatchFeatures or DeepPatchFeatures
        The features.

    Raises
    ------
    ValueError
        If the file does not hold fitted features.
    """
    if path.suffix.lower() == ".npy":
        raise ValueError(
            f"{path}: is a table of features; give the file from `striate learn` here, and the "
            "table with --table"
        )
    estimator = load(path)
    first = estimator[0] if hasattr(estimator, "steps") else estimator
    features = getattr(first, "estimator", first)  # frozen by `striate train`
    if not isinstance(features, LayeredFeatures) or not hasattr(features, "patch_shape_"):
        raise ValueError(
            f"{path}: holds a {type(estimator).__name__} without learned features; "
            "give a file from `striate learn` or `striate train`"
        )
    return estimator, features


def load_only_features(path: Path) -> LayeredFeatures:
    """Load a file from `striate learn`.

    Raises
    ------
    ValueError
        If the file does not hold fitted features, or holds a model.
    """
    estimator, _ = load_features(path)
    if not isinstance(estimator, LayeredFeatures):
        raise ValueError(f"{path}: is a model; give features, from `striate learn`")
    return estimator


def load_model(path: Path) -> tuple[Any, LayeredFeatures]:
    """Load a file from `striate train`: a classifier or a regression, and the features in it.

    Raises
    ------
    ValueError
        If the file does not hold a model on features.
    """
    model, features = load_features(path)
    if not (hasattr(model, "predict_proba") or is_regressor(model)):
        raise ValueError(f"{path}: holds no classifier; make one with `striate train`")
    return model, features


def label_names(model: Any) -> list[str]:
    """Return the names of the labels of a model with several per image; none for other models.

    Raises
    ------
    ValueError
        If the model does not name them.
    """
    classifier = model[-1]
    if not isinstance(classifier, MultiOutputClassifier):
        return []
    names = [str(each) for each in getattr(model, "trained_on_", {}).get("label_columns", [])]
    if len(names) != len(classifier.estimators_):
        raise ValueError("the model does not name its labels; train it again")
    return names


def describe(features: LayeredFeatures) -> str:
    """Return the number and size of the features in words."""
    first, *above = layers_of(features)
    text = f"{plural(len(first.filters_), 'feature')} of {patch_text(first)}"
    for number, layer in enumerate(above, 2):
        text += f", and {layer_text(layer)} in layer {number}"
    return text


def layer_text(layer: PatchFeatures) -> str:
    """Return the number and size of the features of a layer above the first in words."""
    height, width, channels = layer.patch_shape_
    n_units = len(layer.encoder_.components_)
    return f"{plural(n_units, 'feature')} of {height}×{width} map pixels with {channels} channels"


def patch_text(features: LayeredFeatures) -> str:
    """Return the size of a patch in words."""
    height, width, channels = features.patch_shape_
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    return f"{height}×{width} pixels, {kind}"


def symmetry_text(layer: PatchFeatures) -> str:
    """Return in words which copies of an image have the same features."""
    if layer.symmetries is None:
        return "for mirror images" if layer.flips else "for no other image"
    return {
        "flips": "for images flipped left, right, up or down",
        "rotations": "for images turned by 90 degrees",
        "all": "for images flipped or turned by 90 degrees",
    }["all" if layer.flips and layer.symmetries == "rotations" else layer.symmetries]


def feature_picture(features: LayeredFeatures) -> bytes:
    """Return a picture of the features as the content of a PNG file."""
    import matplotlib as mpl

    from striate.display import FeatureDisplay

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    display = FeatureDisplay(as_picture(features.filters_)).plot()
    try:
        content = io.BytesIO()
        display.figure_.savefig(content, format="png")
        return content.getvalue()
    finally:
        plt.close(display.figure_)
