"""Labels with missing values: -1 marks a row without a label."""

from collections.abc import Callable
from copy import copy
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.metrics import get_scorer
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .row_indexing import select_rows
from .sklearn_private import check_method_params, num_samples
from .validated_input import refuse_kinds

Rows = npt.NDArray[np.intp]
Labels = npt.NDArray[Any]
Number = int | float | np.number


def known_labels(y: Any) -> tuple[Rows, Labels]:
    """Return the indices of the labelled rows, and their labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Numbers or text, and the number -1 for a row without a label.

    Returns
    -------
    rows : ndarray of shape (n_labeled,)
        Ascending indices.
    labels : ndarray of shape (n_labeled,)
        Numbers or strings.

    Raises
    ------
    ValueError
        If y is continuous, has NaN or None, mixes text with numbers other than -1, or has the
        text "-1".
    """
    refuse_kinds(y, "y", "V")
    y = column_or_1d(y, warn=True)
    if y.dtype == object:
        rows = np.flatnonzero([not (isinstance(label, Number) and label == -1) for label in y])
        labels = _as_numbers_or_text(y[rows])
    else:
        rows = np.arange(len(y)) if y.dtype.kind in "US" else np.flatnonzero(y != -1)
        labels = y if len(rows) == len(y) else y[rows]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("y has NaN or infinity; use -1 for a row without a label")
    if labels.dtype.kind in "US" and np.isin("-1", labels.astype(str)):
        raise ValueError(
            "y has the text '-1'. Use the number -1 for a row without a label; an array of text "
            "and numbers needs dtype object: np.array(labels, dtype=object)"
        )
    check_classification_targets(labels)
    return rows, labels


def _as_numbers_or_text(labels: Labels) -> Labels:
    """Convert an array of objects to numbers, or to strings."""
    if all(isinstance(label, str) for label in labels):
        return labels.astype(str)
    if all(isinstance(label, Number) for label in labels):
        return np.array(labels.tolist())
    types = ", ".join(sorted({type(label).__name__ for label in labels}))
    raise ValueError(
        f"y has labels of these types: {types}. Give either text or numbers, and the number -1, "
        "not None or NaN, for a row without a label"
    )


def training_labels(X: Any, y: Any) -> tuple[Rows, Labels]:
    """Return the indices of the labelled rows of X and their labels, of at least two classes.

    Parameters
    ----------
    X : array-like, or list of images
        Only its length matters.
    y : array-like of shape (n_samples,)
        Labels, as for `known_labels`.

    Returns
    -------
    rows, labels : ndarray of shape (n_labeled,)
        As for `known_labels`.

    Raises
    ------
    ValueError
        As for `known_labels`, or if X has another length, or y has fewer than two classes.
    """
    if y is None:
        raise ValueError(
            "SelfTaughtClassifier requires y to be passed, but the target y is None. Give one "
            "label per row, -1 where it is unknown."
        )
    if num_samples(X) != num_samples(y):
        raise ValueError(
            f"X has {num_samples(X)} rows, but y has {num_samples(y)} labels; give one label per "
            "row, -1 where it is unknown, or pass rows without labels as unlabeled"
        )
    rows, labels = known_labels(y)
    if len(rows) == 0:
        raise ValueError(
            "all rows are unlabelled: y is -1 everywhere. A classifier needs labels of at least "
            "two classes; to learn only features, fit the transformer itself"
        )
    classes = np.unique(labels)
    if len(classes) == 1:
        raise ValueError(
            f"all labelled rows have one class, {classes[0]}; a classifier needs at least two"
        )
    return rows, labels


class _LabeledScorer:
    """Result of `labeled_scorer`: a class, so that it can be pickled."""

    def __init__(self, scorer: Callable[..., float]) -> None:
        self._scorer = scorer

    def __call__(self, estimator: Any, X: Any, y: Any, **params: Any) -> float:
        rows, labels = known_labels(y)
        if len(rows) == 0:
            raise ValueError(
                "there are no labels to score: y is -1 everywhere. In cross-validation, use "
                "fewer folds, or stratified folds as from StratifiedKFold"
            )
        params = check_method_params(X, params, rows)
        return self._scorer(estimator, select_rows(X, rows), labels, **params)

    def get_metadata_routing(self) -> Any:
        """Return what the scorer inside requests, for scikit-learn's metadata routing."""
        return get_routing_for_object(self._scorer)

    def set_score_request(self, **requests: Any) -> Self:
        """Request metadata for the scorer inside, as for any scorer of scikit-learn."""
        self._scorer = copy(self._scorer)
        self._scorer.set_score_request(**requests)  # type: ignore[attr-defined]
        return self

    def __repr__(self) -> str:
        return f"labeled_scorer({self._scorer!r})"


def labeled_scorer(
    scoring: str | Callable[..., float] = "accuracy",
) -> Callable[..., float]:
    """Return a scorer that ignores rows without a label, where y is -1.

    Parameters
    ----------
    scoring : str or callable, default="accuracy"
        Name of a scikit-learn scorer, or a ``scorer(estimator, X, y)``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, for the parameter `scoring` of scikit-learn's `GridSearchCV`,
        `cross_val_score` and similar. With metadata routing enabled, `set_score_request` requests
        ``sample_weight``.

    Raises
    ------
    ValueError
        If no scorer has that name. The scorer itself raises it if no row has a label.

    See Also
    --------
    SelfTaughtClassifier : Learns from rows with and without labels; its own `score` also ignores
        those without.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from striate import SelfTaughtClassifier, labeled_scorer
    >>> X, y = load_digits(return_X_y=True)
    >>> y[np.arange(len(y)) % 5 > 0] = -1  # one label in five is known
    >>> model = SelfTaughtClassifier(PCA(20), LogisticRegression(max_iter=5000))
    >>> scores = cross_val_score(model, X, y, scoring=labeled_scorer("balanced_accuracy"))
    >>> scores.mean() > 0.9
    np.True_
    """
    if not isinstance(scoring, str) and not callable(scoring):
        raise ValueError(f"scoring must be the name of a scorer, or a scorer, got {scoring!r}")
    return _LabeledScorer(get_scorer(scoring))
