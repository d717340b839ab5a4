"""Training of one classifier per column of labels, and what they do on held-out images."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from striate.analysis.image_classifier import new_image_classifier
from striate.analysis.label_validation import cross_validate_label
from striate.report.labelled_images import Labelled

from .label_decisions import decisions_of
from .plurals import plural
from .progress_bar import progress


def fit_decisions(
    labelled: Labelled, X: npt.NDArray[Any], columns: tuple[str, ...], class_weight: str | None
) -> Pipeline:
    """Fit a classifier for each column on the same features; print how they do on held-out images.

    Parameters
    ----------
    labelled : Labelled
        Images, with the names of the columns that are true as labels.
    X : ndarray of shape (n_images, n_features)
        Their features.
    columns : tuple of str
        Names of the columns.
    class_weight : {"balanced"} or None
        Whether yes and no count equally.

    Raises
    ------
    ValueError
        If a column is the same for all images.
    """
    Y = decisions_of(labelled.labels, columns)
    for name, y in zip(columns, Y.T, strict=True):
        if y.min() == y.max():
            which = "all images" if y.all() else "no image"
            raise ValueError(f"--label-columns: {name} is true for {which}; leave it out")
    print(f"accuracy on held-out images, of {plural(len(columns), 'label')}:")
    for name, y in zip(columns, Y.T, strict=True):
        print(f"  {name} ({y.sum()} of {plural(len(y), 'image')}): ", end="")
        print(_sentence(X, y, labelled.groups, class_weight))
    classifier = new_image_classifier(len(X), class_weight).steps[-1][1]
    head = MultiOutputClassifier(classifier)
    groups = {} if labelled.groups is None else {"groups": labelled.groups}
    with threadpool_limits(1, user_api="blas"):  # as in cross-validation
        head.fit(X, Y, **groups)
    return Pipeline([("classifier", head)])


def _sentence(
    X: npt.NDArray[Any],
    y: npt.NDArray[np.intp],
    groups: npt.NDArray[Any] | None,
    class_weight: str | None,
) -> str:
    head = new_image_classifier(len(X), class_weight)
    held_out, _ = cross_validate_label(head, X, y, progress, groups=groups)
    if held_out is None:
        what = "images" if groups is None else "groups of images"
        return f"not estimated; at least two {what} with and without the label are needed"
    return (
        f"{held_out.sentence()}; balanced accuracy {held_out.balanced_accuracy:.1%}, area under "
        f"the ROC curve {held_out.roc_auc:.3f}"
    )
