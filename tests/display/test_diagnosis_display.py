import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import assert_nothing_is_cut_off
from sklearn.datasets import load_wine
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier

from striate import DiagnosisDisplay, MLPClassifier, diagnose

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True, as_frame=True)
    return MLPClassifier((10, 6), max_iter=30, random_state=0).fit(X, y), X, y


def test_panels_show_what_was_measured(wine):
    display = DiagnosisDisplay.from_estimator(*wine, title="Wine")
    diagnosis = display.diagnosis
    np.testing.assert_array_equal(display.loss_ax_.lines[0].get_ydata(), wine[0].loss_curve_)
    std = display.columns_ax_.lines[0].get_ydata()
    np.testing.assert_allclose(std, np.sort(wine[1].std(ddof=0)))
    assert texts(display.columns_ax_) == ["nonflavanoid_phen…", "proline"]
    widths = np.zeros(2)
    for bar in display.units_ax_.patches:
        widths[round(bar.get_y() + 0.3)] += bar.get_width()
    np.testing.assert_allclose(widths, 100)
    names = [label.get_text() for label in display.units_ax_.get_yticklabels()]
    assert names == ["1: 10 relu", "2: 6 relu"]
    caption = display.figure_.texts[-1].get_text()
    assert all(each.subject in caption.replace("\n", " ") for each in diagnosis)
    assert_nothing_is_cut_off(display.figure_)


def test_plot_of_a_diagnosis_is_the_display(wine):
    display = diagnose(*wine).plot(title="T")
    assert isinstance(display, DiagnosisDisplay)
    figure = plt.figure()
    subfigure = figure.subfigures(1, 2)[1]
    again = DiagnosisDisplay(display.diagnosis).plot(figure=subfigure)
    assert again.figure_ is subfigure
    assert len(subfigure.axes) == 3


def with_curves(wine, losses, validation=None, **parameters):
    classifier = MLPClassifier((10,), max_iter=30, random_state=0, **parameters)
    classifier.fit(wine[1], wine[2])
    classifier.loss_curve_, classifier.n_iter_ = list(losses), len(losses)
    if validation is not None:
        classifier.validation_loss_curve_ = list(validation)
    return DiagnosisDisplay.from_estimator(classifier, wine[1], wine[2])


def test_rises_are_marked(wine):
    losses = np.tile([1.0, 2.0], 10)
    display = with_curves(wine, losses)
    (marks,) = [line for line in display.loss_ax_.lines if line.get_label() == "rises"]
    np.testing.assert_array_equal(marks.get_xdata(), [12, 14, 16, 18, 20])
    np.testing.assert_array_equal(marks.get_ydata(), 2)


def test_the_end_is_shaded_while_the_loss_falls(wine):
    display = with_curves(wine, np.linspace(2, 1, 30))
    assert "still falling" in texts(display.loss_ax_)


def test_validation_loss_has_a_name_and_its_minimum_a_mark(wine):
    curve = np.r_[np.linspace(2, 0.5, 15), np.linspace(0.5, 1.5, 15)]
    display = with_curves(wine, np.geomspace(2, 0.01, 30), curve)
    assert {"training", "validation", "lowest: 15"} <= set(texts(display.loss_ax_))
    assert display.loss_ax_.get_yscale() == "log"
    assert_nothing_is_cut_off(display.figure_)


def test_losses_that_are_not_finite_leave_gaps(wine):
    display = with_curves(wine, [3.0, 2.0, np.inf, np.nan])
    assert "learning rate too high" in display.diagnosis.table()["subject"]
    display.figure_.draw_without_rendering()


def test_what_is_unknown_is_said():
    X, y = load_wine(return_X_y=True)
    lbfgs = SklearnMLPClassifier((), solver="lbfgs", max_iter=10, random_state=0).fit(X, y)
    display = DiagnosisDisplay.from_estimator(lbfgs, X, y)
    assert texts(display.loss_ax_) == ["no loss curve was recorded"]
    assert texts(display.units_ax_) == ["no hidden layers, or too few rows to tell"]
    constant = MLPClassifier((3,), max_iter=2).fit(np.ones((30, 2)), y[:30] + np.arange(30) % 2)
    display = DiagnosisDisplay.from_estimator(constant, np.ones((30, 2)))
    assert texts(display.columns_ax_) == ["all columns are constant"]


def test_what_cannot_be_drawn(wine):
    with pytest.raises(ValueError, match="diagnosis must be a result of diagnose"):
        DiagnosisDisplay(wine[0]).plot()
    with pytest.raises(ValueError, match="figure must be a figure"):
        diagnose(*wine).plot(figure="here")
