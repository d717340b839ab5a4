"""Perceptrons become scikit-learn's, and back, with all that further training goes on from."""

import warnings

import numpy as np
import pytest
import sklearn.neural_network as peer
from all_pairs import all_pairs
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import striate
from striate.estimators.fitted_attributes import check_fitted

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    "sgd invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "sgd adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1,
                     "n_iter_no_change": 1},
    "adam": {"solver": "adam"},
    "adam early stopping": {"solver": "adam", "early_stopping": True},
    "lbfgs": {"solver": "lbfgs"},
}  # fmt: skip
TASKS = ["binary", "multiclass", "multilabel", "regression", "outputs", "poisson"]
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6))
SIGNAL = X @ RNG.normal(size=(6, 3))
Y = {
    "binary": np.array(["no", "yes"])[(SIGNAL[:, 0] > 0).astype(int)],
    "multiclass": SIGNAL.argmax(axis=1),
    "multilabel": (SIGNAL > 0).astype(int),
    "regression": SIGNAL[:, 0],
    "outputs": SIGNAL,
    "poisson": np.round(np.exp(SIGNAL[:, 0] / 3)),
}
ROWS = [
    (solver, task, activation)
    for solver in SOLVERS
    for task in TASKS
    for activation in ACTIVATIONS
    # There scikit-learn minimizes the mean of the outputs by the gradient of their sum.
    if (solver, task) != ("lbfgs", "outputs")
]


def new(library, task, **settings):
    settings = {"hidden_layer_sizes": (7, 4), "max_iter": 6, "random_state": 3, "batch_size": 32,
                "warm_start": True, "learning_rate_init": 0.02} | settings  # fmt: skip
    if task in ("binary", "multiclass", "multilabel"):
        return library.MLPClassifier(**settings)
    loss = "poisson" if task == "poisson" else "squared_error"
    return library.MLPRegressor(loss, **settings)


def outputs(model, X):
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


def check_equal(ours, theirs, rtol=1e-9):
    np.testing.assert_array_equal(
        ours.predict(X) if is_classifier(ours) else 0,
        theirs.predict(X) if is_classifier(ours) else 0,
    )
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=rtol, atol=rtol)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=rtol)
    names = ["n_iter_", "t_", "loss_", "n_outputs_", "n_layers_", "out_activation_"]
    if ours.solver != "lbfgs":
        names += ["loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
                  "_no_improvement_count"]  # fmt: skip
    for name in names:
        value, other = getattr(ours, name), getattr(theirs, name)
        assert value == (other if isinstance(other, str | None) else pytest.approx(other, rtol))


def train_on(model, y):
    """Train in each way that goes on from where the model is."""
    if model.solver != "lbfgs" and not model.early_stopping:
        model.partial_fit(X[:50], y[:50]).partial_fit(X, y)
    return model.fit(X, y)


@pytest.mark.parametrize(("solver", "task", "activation"), all_pairs(ROWS))
def test_there(solver, task, activation):
    ours = new(striate, task, activation=activation, **SOLVERS[solver]).fit(X, Y[task])
    theirs = ours.to_sklearn()
    assert type(theirs) is type(new(peer, task))
    mine = ours.get_params()
    assert theirs.get_params() == {name: mine[name] for name in theirs.get_params()}
    check_equal(ours, theirs)
    check_equal(train_on(ours, Y[task]), train_on(theirs, Y[task]), rtol=1e-5)


@pytest.mark.parametrize(("solver", "task", "activation"), all_pairs(ROWS))
def test_back(solver, task, activation):
    theirs = new(peer, task, activation=activation, **SOLVERS[solver]).fit(X, Y[task])
    ours = type(new(striate, task)).from_sklearn(theirs)
    mine = ours.get_params()
    assert theirs.get_params() == {name: mine[name] for name in theirs.get_params()}
    check_equal(ours, theirs)
    check_fitted(ours)
    if solver != "adam early stopping":  # where theirs goes on to change the best weights it kept
        check_equal(train_on(ours, Y[task]), train_on(theirs, Y[task]), rtol=1e-5)


@pytest.mark.parametrize("solver", ["sgd adaptive", "adam"])
def test_there_and_back_goes_on_as_if_nothing_had_been(solver):
    y = Y["multiclass"]
    ours = new(striate, "multiclass", **SOLVERS[solver]).fit(X, y)
    again = striate.MLPClassifier.from_sklearn(ours.to_sklearn())
    for model in (ours, again):
        model.partial_fit(X, y).partial_fit(X[:40], y[:40])
    for mine, other in zip(ours.coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_nothing_is_shared():
    ours = new(striate, "multiclass", random_state=np.random.RandomState(0)).fit(X, Y["multiclass"])
    theirs = ours.to_sklearn()
    again = striate.MLPClassifier.from_sklearn(theirs)
    before = [W.copy() for W in ours.coefs_], ours.random_state.get_state()[2], [*ours.loss_curve_]
    for model in (theirs, again):
        train_on(model, Y["multiclass"])
    assert ours.random_state.get_state()[2] == before[1]
    assert ours.loss_curve_ == before[2]
    for W, earlier in zip(ours.coefs_, before[0], strict=True):
        np.testing.assert_array_equal(W, earlier)


def test_float32_and_names_of_features():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.astype(np.float32), columns=list("abcdef"))
    ours = new(striate, "regression").fit(frame, Y["regression"].astype(np.float32))
    theirs = ours.to_sklearn()
    assert {W.dtype for W in theirs.coefs_} == {np.dtype(np.float32)}
    assert theirs.feature_names_in_.tolist() == list("abcdef")
    again = striate.MLPRegressor.from_sklearn(theirs)
    np.testing.assert_array_equal(again.predict(frame), ours.predict(frame))
    again.partial_fit(frame, Y["regression"].astype(np.float32))
    assert {W.dtype for W in again.coefs_} == {np.dtype(np.float32)}


def test_masked_weights_become_zeros():
    mask = np.arange(42).reshape(6, 7) % 2 == 0
    y = Y["multiclass"]
    ours = new(striate, "multiclass", connectivity=[mask]).fit(X, y)
    with pytest.warns(UserWarning, match="scikit-learn's MLPClassifier has no connectivity: "):
        theirs = ours.to_sklearn()
    assert theirs.hidden_layer_sizes == (7, 4)
    assert not theirs.coefs_[0][~mask].any()
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-9)
    assert np.isfinite(theirs.partial_fit(X, y).coefs_[0][~mask]).all()
    assert theirs.coefs_[0][~mask].all()
    with pytest.warns(UserWarning, match="connectivity"):
        np.testing.assert_allclose(ours.sparsify().to_sklearn().predict_proba(X),
                                   ours.predict_proba(X), rtol=1e-9)  # fmt: skip


def test_pretrained_layers_decide_sizes_and_activation():
    autoencoder = striate.SparseAutoencoder(5, max_iter=3, random_state=0)
    ours = new(striate, "binary", pretraining=autoencoder, hidden_layer_sizes=(100,))
    theirs = ours.fit(X, Y["binary"]).to_sklearn()
    assert theirs.hidden_layer_sizes == (5,)
    assert theirs.activation == "logistic"
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-9)


def test_parameters_of_training_that_are_left_out_are_named():
    ours = new(striate, "regression", l1_weight=1e-3, solver="gd", initialization="normal")
    ours.fit(X, Y["regression"])
    message = "MLPRegressor has no l1_weight=0.001, solver='gd': the network is the same, but"
    with pytest.warns(UserWarning, match=message) as caught:
        theirs = ours.to_sklearn()
    assert caught[0].filename == __file__
    assert theirs.solver == "adam"
    assert np.isfinite(theirs.partial_fit(X, Y["regression"]).loss_)


@pytest.mark.parametrize("sizes", [7, [7], np.array([7, 4]), ()])
def test_forms_of_hidden_layer_sizes(sizes):
    ours = new(striate, "binary", hidden_layer_sizes=sizes).fit(X, Y["binary"])
    theirs = ours.to_sklearn()
    np.testing.assert_array_equal(theirs.hidden_layer_sizes, sizes)
    assert type(theirs.hidden_layer_sizes) is type(sizes)
    check_equal(train_on(ours, Y["binary"]), train_on(theirs, Y["binary"]), rtol=1e-6)


@pytest.mark.parametrize(
    ("task", "settings", "reason"),
    [
        ("multiclass", {"activation": "silu"}, "it has the activations .* and not silu"),
        ("binary", {"loss": "squared_error"}, "of losses it has log_loss, and not .*'logistic'"),
        (
            "outputs",
            {"output_activation": "tanh"},
            "squared_error and poisson, .* activation 'tanh'",
        ),
    ],
)
def test_networks_that_scikit_learn_does_not_have(task, settings, reason):
    ours = new(striate, task, **settings).fit(X, Y[task])
    with pytest.raises(ValueError, match=f"cannot hold this network: .*{reason}"):
        ours.to_sklearn()


def test_layers_of_several_activations():
    ours = new(striate, "regression").fit(X, Y["regression"])
    ours._activations[0] = "tanh"
    with pytest.raises(
        ValueError, match="one activation for all hidden layers, and not tanh, relu"
    ):
        ours.to_sklearn()


@pytest.mark.parametrize(
    "model",
    [peer.MLPRegressor(), striate.MLPClassifier(), peer.MLPClassifier, None, peer.BernoulliRBM()],
)
def test_other_models(model):
    with pytest.raises(TypeError, match="needs a fitted sklearn.neural_network.MLPClassifier, got"):
        striate.MLPClassifier.from_sklearn(model)


def test_models_that_are_not_fitted():
    with pytest.raises(NotFittedError):
        striate.MLPClassifier().to_sklearn()
    with pytest.raises(NotFittedError):
        striate.MLPClassifier.from_sklearn(peer.MLPClassifier())


def test_damaged_models():
    theirs = new(peer, "multiclass").fit(X, Y["multiclass"])
    theirs.coefs_[1] = theirs.coefs_[1][:-1]
    with pytest.raises(ValueError, match="coefs_"):
        striate.MLPClassifier.from_sklearn(theirs)


def test_subclasses():
    class Mine(striate.MLPClassifier):
        pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = new(peer, "multiclass").fit(X, Y["multiclass"])
    mine = Mine.from_sklearn(theirs)
    assert type(mine) is Mine
    assert type(mine.to_sklearn()) is peer.MLPClassifier
