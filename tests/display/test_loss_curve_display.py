import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate.display import PALETTE, LossCurveDisplay
from striate.display.line_labels import separate

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_loss_curves():
    display = LossCurveDisplay({"one": [3, 2, 1], "two": [5, 4]}, step="epoch").plot(title="T")
    first, second = display.lines_
    np.testing.assert_array_equal(first.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(second.get_ydata(), [5, 4])
    assert [label.get_text() for label in display.labels_] == ["one", "two"]
    assert [line.get_color() for line in display.lines_] == list(PALETTE[:2])
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_title(loc="left") == "T"


@pytest.mark.parametrize("curves", [[3.0, 2.0, 1.0], np.array([3.0, 2.0, 1.0]), [[3, 2, 1]]])
def test_single_loss_curve_has_no_name(curves):
    display = LossCurveDisplay(curves).plot(log=True)
    assert len(display.lines_) == 1
    assert display.labels_ == []
    assert display.ax_.get_yscale() == "log"


@pytest.mark.parametrize(
    ("curves", "options", "message"),
    [
        ([], {}, "loss_curves is empty"),
        ({}, {}, "loss_curves is empty"),
        ([[]], {}, "one or more finite numbers"),
        ([[1, np.nan]], {}, "one or more finite numbers"),
        ([[1, 2]], {"names": ["a", "b"]}, "2 names were given for 1 loss"),
    ],
)
def test_wrong_loss_curves(curves, options, message):
    with pytest.raises(ValueError, match=message):
        LossCurveDisplay(curves, **options).plot()


def test_log_needs_losses_above_zero():
    with pytest.raises(ValueError, match="Pass log=False"):
        LossCurveDisplay([1, 0]).plot(log=True)


@pytest.mark.parametrize("log", [False, True])
def test_names_cover_neither_each_other_nor_the_axis(log):
    t = np.arange(1, 401)
    curves = {f"Model {k}": 5 * np.exp(-t / (20 + k)) + 0.2 + 0.001 * k for k in range(7)}
    curves |= {f"Stopped after {n}": curves["Model 0"][:n] for n in (100, 150, 160)}
    display = LossCurveDisplay(curves).plot(log=log)
    boxes = [label.get_window_extent() for label in display.labels_]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
        assert box.x1 <= display.figure_.bbox.x1
        assert box.y0 >= display.ax_.get_window_extent().y0


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_separate(positions):
    positions = np.array(positions)
    moved = separate(positions, 5.0, 0.0, 100.0)
    assert (np.diff(np.sort(moved)) >= 5 - 1e-9).all()
    assert moved.min() >= 0
    assert moved.max() <= 100 + 1e-9
    np.testing.assert_array_equal(
        np.argsort(moved, kind="stable"), np.argsort(positions, kind="stable")
    )


def test_loss_curves_of_estimators(digits):
    X, y = digits
    adam = MLPClassifier(6, random_state=0, tol=0.1).fit(X, y)
    display = LossCurveDisplay.from_estimator(adam)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), adam.loss_curve_)
    assert display.ax_.get_xlabel() == "Epoch"
    pipeline = make_pipeline(StandardScaler(), adam)
    display = LossCurveDisplay.from_estimator({"a": adam, "b": pipeline})
    assert [label.get_text() for label in display.labels_] == ["a", "b"]
    display = LossCurveDisplay.from_estimator([adam, adam], names=["a", "b"])
    assert [label.get_text() for label in display.labels_] == ["a", "b"]
    assert LossCurveDisplay.from_estimator([adam]).labels_[0].get_text() == "MLPClassifier"


def test_step_follows_the_solver():
    class Fitted:
        loss_curve_ = (2.0, 1.0)

        def __init__(self, solver):
            self.solver = solver

    class FittedFeatures:
        encoder_ = Fitted("lbfgs")

    def step(*solvers):
        display = LossCurveDisplay.from_estimator([Fitted(solver) for solver in solvers])
        return display.ax_.get_xlabel()

    assert step("lbfgs") == "Iteration"
    assert step("sgd", "adam") == "Epoch"
    assert step("adam", "lbfgs") == "Iteration or epoch"
    wrapped = LossCurveDisplay.from_estimator(FittedFeatures())
    np.testing.assert_array_equal(wrapped.lines_[0].get_ydata(), [2, 1])
