"""An interrupted fit continues from its checkpoint to the bits of an undisturbed one."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_bits import assert_same_bits, flat
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import striate
from striate import (
    Checkpoint,
    DictionaryEncoder,
    LocalReceptiveFields,
    MLPClassifier,
    MLPRegressor,
    PatchFeatures,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
)
from striate.files import atomic_writing
from striate.solvers.minibatch import Minibatch

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X, Y = X[:150] / 16, Y[:150]
SPARSE = sparse.csr_array(X)
FIELDS = LocalReceptiveFields((8, 8), 4, stride=4, n_maps=2)


class Killed(BaseException):
    """Ends a process as far as this test is concerned."""


class Killer:
    """A callback that ends the fit after some iterations."""

    def __init__(self, n_iterations, action=None):
        self.n_left, self.action = n_iterations, action

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "iteration":
            self.n_left -= 1
            if self.n_left == 0:
                if self.action is not None:
                    self.action()
                raise Killed
        return False


def killed(estimator, path, n_iterations, data, **options):
    """Fit with a checkpoint until the fit is ended after some iterations."""
    checkpoint = Checkpoint(path, **{"every_n_epochs": 2, **options})
    with pytest.raises(Killed):
        clone(estimator).set_callbacks(checkpoint, Killer(n_iterations)).fit(*data)


def resumed(estimator, path, data, **options):
    checkpoint = Checkpoint(path, **{"every_n_epochs": 2, **options})
    return clone(estimator).set_callbacks(checkpoint).fit(*data)


CLASSIFIER = MLPClassifier((9,), max_iter=11, random_state=0)
REGRESSOR = MLPRegressor(hidden_layer_sizes=(7, 5), max_iter=11, random_state=0)
AUTOENCODER = SparseAutoencoder(6, max_iter=11, random_state=0)


def with_(estimator, **settings):
    return clone(estimator).set_params(**settings)


NETWORKS = {
    "adam": (CLASSIFIER, (X, Y)),
    "adam, float32": (CLASSIFIER, (X.astype(np.float32), Y)),
    "adam, sparse": (CLASSIFIER, (SPARSE, Y)),
    "early stopping": (
        with_(CLASSIFIER, early_stopping=True, max_iter=40, n_iter_no_change=12, tol=0.01),
        (X, Y),
    ),
    "sgd": (with_(CLASSIFIER, solver="sgd", learning_rate_init=0.1), (X, Y)),
    "sgd, adaptive": (
        with_(
            CLASSIFIER,
            solver="sgd",
            learning_rate="adaptive",
            learning_rate_init=0.1,
            tol=0.05,
            n_iter_no_change=2,
            max_iter=30,
        ),
        (X, Y),
    ),
    "sgd, inverse scaling": (
        with_(CLASSIFIER, solver="sgd", learning_rate="invscaling", nesterovs_momentum=False),
        (X, Y),
    ),
    "no shuffling": (with_(CLASSIFIER, shuffle=False), (X, Y)),
    "plateau": (with_(CLASSIFIER, tol=0.1, n_iter_no_change=3, max_iter=99), (X, Y)),
    "gd": (with_(CLASSIFIER, solver="gd", learning_rate_init=0.1), (X, Y)),
    "gd, l1": (with_(CLASSIFIER, solver="gd", learning_rate_init=0.1, l1_weight=0.01), (X, Y)),
    "lbfgs": (with_(CLASSIFIER, solver="lbfgs"), (X, Y)),
    "lbfgs, float32": (with_(CLASSIFIER, solver="lbfgs"), (X.astype(np.float32), Y)),
    "lbfgs, l1": (with_(CLASSIFIER, solver="lbfgs", l1_weight=0.001, max_iter=25), (X, Y)),
    "lbfgs, converging": (with_(REGRESSOR, solver="lbfgs", max_iter=200, tol=0.05), (X, Y)),
    "masks": (with_(CLASSIFIER, connectivity=FIELDS, hidden_layer_sizes=(8,)), (X, Y)),
    "several outputs": (REGRESSOR, (X, np.stack([Y, Y**2], axis=1).astype(float))),
    "weights": (REGRESSOR, (X, Y.astype(float), 1.0 + Y)),
    "scaled targets": (with_(REGRESSOR, output_activation="tanh"), (X, Y.astype(float))),
    "dropout, average, one cycle": (
        with_(
            CLASSIFIER,
            dropout=[0.2, 0.3],
            weight_averaging=0.9,
            learning_rate="one_cycle",
            weight_decay=0.01,
            max_grad_norm=0.5,
        ),
        (X, Y),
    ),
    "scored average": (
        with_(
            CLASSIFIER,
            early_stopping=True,
            scoring="balanced_accuracy",
            restore_best=False,
            weight_averaging=0.9,
            dropout=0.3,
        ),
        (X, Y),
    ),
    "quantiles": (with_(REGRESSOR, loss="quantile", quantile=[0.1, 0.9]), (X, Y.astype(float))),
    "autoencoder": (with_(AUTOENCODER, solver="lbfgs"), (X,)),
    "autoencoder, adam": (with_(AUTOENCODER, solver="adam"), (X,)),
    "autoencoder, gd": (with_(AUTOENCODER, solver="gd"), (X,)),
    "autoencoder, noise": (with_(AUTOENCODER, solver="adam", noise=0.2), (X,)),
    "autoencoder, noisy lbfgs": (
        with_(AUTOENCODER, noise=0.2, noise_type="gaussian", tied_weights=True),
        (X,),
    ),
}


@pytest.mark.parametrize("n_iterations", [1, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_killed_fit_continues_to_the_bits_of_an_undisturbed_one(name, n_iterations, tmp_path):
    estimator, data = NETWORKS[name]
    expected = clone(estimator).fit(*data)
    killed(estimator, tmp_path / "run.skops", n_iterations, data)
    again = resumed(estimator, tmp_path / "run.skops", data)
    assert_same_bits(again, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.skops"]


@pytest.mark.parametrize("restore_best", [True, False])
def test_validation_rows_are_part_of_a_training(restore_best, tmp_path):
    network = with_(CLASSIFIER, learning_rate_init=0.05, restore_best=restore_best)
    held_out = {"X_val": X[:50], "y_val": Y[:50], "sample_weight_val": np.arange(50.0)}
    expected = clone(network).fit(X[50:], Y[50:], **held_out)
    checkpoint = Checkpoint(tmp_path / "run.skops", every_n_epochs=2)
    with pytest.raises(Killed):
        clone(network).set_callbacks(checkpoint, Killer(7)).fit(X[50:], Y[50:], **held_out)
    again = clone(network).set_callbacks(checkpoint)
    with pytest.raises(ValueError, match="X_val was float64 50"):
        again.fit(X[50:], Y[50:], **{**held_out, "X_val": X[100:]})
    assert_same_bits(again.fit(X[50:], Y[50:], **held_out), expected)


def test_a_training_with_another_schedule_is_another_one(tmp_path):
    def halving(share):
        return 0.5 ** (10 * share)

    def slower(share, rate=0.5):
        return rate**share

    slower.__name__ = halving.__name__  # as in a file that was edited
    killed(with_(CLASSIFIER, learning_rate=halving), tmp_path / "run.skops", 5, (X, Y))
    with pytest.raises(ValueError, match="learning_rate was .*halving.*, and is .*halving"):
        resumed(with_(CLASSIFIER, learning_rate=slower), tmp_path / "run.skops", (X, Y))
    again = resumed(with_(CLASSIFIER, learning_rate=halving), tmp_path / "run.skops", (X, Y))
    assert_same_bits(again, with_(CLASSIFIER, learning_rate=halving).fit(X, Y))


@pytest.mark.parametrize("name", ["adam", "early stopping", "lbfgs", "gd", "autoencoder, adam"])
def test_a_fit_may_be_killed_many_times(name, tmp_path):
    estimator, data = NETWORKS[name]
    for n_iterations in (3, 2, 4):
        killed(estimator, tmp_path / "run.skops", n_iterations, data, every_n_epochs=1)
    assert_same_bits(resumed(estimator, tmp_path / "run.skops", data), clone(estimator).fit(*data))


@pytest.mark.parametrize("name", ["adam", "early stopping", "plateau", "lbfgs, converging", "gd"])
def test_a_finished_fit_returns_at_once(name, tmp_path, monkeypatch):
    estimator, data = NETWORKS[name]
    first = resumed(estimator, tmp_path / "run.skops", data)
    before = (tmp_path / "run.skops").stat().st_mtime_ns
    watcher = Killer(1)
    checkpoint = Checkpoint(tmp_path / "run.skops")
    again = clone(estimator).set_callbacks(checkpoint, watcher).fit(*data)
    assert watcher.n_left == 1  # no iteration
    assert_same_bits(again, first)
    assert (tmp_path / "run.skops").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["adam", "sgd", "gd", "lbfgs", "autoencoder", "early stopping"])
def test_a_finished_fit_goes_on_with_more_iterations(name, tmp_path):
    estimator, data = NETWORKS[name]
    resumed(with_(estimator, max_iter=6), tmp_path / "run.skops", data)
    longer = resumed(with_(estimator, max_iter=9), tmp_path / "run.skops", data)
    assert_same_bits(longer, with_(estimator, max_iter=9).fit(*data))
    with pytest.raises(ValueError, match="max_iter was 9, and is 8"):
        resumed(with_(estimator, max_iter=8), tmp_path / "run.skops", data)


KILL = """
import os, signal, sys
sys.path[:0] = sys.argv[2:]
from test_checkpoint import NETWORKS, Killer, clone, Checkpoint
estimator, data = NETWORKS["early stopping"]
kill = Killer(7, lambda: os.kill(os.getpid(), signal.SIGKILL))
clone(estimator).set_callbacks(Checkpoint(sys.argv[1], every_n_epochs=3), kill).fit(*data)
"""


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal on this system")
def test_another_process_continues_after_kill_9(tmp_path):
    path, folder = tmp_path / "run.skops", os.path.dirname(__file__)
    run = subprocess.run(
        [sys.executable, "-c", KILL, path, folder], capture_output=True, timeout=200, check=False
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    estimator, data = NETWORKS["early stopping"]
    assert_same_bits(resumed(estimator, path, data), clone(estimator).fit(*data))


# --- random states --------------------------------------------------------------------------


def test_without_a_seed_it_continues_with_the_interrupted_random_numbers(tmp_path):
    unseeded = with_(NETWORKS["early stopping"][0], random_state=None)
    expected = with_(unseeded, random_state=np.random.RandomState(5)).fit(X, Y)
    np.random.seed(5)  # noqa: NPY002
    killed(unseeded, tmp_path / "run.skops", 5, (X, Y))
    np.random.seed(6)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    again = resumed(unseeded, tmp_path / "run.skops", (X, Y))
    assert_same_bits(again, expected, but=["random_state"])
    assert flat(np.random.get_state()) == flat(before)  # noqa: NPY002


def test_the_callers_random_state_ends_as_after_an_undisturbed_fit(tmp_path):
    states = [np.random.RandomState(3) for _ in range(3)]
    killed_one, resumed_one, expected = (
        with_(CLASSIFIER).set_params(random_state=s) for s in states
    )
    checkpoint = Checkpoint(tmp_path / "run.skops", every_n_epochs=2)
    with pytest.raises(Killed):
        killed_one.set_callbacks(checkpoint, Killer(5)).fit(X, Y)
    resumed_one.set_callbacks(checkpoint).fit(X, Y)
    expected.fit(X, Y)
    assert flat(states[1]) == flat(states[2])
    assert_same_bits(resumed_one, expected)
    with pytest.raises(ValueError, match="random_state was RandomState"):
        resumed_one.fit(X, Y)  # where the first fit has left it


# --- fits inside fits -----------------------------------------------------------------------

IMAGES = np.random.default_rng(0).random((6, 14, 14)).astype(np.float32)
PATCHES = {"patch_size": 4, "n_patches": 100, "pool_grid": (2, 2), "random_state": 0}
STACK = StackedAutoencoder(
    (5, 4), autoencoder=with_(AUTOENCODER, random_state=None, max_iter=6), random_state=0
)
ATOMS = DictionaryEncoder(5, dictionary="omp1", max_iter=6, random_state=0)
WHOLES = {
    "stack": (STACK, (X,), 12),
    "pretraining": (
        MLPClassifier(pretraining=AUTOENCODER, max_iter=11, random_state=0),
        (X, Y),
        22,
    ),
    "stack as pretraining": (
        MLPClassifier(pretraining=STACK, max_iter=11, random_state=0),
        (X, Y),
        23,
    ),
    "patches": (PatchFeatures(AUTOENCODER, **PATCHES), (IMAGES,), 11),
    "self-taught": (
        SelfTaughtClassifier(AUTOENCODER, LogisticRegression(max_iter=500)),
        (X, Y),
        11,
    ),
    "self-taught network": (SelfTaughtClassifier(StandardScaler(), CLASSIFIER), (X, Y), 11),
    "restarts": (with_(CLASSIFIER, n_restarts=3), (X, Y), 33),
    "restarts of an autoencoder": (with_(AUTOENCODER, n_restarts=2), (X,), 22),
}


@contextlib.contextmanager
def iterations(action):
    """Call `action` after each iteration of any training."""
    from striate.estimators.progress import Progress

    with pytest.MonkeyPatch.context() as patch:
        report = Progress.__call__

        def counted(self, *arguments):
            stop = report(self, *arguments)
            action()
            return stop

        patch.setattr(Progress, "__call__", counted)
        yield


@pytest.mark.long
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", WHOLES)
def test_fits_inside_a_fit_continue(name, share, tmp_path):
    whole, data, total = WHOLES[name]
    expected, left = clone(whole).fit(*data), [max(1, int(share * total))]

    def kill():
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    path = tmp_path / "run.skops"
    with iterations(kill), pytest.raises(Killed):
        resumed(whole, path, data)
    counted = []
    with iterations(lambda: counted.append(1)):
        again = resumed(whole, path, data)
    assert_same_bits(again, expected)
    assert len(counted) <= total - int(share * total) + 2


def test_a_dictionary_continues(tmp_path, monkeypatch):
    from striate.images import dictionary_learning

    expected, unit_rows, calls = clone(ATOMS).fit(X), dictionary_learning.unit_rows, []

    def counted(W):
        calls.append(1)
        if len(calls) == 5:
            raise Killed
        return unit_rows(W)

    monkeypatch.setattr(dictionary_learning, "unit_rows", counted)
    with pytest.raises(Killed):
        resumed(ATOMS, tmp_path / "run.skops", (X,))
    assert_same_bits(resumed(ATOMS, tmp_path / "run.skops", (X,)), expected)
    assert len(calls) == 5 + 1 + 4  # the start, and passes 3 to 6


def test_callbacks_are_removed_from_the_steps_of_a_fit(tmp_path):
    stack = resumed(STACK, tmp_path / "run.skops", (X,))
    assert not [name for each in stack.autoencoders_ for name in vars(each) if "callback" in name]


# --- searches, pipelines and other callbacks ------------------------------------------------


def test_in_a_pipeline_it_is_set_on_the_network(tmp_path):
    network = with_(CLASSIFIER).set_callbacks(Checkpoint(tmp_path / "run.skops"))
    pipeline = make_pipeline(StandardScaler(), network).fit(X, Y)
    assert_same_bits(clone(pipeline).fit(X, Y)[-1], pipeline[-1])
    with pytest.raises(TypeError, match="not for Pipeline.*set it on the network itself"):
        clone(pipeline).set_callbacks(Checkpoint(tmp_path / "other.skops")).fit(X, Y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_keeps_each_fit_in_a_folder(n_jobs, tmp_path):
    import joblib

    network = with_(CLASSIFIER, max_iter=4)
    grid = {"alpha": [1e-4, 1e-2], "max_iter": [2, 4]}
    search = GridSearchCV(network, grid, cv=2, n_jobs=n_jobs)
    with joblib.parallel_backend("threading"):
        expected = clone(search).fit(X, Y)
        network.set_callbacks(Checkpoint(tmp_path))
        found = clone(search).fit(X, Y)
        assert len(list(tmp_path.iterdir())) == 2 * 2 * 2 + 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Minibatch, "epoch", None)  # nothing is trained again
            again = clone(search).fit(X, Y)
    for each in (found, again):
        np.testing.assert_array_equal(
            each.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
        )
        assert_same_bits(each.best_estimator_, expected.best_estimator_)


def test_several_fits_with_one_file_are_refused(tmp_path):
    network = with_(CLASSIFIER).set_callbacks(Checkpoint(tmp_path / "run.skops"))
    with pytest.raises(ValueError, match="X was .*another name.*give Checkpoint a folder"):
        cross_val_score(network, X, Y, cv=2, error_score="raise")


def test_two_fits_at_the_same_time_do_not_replace_each_others_file(tmp_path):
    path = tmp_path / "run.skops"

    def begin_another():
        killed(with_(CLASSIFIER, alpha=0.1), path, 1, (X, Y), resume=False)
        raise Killed

    with iterations(begin_another), pytest.raises(Killed):
        resumed(CLASSIFIER, path, (X, Y), every_n_epochs=1)
    other = path.read_bytes()
    first = clone(CLASSIFIER)

    class Replacer(Killer):
        def on_fit_task_end(self, estimator, context):
            path.write_bytes(other)
            return False

    path.unlink()
    with pytest.raises(ValueError, match="another fit has begun to write its checkpoint there"):
        first.set_callbacks(Checkpoint(path, every_n_epochs=1), Replacer(1)).fit(X, Y)
    assert path.read_bytes() == other


def test_a_folder_needs_seeds(tmp_path):
    with pytest.raises(ValueError, match="need a random_state: set it to a number"):
        resumed(with_(CLASSIFIER, random_state=None), tmp_path, (X, Y))


def test_other_callbacks_go_on(tmp_path, capsys):
    path = tmp_path / "run.skops"
    killed(CLASSIFIER, path, 5, (X, Y))
    network = clone(CLASSIFIER).set_callbacks(ProgressBar(), Checkpoint(path)).fit(X, Y)
    assert_same_bits(network, clone(CLASSIFIER).fit(X, Y))


def test_an_estimator_has_one_checkpoint(tmp_path):
    both = Checkpoint(tmp_path / "a.skops"), Checkpoint(tmp_path / "b.skops")
    with pytest.raises(ValueError, match="MLPClassifier has several checkpoints: give it one"):
        clone(CLASSIFIER).set_callbacks(*both).fit(X, Y)


def test_a_checkpoint_is_not_saved_with_a_model(tmp_path):
    network = resumed(CLASSIFIER, tmp_path / "run.skops", (X, Y))
    striate.persistence.save(network, tmp_path / "model.skops")
    loaded = striate.persistence.load(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict(X), network.predict(X))


@pytest.mark.parametrize("every_n_epochs", [0, -1])
def test_every_n_epochs_is_positive(every_n_epochs):
    with pytest.raises(ValueError, match="every_n_epochs == .*, must be >= 1"):
        Checkpoint("run.skops", every_n_epochs=every_n_epochs)


# --- what is refused ------------------------------------------------------------------------

OTHERS = {
    "alpha was 0.0001": (with_(CLASSIFIER, alpha=0.01), (X, Y)),
    "hidden_layer_sizes was .9., and is .8.": (with_(CLASSIFIER, hidden_layer_sizes=(8,)), (X, Y)),
    "solver was 'adam', and is 'sgd'": (with_(CLASSIFIER, solver="sgd"), (X, Y)),
    "random_state was 0, and is 1": (with_(CLASSIFIER, random_state=1), (X, Y)),
    "estimator was MLPClassifier, and is MLPRegressor": (REGRESSOR, (X, Y)),
    "X was float64 150 × 64 with checksum": (CLASSIFIER, (X + 1e-16 * (X > 0.5), Y)),
    "X was float64 .* and is float32": (CLASSIFIER, (X.astype(np.float32), Y)),
    "X was .*, and is CSR": (CLASSIFIER, (SPARSE, Y)),
    "and is float64 149 × 64": (CLASSIFIER, (X[1:], Y[1:])),
    "y was bool": (CLASSIFIER, (X, Y[::-1])),
    "sample_weight was None": (CLASSIFIER, (X, Y, 1.0 + Y)),
    "n_restarts was 1, and is 2": (with_(CLASSIFIER, n_restarts=2), (X, Y)),
    "connectivity was None": (with_(CLASSIFIER, connectivity=FIELDS), (X, Y)),
}


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "run.skops"
    killed(CLASSIFIER, path, 5, (X, Y))
    return path


@pytest.fixture
def copied(interrupted, tmp_path):
    return shutil.copy(interrupted, tmp_path / "run.skops")


@pytest.mark.parametrize("message", OTHERS)
def test_the_checkpoint_of_another_training_is_refused(message, copied):
    estimator, data = OTHERS[message]
    before = copied.read_bytes()
    with pytest.raises(ValueError, match=f"run.skops: not resumed, .*: .*{message}"):
        resumed(estimator, copied, data)
    assert copied.read_bytes() == before


def test_what_does_not_change_the_result_may_change(copied, capsys):
    talking = with_(CLASSIFIER, verbose=True)
    again = resumed(talking, copied, (np.asfortranarray(X), Y))
    assert_same_bits(again, clone(CLASSIFIER).fit(X, Y), but=["verbose"])
    assert "Iteration 5," in capsys.readouterr().out


def test_the_same_settings_after_other_weights_are_refused(tmp_path):
    network = with_(CLASSIFIER, warm_start=True, max_iter=4)
    network.set_callbacks(Checkpoint(tmp_path / "run.skops")).fit(X, Y)
    with pytest.raises(ValueError, match="the initial weights were"):
        network.fit(X, Y)


def test_a_fit_after_a_fit_with_warm_start_continues(tmp_path):
    network = with_(CLASSIFIER, warm_start=True, max_iter=4)
    expected = clone(network).fit(X, Y).fit(X, Y)
    again = [clone(network).fit(X, Y) for _ in range(2)]
    checkpoint = Checkpoint(tmp_path / "run.skops", every_n_epochs=1)
    with pytest.raises(Killed):
        again[0].set_callbacks(checkpoint, Killer(2)).fit(X, Y)
    assert_same_bits(again[1].set_callbacks(checkpoint).fit(X, Y), expected)
    assert len(expected.loss_curve_) == 8


def test_another_version_is_refused(copied, monkeypatch):
    monkeypatch.setattr(striate, "__version__", "9.9")
    with pytest.raises(ValueError, match="Striate was .*, and is 9.9"):
        resumed(CLASSIFIER, copied, (X, Y))


def test_it_begins_anew_on_request(copied):
    again = resumed(with_(CLASSIFIER, alpha=0.1), copied, (X, Y), resume=False)
    assert_same_bits(again, with_(CLASSIFIER, alpha=0.1).fit(X, Y))
    assert_same_bits(resumed(with_(CLASSIFIER, alpha=0.1), copied, (X, Y)), again)


def test_a_refused_checkpoint_leaves_the_estimator_as_it_was(copied):
    network = with_(CLASSIFIER, alpha=0.1).fit(X, Y)
    before = flat(network)
    with pytest.raises(ValueError, match="not resumed"):
        network.set_callbacks(Checkpoint(copied)).fit(X, Y)
    assert flat(network) == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 1000])
def test_other_files_are_refused(content, tmp_path):
    (tmp_path / "run.skops").write_bytes(content)
    with pytest.raises(ValueError, match="truncated, damaged, or not a checkpoint"):
        resumed(CLASSIFIER, tmp_path / "run.skops", (X, Y))
    assert (tmp_path / "run.skops").read_bytes() == content


def test_a_model_is_refused(tmp_path):
    striate.persistence.save(clone(CLASSIFIER).fit(X, Y), tmp_path / "run.skops")
    with pytest.raises(ValueError, match="damaged, or not a checkpoint"):
        resumed(CLASSIFIER, tmp_path / "run.skops", (X, Y))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_end_in_one_error_or_change_nothing(copied, interrupted, data):
    content = bytearray(interrupted.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]
    copied.write_bytes(content)
    try:
        again = resumed(CLASSIFIER, copied, (X, Y))
    except ValueError as error:
        assert "run.skops" in str(error)  # noqa: PT017, it may also succeed
    else:
        assert_same_bits(again, clone(CLASSIFIER).fit(X, Y))


def forged(path, name, change):
    """Change the record of a fit, keeping the archive sound."""
    import skops.io

    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    record = skops.io.loads(parts[name], trusted=[])
    change(record)
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in {**parts, name: skops.io.dumps(record)}.items():
            archive.writestr(part, content)


FORGERIES = {
    "rows": lambda training: training["order"].update(rows=training["order"]["rows"] + 10**9),
    "type of rows": lambda training: training["order"].update(rows=np.zeros(150)),
    "theta": lambda training: training.update(theta=training["theta"][:-1]),
    "moments": lambda training: training["batches"].update(moments=(np.zeros(1), np.zeros(1))),
    "steps": lambda training: training["batches"].update(n_steps="many"),
    "random numbers": lambda training: training["random_state"].update(position=10**6),
    "losses": lambda training: training["losses"].update(losses="none"),
    "iterations": lambda training: training.update(n_iter="x"),
    "status": lambda training: training.update(status="happy"),
    "nothing": lambda training: training.clear(),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_records_are_refused(name, copied):
    forged(copied, "fit", lambda record: FORGERIES[name](record["training"]))
    with pytest.raises(ValueError, match="truncated, damaged, or not a checkpoint"):
        resumed(CLASSIFIER, copied, (X, Y))


@pytest.mark.parametrize("array", ["indices", "counts", "flags", "task", "line_search"])
@pytest.mark.parametrize("value", [-(10**6), 10**6])
def test_forged_counts_of_lbfgs_are_refused(array, value, tmp_path):
    estimator, data = NETWORKS["lbfgs, l1"]
    killed(estimator, tmp_path / "run.skops", 5, data)

    def change(record):
        record["training"]["memory"][array][:] = value

    forged(tmp_path / "run.skops", "fit", change)
    with pytest.raises(ValueError, match=f"damaged, .*{array}: (out of bounds|of another size)"):
        resumed(estimator, tmp_path / "run.skops", data)


@pytest.mark.long
@pytest.mark.parametrize("place", range(16, 44))
def test_forged_pointers_of_lbfgs_are_refused_or_harmless(place, tmp_path):
    estimator, data = NETWORKS["lbfgs, l1"]
    killed(estimator, tmp_path / "run.skops", 5, data)

    def change(record):
        record["training"]["memory"]["counts"][place] = 10**5

    forged(tmp_path / "run.skops", "fit", change)
    with contextlib.suppress(ValueError):
        resumed(estimator, tmp_path / "run.skops", data)


class Foreign(BaseEstimator):
    """An estimator of another package."""


def test_types_that_hold_code_are_refused(copied):
    forged(copied, "fit", lambda record: record.update(extra=Foreign()))
    with pytest.raises(ValueError, match="truncated, damaged, or not a checkpoint"):
        resumed(CLASSIFIER, copied, (X, Y))


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left")])
def test_a_write_that_fails_leaves_the_old_checkpoint(error, copied, monkeypatch):
    before, replace = copied.read_bytes(), os.replace

    def fails(*names):
        raise error

    monkeypatch.setattr(atomic_writing.os, "replace", fails)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # after Ctrl-C: what was reached is kept
        if error is KeyboardInterrupt:
            resumed(CLASSIFIER, copied, (X, Y))
        else:
            with pytest.raises(OSError, match="no space left"):
                resumed(CLASSIFIER, copied, (X, Y))
    assert copied.read_bytes() == before
    assert [path.name for path in copied.parent.iterdir()] == ["run.skops"]
    monkeypatch.setattr(atomic_writing.os, "replace", replace)
    assert_same_bits(resumed(CLASSIFIER, copied, (X, Y)), clone(CLASSIFIER).fit(X, Y))


def test_contents_are_on_the_disk_before_they_get_their_name(tmp_path, monkeypatch):
    events = []
    for name in ("fsync", "replace"):
        function = getattr(os, name)

        def recorded(*arguments, name=name, function=function):
            events.append(name)
            return function(*arguments)

        monkeypatch.setattr(atomic_writing.os, name, recorded)
    resumed(with_(CLASSIFIER, max_iter=1), tmp_path / "run.skops", (X, Y))
    assert events == ["fsync", "replace", "fsync"] * 2


def test_a_place_that_cannot_be_written_is_found_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(Minibatch, "epoch", None)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        resumed(CLASSIFIER, tmp_path / "missing" / "run.skops", (X, Y))


def test_a_fit_that_is_refused_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="output_activation"):
        resumed(with_(CLASSIFIER, output_activation="tanh"), tmp_path / "run.skops", (X, Y))
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_the_last_state(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    path, kill = tmp_path / "run.skops", Killer(5, interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        clone(CLASSIFIER).set_callbacks(Checkpoint(path, every_n_epochs=2), kill).fit(X, Y)
    assert_same_bits(resumed(CLASSIFIER, path, (X, Y)), clone(CLASSIFIER).fit(X, Y))
