"""The report: measure a model on labelled images, and fill in one HTML page."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import striate
from striate.analysis.progress_protocol import Progress, no_progress
from striate.analysis.top_patches import TopPatches, top_patches
from striate.images.deep_patch_features import LayeredFeatures, layers_of
from striate.images.dictionary_encoder import DictionaryEncoder
from striate.images.patch_features import PatchFeatures

from .class_scores import class_values
from .label_scores import Decisions, label_values
from .labelled_images import Labelled
from .model_settings import settings_in_words
from .number_scores import number_values
from .page_templates import page_template
from .report_pictures import features_png, strip_png

_N_TOP = 8
_MOST_FILTERS = 400
_FIRST_STRIPS = 24
_MOST_STRIPS = 200


def report_page(
    title: str,
    features: LayeredFeatures,
    classifier: Any,
    labelled: Labelled,
    X: NDArray[Any],
    *,
    new: bool = False,
    unlabeled: NDArray[Any] | None = None,
    decisions: Decisions | None = None,
    progress: Progress = no_progress,
) -> str:
    """Return the page as HTML with all its pictures embedded.

    Parameters
    ----------
    title : str
        Name of the model.
    features : PatchFeatures or DeepPatchFeatures
        Fitted features.
    classifier : fitted estimator or Pipeline
        Classifier with predict_proba, or regression, on these features.
    labelled : Labelled
        Images and their labels.
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    new : bool, default=False
        Whether the classifier was trained on none of the images. If so, it predicts them itself;
        if not, they are predicted by cross-validation.
    unlabeled : ndarray of shape (n_unlabeled, n_features), default=None
        Features of images without labels that the classifier was trained on, too.
    decisions : Decisions, default=None
        Several labels per image, for a classifier of several outputs.
    progress : callable
        Shows progress.
    """
    template = page_template("report.html")
    if decisions is not None:
        scores = label_values(classifier, labelled, X, decisions, new, progress)
    elif labelled.has_numbers:
        scores = number_values(classifier, labelled, X, new, progress)
    else:
        scores = class_values(classifier, labelled, X, new, progress, unlabeled)
    layers = layers_of(features)
    top, *above = (
        top_patches(features, labelled.images, _N_TOP, progress, layer=number)
        for number in range(len(layers))
    )
    return template.render(
        model=title,
        folder=labelled.folder,
        new=new,
        n_groups=0 if labelled.groups is None else len(np.unique(labelled.groups)),
        settings=settings_in_words(features, classifier),
        version=striate.__version__,
        **scores,
        layers_above=[_layer_above(number, each) for number, each in enumerate(above, 2)],
        **_feature_values(layers[0], top),
    )


def _feature_values(features: PatchFeatures, top: TopPatches) -> dict[str, Any]:
    filters = getattr(features, "filters_", None)
    grid = None
    if filters is not None:
        shown = np.sort(top.by_activity[:_MOST_FILTERS])
        grid = {"picture": features_png(filters[shown]), "n_shown": len(shown)}
    return {
        "n_units": len(top.patches),
        "n_patches": top.n_patches,
        "origin": _origin(features.encoder_),
        "grid": grid,
        **_strips(filters, top),
    }


def _layer_above(number: int, top: TopPatches) -> dict[str, Any]:
    """Return the values of a layer that does not see pixels."""
    height, width = top.patches.shape[2:4]
    size = f"{height} × {width}"
    return {"number": number, "n_units": len(top.patches), "size": size, **_strips(None, top)}


def _strips(filters: NDArray[Any] | None, top: TopPatches) -> dict[str, Any]:
    strips = [_strip(unit, filters, top) for unit in top.by_activity[:_MOST_STRIPS].tolist()]
    return {"strips": strips[:_FIRST_STRIPS], "more_strips": strips[_FIRST_STRIPS:]}


def _origin(encoder: Any) -> str:
    """Return what the features are: "random", "dictionary" or "network"."""
    if not isinstance(encoder, DictionaryEncoder):
        return "network"
    return "random" if encoder.dictionary == "random" else "dictionary"


class _Strip(NamedTuple):
    """A feature and the patches that excite it most."""

    unit: int
    picture: bytes
    n_patches: int
    highest: float
    mean: float


def _strip(unit: int, filters: NDArray[Any] | None, top: TopPatches) -> _Strip:
    patches = top.patches[unit]
    return _Strip(
        unit=unit,
        picture=strip_png(None if filters is None else filters[unit], patches),
        n_patches=len(patches),
        highest=top.activations[unit, 0],
        mean=top.mean_activation[unit],
    )
