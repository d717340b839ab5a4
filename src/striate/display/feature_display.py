"""A grid of pictures, one for each hidden unit: the input that excites it most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from striate.analysis.orientation import orientation_selectivity, preferred_orientation
from striate.core.sparse_matrices import dense

from .find_weights import chosen_units, fields_of, pixel_weights
from .style import figure_of, require_matplotlib, style
from .tiles import (
    as_tiles,
    choose_columns,
    choose_zoom,
    colored,
    gap_for,
    mosaic,
    scaled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_WIDTH = 6.0  # inches that a grid may take
_LARGEST_TILE = 1.6  # inches, so that a single unit does not fill the page
_BORDER = 0.08  # inches of white around the grid
_TITLE = 0.28  # inches above it
_MOST_SPARSE = 400  # units of a layer with sparse weights, unless one says which
_OVERSAMPLING = 4  # pixels drawn for each one shown, in axes whose size is not ours to choose


class FeatureDisplay:
    r"""Show what each hidden unit has learned, as a grid of small images.

    Among all inputs of norm 1, the one that most excites unit i is
    :math:`x = W_i / \|W_i\|`: its own weights. Each tile shows it for one unit. Mid grey is
    zero; lighter pixels excite the unit, darker ones inhibit it.

    It is recommended to use :meth:`FeatureDisplay.from_estimator`. All parameters are stored
    as attributes.

    Parameters
    ----------
    components : array-like of shape (n_units, n_features) or (n_units, height, width[, n_channels])
        The weights of each unit on its inputs. A matrix may be sparse.

    image_shape : tuple (height, width) or (height, width, n_channels), default=None
        Shape of the images that the features are read from, row by row and channels last.
        By default it is that of `components`, or of a square image, grey or in colour
        (`n_features` is then a square number, or three times one).

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the grid.

    figure_ : matplotlib Figure
        Figure with the grid.

    im_ : matplotlib AxesImage
        The grid.

    order_ : ndarray of int
        The unit that each tile shows, in reading order.

    See Also
    --------
    ReceptiveFieldsDisplay : Show units that see windows, each where it looks.
    LossCurveDisplay : Show how the loss fell.

    References
    ----------
    Y. Guillot, "Neural networks II", 2016; the picture goes back to the Stanford UFLDL
    tutorial, "Visualizing a trained autoencoder".

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from striate.display import FeatureDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> display = FeatureDisplay.from_estimator(PCA(25).fit(X), title="Principal components")
    >>> display.order_.shape
    (25,)
    >>> plt.close(display.figure_)
    """

    ax_: Axes
    figure_: Figure
    im_: AxesImage
    order_: NDArray[np.intp]

    def __init__(
        self, components: ArrayLike, *, image_shape: tuple[int, ...] | None = None
    ) -> None:
        self.components = components
        self.image_shape = image_shape

    def plot(
        self,
        *,
        units: ArrayLike | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
        scale: str = "tile",
        sort: str = "none",
        title: str | None = None,
        cmap: Any = "gray",
    ) -> FeatureDisplay:
        """Draw the grid.

        Parameters
        ----------
        units : array-like of int, default=None
            Units to show. By default all; where weights are sparse and more than 400 units have
            them, 400 that lie evenly among these.

        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened that fits the grid, with a whole
            number of pixels for each value.

        n_columns : int, default=None
            Tiles in a row. By default the grid is about as wide as high, with few empty places.

        scale : {"tile", "common"}, default="tile"
            "tile" lets each unit use the whole range from black to white, so that its pattern
            is clear however small its weights; "common" scales all units alike, so that weak
            units look weak. Zero is mid grey either way.

        sort : {"none", "orientation", "norm"}, default="none"
            Order of the tiles: as they come; by the orientation of their stripes, those without
            a clear one (orientation selectivity below 0.5) last; or by the norm of the weights,
            largest first.

        title : str, default=None
            Title above the grid.

        cmap : str or matplotlib Colormap, default="gray"
            Colours for grey features. Colour features show their own.

        Returns
        -------
        display : FeatureDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the components are not finite or do not fit `image_shape`, or an option is none
            of those above.
        """
        require_matplotlib("FeatureDisplay")
        components, shown = _chosen(self.components, units)
        tiles = as_tiles(components, self.image_shape)
        n_columns = _checked_columns(n_columns, tiles)
        order = _order(tiles, sort)
        self.order_ = order if shown is None else shown[order]
        values = scaled(tiles, scale)[order]
        grid = (-(-len(values) // n_columns), n_columns)
        if ax is None:
            with style():
                self._plot_own_figure(values, grid, cmap, title)
        else:
            self.ax_, self.figure_ = ax, figure_of(ax)
            self._plot_on(ax, values, grid, cmap, title)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        image_shape: tuple[int, ...] | None = None,
        units: ArrayLike | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
        scale: str = "tile",
        sort: str = "none",
        title: str | None = None,
        cmap: Any = "gray",
    ) -> FeatureDisplay:
        """Show what the units of a fitted estimator have learned.

        Parameters
        ----------
        estimator : estimator instance
            Fitted estimator with `filters_` (:class:`PatchFeatures`), `components_`
            (:class:`SparseAutoencoder`, :class:`ZCAWhitening`, PCA, NMF, dictionary learning),
            `cluster_centers_` (k-means) or `coefs_` (the first layer of an MLP). In a pipeline
            it is a step with `filters_`, or else the last step whose weights are as many as the
            pipeline's input features.

        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            Shape of the images learned from; see :class:`FeatureDisplay`. By default that of the
            estimator's :class:`LocalReceptiveFields`, if it was given any.

        units : array-like of int, default=None
            Units to show; see :meth:`plot`.

        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened.

        n_columns : int, default=None
            Tiles in a row.

        scale : {"tile", "common"}, default="tile"
            Whether each tile is scaled on its own; see :meth:`plot`.

        sort : {"none", "orientation", "norm"}, default="none"
            Order of the tiles; see :meth:`plot`.

        title : str, default=None
            Title above the grid.

        cmap : str or matplotlib Colormap, default="gray"
            Colours for grey features.

        Returns
        -------
        display : FeatureDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If the estimator holds no weights on pixels, or as :meth:`plot` does.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.cluster import KMeans
        >>> from sklearn.datasets import load_digits
        >>> from striate.display import FeatureDisplay
        >>> X, _ = load_digits(return_X_y=True)
        >>> kmeans = KMeans(10, n_init=1, random_state=0).fit(X)
        >>> display = FeatureDisplay.from_estimator(kmeans, image_shape=(8, 8), n_columns=5)
        >>> plt.close(display.figure_)
        """
        require_matplotlib("FeatureDisplay")
        weights = pixel_weights(estimator)
        if image_shape is None and weights.ndim == 2:
            image_shape = _shape_seen(estimator, weights.shape[1])
        return cls(weights, image_shape=image_shape).plot(
            units=units,
            ax=ax,
            n_columns=n_columns,
            scale=scale,
            sort=sort,
            title=title,
            cmap=cmap,
        )

    def _plot_own_figure(
        self, values: NDArray, grid: tuple[int, int], cmap: Any, title: str | None
    ) -> None:
        """Open a figure in which one value of a tile is a whole number of pixels."""
        import matplotlib.pyplot as plt
        from matplotlib.layout_engine import PlaceHolderLayoutEngine

        dpi = plt.rcParams["figure.dpi"]
        tile = values.shape[1:3]
        zoom = choose_zoom(grid, tile, (_WIDTH * dpi, _WIDTH * dpi), _LARGEST_TILE * dpi)
        pixels = colored(mosaic(values, grid[1], zoom, gap_for(tile, zoom)), cmap)
        border, above = round(_BORDER * dpi), round(_TITLE * dpi) if title else 0

        # Not layout="none": saving would put the style's layout in its place.
        self.figure_ = plt.figure(layout=PlaceHolderLayoutEngine(True, True))
        # The text alone knows how wide it is.
        text = self.figure_.text(0, 0, title or "", fontsize=plt.rcParams["axes.titlesize"])
        text_width = text.get_window_extent().width if title else 0
        text.remove()
        height, width = pixels.shape[0] + 2 * border + above, pixels.shape[1] + 2 * border
        width = max(width, int(np.ceil(text_width)) + 2 * border)
        # A little more than the whole number, which backends would else round down.
        self.figure_.set_size_inches((width + 1e-3) / dpi, (height + 1e-3) / dpi)
        box = (border, border, pixels.shape[1], pixels.shape[0])
        self.ax_ = self.figure_.add_axes(
            (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
        )
        self._show(self.ax_, pixels, title, interpolation="nearest")

    def _plot_on(
        self, ax: Axes, values: NDArray, grid: tuple[int, int], cmap: Any, title: str | None
    ) -> None:
        """Draw on axes of any size: finer than they can show, and smoothed down to them."""
        extent = ax.get_window_extent()
        room = (_OVERSAMPLING * extent.height, _OVERSAMPLING * extent.width)
        tile = values.shape[1:3]
        zoom = choose_zoom(grid, tile, room, max(room))
        pixels = colored(mosaic(values, grid[1], zoom, gap_for(tile, zoom)), cmap)
        self._show(ax, pixels, title, interpolation="hanning")
        if self.figure_.get_layout_engine() is not None:
            # With an image of fixed proportions, a layout makes room for titles only on its
            # second pass; drawing the figure will be that.
            self.figure_.draw_without_rendering()

    def _show(
        self, ax: Axes, pixels: NDArray[np.uint8], title: str | None, *, interpolation: str
    ) -> None:
        self.im_ = ax.imshow(pixels, interpolation=interpolation, aspect="equal")
        ax.set_axis_off()
        if title is not None:
            ax.set_title(title)


def _chosen(components: Any, units: ArrayLike | None) -> tuple[Any, NDArray[np.intp] | None]:
    """Return the weights of the units to show as an array, and which they are: None for all."""
    if sparse.issparse(components):
        rows, n_units = sparse.csr_array(components), components.shape[0]
        shown = np.linspace(0, n_units - 1, min(n_units, _MOST_SPARSE)).astype(np.intp)
        shown = shown if units is None else chosen_units(units, n_units)
        return dense(rows[shown]), shown
    if units is None:
        return components, None
    shown = chosen_units(units, len(np.atleast_1d(components)))
    return np.asarray(components)[shown], shown


def _shape_seen(estimator: Any, n_features: int) -> tuple[int, ...] | None:
    fields = fields_of(estimator)
    if fields is None or np.ndim(fields.image_shape) == 0:
        return None
    shape = tuple(fields.image_shape)
    return shape if len(shape) > 1 and math.prod(shape) == n_features else None


def _checked_columns(n_columns: int | None, tiles: NDArray) -> int:
    if n_columns is None:
        return choose_columns(*tiles.shape[:3])
    if int(n_columns) != n_columns or n_columns < 1:
        raise ValueError(f"n_columns must be a whole number of at least 1, got {n_columns!r}.")
    return min(int(n_columns), len(tiles))


def _order(tiles: NDArray, sort: str) -> NDArray[np.intp]:
    if sort == "none":
        return np.arange(len(tiles))
    if sort == "orientation":
        vague = orientation_selectivity(tiles) < 0.5
        return np.lexsort((preferred_orientation(tiles), vague))
    if sort == "norm":
        norms = np.linalg.norm(tiles.reshape(len(tiles), -1), axis=1)
        return np.argsort(-norms, kind="stable")
    raise ValueError(f"sort must be 'none', 'orientation' or 'norm', got {sort!r}.")
