"""The report's measurements of a regression, as the values of its template."""

from typing import Any, NamedTuple

from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score

from striate.analysis.number_validation import (
    HeldOutNumbers,
    cross_validate_numbers,
    evaluate_numbers,
)
from striate.analysis.progress_protocol import Progress

from .labelled_images import Labelled
from .report_pictures import scatter_svg, thumbnail_png

_MOST_ERRORS = 24


def number_values(
    regressor: Any, labelled: Labelled, X: NDArray[Any], new: bool, progress: Progress
) -> dict[str, Any]:
    """Measure a regression; the parameters are those of `report_page`."""
    y, groups = labelled.labels, labelled.groups
    if new:
        held_out = evaluate_numbers(regressor, X, y, groups)
    else:
        held_out = cross_validate_numbers(X, y, progress, groups=groups)
    numbers = {
        "scatter": scatter_svg(held_out.true, held_out.predicted, dark=False),
        "scatter_dark": scatter_svg(held_out.true, held_out.predicted, dark=True),
        "rows": _rows(held_out),
        "n_folds": held_out.n_folds,
        "mean_absolute_error": held_out.mean_absolute_error,
        "r2": held_out.r2,
        "baseline": held_out.baseline,
        "lowest": held_out.true.min(),
        "highest": held_out.true.max(),
        "errors": _errors(held_out, labelled),
    }
    return {"numbers": numbers, "several": None, "n_images": len(y)}


def _rows(held_out: HeldOutNumbers) -> list[list[str]]:
    (low, high), (lowest, highest) = map(held_out.interval, (mean_absolute_error, r2_score))
    return [
        ["mean absolute error", f"{held_out.mean_absolute_error:.4g}", f"{low:.4g} to {high:.4g}"],
        ["R²", f"{held_out.r2:.3f}", f"{lowest:.3f} to {highest:.3f}"],
    ]


class _Error(NamedTuple):
    """An image with a large error."""

    picture: bytes
    is_small: bool
    file: str
    predicted: float
    actual: float


def _errors(held_out: HeldOutNumbers, labelled: Labelled) -> list[_Error]:
    names, found = labelled.names, []
    for i in held_out.largest_errors(_MOST_ERRORS).tolist():
        picture, is_small = thumbnail_png(labelled.images[i])
        true, predicted = float(held_out.true[i]), float(held_out.predicted[i])
        found.append(_Error(picture, is_small, names[i], predicted, true))
    return found
