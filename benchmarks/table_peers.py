"""Models of tables with their defaults, each with the preparation that it needs."""

import importlib.util
import warnings

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from striate import TabularClassifier, TabularRegressor

from .table_networks import REALMLP, TABM, realmlp, tabm

STRIATE, ONE, MLP = "Striate", "Striate, 1 member", "scikit-learn's MLP"
BOOSTING, LIGHTGBM, CATBOOST = "HistGradientBoosting", "LightGBM", "CatBoost"
#: All, in the order of reports.
MODELS = (STRIATE, ONE, MLP, BOOSTING, LIGHTGBM, CATBOOST, REALMLP, TABM)


def has(package):
    return importlib.util.find_spec(package) is not None


def _striate(table, seed, **settings):
    kind = TabularClassifier if table.is_classification else TabularRegressor
    return kind(categorical_features=table.categorical, random_state=seed, **settings)


def _one(table, seed):
    return _striate(table, seed, n_members=1)


def _numbers(table):
    """Return the columns of numbers, without those that hold nothing: boosting refuses them."""
    has_values = np.flatnonzero(~np.isnan(table.X).all(axis=0))
    return np.setdiff1d(has_values, table.categorical)


def _mlp(table, seed):
    """Medians for missing values, then StandardScaler; OneHotEncoder; StandardScaler for y."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepared = ColumnTransformer(
        [
            ("numbers", numbers, _numbers(table)),
            ("categories", OneHotEncoder(handle_unknown="ignore"), table.categorical),
        ],
        sparse_threshold=0.0,
    )
    if table.is_classification:
        return make_pipeline(prepared, MLPClassifier(random_state=seed))
    regressor = TransformedTargetRegressor(
        MLPRegressor(random_state=seed), transformer=StandardScaler()
    )
    return make_pipeline(prepared, regressor)


def _coded(table, model):
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    parts = [("categories", codes, table.categorical), ("numbers", "passthrough", _numbers(table))]
    return make_pipeline(ColumnTransformer(parts), model)


def _boosting(table, seed):
    first = np.arange(len(table.categorical))
    kind = (
        HistGradientBoostingClassifier if table.is_classification else HistGradientBoostingRegressor
    )
    return _coded(table, kind(categorical_features=first, random_state=seed))


def _lightgbm(table, seed):
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if table.is_classification else LGBMRegressor
    return _coded(table, kind(random_state=seed, verbose=-1))


class _Texts:
    """Categories as text, as CatBoost wants them."""

    def __init__(self, model, categorical):
        self._model, self._categorical = model, categorical

    def _prepared(self, X):
        X = np.asarray(X, dtype=object)
        for j in self._categorical:
            X[:, j] = [str(x) for x in X[:, j]]
        return X

    def fit(self, X, y):
        self._model.fit(self._prepared(X), y, cat_features=list(self._categorical))
        return self

    def __getattr__(self, name):
        return lambda X: getattr(self._model, name)(self._prepared(X))


def _catboost(table, seed):
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if table.is_classification else CatBoostRegressor
    model = kind(random_seed=seed, verbose=False, allow_writing_files=False)
    return _Texts(model, [int(j) for j in table.categorical])


#: Name: function of a table and a seed that returns a model.
PEERS = {STRIATE: _striate, ONE: _one, MLP: _mlp, BOOSTING: _boosting}
PEERS |= {LIGHTGBM: _lightgbm} if has("lightgbm") else {}
PEERS |= {CATBOOST: _catboost} if has("catboost") else {}
#: Those that take so long that ten tables must do.
SLOW_PEERS = {REALMLP: realmlp, TABM: tabm} if has("pytabkit") else {}
#: What pip installs: its models.
PACKAGES = {
    "lightgbm": LIGHTGBM,
    "catboost": CATBOOST,
    "pytabkit[models]": f"{REALMLP} and {TABM}",
}


def say_what_is_missing():
    """Print a line for each package that would bring more models."""
    for package, models in PACKAGES.items():
        if not has(package.partition("[")[0]):
            print(f"Without {models}: pip install {package} adds them", flush=True)


def fitted(name, table, X, y, seed):
    """Return a fitted model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*(left out|feature names|unknown categories).*")
        return {**PEERS, **SLOW_PEERS}[name](table, seed).fit(X, y)
