"""Searches whose fits run on a cluster of Dask."""

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

distributed = pytest.importorskip("distributed")

from striate import (  # noqa: E402, after the check whether Dask is there
    LinearClassifier,
    MLPClassifier,
    MLPRegressor,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
    TabularClassifier,
)

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]
AUTOENCODER = SparseAutoencoder(3, max_iter=2, random_state=0)
SEARCHES = [
    (MLPClassifier((4,), max_iter=2, random_state=0), {"alpha": [1e-4, 10.0]}),
    (
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0),
        {"solver": ["sgd", "adam"]},
    ),
    (AUTOENCODER, {"weight_decay": [0.0, 1.0]}),
    (StackedAutoencoder((3,), autoencoder=AUTOENCODER, random_state=0), {"random_state": [0, 1]}),
    (LinearClassifier(random_state=0), {"alphas": [0.01, 1.0]}),
    (
        SelfTaughtClassifier(AUTOENCODER, LinearClassifier(alphas=0.1)),
        {"classifier__alphas": [1.0]},
    ),
    pytest.param(
        TabularClassifier(2, max_iter=2, random_state=0),
        {"max_iter": [1, 2]},
        marks=pytest.mark.long,  # compiled anew
    ),
]


@pytest.fixture(scope="module")
def client():
    settings = {"processes": False, "dashboard_address": ":0", "threads_per_worker": 1}
    workers = distributed.LocalCluster(n_workers=2, **settings)
    with workers, distributed.Client(workers) as client:
        yield client


@pytest.mark.parametrize(("estimator", "grid"), SEARCHES, ids=lambda each: repr(each)[:30])
def test_a_search_on_a_cluster_finds_what_one_here_finds(estimator, grid, client):
    search = GridSearchCV(estimator, grid, cv=2)
    expected = clone(search).fit(X, Y)
    with joblib.parallel_config("dask"):
        found = clone(search).fit(X, Y)
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    assert found.best_params_ == expected.best_params_


class Counted(np.ndarray):
    """An array that counts how often it is made ready for another process."""

    n = 0

    def __reduce_ex__(self, protocol):
        Counted.n += 1
        return np.asarray(self).__reduce_ex__(protocol)


@pytest.mark.long
def test_X_is_sent_to_the_workers_and_not_once_for_each_fit(tmp_path):
    settings = {"dashboard_address": ":0", "threads_per_worker": 1, "local_directory": tmp_path}
    with distributed.LocalCluster(n_workers=2, **settings) as workers, distributed.Client(workers):
        grid = {"alphas": np.logspace(-3, 1, 8).tolist()}
        with joblib.parallel_config("dask"):
            GridSearchCV(LinearClassifier(random_state=0), grid, cv=3).fit(X.view(Counted), Y)
    assert Counted.n < 12  # of 24 fits
