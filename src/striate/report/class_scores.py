"""The report's measurements of a classifier, as the values of its template."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.analysis.cross_validation import (
    LearningCurve,
    cross_validate,
    evaluate,
    is_measurable,
    learning_curve,
)
from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.analysis.progress_protocol import Progress
from striate.analysis.reliability import Reliability
from striate.analysis.self_trained_images import calibrated

from .confusion_table import ConfusionTable
from .labelled_images import Labelled
from .report_pictures import curve_svg, reliability_svg, thumbnail_png

_MOST_MISTAKES = 24


def class_values(
    classifier: Any,
    labelled: Labelled,
    X: NDArray[Any],
    new: bool,
    progress: Progress,
    unlabeled: NDArray[Any] | None = None,
) -> dict[str, Any]:
    """Measure a classifier; the parameters are those of `report_page`.

    Raises
    ------
    ValueError
        If no two classes have images in several groups.
    """
    used = is_measurable(labelled.labels, labelled.groups)
    if len(np.unique(labelled.labels[used])) < 2:
        what = "images" if labelled.groups is None else "groups of images"
        raise ValueError(
            f"{labelled.folder}: has fewer than two classes with at least two {what} each; the "
            "report needs them"
        )
    measured, rows = labelled.part(used), X[used]
    curve = learning_curve(classifier, rows, measured.labels, progress, groups=measured.groups)
    if new:
        measured, held_out = labelled, evaluate(classifier, X, labelled.labels)
    else:
        held_out = cross_validate(
            classifier, rows, measured.labels, progress, groups=measured.groups, unlabeled=unlabeled
        )
        held_out = held_out if unlabeled is None else calibrated(held_out)[0]
    return {
        "numbers": None,
        "several": None,
        "left_out": [] if new else sorted(set(labelled.labels[~used].tolist())),
        "curve": _curve_values(curve, held_out.baseline),
        "n_unlabeled": 0 if unlabeled is None else len(unlabeled),
        "mistakes": mistakes_of(held_out, measured),
        "reliability": reliability_values(held_out.reliability),
        **_accuracy_values(held_out),
    }


def _accuracy_values(held_out: HeldOutPredictions) -> dict[str, Any]:
    names = [str(each) for each in held_out.classes]
    return {
        "names": names,
        "n_images": len(held_out.labels),
        "accuracy": held_out.accuracies.mean(),
        "fold_accuracies": held_out.accuracies.tolist(),
        "baseline": held_out.baseline,
        "most_frequent": names[int(np.bincount(held_out.labels).argmax())],
        "confusion": ConfusionTable(names, held_out.confusion),
        "n_mistakes": held_out.n_mistakes,
        "imbalance": held_out if held_out.is_imbalanced else None,
    }


def reliability_values(reliability: Reliability) -> dict[str, Any]:
    """Return pictures and numbers of how far probabilities hold."""
    columns = zip(*reliability, strict=True)
    return {
        "light": reliability_svg(reliability, dark=False),
        "dark": reliability_svg(reliability, dark=True),
        "error": reliability.error,
        "rows": [[f"{p:.1%}", f"{correct:.1%}", f"{n:,}"] for p, correct, n in columns],
    }


def _curve_values(curve: LearningCurve, baseline: float) -> dict[str, Any]:
    columns = zip(curve.n_labels, curve.accuracies.T, strict=True)
    return {
        "light": curve_svg(curve, baseline, dark=False),
        "dark": curve_svg(curve, baseline, dark=True),
        "rows": [[f"{n:,}", f"{each.mean():.1%}", f"{each.std():.1%}"] for n, each in columns],
    }


class _Mistake(NamedTuple):
    """A misclassified image, with the probabilities of the predicted and the true class."""

    picture: bytes
    is_small: bool
    file: str
    predicted: str
    p_predicted: float
    actual: str
    p_actual: float


def mistakes_of(
    held_out: HeldOutPredictions, labelled: Labelled, n: int = _MOST_MISTAKES
) -> list[_Mistake]:
    """Return at most `n` misclassified images, the most confident predictions first."""
    rows = held_out.most_confident_mistakes(n)
    names = labelled.names
    return [_mistake(held_out, i, labelled.images[i], names[i]) for i in rows.tolist()]


def _mistake(held_out: HeldOutPredictions, i: int, pixels: NDArray[Any], file: str) -> _Mistake:
    predicted, actual = held_out.predicted[i], held_out.labels[i]
    picture, is_small = thumbnail_png(pixels)
    return _Mistake(
        picture=picture,
        is_small=is_small,
        file=file,
        predicted=str(held_out.classes[predicted]),
        p_predicted=held_out.probabilities[i, predicted],
        actual=str(held_out.classes[actual]),
        p_actual=held_out.probabilities[i, actual],
    )
