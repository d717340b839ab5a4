"""A classifier learned from few labelled images: which ones, how, and how well."""

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score

from striate import LinearClassifier

#: Labelled images are drawn from so many of the first.
POOL = 10_000
#: α of the ridge; few rows want more of it than many.
ALPHAS = (1e-2, 1e-1, 1.0, 10.0, 100.0)


def accuracies(work, name, y, draws, right):
    """{n: [accuracy of each draw]} for n labelled images a class.

    Parameters
    ----------
    draws : dict of int to int
        For each n, how often labelled images are drawn. Draws are the same whatever learns from
        them.
    right : callable
        right(rows, draw): accuracy on the test images of what learned from these rows.
    """
    found = {}
    for n, times in draws.items():
        with work.step(f"{name[0].upper()}{name[1:]}, {n} labels a class"):
            found[n] = [right(_drawn(y, n, draw), draw) for draw in range(times)]
    return found


def _drawn(y, n, draw):
    """n rows of each class."""
    rng = np.random.default_rng((n, draw))
    rows = [rng.choice(np.flatnonzero(y == label), n, replace=False) for label in np.unique(y)]
    return np.concatenate(rows)


def on_features(train, y, test, y_test):
    """The `right` of `accuracies` for a ridge on features, which are standardized by `train`."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale <= 1e-6 * scale.max()] = 1
    train, test = (train - mean) / scale, (test - mean) / scale
    return lambda rows, draw: _ridge(train[rows], y[rows], test, y_test)


def _ridge(X, y, X_test, y_test):
    """Share of the test rows that are right; α by cross-validation on X.

    The weights are sums of the rows of X, so that the rows may first be turned into coordinates
    of the space they span: the answers stay the same, and there are few features.
    """
    basis = np.linalg.qr((X - X.mean(axis=0)).T)[0]
    X, X_test = X @ basis, X_test @ basis
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def score(alpha):
        return cross_val_score(_classifier(alpha), X, y, cv=folds).mean()

    return float(_classifier(max(ALPHAS, key=score)).fit(X, y).score(X_test, y_test))


def _classifier(alpha):
    return LinearClassifier(alphas=alpha, standardize=False)


def mean_and_spread(accuracies):
    """In percent, with the standard deviation where there are several."""
    mean = f"{100 * np.mean(accuracies):.1f}%"
    return mean if len(accuracies) < 2 else f"{mean} ± {100 * np.std(accuracies, ddof=1):.1f}"
