"""Choose the autoencoder's settings for outliers in tables, without labels.

    python -m benchmarks.outlier_settings

Half of the rows of a table are learned; of the other half, each is to be told from an artificial
outlier that is made of it: columns drawn from other rows, which breaks what columns have to do with
each other; uniform numbers in the range of each column; or the row moved by as much as rows of the
table differ. No label of a table is looked at. To be quick, there are at most 600 rows and 100
iterations.
"""

import itertools
import sys
import warnings

import numpy as np
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from .outlier_peers import striate_detector
from .outlier_tables import outlier_tables

GRID = {"n_components": (3, 10, 30), "weight_decay": (1e-3, 1e-2, 1e-1)}
_MOST_ROWS, _MOST_COLUMNS, _MAX_ITER = 600, 100, 100


def artificial_outliers(X, seed=0):
    """Return the rows of X turned into outliers of each kind."""
    rng = np.random.default_rng(seed)
    low, high = X.min(axis=0), X.max(axis=0)
    moved = 2 * rng.normal(size=X.shape) * X.std(axis=0) * (rng.random(X.shape) < 0.3)
    return {
        "columns of other rows": rng.permuted(X, axis=0),
        "anywhere in the range": rng.uniform(low, high, X.shape),
        "some columns moved": X + moved,
    }


def quality(X, seed=0, **settings):
    """Return the mean area under the ROC curve over the kinds of artificial outliers."""
    rows = np.random.default_rng(seed).permutation(len(X))[:_MOST_ROWS]
    half = len(rows) // 2
    train, test = X[rows[:half]], X[rows[half:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = striate_detector(seed, max_iter=_MAX_ITER, **settings).fit(train)
    usual = -model.score_samples(test)
    labels = np.repeat([0, 1], len(test))
    return [
        roc_auc_score(labels, np.append(usual, -model.score_samples(each)))
        for each in artificial_outliers(test, seed).values()
    ]


def main(arguments):
    tables = [each for each in outlier_tables() if each.X.shape[1] <= _MOST_COLUMNS]
    with threadpool_limits(1, user_api="blas"):
        for values in itertools.product(*GRID.values()):
            settings = dict(zip(GRID, values, strict=True))
            found = np.mean([quality(each.X, **settings) for each in tables], axis=0)
            text = ", ".join(f"{name}={value:g}" for name, value in settings.items())
            print(text, f"{found.mean():.3f}", np.round(found, 3), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
