"""How much features change when the image is shifted, one line per transformer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.analysis.shift_sensitivity import ShiftSensitivity, sensitivities

from .check_parameters import check_drawing, check_flag
from .line_labels import label_lines
from .style import QUIET, figure_of, require_matplotlib, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

_MOST_TICKS = 8  # largest number of shifts at which each has its tick
_BAR_DISTANCE = 0.007  # between bars of two transformers, relative to the largest shift
_DASHES: Any = (0, (4, 2))  # lines of shifts to the right
_MARKED: Any = {"marker": "o", "markersize": 3.5, "clip_on": False}


class ShiftDisplay:
    """Show how much features change when the image is shifted by some pixels.

    A change of 0 means equal features, and 1 is the mean distance to the features of another image.
    Each line is the mean over windows of images and both directions. The thin bars, side by side so
    that all are visible, extend one standard deviation over the windows in each direction.

    It is recommended to use :meth:`ShiftDisplay.from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    sensitivities : ShiftSensitivity or dict of name to ShiftSensitivity
        Results of :func:`shift_sensitivity`. Names are written to the right of the lines.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the lines.

    figure_ : matplotlib Figure
        Figure with the lines.

    lines_ : list of matplotlib Line2D
        Line of each transformer; with `by_direction`, for shifts down.

    across_lines_ : list of matplotlib Line2D
        With `by_direction`, line of each transformer for shifts to the right; otherwise empty.

    labels_ : list of matplotlib Annotation
        Names to the right of the lines.

    See Also
    --------
    shift_sensitivity : Return the numbers.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from striate import ShiftDisplay, shift_sensitivity
    >>> images = np.random.default_rng(0).random((9, 20, 20))
    >>> display = ShiftDisplay(shift_sensitivity(FunctionTransformer(), images)).plot()
    >>> display.ax_.get_xlabel()
    'Shift (pixels)'
    >>> plt.close(display.figure_)
    """

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]
    across_lines_: list[Line2D]
    labels_: list[Annotation]

    def __init__(self, sensitivities: Any) -> None:
        self.sensitivities = sensitivities

    def plot(
        self, *, ax: Axes | None = None, by_direction: bool = False, title: str | None = None
    ) -> Self:
        """Draw the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened.

        by_direction : bool, default=False
            Whether to draw a line for shifts down and a dashed one for shifts to the right instead
            of their mean with its standard deviation.

        title : str, default=None
            Title above the lines.

        Returns
        -------
        display : ShiftDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `sensitivities` is empty.
        """
        require_matplotlib("ShiftDisplay")
        check_drawing(ax=ax, title=title)
        check_flag(by_direction, "by_direction")
        import matplotlib.pyplot as plt

        given = self.sensitivities
        named: Any = {"": given} if isinstance(given, ShiftSensitivity) else given
        if not isinstance(named, Mapping):
            raise ValueError(f"sensitivities must be a ShiftSensitivity or a dict, got {named!r}.")
        if not named:
            raise ValueError("sensitivities is empty. Pass at least one ShiftSensitivity.")
        for name, each in named.items():
            if not isinstance(each, ShiftSensitivity):
                raise ValueError(f"sensitivities[{name!r}] is no ShiftSensitivity: {each!r}.")
        named = dict(named)
        if ax is None:
            with style():
                self._draw(plt.subplots()[1], named, by_direction, title)
        else:
            self._draw(ax, named, by_direction, title)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        images: Any,
        shifts: ArrayLike = (1, 2, 4, 8),
        *,
        window_size: int | tuple[int, int] | None = None,
        n_windows: int = 1,
        random_state: Any = None,
        ax: Axes | None = None,
        by_direction: bool = False,
        title: str | None = None,
    ) -> Self:
        """Measure and show how much features change, for all transformers on the same windows.

        Parameters
        ----------
        estimator : fitted transformer of images, or dict of name to fitted transformer
            Transformers that :func:`shift_sensitivity` accepts: a :class:`PatchFeatures`, a
            pipeline with one, or ``FunctionTransformer()`` for raw pixels.

        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or of paths
            At least two images.

        shifts : int or array-like of int, default=(1, 2, 4, 8)
            Shifts in pixels.

        window_size : int, (int, int) or None, default=None
            Height and width of the windows that are compared. None is the size of the smallest
            image minus the largest shift.

        n_windows : int, default=1
            Number of windows per image.

        random_state : int, RandomState instance or None, default=None
            Random state that places the windows in images that are larger.

        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened.

        by_direction : bool, default=False
            Whether to draw shifts down and to the right separately; see :meth:`plot`.

        title : str, default=None
            Title above the lines.

        Returns
        -------
        display : ShiftDisplay
            Display with the lines drawn; its `sensitivities` has the numbers.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If an estimator has no `transform`.
        ValueError
            For the reasons of :func:`shift_sensitivity`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.preprocessing import FunctionTransformer
        >>> from striate import PatchFeatures, ShiftDisplay, SparseAutoencoder
        >>> images = load_digits().images[:200] / 16
        >>> encoder = SparseAutoencoder(9, tol=0.01, random_state=0)
        >>> features = PatchFeatures(encoder, patch_size=3, n_patches=500, pool_grid=(2, 2))
        >>> estimators = {"pixels": FunctionTransformer(), "features": features.fit(images)}
        >>> display = ShiftDisplay.from_estimator(estimators, images, shifts=(1, 2))
        >>> plt.close(display.figure_)
        """
        require_matplotlib("ShiftDisplay")
        several = isinstance(estimator, Mapping)
        found = sensitivities(
            estimator if several else {"": estimator},
            images,
            shifts,
            window_size=window_size,
            n_windows=n_windows,
            random_state=random_state,
        )
        display = cls(found if several else found[""])
        return display.plot(ax=ax, by_direction=by_direction, title=title)

    def _draw(
        self,
        ax: Axes,
        named: dict[str, ShiftSensitivity],
        by_direction: bool,
        title: str | None,
    ) -> None:
        self.ax_, self.figure_ = ax, figure_of(ax)
        self.lines_, self.across_lines_ = [], []
        shifts = np.unique(np.concatenate([found.shifts for found in named.values()]))
        offsets = _BAR_DISTANCE * shifts[-1] * (np.arange(len(named)) - (len(named) - 1) / 2)
        for (name, found), offset in zip(named.items(), offsets, strict=True):
            if by_direction:
                self._draw_directions(ax, name, found)
            else:
                self._draw_mean(ax, name, found, offset)
        _set_axes(ax, shifts)
        if by_direction:
            _explain_directions(ax)
        if title is not None:
            ax.set_title(title)
        self.labels_ = label_lines(ax, self.lines_, list(named))

    def _draw_mean(self, ax: Axes, name: str, found: ShiftSensitivity, offset: float) -> None:
        """Draw the mean over both directions, with the standard deviation as bars."""
        x, mean = _from_zero(found.shifts, found.mean)
        _, std = _from_zero(found.shifts, found.std)
        (line,) = ax.plot(x, mean, label=name or None, **_MARKED)
        self.lines_.append(line)
        ends = (np.maximum(mean - std, 0)[1:], (mean + std)[1:])
        thin: Any = {"color": line.get_color(), "linewidth": 1, "alpha": 0.6, "clip_on": False}
        ax.vlines(x[1:] + offset, *ends, **thin)

    def _draw_directions(self, ax: Axes, name: str, found: ShiftSensitivity) -> None:
        """Draw a line for shifts down, and a dashed one for shifts to the right."""
        down = _from_zero(found.shifts, found.down.mean(axis=0))
        (line,) = ax.plot(*down, label=name or None, **_MARKED)
        self.lines_.append(line)
        across = _from_zero(found.shifts, found.across.mean(axis=0))
        dashed: Any = {"color": line.get_color(), "linestyle": _DASHES, "clip_on": False}
        self.across_lines_ += ax.plot(*across, **dashed)


def _from_zero(
    shifts: NDArray[Any], values: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return both in the order of the shifts, from a shift of 0, where nothing changes."""
    order = np.argsort(shifts, kind="stable")
    moved = order[shifts[order] > 0]
    return np.append(0, shifts[moved]), np.append(0.0, values[moved])


def _set_axes(ax: Axes, shifts: NDArray[Any]) -> None:
    """Set labels, limits, ticks and grid, and mark the distance to another image."""
    ax.set(xlabel="Shift (pixels)", ylabel="Change in features")
    ax.set_xlim(0, max(shifts[-1], 1))
    if len(shifts) <= _MOST_TICKS:
        ax.set_xticks(np.union1d(0, shifts))
    ax.set_ylim(0, max(1.15, ax.get_ylim()[1]))
    ax.axhline(1, color=QUIET, linestyle=":", linewidth=1)
    note: Any = {"textcoords": "offset points", "color": QUIET, "fontsize": 8}
    ax.annotate("another image", (0, 1), (4, 3), **note)
    ax.grid(axis="y")


def _explain_directions(ax: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=QUIET, label="shift down"),
        Line2D([], [], color=QUIET, linestyle=_DASHES, label="shift to the right"),
    ]
    ax.legend(handles=handles, loc="best", frameon=True, framealpha=1, edgecolor="none")
