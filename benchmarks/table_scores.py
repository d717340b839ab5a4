"""Measures of predictions for tables, all of them better the smaller they are."""

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

#: Added to both sides of a ratio, so that a table that is nearly solved does not rule the mean.
OFFSET = 0.01
#: Measures of classes, and of numbers.
OF_CLASSES, OF_NUMBERS = ("error", "log-loss", "1 - AUC"), ("RMSE",)


def scores(model, table, X, y, y_train):
    """Return the measures of a fitted model by name; the RMSE in standard deviations of y."""
    if not table.is_classification:
        error = np.asarray(model.predict(X)).ravel() - y
        return {"RMSE": float(np.sqrt(np.mean(error**2)) / table.y.std())}
    p = np.asarray(model.predict_proba(X), dtype=np.float64)
    p /= p.sum(axis=1, keepdims=True)
    classes = np.unique(y_train)
    known = np.isin(y, classes)
    y, p = y[known], p[known]
    return {
        "error": float(np.mean(classes[p.argmax(axis=1)] != y)),
        "log-loss": float(log_loss(y, p, labels=classes)),
        "1 - AUC": 1 - _auc(y, p, classes),
    }


def _auc(y, p, classes):
    """Return the area under the ROC curve, for several classes the mean over each against all."""
    if len(classes) == 2:
        return float(roc_auc_score(y == classes[1], p[:, 1]))
    columns = [k for k, label in enumerate(classes) if 0 < np.sum(y == label) < len(y)]
    return float(np.mean([roc_auc_score(y == classes[k], p[:, k]) for k in columns]))


def ratio(ours, theirs):
    """Return the geometric mean of the ratios of two measures over tables (n_tables, n_splits)."""
    logs = [
        np.log(np.mean(a) + OFFSET) - np.log(np.mean(b) + OFFSET)
        for a, b in zip(ours, theirs, strict=True)
    ]
    return float(np.exp(np.mean(logs)))


def wins_and_losses(ours, theirs):
    """Return on how many tables each is better by more than the standard error over the splits."""
    wins = losses = 0
    for a, b in zip(ours, theirs, strict=True):
        difference = np.subtract(a, b)
        spread = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
        wins += bool(difference.mean() < -spread)
        losses += bool(difference.mean() > spread)
    return wins, losses
