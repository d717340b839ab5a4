"""The report's measurements of several labels per image, as the values of its template."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.analysis.cross_validation import evaluate
from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.analysis.label_validation import cross_validate_label
from striate.analysis.progress_protocol import Progress

from .class_scores import mistakes_of, reliability_values
from .labelled_images import Labelled

_MOST_MISTAKES = 8


class Decisions(NamedTuple):
    """Which labels images have.

    Attributes
    ----------
    names : list of str
        The labels.
    Y : ndarray of int of shape (n_images, n_labels)
        1 where an image has a label, 0 where not.
    """

    names: list[str]
    Y: NDArray[np.intp]


def label_values(
    classifier: Any,
    labelled: Labelled,
    X: NDArray[Any],
    decisions: Decisions,
    new: bool,
    progress: Progress,
) -> dict[str, Any]:
    """Measure the classifier of each label; the parameters are those of `report_page`."""
    head = classifier[-1]
    found: list[_Found] = []
    for k, y in enumerate(decisions.Y.T):
        if new:
            held_out, used = evaluate(head.estimators_[k], X, y), np.ones(len(y), dtype=bool)
            found.append(_Found(decisions.names[k], y, held_out, used))
        else:
            measured = cross_validate_label(head.estimator, X, y, progress, groups=labelled.groups)
            found.append(_Found(decisions.names[k], y, *measured))
    measured_scores = [each.held_out.balanced_accuracy for each in found if each.held_out]
    n_folds = [len(each.held_out.accuracies) for each in found if each.held_out]
    several = {
        "names": decisions.names,
        "balanced_accuracy": float(np.mean(measured_scores)) if measured_scores else None,
        "n_folds": max(n_folds, default=0),
        "rows": [_row(each) for each in found],
        "details": [_details(each, labelled) for each in found if each.held_out],
        "left_out": [each.name for each in found if each.held_out is None],
    }
    return {"numbers": None, "several": several, "n_images": len(X)}


class _Found(NamedTuple):
    """A label, which images have it, and predictions of those that could be held out."""

    name: str
    y: NDArray[np.intp]
    held_out: HeldOutPredictions | None
    used: NDArray[np.bool_]


def _row(found: _Found) -> list[str]:
    n_true, held_out = f"{found.y.sum():,}", found.held_out
    if held_out is None:
        return [found.name, n_true, *["–"] * 6]
    without, with_label = held_out.recalls
    return [
        found.name,
        n_true,
        f"{held_out.accuracies.mean():.1%}",
        f"{held_out.balanced_accuracy:.1%}",
        f"{with_label:.1%}",
        f"{without:.1%}",
        f"{held_out.roc_auc:.3f}",
        f"{held_out.reliability.error:.1%}",
    ]


def _details(found: _Found, labelled: Labelled) -> dict[str, Any]:
    held_out = found.held_out
    assert held_out is not None
    names = np.array([f"not {found.name}", found.name])
    shown = HeldOutPredictions(
        names[held_out.classes], held_out.labels, held_out.probabilities, held_out.folds
    )
    return {
        "name": found.name,
        "n_mistakes": held_out.n_mistakes,
        "n_images": len(held_out.labels),
        "reliability": reliability_values(held_out.reliability),
        "mistakes": mistakes_of(shown, labelled.part(found.used), _MOST_MISTAKES),
    }
