import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer

from striate import ShiftDisplay, shift_sensitivity

PIXELS = FunctionTransformer()
BLURRED = FunctionTransformer(lambda X: X[:, ::2, ::2] + X[:, 1::2, ::2])


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((6, 18, 20))


def test_lines(images):
    display = ShiftDisplay.from_estimator(
        {"pixels": PIXELS, "blurred": BLURRED}, images, (1, 2, 4), title="T"
    )
    assert list(display.sensitivities) == ["pixels", "blurred"]
    for line, found in zip(display.lines_, display.sensitivities.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2, 4])
        np.testing.assert_allclose(line.get_ydata(), [0, *found.mean])
    assert [label.get_text() for label in display.labels_] == ["pixels", "blurred"]
    assert display.across_lines_ == []
    assert display.ax_.get_title(loc="left") == "T"
    assert len(display.ax_.collections) == 2  # the spreads


def test_all_see_the_same_windows(images):
    twice = {"a": PIXELS, "b": FunctionTransformer()}
    display = ShiftDisplay.from_estimator(twice, images, 1, window_size=9)
    a, b = display.sensitivities.values()
    np.testing.assert_array_equal(a.down, b.down)


def test_one_estimator_has_no_name(images):
    display = ShiftDisplay.from_estimator(PIXELS, images, (2, 0, 1))
    assert display.labels_ == []
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0, 1, 2])
    found = display.sensitivities
    np.testing.assert_allclose(display.lines_[0].get_ydata(), found.mean[[1, 2, 0]])
    again = ShiftDisplay(found).plot()
    np.testing.assert_array_equal(again.lines_[0].get_ydata(), display.lines_[0].get_ydata())


def test_by_direction(images):
    display = ShiftDisplay.from_estimator({"pixels": PIXELS}, images, by_direction=True)
    found = display.sensitivities["pixels"]
    np.testing.assert_allclose(display.lines_[0].get_ydata()[1:], found.down.mean(axis=0))
    np.testing.assert_allclose(display.across_lines_[0].get_ydata()[1:], found.across.mean(axis=0))
    legend = display.ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["shift down", "shift to the right"]


def test_own_axes(images):
    figure, axes = plt.subplots(1, 2)
    display = ShiftDisplay(shift_sensitivity(PIXELS, images)).plot(ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert not axes[0].lines


def test_no_move_alone_can_be_drawn(images):
    display = ShiftDisplay.from_estimator(PIXELS, images, 0)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0])


def test_what_cannot_be_drawn(images):
    with pytest.raises(ValueError, match="sensitivities is empty"):
        ShiftDisplay({}).plot()
    with pytest.raises(TypeError, match="NoneType is not a transformer"):
        ShiftDisplay.from_estimator({"none": None}, images)
    with pytest.raises(ValueError, match="whole numbers of pixels"):
        ShiftDisplay.from_estimator(PIXELS, images, -1)
    with pytest.raises(ValueError, match="at least two"):
        ShiftDisplay.from_estimator(PIXELS, images[:1])
