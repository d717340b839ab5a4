"""Outlier detectors with their defaults, each with the preparation that it needs."""

import contextlib
import importlib.util
import io
import warnings

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import SparseAutoencoder

STRIATE = "Striate's SparseAutoencoder"
_NEIGHBOURS = 5  # as many as PyOD's KNN has by default

#: Settings for outliers in tables, chosen by benchmarks/outlier_settings.py.
SETTINGS = {"n_components": 30, "sparsity_weight": 0.0, "weight_decay": 0.01, "max_iter": 200}


def striate_detector(seed=0, **settings):
    return make_pipeline(
        StandardScaler(), SparseAutoencoder(**{**SETTINGS, **settings}, random_state=seed)
    )


def _striate(X, X_test, seed):
    return -striate_detector(seed).fit(X).score_samples(X_test)


def _forest(X, X_test, seed):
    return -IsolationForest(random_state=seed).fit(X).score_samples(X_test)


def _neighbours(X, X_test, seed):
    """Return the distance to the fifth neighbour, on standardized columns."""
    scaler = StandardScaler().fit(X)
    found = NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(scaler.transform(X))
    return found.kneighbors(scaler.transform(X_test))[0][:, -1]


def _ecod(X, X_test, seed):
    from pyod.models.ecod import ECOD

    return ECOD().fit(X).decision_function(X_test)


def _pyod(X, X_test, seed):
    """On standardized columns, as it does itself."""
    from pyod.models.auto_encoder import AutoEncoder

    with contextlib.redirect_stdout(io.StringIO()):
        model = AutoEncoder(random_state=seed, verbose=0, device="cpu").fit(X)
        return model.decision_function(X_test)


def _has(package):
    return importlib.util.find_spec(package) is not None


#: Name: function of rows to train on, rows to test with and a seed that returns scores of the
#: latter, the larger, the more unusual.
DETECTORS = {
    STRIATE: _striate,
    "IsolationForest": _forest,
    "k nearest neighbours": _neighbours,
}
DETECTORS |= {"ECOD (PyOD)": _ecod} if _has("pyod") else {}
DETECTORS |= {"AutoEncoder (PyOD)": _pyod} if _has("pyod") and _has("torch") else {}


def scores_of(name, X, X_test, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nan_to_num(np.asarray(DETECTORS[name](X, X_test, seed), dtype=np.float64))
