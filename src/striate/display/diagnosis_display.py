"""A diagnosis as a picture: loss curve, scales of the columns, activity of the units."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from striate.analysis.diagnose import diagnose
from striate.analysis.diagnosis import Diagnosis

from .check_parameters import check_drawing
from .diagnosis_panels import draw_columns, draw_losses, draw_units
from .sized_figure import open_figure, write_caption, write_title
from .style import require_matplotlib, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# In hundredths of an inch.
_WIDTH, _HEIGHT, _LINE_HEIGHT = 720, 330, 13
_LAYER_HEIGHT = 24  # of the bar of a hidden layer beyond the third
_CAPTION_LETTERS = 125  # in a line of the caption


class DiagnosisDisplay:
    """Show what `diagnose` measured: the loss, the scales of the columns, and the units.

    Left, the loss after each epoch or iteration. Marks show where it rose, if the learning rate was
    found too high; where it still fell at the end, if the training was found too short; and the
    minimum of the validation loss. Right, the standard deviation of each column of X in ascending
    order, and the share of each hidden layer's units that are active, saturated and dead. The
    findings are listed below.

    It is recommended to use :meth:`DiagnosisDisplay.from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    diagnosis : Diagnosis
        Result of :func:`diagnose`.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Figure with the panels.

    loss_ax_, columns_ax_, units_ax_ : matplotlib Axes
        The panels.

    See Also
    --------
    diagnose : Return the findings.
    LossCurveDisplay : Compare the loss curves of several fits.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_wine
    >>> from striate import DiagnosisDisplay, MLPClassifier, diagnose
    >>> X, y = load_wine(return_X_y=True)
    >>> classifier = MLPClassifier((20,), tol=0.1, random_state=0).fit(X, y)
    >>> display = DiagnosisDisplay(diagnose(classifier, X, y)).plot()
    >>> display.loss_ax_.get_xlabel()
    'Epoch'
    >>> plt.close(display.figure_)
    """

    figure_: Figure | SubFigure
    loss_ax_: Axes
    columns_ax_: Axes
    units_ax_: Axes

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis

    def plot(self, *, figure: Figure | SubFigure | None = None, title: str | None = None) -> Self:
        """Draw the three panels.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on, best 7 inches wide. By default a new figure is opened.

        title : str, default=None
            Title of the figure.

        Returns
        -------
        display : DiagnosisDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `diagnosis` is not a `Diagnosis`.
        """
        require_matplotlib("DiagnosisDisplay")
        check_drawing(figure=figure, title=title)
        if not isinstance(self.diagnosis, Diagnosis):
            raise ValueError(f"diagnosis must be a result of diagnose, got {self.diagnosis!r}.")
        if figure is None:
            n_more = max(len(self.diagnosis.activities) - 3, 0)
            n_lines = len(_caption(self.diagnosis))
            height = _HEIGHT + _LAYER_HEIGHT * n_more + _LINE_HEIGHT * n_lines
            with style():
                self._draw(open_figure(_WIDTH, height), title)
        else:
            self._draw(figure, title)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        max_rows: int = 5000,
        random_state: Any = 0,
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
    ) -> Self:
        """Diagnose a fitted network and draw the panels.

        Parameters
        ----------
        estimator : fitted estimator
            Any estimator that :func:`diagnose` accepts.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows that it was fitted on.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets.

        X_val, y_val : array-like, default=None
            Rows that were not trained on.

        max_rows : int, default=5000
            Number of rows that are looked at.

        random_state : int, RandomState instance or None, default=0
            Source of the choice of rows.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure is opened.

        title : str, default=None
            Title of the figure.

        Returns
        -------
        display : DiagnosisDisplay
            Display with the panels drawn; its `diagnosis` has the findings.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            For the reasons of :func:`diagnose`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_wine
        >>> from striate import DiagnosisDisplay, MLPClassifier
        >>> X, y = load_wine(return_X_y=True)
        >>> classifier = MLPClassifier((20,), tol=0.1, random_state=0).fit(X, y)
        >>> display = DiagnosisDisplay.from_estimator(classifier, X, y)
        >>> len(display.diagnosis) > 0
        True
        >>> plt.close(display.figure_)
        """
        require_matplotlib("DiagnosisDisplay")
        check_drawing(figure=figure, title=title)
        settings = {"max_rows": max_rows, "random_state": random_state}
        display = cls(diagnose(estimator, X, y, X_val=X_val, y_val=y_val, **settings))
        return display.plot(figure=figure, title=title)

    def _draw(self, figure: Figure | SubFigure, title: str | None) -> None:
        diagnosis = self.diagnosis
        n_layers = max(len(diagnosis.activities), 1)
        heights = [1.0, 0.35 + 0.16 * n_layers]
        grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1], height_ratios=heights)
        self.figure_ = figure
        self.loss_ax_ = figure.add_subplot(grid[:, 0])
        self.columns_ax_ = figure.add_subplot(grid[0, 1])
        self.units_ax_ = figure.add_subplot(grid[1, 1])
        draw_losses(self.loss_ax_, diagnosis)
        draw_columns(self.columns_ax_, diagnosis)
        draw_units(self.units_ax_, diagnosis)
        write_title(figure, title)
        write_caption(figure, "\n".join(_caption(diagnosis)))


def _caption(diagnosis: Diagnosis) -> list[str]:
    """Return the findings by severity, as lines of text."""
    if not len(diagnosis):
        return ["Nothing found."]
    severities = np.array([each.severity for each in diagnosis])
    lines = []
    for severity in dict.fromkeys(severities):
        subjects = [each.subject for each in diagnosis if each.severity == severity]
        text = f"{severity.capitalize()}: {', '.join(dict.fromkeys(subjects))}."
        lines += textwrap.wrap(text, _CAPTION_LETTERS)
    return lines
