"""What units that see windows weigh there, each where it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from striate.core.sparse_matrices import dense, stored
from striate.estimators.local_receptive_fields import LocalReceptiveFields

from .field_mosaics import FieldMosaics
from .field_tracks import MOST_ROWS, FieldTracks
from .find_weights import chosen_units, fields_of, layer_weights
from .style import require_matplotlib, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class ReceptiveFieldsDisplay:
    """Show what the units of local receptive fields weigh, each window where it looks.

    A map has a unit for each window. Its picture is a mosaic in which the tile of a window, the
    weights of its unit, has the place of the window in the image. Mid grey is zero; lighter pixels
    excite the unit, darker ones inhibit it.

    For a signal or a ring, a map is a track along the inputs: bars upwards (blue) excite the unit
    of a window, bars downwards (orange) inhibit it. A thin line is as long as the window. Windows
    that overlap stand below each other.

    It is recommended to use :meth:`ReceptiveFieldsDisplay.from_estimator`. All parameters are
    stored as attributes.

    Parameters
    ----------
    weights : array-like or sparse matrix of shape (n_inputs, n_units)
        W of the layer.

    fields : LocalReceptiveFields
        What its units see.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Where it is drawn.

    axes_ : list of matplotlib Axes
        Axes with the maps: one for each mosaic, or one for all tracks.

    maps_ : ndarray of int
        The maps shown.

    See Also
    --------
    LocalReceptiveFields : Describes such a layer.
    ConnectivityDisplay : Who sees what, for any layer.
    FeatureDisplay : The weights of each unit on all inputs.

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
    ) -> ReceptiveFieldsDisplay:
        """Draw the maps.

        Parameters
        ----------
        maps : array-like of int, default=None
            Maps to show. By default the first `n_maps`.

        n_maps : int, default=8
            Number of maps to show, where `maps` does not say which.

        bands : int or three int, default=None
            Bands of the image to show: one in grey, or three as red, green and blue. By default
            all, if they are one or three, and else the first.

        scale : {"map", "tile", "common"}, default="map"
            What is scaled by one factor, so that its largest weight is black or white: each map,
            so that weak windows look weak; each tile, so that the pattern of each is clear; or all
            maps alike.

        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened that fits.

        title : str, default=None
            Title above all.

        cmap : str or matplotlib Colormap, default="gray"
            Colours for grey mosaics.

        Returns
        -------
        display : ReceptiveFieldsDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the weights are not those of such fields, or an option is none of those above.
        """
        require_matplotlib("ReceptiveFieldsDisplay")
        weights = _in_windows(self.weights, self.fields)
        if maps is None:
            if int(n_maps) != n_maps or n_maps < 1:
                raise ValueError(f"n_maps must be a whole number of at least 1, got {n_maps!r}.")
            maps = np.arange(min(int(n_maps), len(weights)))
        self.maps_ = chosen_units(maps, len(weights), "maps")
        kind = self._tracks if len(self.fields.output_shape) == 2 else self._mosaics
        drawing = kind(weights[self.maps_], bands, scale, cmap)
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
    ) -> ReceptiveFieldsDisplay:
        """Show the maps of a fitted network.

        Parameters
        ----------
        estimator : fitted estimator
            An :class:`MLPClassifier`, :class:`MLPRegressor`, :class:`SparseAutoencoder` or
            :class:`StackedAutoencoder`, or a pipeline or search with one.

        fields : LocalReceptiveFields, default=None
            What the units of the layer see. By default what the estimator was given as
            `connectivity`.

        layer : int, default=0
            The layer, from the input upwards.

        maps : array-like of int, default=None
            Maps to show. By default the first `n_maps`.

        n_maps : int, default=8
            Number of maps to show, where `maps` does not say which.

        bands : int or three int, default=None
            Bands of the image to show; see :meth:`plot`.

        scale : {"map", "tile", "common"}, default="map"
            What is scaled by one factor; see :meth:`plot`.

        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened that fits.

        title : str, default=None
            Title above all.

        cmap : str or matplotlib Colormap, default="gray"
            Colours for grey mosaics.

        Returns
        -------
        display : ReceptiveFieldsDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If the layer has no `LocalReceptiveFields`, or as :meth:`plot` does.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from striate import LocalReceptiveFields, ReceptiveFieldsDisplay, SparseAutoencoder
        >>> X = load_digits().data / 16
        >>> fields = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=3)
        >>> model = SparseAutoencoder(connectivity=fields, max_iter=30, random_state=0).fit(X)
        >>> display = ReceptiveFieldsDisplay.from_estimator(model)
        >>> plt.close(display.figure_)
        """
        require_matplotlib("ReceptiveFieldsDisplay")
        weights = layer_weights(estimator, layer)
        fields = fields_of(estimator, layer) if fields is None else fields
        if fields is None:
            raise ValueError(
                f"layer {layer} of {type(estimator).__name__} was given no LocalReceptiveFields as "
                "its connectivity. Pass those that it has as fields, or show any layer with "
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
        self, weights: NDArray, bands: ArrayLike | None, scale: str, cmap: Any
    ) -> FieldMosaics:
        down, across, n_bands = self.fields.window_shape
        shown = _chosen_bands(bands, n_bands)
        tiles = weights.reshape(*weights.shape[:2], down, across, n_bands)[..., shown]
        caption = _caption(self.fields)
        if len(shown) != n_bands:
            caption += "; band " + ", ".join(map(str, shown)) + f" of {n_bands}"
        grid = self.fields.output_shape[:2]
        return FieldMosaics(_scaled(tiles, scale), grid, self._names(), caption, cmap)

    def _tracks(
        self, weights: NDArray, bands: ArrayLike | None, scale: str, cmap: Any
    ) -> FieldTracks:
        inputs, n_inputs = self.fields.windows(), int(self.weights.shape[0])
        every = -(-_rows_needed(inputs, n_inputs) // MOST_ROWS)
        caption = _caption(self.fields) + (f"; one window in {every} is shown" * (every > 1))
        shown = _scaled(weights, scale)[:, ::every]
        return FieldTracks(shown, inputs[::every], n_inputs, self._names(), caption)

    def _names(self) -> list[str]:
        return [f"Map {k}" for k in self.maps_]


def _in_windows(weights: Any, fields: LocalReceptiveFields) -> NDArray:
    """Return the weights of all connections (n_maps, n_windows, n_seen)."""
    seen, n_maps = fields.windows(), int(fields.n_maps)
    W = sparse.csc_array(weights) if sparse.issparse(weights) else np.asarray(weights)
    if W.ndim == 2 and W.shape == fields.mask().shape:
        units = np.arange(len(seen)) * n_maps + np.arange(n_maps)[:, np.newaxis]
        found = np.stack([dense(W[seen, own[:, np.newaxis]]) for own in units])
        if np.count_nonzero(found) == np.count_nonzero(stored(W)):
            return check_array(found, allow_nd=True, input_name="weights")
    raise ValueError(
        f"weights of shape {W.shape} are not those of {fields!r}: it has {fields.mask().shape[0]} "
        f"inputs and {len(seen) * n_maps} units, and no weights outside their windows."
    )


def _scaled(weights: NDArray, scale: str) -> NDArray[np.float64]:
    """Bring weights (n_maps, n_windows, ...) into [-1, 1]."""
    if scale not in ("map", "tile", "common"):
        raise ValueError(f"scale must be 'map', 'tile' or 'common', got {scale!r}.")
    first = {"map": 1, "tile": 2, "common": 0}[scale]
    largest = np.abs(weights).max(axis=tuple(range(first, weights.ndim)), keepdims=True)
    return weights / np.where(largest > 0, largest, 1).astype(np.float64)


def _chosen_bands(bands: ArrayLike | None, n_bands: int) -> list[int]:
    if bands is None:
        return list(range(n_bands)) if n_bands in (1, 3) else [0]
    chosen = chosen_units(bands, n_bands, "bands").tolist()
    if len(chosen) not in (1, 3):
        raise ValueError(f"bands must be one band or three, got {bands!r}.")
    return chosen


def _rows_needed(inputs: NDArray, n_inputs: int) -> int:
    """Return how many windows see the same input, at most."""
    return int(np.bincount(inputs.ravel(), minlength=n_inputs).max())


def _caption(fields: LocalReceptiveFields) -> str:
    """Say what the windows are."""
    *sizes, _ = fields.window_shape
    *windows, _ = fields.output_shape
    n, stride = " × ".join(map(str, windows)), np.atleast_1d(fields.stride).tolist()
    apart = " and ".join(map(str, dict.fromkeys(stride)))
    shape = " × ".join(map(str, np.atleast_1d(fields.image_shape)[: len(sizes)]))
    one, kind = ("input", "signals") if len(sizes) == 1 else ("pixel", "images")
    every = one if apart == "1" else f"{apart} {one}s"
    ring = ", periodic" if fields.periodic else ""
    of = " × ".join(map(str, sizes))
    return f"{n} windows of {of} {one}s, one every {every}, in {kind} of {shape}{ring}"
