"""Self-training: a classifier learns from its most certain predictions of rows without labels.

References
----------
D. Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods", ACL (1995).
D.-H. Lee, "Pseudo-label", ICML workshop on challenges in representation learning (2013).
"""

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Shares of the unlabelled rows that the classifier is trained on, from round to round.
SHARES = (0.2, 0.4, 0.6, 0.8)


def check_takes_weights(classifier: Any) -> None:
    """Raise a ValueError unless `fit` of a classifier has sample weights."""
    parameters = inspect.signature(classifier.fit).parameters.values()
    if not any(
        each.name == "sample_weight" or each.kind is each.VAR_KEYWORD for each in parameters
    ):
        raise ValueError(
            "pseudo_label_weight needs a classifier with sample weights, and "
            f"{type(classifier).__name__} has none. Choose another classifier, for example "
            "KernelClassifier or LogisticRegression, or pseudo_label_weight=0."
        )


def most_certain(classifier: Any, A: Any, share: float) -> tuple[npt.NDArray[np.intp], Array]:
    """Return the rows whose classes a classifier is surest of, and these classes.

    Parameters
    ----------
    classifier : classifier
        Fitted.
    A : array-like of shape (n_samples, n_features)
    share : float
        Share of the rows. Each predicted class contributes the same number, or all that it has.

    Returns
    -------
    rows : ndarray of int
        Ascending.
    labels : ndarray
    """
    scores = _scores(classifier, A)
    n_rows, n_classes = scores.shape
    codes, two_largest = scores.argmax(axis=1), np.partition(scores, -2, axis=1)[:, -2:]
    certainty = two_largest[:, 1] - two_largest[:, 0]
    n_each = int(share * n_rows / n_classes)
    chosen = []
    for code in range(n_classes):
        (rows,) = np.nonzero(codes == code)
        chosen.append(rows[np.argsort(-certainty[rows], kind="stable")[:n_each]])
    rows = np.sort(np.concatenate(chosen))
    return rows, classifier.classes_[codes[rows]]


def _scores(classifier: Any, A: Any) -> Array:
    """Return a score of each row and class."""
    name = "decision_function" if hasattr(classifier, "decision_function") else "predict_proba"
    scores = np.asarray(getattr(classifier, name)(A))
    scores = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    if scores.shape[1] != len(classifier.classes_):
        raise ValueError(
            f"{type(classifier).__name__} has {scores.shape[1]} scores for "
            f"{len(classifier.classes_)} classes: self-training needs one for each class."
        )
    return scores
