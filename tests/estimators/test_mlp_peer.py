"""scikit-learn's own tests of its multilayer perceptron, run on ours."""

import importlib.util
import types
from pathlib import Path

import pytest

import striate

SPEC = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
# These reach into private attributes: test_mlp.py checks the same in public.
PRIVATE = {
    "test_fit",
    "test_gradient",
    "test_learning_rate_warmstart",
    "test_adaptive_learning_rate",
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
}
# Our training ends with an error where scikit-learn's goes on with NaN: test_end_of_training.py.
DIVERGING = {"test_mlp_diverging_loss"}


def peer_module():
    """The installed test module, with our classes under the names of theirs."""
    source = Path(SPEC.origin).read_text(encoding="utf-8")
    theirs = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    assert source.count(theirs) == 1
    module = types.ModuleType("sklearn_test_mlp")
    ours = source.replace(theirs, "from striate import MLPClassifier, MLPRegressor")
    exec(compile(ours, SPEC.origin, "exec"), vars(module))
    return module


MODULE = peer_module()
TESTS = {name for name in vars(MODULE) if name.startswith("test_")}
globals().update({name: vars(MODULE)[name] for name in sorted(TESTS - PRIVATE - DIVERGING)})


@pytest.fixture
def global_random_seed():
    return 0


def test_that_all_of_them_run():
    assert PRIVATE | DIVERGING <= TESTS
    assert len(TESTS - PRIVATE - DIVERGING) >= 36
    assert MODULE.MLPClassifier is striate.MLPClassifier
    assert MODULE.MLPRegressor is striate.MLPRegressor
