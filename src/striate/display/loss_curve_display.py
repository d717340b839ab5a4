"""The loss against iterations or epochs, one line per fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.estimators.estimator_state import require_fitted
from striate.estimators.training import MINIBATCH_SOLVERS

from .axis_ticks import label_log_axis, set_whole_ticks
from .check_parameters import check_drawing, check_flag, shape_of
from .find_weights import steps_of, unwrap
from .line_labels import label_lines
from .style import figure_of, require_matplotlib, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation


class LossCurveDisplay:
    """Show the loss during the fit of one or several models.

    It is recommended to use :meth:`LossCurveDisplay.from_estimator`. All parameters are stored
    as attributes.

    Parameters
    ----------
    loss_curves : array-like of shape (n_steps,), list of these, or dict of name to these
        Loss after each iteration or epoch, for each fit.

    names : list of str, default=None
        Names of the lines. By default the keys if `loss_curves` is a dict, otherwise none.

    step : {"iteration", "epoch"} or another noun, default="iteration"
        Step after which the loss was recorded: the label of the horizontal axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure with the curves.

    lines_ : list of matplotlib Line2D
        Line of each fit.

    labels_ : list of matplotlib Annotation
        Names to the right of the lines.

    See Also
    --------
    FeatureDisplay : Show the features learned.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> from striate.display import LossCurveDisplay
    >>> display = LossCurveDisplay({"fast": [9, 3, 1], "slow": [9, 8, 7]}, step="epoch").plot()
    >>> display.ax_.get_xlabel()
    'Epoch'
    >>> plt.close(display.figure_)
    """

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]
    labels_: list[Annotation]

    def __init__(
        self,
        loss_curves: Any,
        *,
        names: Sequence[str] | None = None,
        step: str = "iteration",
    ) -> None:
        self.loss_curves = loss_curves
        self.names = names
        self.step = step

    def plot(
        self,
        *,
        ax: Axes | None = None,
        log: bool = False,
        title: str | None = None,
        ylabel: str = "Loss",
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened.

        log : bool, default=False
            Whether the loss axis is logarithmic.

        title : str, default=None
            Title above the curves.

        ylabel : str, default="Loss"
            Label of the loss axis.

        Returns
        -------
        display : LossCurveDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a curve is empty or not finite, the number of names is not the number of curves, or
            `log` is True and a loss is not positive.
        """
        require_matplotlib("LossCurveDisplay")
        check_drawing(ax=ax, title=title)
        check_flag(log, "log")
        import matplotlib.pyplot as plt

        curves, names = _named_curves(self.loss_curves, self.names)
        if log and min(curve.min() for curve in curves) <= 0:
            raise ValueError("log=True requires positive losses. Pass log=False.")
        if ax is None:
            with style():
                self._draw(plt.subplots()[1], curves, names, log, title, ylabel)
        else:
            self._draw(ax, curves, names, log, title, ylabel)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        names: Sequence[str] | None = None,
        ax: Axes | None = None,
        log: bool = False,
        title: str | None = None,
        ylabel: str = "Loss",
    ) -> Self:
        """Show the loss during the fit of one or several estimators.

        Parameters
        ----------
        estimator : estimator instance, list of these, or dict of name to these
            Fitted estimators with `loss_curve_`. Of a pipeline, the last step that has one is
            used; of a :class:`PatchFeatures`, its encoder. Where there are validation rows, their
            `validation_loss_curve_` is drawn beside it.

        names : list of str, default=None
            Names of the lines. By default the keys of a dict, the class names of estimators in a
            list, and none for a single estimator.

        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened.

        log : bool, default=False
            Whether the loss axis is logarithmic.

        title : str, default=None
            Title above the curves.

        ylabel : str, default="Loss"
            Label of the loss axis.

        Returns
        -------
        display : LossCurveDisplay
            Display with the curves drawn. The horizontal axis counts epochs for the minibatch
            solvers ("adam", "sgd") and iterations for the others.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If an estimator has no `loss_curve_`, or for the reasons of :meth:`plot`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.neural_network import MLPClassifier
        >>> from striate.display import LossCurveDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> mlp = MLPClassifier(10, tol=0.1, random_state=0).fit(X / 16, y)
        >>> display = LossCurveDisplay.from_estimator(mlp, log=True)
        >>> display.ax_.get_xlabel()
        'Epoch'
        >>> plt.close(display.figure_)
        """
        require_matplotlib("LossCurveDisplay")
        if isinstance(estimator, Mapping):
            names = list(estimator) if names is None else names
            estimators = list(estimator.values())
        elif isinstance(estimator, list | tuple):
            estimators = list(estimator)
            names = [type(unwrap(e)).__name__ for e in estimators] if names is None else names
        else:
            estimators = [estimator]
        parts = [_part_with_loss_curve(one) for one in estimators]
        curves, names = _with_validation(parts, names)
        display = cls(curves, names=names, step=_common_step(parts))
        return display.plot(ax=ax, log=log, title=title, ylabel=ylabel)

    def _draw(
        self,
        ax: Axes,
        curves: list[NDArray[np.float64]],
        names: list[str],
        log: bool,
        title: str | None,
        ylabel: str,
    ) -> None:
        self.ax_, self.figure_ = ax, figure_of(ax)
        self.lines_ = [
            ax.plot(np.arange(1, len(curve) + 1), curve, label=name or None)[0]
            for curve, name in zip(curves, names, strict=True)
        ]
        ax.set(xlabel=self.step[:1].upper() + self.step[1:], ylabel=ylabel)
        if log:
            ax.set_yscale("log")
            label_log_axis(ax)
        longest = max(len(curve) for curve in curves)
        ax.set_xlim(1 - 0.02 * longest, max(longest, 1.5))
        set_whole_ticks(ax.xaxis)
        ax.grid(axis="y")
        if title is not None:
            ax.set_title(title)
        self.labels_ = label_lines(ax, self.lines_, names)


def _named_curves(
    loss_curves: Any, names: Sequence[str] | None
) -> tuple[list[NDArray[np.float64]], list[str]]:
    """Return the curves as arrays, and a name for each, which may be empty."""
    if isinstance(loss_curves, Mapping):
        names = list(loss_curves) if names is None else names
        loss_curves = list(loss_curves.values())
    if not isinstance(loss_curves, list | tuple) and not shape_of(loss_curves):
        raise ValueError(f"loss_curves must be a list of losses, or several, got {loss_curves!r}.")
    if len(loss_curves) and shape_of(loss_curves[0]) == ():
        loss_curves = [loss_curves]
    curves = [_check_curve(curve) for curve in loss_curves]
    if names is not None and (isinstance(names, str) or not isinstance(names, Sequence)):
        raise ValueError(f"names must be a list of text, got {names!r}.")
    names = [""] * len(curves) if names is None else [str(name) for name in names]
    if not curves:
        raise ValueError("loss_curves is empty. Pass at least one loss curve.")
    if len(names) != len(curves):
        raise ValueError(f"{len(names)} names were given for {len(curves)} loss curves.")
    return curves, names


def _check_curve(curve: ArrayLike) -> NDArray[np.float64]:
    try:
        losses = np.asarray(curve, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        losses = np.empty(0)
    if losses.ndim != 1 or not len(losses) or not np.isfinite(losses).all():
        raise ValueError("Each loss curve must be a list of one or more finite numbers.")
    return losses


def _part_with_loss_curve(estimator: Any) -> Any:
    """Return the step or encoder of a fitted estimator that has a `loss_curve_`."""
    for step in steps_of(estimator):
        for part in (step, *steps_of(getattr(step, "encoder_", None))):
            if getattr(part, "loss_curve_", None) is not None:
                return part
    require_fitted(estimator)
    raise ValueError(
        f"{type(estimator).__name__} has no loss_curve_. Pass a fitted SparseAutoencoder or MLP, "
        "for example, or show a list of losses with LossCurveDisplay(list)."
    )


def _with_validation(
    parts: list[Any], names: Sequence[str] | None
) -> tuple[list[Any], Sequence[str] | None]:
    """Return the curves of each part, with that of its validation rows, and their names."""
    validated = [bool(getattr(part, "validation_loss_curve_", None)) for part in parts]
    curves = [part.loss_curve_ for part in parts]
    if not any(validated) or (names is not None and len(names) != len(parts)):
        return curves, names
    if names is None:
        training, validation = ["Training"], ["Validation"]
    else:
        training, validation = list(names), [f"{name}, validation" for name in names]
    chosen = [k for k, has_curve in enumerate(validated) if has_curve]
    curves += [parts[k].validation_loss_curve_ for k in chosen]
    return curves, [*training, *(validation[k] for k in chosen)]


def _common_step(parts: list[Any]) -> str:
    """Return the label of the horizontal axis."""
    solvers = [str(getattr(part, "solver", "")) for part in parts]
    steps = {"epoch" if solver in MINIBATCH_SOLVERS else "iteration" for solver in solvers}
    return " or ".join(sorted(steps, reverse=True))
