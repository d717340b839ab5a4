"""What each unit looks for, what excites it most, and how active it is: one picture."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from striate.analysis.unit_inspection import UnitInspection, inspect_units
from striate.core.sparse_matrices import dense

from .find_weights import chosen_units
from .mean_activations import draw_mean_activations
from .style import require_matplotlib, style
from .tiles import infer_image_shape
from .unit_bars import draw_bars
from .unit_labels import UnitName, name_of
from .unit_tiles import TileRows, tile_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Fewer values than these are not taken for a square image unless one says so.
_SMALLEST_IMAGE = 25

# Lengths in hundredths of an inch, as in `unit_tiles`.
_BORDER = 8
_TITLE = 26
_LEGEND = 30  # between the tiles and the plot of mean activations
_PLOT = 125  # height of that plot
_BELOW = 42  # of its axis
_LEFT = 62  # of its axis
_TARGET = 106  # to the right of it, where the target is named
_NARROWEST = 460
_PANEL = 135  # height of a panel of bars


class UnitsDisplay:
    r"""Show what the units of a first layer look for, and how active they are.

    Each row of pictures is one unit. First comes the input of norm 1 that excites it most,
    :math:`W_i / \|W_i\|`, in which mid grey is zero; then the rows of X that excite it most, with
    the activation below. Where rows are no images, bars show the features that count most.

    The plot underneath has the mean activation :math:`\hat\rho` of every unit, the target if there
    is one, and the units that are dead or duplicates, as :func:`inspect_units` defines them.

    It is recommended to use :meth:`UnitsDisplay.from_estimator`. All parameters are stored
    as attributes.

    Parameters
    ----------
    inspection : UnitInspection
        What :func:`inspect_units` returned.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows it was given.

    image_shape : tuple (height, width) or (height, width, n_channels), default=None
        Shape of the images that the rows of X are. By default they are square images, grey or in
        colour, if they have that many features (at least 25) and the features have no names; and
        no images otherwise.

    feature_names : array-like of str of shape (n_features,), default=None
        Names of the features, for rows that are no images. By default those of `inspection`.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Where it is drawn.

    axes_ : list of matplotlib Axes
        Axes with the units: one for all tiles, or one for the bars of each unit.

    mean_ax_ : matplotlib Axes
        Axes with the mean activations.

    units_ : ndarray of int
        The units shown, from top to bottom.

    See Also
    --------
    inspect_units : The same as numbers.
    FeatureDisplay : The maximising inputs of all units as one grid.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from striate import UnitsDisplay, inspect_units
    >>> X = load_digits().data
    >>> inspection = inspect_units(PCA(16).fit(X), X)
    >>> display = UnitsDisplay(inspection, X).plot(units=[0, 1, 2])
    >>> display.units_
    array([0, 1, 2])
    >>> plt.close(display.figure_)
    """

    figure_: Figure | SubFigure
    axes_: list[Axes]
    mean_ax_: Axes
    units_: NDArray[np.intp]

    def __init__(
        self,
        inspection: UnitInspection,
        X: Any,
        *,
        image_shape: tuple[int, ...] | None = None,
        feature_names: ArrayLike | None = None,
    ) -> None:
        self.inspection = inspection
        self.X = X
        self.image_shape = image_shape
        self.feature_names = feature_names

    def plot(
        self,
        *,
        units: ArrayLike | None = None,
        n_units: int = 8,
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
        cmap: Any = "gray",
    ) -> UnitsDisplay:
        """Draw the units, and below them the mean activations of all.

        Parameters
        ----------
        units : array-like of int, default=None
            Units to show, from top to bottom. By default the `n_units` with the largest mean
            activation that are not dead.

        n_units : int, default=8
            Number of units to show, where `units` does not say which.

        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened that fits; for the same size of
            text, another one should be about as large, some 6 to 7 inches wide.

        title : str, default=None
            Title above all.

        cmap : str or matplotlib Colormap, default="gray"
            Colours for grey images.

        Returns
        -------
        display : UnitsDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If X does not fit the inspection, or if `image_shape`, `feature_names` or `units` do
            not fit X.
        """
        require_matplotlib("UnitsDisplay")
        inspection = self.inspection
        X = check_array(self.X, accept_sparse="csr", ensure_all_finite=False)
        if X.shape != (inspection.n_samples, inspection.maximal_inputs.shape[1]):
            raise ValueError(
                f"X {X.shape} is not the one inspected, with {inspection.n_samples} rows and "
                f"{inspection.maximal_inputs.shape[1]} features."
            )
        self.units_ = _chosen(inspection, units, n_units)
        names = [name_of(inspection, unit) for unit in self.units_]
        shape = self._image_shape()
        if shape is None:
            draw = partial(self._draw_bars, names)
        else:
            draw = partial(self._draw_tiles, self._tiles(X, names, shape), cmap)
        if figure is None:
            with style():
                draw(None, title)
                draw_mean_activations(self.mean_ax_, inspection)
        else:
            draw(figure, title)
            draw_mean_activations(self.mean_ax_, inspection)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_rows: int = 9,
        image_shape: tuple[int, ...] | None = None,
        feature_names: ArrayLike | None = None,
        units: ArrayLike | None = None,
        n_units: int = 8,
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
        cmap: Any = "gray",
    ) -> UnitsDisplay:
        """Inspect a fitted estimator's first layer and show its units.

        Parameters
        ----------
        estimator : fitted estimator
            Any that :func:`inspect_units` takes.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to look at, such as the training data.

        n_rows : int, default=9
            Rows of X to show for each unit.

        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            Shape of the images that the rows are; see :class:`UnitsDisplay`.

        feature_names : array-like of str of shape (n_features,), default=None
            Names of the features, for rows that are no images. By default those seen in fit.

        units : array-like of int, default=None
            Units to show; see :meth:`plot`.

        n_units : int, default=8
            Number of units to show, where `units` does not say which.

        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened that fits.

        title : str, default=None
            Title above all.

        cmap : str or matplotlib Colormap, default="gray"
            Colours for grey images.

        Returns
        -------
        display : UnitsDisplay
            The display, drawn; its `inspection` has the numbers.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            As :func:`inspect_units` and :meth:`plot` do.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from striate import SparseAutoencoder, UnitsDisplay
        >>> X = load_digits().data / 16
        >>> model = SparseAutoencoder(25, sparsity_weight=0.3, max_iter=50, random_state=0).fit(X)
        >>> display = UnitsDisplay.from_estimator(model, X)
        >>> plt.close(display.figure_)
        """
        require_matplotlib("UnitsDisplay")
        inspection = inspect_units(estimator, X, n_rows=n_rows)
        display = cls(inspection, X, image_shape=image_shape, feature_names=feature_names)
        return display.plot(units=units, n_units=n_units, figure=figure, title=title, cmap=cmap)

    def _image_shape(self) -> tuple[int, ...] | None:
        """Return the shape of the images; None where rows are no images."""
        if self.image_shape is not None:
            return self.image_shape
        named = self.feature_names is not None or self.inspection.feature_names is not None
        n_features = self.inspection.maximal_inputs.shape[1]
        if named or n_features < _SMALLEST_IMAGE:
            return None
        try:
            return infer_image_shape(n_features)
        except ValueError:
            return None

    def _tiles(self, X: Any, names: list[UnitName], shape: tuple[int, ...]) -> TileRows:
        inspection, chosen = self.inspection, self.units_
        rows = inspection.top_rows[chosen]
        images = X[rows.ravel()]
        images = images.toarray() if sparse.issparse(images) else images
        return tile_rows(
            names,
            dense(inspection.maximal_inputs[chosen]),
            images.reshape(*rows.shape, -1),
            inspection.top_activations[chosen],
            inspection.min_activation[chosen],
            shape,
        )

    def _draw_tiles(
        self, tiles: TileRows, cmap: Any, figure: Figure | SubFigure | None, title: str | None
    ) -> None:
        if figure is None:
            self._open_figure(tiles, title)
        else:
            self.figure_ = figure
            heights = (tiles.size[1], _PLOT + _BELOW)
            sheet, self.mean_ax_ = figure.subplots(2, 1, height_ratios=heights)
            sheet.set_aspect("equal")
            self.axes_ = [sheet]
            if title is not None:
                figure.suptitle(title, x=0.01, ha="left")
        tiles.draw(self.axes_[0], cmap)

    def _open_figure(self, tiles: TileRows, title: str | None) -> None:
        """Open a figure in which all has its place, to the pixel."""
        import matplotlib.pyplot as plt
        from matplotlib.layout_engine import PlaceHolderLayoutEngine

        width = max(tiles.size[0] + 2 * _BORDER, _NARROWEST)
        above = _BORDER + (_TITLE if title else 0)
        height = above + tiles.size[1] + _LEGEND + _PLOT + _BELOW
        # Not layout="none": saving would put the style's layout in its place.
        self.figure_ = figure = plt.figure(
            figsize=(width / 100, height / 100), layout=PlaceHolderLayoutEngine(True, True)
        )

        def axes(left: float, top: float, wide: float, high: float) -> Axes:
            below = height - top - high
            return figure.add_axes((left / width, below / height, wide / width, high / height))

        self.axes_ = [axes(_BORDER, above, *tiles.size)]
        right = _BORDER if self.inspection.sparsity_target is None else _TARGET
        top = above + tiles.size[1] + _LEGEND
        self.mean_ax_ = axes(_LEFT, top, width - _LEFT - right, _PLOT)
        if title:
            size = plt.rcParams["axes.titlesize"]
            figure.text(_BORDER / width, 1 - _BORDER / height, title, va="top", fontsize=size)

    def _draw_bars(
        self, names: list[UnitName], figure: Figure | SubFigure | None, title: str | None
    ) -> None:
        n_rows = -(-len(names) // 2)
        called = self._feature_names()
        if figure is None:
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=(6.4, (n_rows * _PANEL + _PLOT + 2 * _BELOW) / 100))
        self.figure_ = figure
        # Two parts, each with its own margins: names of features are wide.
        heights = [n_rows * _PANEL, _PLOT + _BELOW]
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
        self.axes_ = [above.add_subplot(n_rows, 2, 1 + k) for k in range(len(names))]
        self.mean_ax_ = below.subplots()
        above.suptitle("What each unit looks for", fontsize=8, x=0.01, ha="left")
        inspection = self.inspection
        maximal = dense(inspection.maximal_inputs[self.units_])
        limit = float(np.abs(maximal).max()) or 1.0
        for ax, name, unit, x in zip(self.axes_, names, self.units_, maximal, strict=True):
            exciting = inspection.top_activations[unit] > inspection.min_activation[unit]
            draw_bars(ax, name, x, called, inspection.top_rows[unit, exciting], limit)
        if title is not None:
            figure.suptitle(title, x=0.01, ha="left")

    def _feature_names(self) -> NDArray:
        n_features = self.inspection.maximal_inputs.shape[1]
        names = self.inspection.feature_names if self.feature_names is None else self.feature_names
        if names is None:
            return np.array([f"feature {j}" for j in range(n_features)])
        if np.shape(names) != (n_features,):
            raise ValueError(
                f"feature_names must be {n_features} names, one for each feature, got an array of "
                f"shape {np.shape(names)}."
            )
        return np.asarray(names)


def _chosen(inspection: UnitInspection, units: ArrayLike | None, n_units: int) -> NDArray[np.intp]:
    if units is None:
        if int(n_units) != n_units or n_units < 1:
            raise ValueError(f"n_units must be a whole number of at least 1, got {n_units!r}.")
        order = np.argsort(-inspection.mean_activation, kind="stable")
        live = order[~inspection.dead[order]]
        return (live if len(live) else order)[: int(n_units)]
    return chosen_units(units, inspection.n_units)
