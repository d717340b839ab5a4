"""Sums over Dask arrays on the workers of a cluster."""

import logging
import os
import signal

import numpy as np
import pytest
from same_bits import assert_same_bits
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils import shuffle

array = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

from striate import (  # noqa: E402, after the check whether Dask is there
    Checkpoint,
    DictionaryEncoder,
    LinearClassifier,
    MLPClassifier,
    RowBlocks,
    SparseAutoencoder,
    StackedAutoencoder,
    WhitenedComponents,
    ZCAWhitening,
)
from striate.core import row_blocks, worker_sums  # noqa: E402
from striate.core.block_sums import sums_over  # noqa: E402

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

X, Y = load_digits(return_X_y=True)
X, Y = shuffle(X[:400] / 16, Y[:400], random_state=0)
CHUNKS = (50, 0, 130, 1, 99, 120), (40, 24)
AUTOENCODER = SparseAutoencoder(6, max_iter=5, random_state=0)
ESTIMATORS = [
    MLPClassifier((8,), solver="lbfgs", max_iter=6, random_state=0),
    MLPClassifier((8,), solver="gd", max_iter=6, class_weight="balanced", random_state=0),
    MLPClassifier((8,), max_iter=3, early_stopping=True, random_state=0),
    AUTOENCODER,
    clone(AUTOENCODER).set_params(noise=0.2, output_activation="logistic"),
    StackedAutoencoder((6, 3), autoencoder=AUTOENCODER, random_state=0),
    LinearClassifier(
        "log_loss", alphas=[0.01, 0.1], validation_folds=2, max_iter=5, random_state=0
    ),
    LinearClassifier(class_weight="balanced", random_state=0),
    ZCAWhitening(),
    DictionaryEncoder(10, random_state=0),
    DictionaryEncoder(10, dictionary="omp1", random_state=0),
    WhitenedComponents(5),
]
# Those that come to another result than on arrays: by the order of rows, or the start.
OTHER_WAY = [ESTIMATORS[2], ESTIMATORS[9]]
SHORT = [ESTIMATORS[0], AUTOENCODER, ESTIMATORS[7], ESTIMATORS[8]]
of_estimators = pytest.mark.parametrize(
    "estimator",
    [pytest.param(each, marks=() if each in SHORT else pytest.mark.long) for each in ESTIMATORS],
    ids=lambda each: repr(each)[:60],
)


def cluster(n_workers, **options):
    settings = {"processes": False, "dashboard_address": ":0", "threads_per_worker": 1}
    return distributed.LocalCluster(n_workers=n_workers, **{**settings, **options})


@pytest.fixture(scope="module")
def two_workers():
    with cluster(2) as workers, distributed.Client(workers) as client:
        yield client


@pytest.fixture
def large(monkeypatch):
    """Arrays of any size are taken for large."""
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 0)


def dask_array(data=X, chunks=CHUNKS):
    return array.from_array(data, chunks=chunks)


@of_estimators
def test_fits_on_workers_are_those_on_arrays(estimator, two_workers, large):
    expected = clone(estimator).fit(X, Y)
    found = clone(estimator).fit(dask_array(), Y)
    for name in ("predict_proba", "decision_function", "transform", "score_samples"):
        if hasattr(found, name):
            outputs = getattr(found, name)(X)
            lazily = getattr(found, name)(dask_array())
            np.testing.assert_allclose(lazily, outputs, rtol=1e-10, atol=1e-12)
            if estimator not in OTHER_WAY:
                np.testing.assert_allclose(outputs, getattr(expected, name)(X), atol=1e-5)


def fitted(estimator):
    return clone(estimator).fit(RowBlocks(dask_array()), Y)


@pytest.mark.parametrize("n_workers", [3, pytest.param(1, marks=pytest.mark.long)])
def test_bits_are_the_same_for_any_number_of_workers_and_here(n_workers):
    estimators = [ESTIMATORS[0], ESTIMATORS[4], ESTIMATORS[8]]
    here = [fitted(each) for each in estimators]
    with cluster(n_workers) as workers, distributed.Client(workers):
        for estimator, expected in zip(estimators, here, strict=True):
            assert_same_bits(fitted(estimator), expected)


@pytest.mark.long
def test_bits_of_all_estimators():
    fits = []
    for n_workers in (1, 2):
        with cluster(n_workers) as workers, distributed.Client(workers):
            fits.append([fitted(each) for each in ESTIMATORS])
    for one, other in zip(*fits, strict=True):
        assert_same_bits(one, other)


@pytest.mark.long
def test_chunks_are_not_sent_to_the_client(two_workers, large, monkeypatch):
    def refuse(*_):
        raise AssertionError("rows were read here")

    monkeypatch.setattr(RowBlocks, "read", refuse)
    for name in ("_read", "_read_each", "_read_pieces"):
        monkeypatch.setattr(RowBlocks, name, refuse)
    for estimator in (ESTIMATORS[0], *ESTIMATORS[4:9:2]):
        clone(estimator).fit(dask_array(), Y)


def test_linear_weights_on_workers_are_those_on_arrays(two_workers, large):
    linear = LinearClassifier(random_state=0)
    expected = clone(linear).fit(X, Y)
    found = clone(linear).fit(dask_array(), Y)
    assert found.alpha_ == expected.alpha_
    largest = np.abs(expected.coef_).max()
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=0, atol=1e-6 * largest)


def test_nan_is_named_by_row_and_chunk(two_workers, large):
    wrong = X.copy()
    wrong[181, 5] = np.inf  # the only row of the third chunk that has any is 180
    with pytest.raises(ValueError, match=r"row 181, column 5 \(row 0 of chunk 3\)"):
        clone(ESTIMATORS[0]).fit(dask_array(wrong), Y)


def test_another_version_on_a_worker_is_refused(two_workers, monkeypatch):
    import striate

    class Other:
        def run(self, function):
            return {"tcp://a": striate.__version__, "tcp://b": "0.0.7"}

    with pytest.raises(ValueError, match=r"b has Striate 0.0.7, and this process Striate 0"):
        worker_sums.check_versions(Other())
    monkeypatch.setattr(Other, "run", lambda self, function: {"tcp://c": None})
    with pytest.raises(ValueError, match="c has no Striate"):
        worker_sums.check_versions(Other())
    worker_sums.check_versions(two_workers)


def test_workers_that_are_lost_do_not_change_the_bits(large, caplog):
    """Workers are closed while each fit goes on; others take their part."""
    with cluster(3) as workers, distributed.Client(workers) as client:
        expected = clone(ESTIMATORS[0]).fit(dask_array(), Y)
        evaluate, seen = worker_sums.SumsOnWorkers.__call__, []

        def losing(self, *arguments):
            seen.append(min(client.nthreads()))
            if len(seen) in (2, 4):
                remove = workers.scheduler.remove_worker
                workers.sync(remove, seen[-1], stimulus_id="test", close=True)
            return evaluate(self, *arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker_sums.SumsOnWorkers, "__call__", losing)
            found = clone(ESTIMATORS[0]).fit(dask_array(), Y)
        assert len(client.nthreads()) == 1
        assert_same_bits(found, expected)


@pytest.mark.long
def test_killed_processes_do_not_change_the_bits(large, caplog, tmp_path):
    caplog.set_level(logging.WARNING, "striate")
    options = {"processes": True, "local_directory": tmp_path / "workers"}
    estimator = clone(ESTIMATORS[0]).set_params(max_iter=60, tol=0.0)
    expected = clone(estimator).fit(dask_array(), Y)
    with cluster(2, **options) as workers, distributed.Client(workers) as client:
        evaluate, n = worker_sums.SumsOnWorkers.__call__, [0]

        def killing(self, *arguments):
            n[0] += 1
            if n[0] % 10 == 0 and n[0] <= 40:
                os.kill([*client.run(os.getpid).values()][n[0] // 10 % 2], signal.SIGKILL)
            return evaluate(self, *arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker_sums.SumsOnWorkers, "__call__", killing)
            found = clone(estimator).fit(dask_array(), Y)
        assert n[0] > 40
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-4)
    again = clone(estimator).fit(RowBlocks(dask_array()), Y)
    assert_same_bits(found, again)
    lines = [each for each in caplog.records if each.name == "striate"]
    assert len(lines) == 4
    assert not [*(tmp_path / "workers").rglob("worker-*")]


def test_a_lost_scheduler_is_one_line_that_says_how_to_go_on(large, tmp_path):
    mlp = clone(ESTIMATORS[0]).set_params(max_iter=8)
    whole = clone(mlp).fit(RowBlocks(dask_array()), Y)
    workers = cluster(1)
    with distributed.Client(workers) as client:
        sums = sums_over(RowBlocks(dask_array()))
        assert sums(_count) == (400,)
        workers.close()
        with pytest.raises(ConnectionError, match="Lost the scheduler .*Checkpoint") as error:
            sums(_count)
        assert "\n" not in str(error.value)
    del client
    assert whole.n_iter_ > 1
    assert Checkpoint


def _count(x, first, run):
    return (len(x),)


def test_results_come_in_order_whatever_worker_is_first(two_workers):
    rows = RowBlocks(dask_array())
    found = [*sums_over(rows, (np.arange(400),)).each(_first_and_label)]
    assert [part.start for part, _ in found] == [first for _, (first, _) in found]
    assert [first for _, (first, _) in found] == [0, 50, 180, 181, 280]
    assert [label for _, (_, label) in found] == [0, 50, 180, 181, 280]


def _first_and_label(x, first, run, labels):
    return first, int(labels[0])
