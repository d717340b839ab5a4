"""Draw few labelled images, train a classifier on them, and measure its accuracy."""

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import FunctionTransformer

from striate import (
    KernelClassifier,
    LinearClassifier,
    SelfTaughtClassifier,
    WhitenedComponents,
)

#: Labelled images are drawn from the first images, of this number.
POOL = 10_000
#: Candidate α of ridge regression; fewer rows need a larger α.
ALPHAS = (1e-2, 1e-1, 1.0, 10.0, 100.0)
#: For one row per class, where nothing can be held out.
ALPHA_OF_ONE = 1.0


def accuracies(work, name, y, draws, accuracy_of):
    """Return {n: [accuracy of each draw]} for n labelled images per class.

    Parameters
    ----------
    draws : dict of int to int
        Number of draws for each n. Draws are the same for all contenders.
    accuracy_of : callable
        accuracy_of(rows, draw): test accuracy after training on these rows.
    """
    found = {}
    for n, times in draws.items():
        with work.step(f"{name[0].upper()}{name[1:]}, {n} labels per class"):
            found[n] = [accuracy_of(_drawn(y, n, draw), draw) for draw in range(times)]
        print(f"    {mean_and_spread(found[n])}", flush=True)
    return found


def _drawn(y, n, draw):
    """Return n random rows of each class."""
    rng = np.random.default_rng((n, draw))
    rows = [rng.choice(np.flatnonzero(y == label), n, replace=False) for label in np.unique(y)]
    return np.concatenate(rows)


def on_features(train, y, test, y_test):
    """Return `accuracy_of` for a ridge on features, standardized with the statistics of `train`."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale <= 1e-6 * scale.max()] = 1
    train, test = (train - mean) / scale, (test - mean) / scale
    return lambda rows, draw: _ridge(train[rows], y[rows], test, y_test)


def on_components(train, y, test, y_test, copies=(), n_components=500):
    """Return the same as `on_kernel`, on half-whitened components of `train`."""
    components = WhitenedComponents(n_components, random_state=0).fit(train)
    train, test, *copies = map(components.transform, (train, test, *copies))
    return on_kernel(train, y, test, y_test, copies)


def on_kernel(train, y, test, y_test, copies=()):
    """Return two `accuracy_of` for a Gaussian kernel on components.

    The second one learns from its own predictions of the other rows of `train`, too. Both learn
    from copies of the labelled images, whose components are given for all rows of `train`.
    """

    def accuracy_with(weight, n_centers):
        kernel = KernelClassifier(n_centers=n_centers, random_state=0)
        model = SelfTaughtClassifier(FunctionTransformer(), kernel, pseudo_label_weight=weight)

        def accuracy_of(rows, draw):
            known = np.full(len(y), -1)
            known[rows] = y[rows]
            X = np.concatenate([train, *(each[rows] for each in copies)])
            known = np.concatenate([known, *[y[rows]] * len(copies)])
            return float(model.fit(X, known).score(test, y_test))

        return accuracy_of

    # Self-training has tens of thousands of rows, and five fits.
    return accuracy_with(0.0, 4000), accuracy_with(0.2, 3000)


def _ridge(X, y, X_test, y_test):
    """Return the accuracy on the test rows, with α by cross-validation on X.

    The weights are linear combinations of the rows of X, so the rows are first expressed in a basis
    of the space they span: predictions stay the same, with few features.
    """
    basis = np.linalg.qr((X - X.mean(axis=0)).T)[0]
    X, X_test = X @ basis, X_test @ basis
    n_folds = min(5, len(y) // len(np.unique(y)))  # classes have equally many rows
    if n_folds < 2:
        return float(_classifier(ALPHA_OF_ONE).fit(X, y).score(X_test, y_test))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)

    def score(alpha):
        return cross_val_score(_classifier(alpha), X, y, cv=folds).mean()

    return float(_classifier(max(ALPHAS, key=score)).fit(X, y).score(X_test, y_test))


def _classifier(alpha):
    return LinearClassifier(alphas=alpha, standardize=False)


def mean_and_spread(accuracies):
    """Format the mean in percent, with the standard deviation if there are several values."""
    mean = f"{100 * np.mean(accuracies):.1f}%"
    return mean if len(accuracies) < 2 else f"{mean} ± {100 * np.std(accuracies, ddof=1):.1f}"
