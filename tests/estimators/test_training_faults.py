"""What loss curves, steps and weights say: made-up curves with known faults, and verbose fits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from striate import MLPClassifier, MLPRegressor, SparseAutoencoder
from striate.estimators.training_faults import (
    loss_findings,
    step_finding,
    weight_finding,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
EPOCHS = np.arange(200)
RNG = np.random.default_rng(0)


def trained(losses, *, n_iter=None, scores=None, **parameters):
    """An estimator that has this loss curve."""
    classifier = MLPClassifier(**parameters)
    classifier.loss_curve_ = list(losses)
    classifier.n_iter_ = len(losses) if n_iter is None else n_iter
    classifier.validation_scores_ = scores
    return classifier


def subjects(losses, **settings):
    return [each.subject for each in loss_findings(trained(losses, **settings)) if each]


HEALTHY = {
    "converges": 2 * np.exp(-EPOCHS / 15) + 0.1,
    "converges to almost nothing": 2 * np.exp(-EPOCHS / 20),
    "slow tail": 2 / (1 + EPOCHS),
    "noise of 1%": (2 * np.exp(-EPOCHS / 15) + 0.3) * (1 + 0.01 * RNG.normal(size=200)),
    "spikes at almost nothing": 1.5 * np.exp(-EPOCHS / 8) + 1e-3 * (1 + RNG.random(200)),
    "nothing to learn": 0.7 + 0.01 * np.exp(-EPOCHS / 3) + 5e-4 * RNG.normal(size=200),
    "one late spike": np.where(EPOCHS == 150, 0.5, 2 * np.exp(-EPOCHS / 15) + 0.1),
    "first epoch enormous": np.r_[500, 2 * np.exp(-EPOCHS / 15) + 0.1],
    "all dead": np.full(200, 2.3),
    "all dead, but for the ridge": 2.3 - 1e-9 * EPOCHS,
    "zero": np.zeros(200),
}
TOO_HIGH = {
    "bounces": np.r_[2.5, 2.3 + 0.3 * RNG.random(199)],
    "bounces after an enormous first epoch": np.r_[50, 2.3 + 0.4 * RNG.random(199)],
    "falls in jumps": np.exp(-EPOCHS / 200) + 0.3 * RNG.random(200),
    "explodes": 1.1**EPOCHS,
    "rises again": np.where(EPOCHS < 50, 2 * np.exp(-EPOCHS / 15), 0.1 + EPOCHS / 150),
    "not finite": np.r_[1, 0.5, 3.0, np.inf],
    "not a number": np.r_[1, np.nan],
}
TOO_LOW = {
    "hardly falls": 2.3 - 1e-4 * EPOCHS[:12],
    "along a line": 2.3 - 0.01 * EPOCHS,
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("max_iter", [201, 1000])
def test_healthy_curves(name, max_iter):
    assert subjects(HEALTHY[name], max_iter=max_iter) == []


@pytest.mark.parametrize("name", TOO_HIGH)
@pytest.mark.parametrize("solver", ["adam", "sgd", "gd"])
def test_curves_of_a_learning_rate_too_high(name, solver):
    parameters = {"solver": solver, "learning_rate_init": 0.5}
    (found,) = loss_findings(trained(TOO_HIGH[name], **parameters))
    assert (found.severity, found.subject) == ("high", "learning rate too high")
    assert found.advice == "Lower learning_rate_init (now 0.5), for example to 0.05."
    assert ("epoch" in found.evidence) == (solver != "gd")


@pytest.mark.parametrize("name", TOO_LOW)
def test_curves_of_a_learning_rate_too_low(name):
    (found,) = loss_findings(trained(TOO_LOW[name], learning_rate_init=1e-6))
    assert found.subject == "learning rate too low"
    assert "Raise learning_rate_init (now 1e-06), for example to 1e-05" in found.advice


@pytest.mark.parametrize(("factor", "found"), [(1, []), (60, ["training ended too early"])])
def test_a_loss_that_still_falls_at_max_iter(factor, found):
    losses = 2 * np.exp(-EPOCHS / (1.2 * factor)) + 0.1
    assert subjects(losses, max_iter=200) == found
    assert subjects(losses, max_iter=201) == []  # something else ended it
    assert subjects(losses, max_iter=200, solver="lbfgs") == found


def test_a_validation_score_may_end_training_while_the_loss_falls():
    losses = 2 - EPOCHS[:50] / 50
    assert subjects(losses, scores=[0.5]) == []
    assert subjects(losses) == ["learning rate too low"]
    assert subjects(2 - EPOCHS[:12] * 1e-4, scores=[0.5]) == ["learning rate too low"]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("curves", [HEALTHY, TOO_HIGH, TOO_LOW])
def test_the_unit_of_the_loss_does_not_matter(curves, scale):
    for losses in curves.values():
        assert subjects(scale * losses) == subjects(losses)


def test_no_curve_no_finding():
    assert subjects([]) == subjects([3, 2, 1]) == []
    assert loss_findings(MLPClassifier()) == []


@pytest.mark.parametrize(
    ("batch_size", "n_epochs", "unfinished", "found"),
    [
        (1000, 20, False, True),  # 20 steps
        (1000, 500, False, False),
        (1000, 500, True, True),
        ("auto", 500, True, True),  # five steps per epoch
        (64, 500, True, False),
        (16, 1, True, False),
    ],
)
def test_few_steps(batch_size, n_epochs, unfinished, found):
    classifier = trained(np.ones(n_epochs), batch_size=batch_size)
    assert (step_finding(classifier, 1000, unfinished) is not None) == found
    classifier.solver = "lbfgs"
    assert step_finding(classifier, 1000, unfinished) is None


def test_epochs_of_partial_fit_are_not_counted():
    assert step_finding(trained(np.ones(5), n_iter=1, batch_size=500), 1000, False) is None


def test_decoupled_decay_that_makes_weights_vanish():
    X, y = load_digits(return_X_y=True)
    classifier = MLPClassifier((20,), weight_decay=300.0, max_iter=20, random_state=0)
    fitted = classifier.fit(X[:500] / 16, y[:500])
    finding = weight_finding(fitted, fitted._layers(), 500)
    assert (finding.severity, finding.subject) == ("high", "weight_decay too strong")


@pytest.mark.parametrize(("alpha", "found"), [(1e4, True), (1, False), (0, False)])
def test_a_ridge_that_makes_weights_vanish(alpha, found):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    classifier = MLPClassifier((20,), alpha=alpha, solver="lbfgs", max_iter=50, random_state=0)
    finding = weight_finding(classifier.fit(X, y), classifier._layers(), 300)
    assert (finding is not None) == found
    if found:
        assert (finding.severity, finding.subject) == ("high", "alpha too strong")
        assert finding.advice == "Lower alpha (now 10000), for example to 100."


def last_line(estimator, capsys, *data, max_iter=12):
    estimator.set_params(verbose=True, max_iter=max_iter, random_state=0).fit(*data)
    return capsys.readouterr().out.splitlines()[-1]


def test_a_verbose_fit_ends_with_the_most_serious_fault(capsys):
    X, y = load_digits(return_X_y=True)
    X, y = X[:200] / 16, y[:200]
    columns = X * np.r_[5000, np.ones(63)]
    columns[:, 0] = 5000 * np.arange(200)
    line = last_line(MLPClassifier((5,)), capsys, columns, y)
    assert line.startswith("Diagnosis: columns of very different scale: ")
    line = last_line(MLPClassifier((5,), learning_rate_init=1e-7), capsys, X, y)
    assert line.startswith("Diagnosis: learning rate too low: ")
    line = last_line(MLPRegressor(hidden_layer_sizes=(5,)), capsys, X, 1000.0 + y)
    assert line.startswith("Diagnosis: targets not scaled: ")
    line = last_line(SparseAutoencoder(5, weight_decay=100.0), capsys, X)
    assert line.startswith("Diagnosis: weight_decay too strong: ")
    healthy = MLPClassifier((20,), batch_size=10, learning_rate_init=0.01)
    line = last_line(healthy, capsys, X, y, max_iter=60)
    assert not line.startswith("Diagnosis")


def test_a_verbose_fit_learns_the_same(capsys):
    X, y = load_digits(return_X_y=True)
    silent, loud = (
        MLPClassifier((5,), max_iter=3, random_state=np.random.RandomState(0), verbose=verbose)
        for verbose in (False, True)
    )
    random = [each.fit(X[:100], y[:100]).random_state.randint(2**31) for each in (silent, loud)]
    assert random[0] == random[1]
    np.testing.assert_array_equal(silent.coefs_[0], loud.coefs_[0])
    assert "Diagnosis" in capsys.readouterr().out
