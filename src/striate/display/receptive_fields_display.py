"""The weights of units with local receptive fields, at the places of their windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.estimators.local_receptive_fields import LocalReceptiveFields

from .check_parameters import check_drawing, check_indices, check_number
from .field_mosaics import FieldMosaics
from .field_tracks import MOST_ROWS, FieldTracks
from .find_weights import layer_weights, receptive_fields
from .style import require_matplotlib, style
from .window_weights import (
    check_bands,
    describe_windows,
    most_overlapping,
    scale_weights,
    window_weights,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class ReceptiveFieldsDisplay:
    """Show the weights of units with local receptive fields, at the places of their windows.

    A map has one unit per window. It is drawn as a mosaic in which each tile has the weights of one
    unit, at the place of its window in the image. Mid grey is zero; lighter pixels excite the unit,
    darker pixels inhibit it.

    A map of a signal is drawn as a track along the inputs: upward bars (blue) excite the unit of a
    window, downward bars (orange) inhibit it. A thin line marks the extent of each window. Windows
    that overlap are drawn below each other.

    It is recommended to use :meth:`ReceptiveFieldsDisplay.from_estimator`. All parameters are
    stored as attributes.

    Parameters
    ----------
    weights : array-like or sparse matrix of shape (n_inputs, n_units)
        W of the layer.

    fields : LocalReceptiveFields
        Receptive fields of its units.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Figure with the maps.

    axes_ : list of matplotlib Axes
        Axes with the maps: one for each mosaic, or one for all tracks.

    maps_ : ndarray of int
        Indices of the maps shown.

    See Also
    --------
    LocalReceptiveFields : Describe such a layer.
    ConnectivityDisplay : Show the mask of any layer.
    FeatureDisplay : Show the weights of each unit on all inputs.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from striate import LocalReceptiveFields, ReceptiveFieldsDisplay
    >>> fields = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=3)
    >>> weights = fields.mask() * np.random.default_rng(0).standard_normal((64, 27))
    >>> display = ReceptiveFieldsDisplay(weights, fields).plot()
    >>> len(display.axes_)
    3
    >>> plt.close(display.figure_)
    """

    figure_: Figure | SubFigure
    axes_: list[Axes]
    maps_: NDArray[np.intp]

    def __init__(self, weights: Any, fields: LocalReceptiveFields) -> None:
        self.weights = weights
        self.fields = fields

    def plot(
        self,
        *,
        maps: ArrayLike | None = None,
        n_maps: int = 8,
        bands: ArrayLike | None = None,
        scale: str = "map",
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
        cmap: Any = "gray",
    ) -> Self:
        """Draw the maps.

        Parameters
        ----------
        maps : array-like of int, default=None
            Maps to show. By default the first `n_maps`.

        n_maps : int, default=8
            Number of maps to show if `maps` is None.

        bands : int or three int, default=None
            Bands of the image to show: one in grey, or three as red, green and blue. By default
            all if there are one or three, otherwise the first.

        scale : {"map", "tile", "common"}, default="map"
            Weights that share a scale, in which the largest is black or white: those of a map, so
            that weak windows look weak; those of a tile, so that the pattern of each is clear; or
            those of all maps.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure of suitable size is opened.

        title : str, default=None
            Title of the figure.

        cmap : str or matplotlib Colormap, default="gray"
            Colormap for grey mosaics.

        Returns
        -------
        display : ReceptiveFieldsDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the weights do not match the fields, or a parameter has an invalid value.
        """
        require_matplotlib("ReceptiveFieldsDisplay")
        check_drawing(figure=figure, cmap=cmap, title=title)
        weights = window_weights(self.weights, self.fields)
        if maps is None:
            maps = np.arange(min(check_number(n_maps, "n_maps"), len(weights)))
        self.maps_ = check_indices(maps, len(weights), "maps")
        shown = weights[self.maps_]
        is_signal = len(self.fields.output_shape) == 2
        drawing: FieldMosaics | FieldTracks = (
            self._tracks(shown, scale) if is_signal else self._mosaics(shown, bands, scale, cmap)
        )
        if figure is None:
            with style():
                self.figure_, self.axes_ = drawing.open_figure(title)
        else:
            self.figure_, self.axes_ = figure, drawing.draw_on(figure, title)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        fields: LocalReceptiveFields | None = None,
        *,
        layer: int = 0,
        maps: ArrayLike | None = None,
        n_maps: int = 8,
        bands: ArrayLike | None = None,
        scale: str = "map",
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
        cmap: Any = "gray",
    ) -> Self:
        """Show the maps of a fitted network.

        Parameters
        ----------
        estimator : fitted estimator
            An :class:`MLPClassifier`, :class:`MLPRegressor`, :class:`SparseAutoencoder` or
            :class:`StackedAutoencoder`, or a pipeline or search that contains one.

        fields : LocalReceptiveFields, default=None
            Receptive fields of the layer. By default those in the estimator's `connectivity`.

        layer : int, default=0
            Index of the layer, counted from the input.

        maps : array-like of int, default=None
            Maps to show. By default the first `n_maps`.

        n_maps : int, default=8
            Number of maps to show if `maps` is None.

        bands : int or three int, default=None
            Bands of the image to show; see :meth:`plot`.

        scale : {"map", "tile", "common"}, default="map"
            Weights that share a scale; see :meth:`plot`.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure of suitable size is opened.

        title : str, default=None
            Title of the figure.

        cmap : str or matplotlib Colormap, default="gray"
            Colormap for grey mosaics.

        Returns
        -------
        display : ReceptiveFieldsDisplay
            Display with the maps drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If the layer has no `LocalReceptiveFields`, or for the reasons of :meth:`plot`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from striate import LocalReceptiveFields, ReceptiveFieldsDisplay, SparseAutoencoder
        >>> X = load_digits().data / 16
        >>> fields = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=3)
        >>> model = SparseAutoencoder(connectivity=fields, tol=0.01, random_state=0).fit(X)
        >>> display = ReceptiveFieldsDisplay.from_estimator(model)
        >>> plt.close(display.figure_)
        """
        require_matplotlib("ReceptiveFieldsDisplay")
        weights = layer_weights(estimator, layer)
        fields = receptive_fields(estimator, layer) if fields is None else fields
        if fields is None:
            raise ValueError(
                f"layer {layer} of {type(estimator).__name__} has no LocalReceptiveFields as its "
                "connectivity. Pass them as fields, or show the mask of any layer with "
                "ConnectivityDisplay.from_estimator(estimator)."
            )
        return cls(weights, fields).plot(
            maps=maps,
            n_maps=n_maps,
            bands=bands,
            scale=scale,
            figure=figure,
            title=title,
            cmap=cmap,
        )

    def _mosaics(
        self, weights: NDArray[Any], bands: ArrayLike | None, scale: str, cmap: Any
    ) -> FieldMosaics:
        down, across, n_bands = self.fields.window_shape
        shown = check_bands(bands, n_bands)
        tiles = weights.reshape(*weights.shape[:2], down, across, n_bands)[..., shown]
        caption = describe_windows(self.fields)
        if len(shown) != n_bands:
            caption += "; band " + ", ".join(map(str, shown)) + f" of {n_bands}"
        rows, columns = self.fields.output_shape[:2]
        return FieldMosaics(
            scale_weights(tiles, scale), (rows, columns), self._names(), caption, cmap
        )

    def _tracks(self, weights: NDArray[Any], scale: str) -> FieldTracks:
        windows, n_inputs = self.fields.windows(), int(self.weights.shape[0])
        every = -(-most_overlapping(windows, n_inputs) // MOST_ROWS)
        caption = describe_windows(self.fields)
        if every > 1:
            caption += f"; one window in {every} is shown"
        shown = scale_weights(weights, scale)[:, ::every]
        return FieldTracks(shown, windows[::every], n_inputs, self._names(), caption)

    def _names(self) -> list[str]:
        return [f"Map {k}" for k in self.maps_]
