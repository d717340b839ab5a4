"""Labels of which some are missing: -1 stands where a row has none."""

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .row_indexing import select_rows
from .sklearn_private import check_method_params, num_samples

NUMBER = int | float | np.number


def known_labels(y):
    """Rows that have a label, and these labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Numbers or text, and the number -1 for a row without a label.

    Returns
    -------
    rows : ndarray of shape (n_labeled,)
        Indices, ascending.
    labels : ndarray of shape (n_labeled,)
        Of numbers or of strings.

    Raises
    ------
    ValueError
        If y is continuous, has NaN or None, mixes text with numbers other than -1, or has the
        text "-1".
    """
    y = column_or_1d(y, warn=True)
    if y.dtype == object:
        rows = np.flatnonzero([not (isinstance(label, NUMBER) and label == -1) for label in y])
        labels = _of_one_kind(y[rows])
    else:
        rows = np.arange(len(y)) if y.dtype.kind in "US" else np.flatnonzero(y != -1)
        labels = y if len(rows) == len(y) else y[rows]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("y has NaN or infinity; mark a row without a label with -1")
    if labels.dtype.kind in "US" and np.isin("-1", labels.astype(str)):
        raise ValueError(
            "y has the text '-1'. A row without a label is marked with the number -1, and text "
            "beside numbers needs an array of objects: np.array(labels, dtype=object)"
        )
    check_classification_targets(labels)
    return rows, labels


def _of_one_kind(labels):
    """An array of numbers or of text, out of an array of objects."""
    if all(isinstance(label, str) for label in labels):
        return labels.astype(str)
    if all(isinstance(label, NUMBER) for label in labels):
        return np.array(labels.tolist())
    kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
    raise ValueError(
        f"y has labels of these types: {kinds}. Give text alone or numbers alone, and the number "
        "-1, not None or NaN, for a row without a label"
    )


def labels_to_learn(X, y):
    """Rows of X that have a label, and these labels, as a classifier needs them.

    Parameters
    ----------
    X : array-like, or list of images
        Only its length matters.
    y : array-like of shape (n_samples,)
        As of `known_labels`.

    Returns
    -------
    rows, labels : ndarray of shape (n_labeled,)
        As from `known_labels`.

    Raises
    ------
    ValueError
        As from `known_labels`, or if X is of another length, or y has less than two classes.
    """
    if y is None:
        raise ValueError(
            "SelfTaughtClassifier requires y to be passed, but the target y is None. Give a label "
            "for each row, -1 where it is not known."
        )
    if num_samples(X) != num_samples(y):
        raise ValueError(
            f"X has {num_samples(X)} rows, but y has {num_samples(y)} labels; give a label for "
            "each row, -1 where it is not known, or further rows as unlabeled"
        )
    rows, labels = known_labels(y)
    if len(rows) == 0:
        raise ValueError(
            "all rows are unlabelled: y is -1 everywhere. A classifier needs some labels, of two "
            "classes at least; to learn features alone, fit the transformer itself"
        )
    classes = np.unique(labels)
    if len(classes) == 1:
        raise ValueError(
            f"all labelled rows are of one class, {classes[0]}; a classifier needs two at least"
        )
    return rows, labels


class _LabeledScorer:
    """What `labeled_scorer` returns; a class, so that it can be pickled."""

    def __init__(self, scorer):
        self._scorer = scorer

    def __call__(self, estimator, X, y, **params):
        rows, labels = known_labels(y)
        if len(rows) == 0:
            raise ValueError(
                "there is no label to score by: all rows of y are -1. In cross-validation, use "
                "fewer folds, or folds that keep the share of labels, as StratifiedKFold does"
            )
        params = check_method_params(X, params, rows)
        return self._scorer(estimator, select_rows(X, rows), labels, **params)

    def __repr__(self):
        return f"labeled_scorer({self._scorer!r})"


def labeled_scorer(scoring="accuracy"):
    """A scorer that leaves out rows without a label, those where y is -1.

    Parameters
    ----------
    scoring : str or callable, default="accuracy"
        One of scikit-learn's scorers by name, or a ``scorer(estimator, X, y)``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, for the `scoring` of scikit-learn's `GridSearchCV`,
        `cross_val_score` and their like.

    Raises
    ------
    ValueError
        If there is no scorer of that name; and from the scorer, if no row has a label.

    See Also
    --------
    SelfTaughtClassifier : Learns from rows with and without labels; its own `score` leaves those
        without one out, too.

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
