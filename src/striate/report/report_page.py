"""The report: from a model and labelled images to the text of one page."""

from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

import striate
from striate.analysis.cross_validation import (
    HeldOutPredictions,
    LearningCurve,
    cross_validate,
    evaluate,
    learning_curve,
)
from striate.analysis.top_patches import ExcitingPatches, exciting_patches
from striate.images.dictionary_encoder import DictionaryEncoder
from striate.images.patch_features import PatchFeatures

from .confusion_table import confusion_html
from .html import figure, image, stylesheet, table
from .labelled_images import Labelled
from .model_settings import settings_in_words
from .report_pictures import curve_svg, features_png, strip_png, thumbnail_png

_N_TOP = 8
_MOST_FILTERS = 400
_FIRST_STRIPS = 24
_MOST_STRIPS = 200
_MOST_MISTAKES = 24


def report_page(
    title: str,
    features: PatchFeatures,
    classifier: Any,
    labelled: Labelled,
    X: NDArray[Any],
    *,
    new: bool = False,
    watch: Watch = unwatched,
) -> str:
    """Measure and draw what the page shows, and fill it in.

    Parameters
    ----------
    title : str
        Name of the model.
    features : PatchFeatures
        Fitted.
    classifier : fitted estimator or Pipeline with predict_proba
        What follows the features.
    labelled : Labelled
    X : ndarray of shape (n_images, n_features)
        Features of the images.
    new : bool, default=False
        Whether the classifier was trained on none of the images, so that it may judge them itself.
        If not, they are judged by cross-validation.
    watch : callable
        Shows progress.

    Returns
    -------
    str
        HTML that needs nothing beside itself.
    """
    labels = labelled.labels
    judged = judge_new(classifier, X, labels) if new else judge(classifier, X, labels, watch)
    curve = learning_curve(classifier, X, labels, watch)
    exciting = exciting_patches(features, labelled.images, _N_TOP, watch)
    texts = _texts(title, labelled.folder, judged) | {"judging": _judging(judged, new)}
    parts = {name: escape(text) for name, text in texts.items()}
    parts |= {
        "style": stylesheet(),
        "n_units": f"{len(exciting.patches):,}",
        "n_seen": f"{exciting.n_seen:,}",
        "features": _features(features, exciting),
        "strips": _strips(features, exciting),
        "confusion": confusion_html([str(each) for each in judged.classes], judged.confusion),
        "curve": _curve(curve, judged.baseline),
        "curve_table": _curve_table(curve),
        "mistakes_intro": _mistakes_intro(judged),
        "mistakes": _mistakes(judged, labelled),
        "settings": _settings(features, classifier),
        "version": striate.__version__,
    }
    template = files("striate.report").joinpath("page.html").read_text(encoding="utf-8")
    return Template(template).substitute(parts)


def _texts(title: str, folder: Path, judged: Judgement) -> dict[str, str]:
    names, scores = [str(each) for each in judged.classes], judged.accuracies
    shown = ", ".join(names) if len(names) <= 12 else f"{len(names)} classes"
    n_images = len(judged.labels)
    return {
        "model": title,
        "lead": f"It tells apart {shown}. Measured on {n_images:,} images in {folder}.",
        "accuracy": f"{scores.mean():.1%}",
        "baseline": f"{judged.baseline:.1%}",
        "most_frequent": names[int(np.bincount(judged.labels).argmax())],
        "n_images": f"{n_images:,}",
        "n_classes": str(len(names)),
    }


def _judging(judged: Judgement, new: bool) -> str:
    before = "The features were learned before, without any label."
    scores = judged.accuracies
    if new:
        return (
            f"The model was trained on none of these images: {scores[0]:.1%} were right. {before}"
        )
    return (
        f"The images were divided into {len(scores)} parts. Each part was judged by a classifier "
        "trained on the others, so that no image was judged by one that had seen it: "
        f"{scores.mean():.1%} were right, from {scores.min():.1%} to {scores.max():.1%} by part. "
        f"{before}"
    )


def _features(features: PatchFeatures, exciting: ExcitingPatches) -> str:
    if not hasattr(features, "filters_"):
        return (
            "<p>These features do not weigh pixels, so there is no picture of their weights. What "
            "they answer to shows in the next part.</p>"
        )
    shown = np.sort(exciting.by_activity[:_MOST_FILTERS])
    every = len(shown) == len(exciting.patches)
    which = "all its" if every else f"the {len(shown)} most active of its"
    picture = image(
        features_png(features.filters_[shown]),
        f"A grid of {len(shown)} small pictures, what each feature looks for",
    )
    caption = (
        "Sorted by the angle of their stripes; those without a clear one come last. Mid grey is "
        "zero, lighter pixels excite the feature, darker ones inhibit it."
    )
    return (
        f"<p>The model looks at small patches of an image, each with {which} "
        f"{len(exciting.patches):,} features. {_origin(features.encoder_)}</p>"
        + figure(picture, caption, kind="mosaic")
    )


def _origin(encoder: Any) -> str:
    if getattr(encoder, "dictionary", None) == "random":
        return "They are random numbers, for comparison with learned ones."
    if isinstance(encoder, DictionaryEncoder):
        return (
            "Nobody told them what to look for: they are the entries of a dictionary that was made "
            "from unlabelled images. The finest detail is stressed in them, so that those of small "
            "or simple images look like noise; the pieces of images in the next part tell more."
        )
    return (
        "Nobody told them what to look for: this is what was found in unlabelled images. Edges, "
        "bars and colours are good signs; all noise is a bad one."
    )


def _strips(features: PatchFeatures, exciting: ExcitingPatches) -> str:
    filters = features.filters_ if hasattr(features, "filters_") else None
    units = exciting.by_activity[:_MOST_STRIPS]
    strips = [
        _strip(unit, None if filters is None else filters[unit], exciting)
        for unit in units.tolist()
    ]
    first, more = strips[:_FIRST_STRIPS], strips[_FIRST_STRIPS:]
    left = "" if filters is None else " On the left is the feature itself."
    text = f"<p>The {len(first)} most active features are shown first.{left}</p>"
    text += f'<div class="strips">{"".join(first)}</div>'
    if more:
        text += (
            f"<details><summary>The next {len(more)} features</summary>"
            f'<div class="strips">{"".join(more)}</div></details>'
        )
    return text


def _strip(unit: int, filter_: NDArray[Any] | None, exciting: ExcitingPatches) -> str:
    patches = exciting.patches[unit]
    alt = f"Feature {unit} and the {len(patches)} patches that excite it most"
    caption = (
        f"feature {unit}: up to {exciting.activations[unit, 0]:.2g}, "
        f"mean {exciting.mean_activation[unit]:.2g}"
    )
    return figure(image(strip_png(filter_, patches), alt), caption)


def _curve(curve: LearningCurve, baseline: float) -> str:
    mean = curve.accuracies.mean(axis=0)
    picture = image(
        curve_svg(curve, baseline, dark=False),
        f"Accuracy goes from {mean[0]:.0%} with {curve.n_labels[0]} labels a class to "
        f"{mean[-1]:.0%} with {curve.n_labels[-1]}",
        dark=curve_svg(curve, baseline, dark=True),
    )
    caption = "The band is one standard deviation over the parts that were judged."
    return figure(picture, caption, kind="chart")


def _curve_table(curve: LearningCurve) -> str:
    columns = zip(curve.n_labels, curve.accuracies.T, strict=True)
    rows = [[f"{n:,}", f"{row.mean():.1%}", f"{row.std():.1%}"] for n, row in columns]
    header = ["labels of each class", "right", "±"]
    return f'<div class="chart">{table("Right answers by number of labels", header, rows)}</div>'


def _mistakes_intro(judged: Judgement) -> str:
    n_wrong = int((judged.predicted != judged.labels).sum())
    if not n_wrong:
        return "Not one image was judged wrongly."
    one = n_wrong == 1
    which = "It is here" if one else "All are here"
    if n_wrong > _MOST_MISTAKES:
        which = f"The {_MOST_MISTAKES} about which the classifier was surest are here"
    return (
        f"{n_wrong:,} of {len(judged.labels):,} images {'was' if one else 'were'} judged wrongly. "
        f"{which}, the surest first. Look for wrong labels, for images that "
        "are none of the classes, and for what these images share."
    )


def _mistakes(judged: Judgement, labelled: Labelled) -> str:
    wrong, names = judged.most_wrong(_MOST_MISTAKES), labelled.names
    cards = [_mistake(judged, i, labelled.images[i], names[i]) for i in wrong]
    return f'<div class="mistakes">{"".join(cards)}</div>' if cards else ""


def _mistake(judged: Judgement, i: int, pixels: NDArray[Any], name: str) -> str:
    taken, true = judged.predicted[i], judged.labels[i]
    picture, is_small = thumbnail_png(pixels)
    said, is_ = (escape(str(judged.classes[k])) for k in (taken, true))
    drawn = image(
        picture,
        f"{name}: is {judged.classes[true]}, taken for {judged.classes[taken]}",
        kind="small" if is_small else "",
    )
    return (
        f"<figure>{drawn}<figcaption>taken for <b>{said}</b> ({judged.probabilities[i, taken]:.0%})"
        f"<br>is <b>{is_}</b> ({judged.probabilities[i, true]:.0%})<br>{escape(name)}"
        "</figcaption></figure>"
    )


def _settings(features: PatchFeatures, classifier: Any) -> str:
    return "\n".join(
        f"<dt>{escape(name)}: <span>{escape(value)}</span></dt><dd>{escape(meaning)}</dd>"
        for name, value, meaning in settings_in_words(features, classifier)
    )
