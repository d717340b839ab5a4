"""What each unit of a first layer looks for, and how active it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from striate.analysis.unit_inspection import UnitInspection, inspect_units
from striate.core.sparse_matrices import dense
from striate.estimators.validated_input import in_native_order

from .check_parameters import check_drawing, check_indices, check_names, check_number
from .style import require_matplotlib, style
from .tiles import infer_image_shape
from .unit_bars import UnitBars
from .unit_labels import UnitLabel, label_unit
from .unit_tiles import UnitTiles, scale_tiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Rows with fewer features are taken for images only if `image_shape` is given.
_SMALLEST_IMAGE = 25


class UnitsDisplay:
    r"""Show what the units of a first layer look for, and how active they are.

    Each row of images belongs to one unit. The first image is the unit's maximal input, the input
    of norm 1 that excites it most, :math:`W_i / \|W_i\|`, in which mid grey is zero. The others are
    the rows of X that excite the unit most, with its activation below. If the rows are not images,
    bars show the largest entries of the maximal input.

    The plot at the bottom shows the mean activation :math:`\hat\rho` of every unit, the target if
    there is one, and the units that are dead or duplicates, as :func:`inspect_units` defines them.

    It is recommended to use :meth:`UnitsDisplay.from_estimator`. All parameters are stored
    as attributes.

    Parameters
    ----------
    inspection : UnitInspection
        Result of :func:`inspect_units`.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows that were inspected.

    image_shape : tuple (height, width) or (height, width, n_channels), default=None
        Shape of the images in the rows of X. By default the rows are square images, grey or in
        colour, if there are at least 25 features without names and their number allows it.
        Otherwise they are not images.

    feature_names : array-like of str of shape (n_features,), default=None
        Names of the features, for rows that are not images. By default those of `inspection`.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Figure with the units.

    axes_ : list of matplotlib Axes
        Axes with the units: one for all tiles, or one for the bars of each unit.

    mean_ax_ : matplotlib Axes
        Axes with the mean activations.

    units_ : ndarray of int
        Indices of the units shown, from top to bottom.

    See Also
    --------
    inspect_units : Return the same as numbers.
    FeatureDisplay : Show the maximal inputs of all units as one grid.

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
    ) -> Self:
        """Draw some units, and below them the mean activations of all.

        Parameters
        ----------
        units : array-like of int, default=None
            Units to show, from top to bottom. By default the `n_units` live units with the largest
            mean activation.

        n_units : int, default=8
            Number of units to show if `units` is None.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on, best 6 to 7 inches wide. By default a new figure of suitable size is
            opened.

        title : str, default=None
            Title of the figure.

        cmap : str or matplotlib Colormap, default="gray"
            Colormap for grey images.

        Returns
        -------
        display : UnitsDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If X does not match the inspection, or `image_shape`, `feature_names` or `units` do
            not match X.
        """
        require_matplotlib("UnitsDisplay")
        check_drawing(figure=figure, cmap=cmap, title=title)
        inspection = self.inspection
        X = check_array(in_native_order(self.X), accept_sparse="csr", ensure_all_finite=False)
        if X.shape != (inspection.n_samples, inspection.maximal_inputs.shape[1]):
            raise ValueError(
                f"X {X.shape} is not the one inspected, with {inspection.n_samples} rows and "
                f"{inspection.maximal_inputs.shape[1]} features."
            )
        self.units_ = _select_units(inspection, units, n_units)
        labels = [label_unit(inspection, unit) for unit in self.units_]
        shape = self._image_shape()
        drawing: UnitBars | UnitTiles
        drawing = self._bars(labels) if shape is None else self._tiles(X, labels, shape, cmap)
        if figure is None:
            with style():
                self.figure_, self.axes_, self.mean_ax_ = drawing.open_figure(title, inspection)
        else:
            self.figure_ = figure
            self.axes_, self.mean_ax_ = drawing.draw_on(figure, title, inspection)
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
    ) -> Self:
        """Inspect the first layer of a fitted estimator and show its units.

        Parameters
        ----------
        estimator : fitted estimator
            Any estimator that :func:`inspect_units` accepts.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to inspect, such as the training data.

        n_rows : int, default=9
            Number of rows of X to show for each unit.

        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            Shape of the images in the rows; see :class:`UnitsDisplay`.

        feature_names : array-like of str of shape (n_features,), default=None
            Names of the features, for rows that are not images. By default those seen in `fit`.

        units : array-like of int, default=None
            Units to show; see :meth:`plot`.

        n_units : int, default=8
            Number of units to show if `units` is None.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure of suitable size is opened.

        title : str, default=None
            Title of the figure.

        cmap : str or matplotlib Colormap, default="gray"
            Colormap for grey images.

        Returns
        -------
        display : UnitsDisplay
            Display with the units drawn; its `inspection` has the numbers.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For the reasons of :func:`inspect_units` and :meth:`plot`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from striate import SparseAutoencoder, UnitsDisplay
        >>> X = load_digits().data / 16
        >>> model = SparseAutoencoder(25, sparsity_weight=0.3, tol=0.003, random_state=0).fit(X)
        >>> display = UnitsDisplay.from_estimator(model, X)
        >>> plt.close(display.figure_)
        """
        require_matplotlib("UnitsDisplay")
        inspection = inspect_units(estimator, X, n_rows=n_rows)
        display = cls(inspection, X, image_shape=image_shape, feature_names=feature_names)
        return display.plot(units=units, n_units=n_units, figure=figure, title=title, cmap=cmap)

    def _image_shape(self) -> tuple[int, ...] | None:
        """Return the shape of the images; None if the rows are not images."""
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

    def _tiles(
        self, X: Any, labels: list[UnitLabel], shape: tuple[int, ...], cmap: Any
    ) -> UnitTiles:
        inspection, units = self.inspection, self.units_
        rows = inspection.top_rows[units]
        images = dense(X[rows.ravel()]).reshape(*rows.shape, -1)
        tiles = scale_tiles(dense(inspection.maximal_inputs[units]), images, shape)
        activations, lowest = inspection.top_activations[units], inspection.min_activation[units]
        return UnitTiles(labels, tiles, activations, lowest, cmap)

    def _bars(self, labels: list[UnitLabel]) -> UnitBars:
        inspection, units = self.inspection, self.units_
        exciting = inspection.top_activations > inspection.min_activation[:, np.newaxis]
        rows = [inspection.top_rows[unit, exciting[unit]] for unit in units]
        maximal = dense(inspection.maximal_inputs[units])
        return UnitBars(labels, maximal, self._feature_names(), rows)

    def _feature_names(self) -> NDArray[Any]:
        n_features = self.inspection.maximal_inputs.shape[1]
        names = self.inspection.feature_names if self.feature_names is None else self.feature_names
        names = [f"feature {j}" for j in range(n_features)] if names is None else names
        return check_names(names, n_features, "feature")


def _select_units(
    inspection: UnitInspection, units: ArrayLike | None, n_units: int
) -> NDArray[np.intp]:
    """Return the indices of the units to show."""
    if units is None:
        n_units = check_number(n_units, "n_units")
        order = np.argsort(-inspection.mean_activation, kind="stable")
        live = order[~inspection.dead[order]]
        return (live if len(live) else order)[:n_units]
    return check_indices(units, inspection.n_units, "units")
