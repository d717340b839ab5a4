"""Networks for tables in PyTorch, from the package pytabkit, with their defaults."""

import warnings

import numpy as np
from sklearn.impute import SimpleImputer

REALMLP, TABM = "RealMLP-TD-S", "TabM"


class _Frames:
    """A model that takes data frames: categories as text, medians for missing numbers."""

    def __init__(self, model, table):
        self._model, self._categorical = model, set(table.categorical)
        has_values = ~np.isnan(table.X).all(axis=0)
        self._numbers = [j for j in np.flatnonzero(has_values) if j not in self._categorical]
        self._medians = SimpleImputer(strategy="median")

    def _frame(self, X):
        import pandas as pd

        # Of the same form whether or not there are columns of numbers.
        columns = {str(j): [str(x) for x in X[:, j]] for j in sorted(self._categorical)}
        categories = pd.DataFrame(columns, dtype="object")
        numbers = X[:, self._numbers]
        if self._numbers:
            numbers = self._medians.transform(numbers)
        names = [str(j) for j in self._numbers]
        return pd.concat([pd.DataFrame(numbers, columns=names, dtype=float), categories], axis=1)

    def fit(self, X, y):
        if self._numbers:
            self._medians.fit(X[:, self._numbers])
        names = [str(j) for j in sorted(self._categorical)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model.fit(self._frame(X), y, cat_col_names=names)
        return self

    def __getattr__(self, name):
        return lambda X: getattr(self._model, name)(self._frame(X))


def _network(table, seed, classifier, regressor):
    import logging

    import pytabkit

    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    kind = getattr(pytabkit, classifier if table.is_classification else regressor)
    return _Frames(kind(device="cpu", random_state=seed, n_threads=2), table)


def realmlp(table, seed):
    return _network(table, seed, "RealMLP_TD_S_Classifier", "RealMLP_TD_S_Regressor")


def tabm(table, seed):
    return _network(table, seed, "TabM_D_Classifier", "TabM_D_Regressor")
