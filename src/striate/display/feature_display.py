"""What each hidden unit has learned, as a grid of small images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from striate.analysis.orientation import orientation_selectivity, preferred_orientation
from striate.core.sparse_matrices import canonical_rows, dense

from .check_parameters import check_choice, check_drawing, check_indices, check_number, shape_of
from .feature_grid import FeatureGrid
from .find_weights import pixel_weights, receptive_fields
from .style import figure_of, require_matplotlib, style
from .tiles import as_tiles, choose_columns, scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MOST_SPARSE = 400  # default number of units shown of a layer with sparse weights


class FeatureDisplay:
    r"""Show what each hidden unit has learned, as a grid of small images.

    Of all inputs of norm 1, the one that excites unit i most is its own weights,
    :math:`x = W_i / \|W_i\|`. Each tile shows it for one unit. Mid grey is zero; lighter pixels
    excite the unit, darker pixels inhibit it.

    It is recommended to use :meth:`FeatureDisplay.from_estimator`. All parameters are stored
    as attributes.

    Parameters
    ----------
    components : array-like of shape (n_units, n_features) or (n_units, height, width[, n_channels])
        Weights of each unit on its inputs. A matrix may be sparse.

    image_shape : tuple (height, width) or (height, width, n_channels), default=None
        Shape of the images whose pixels are the features, row by row and channels last. By
        default that of `components`, or a square image, grey or in colour (`n_features` is then a
        square number, or three times a square number).

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the grid.

    figure_ : matplotlib Figure
        Figure with the grid.

    im_ : matplotlib AxesImage
        Grid.

    order_ : ndarray of int
        Unit of each tile, in reading order.

    See Also
    --------
    ReceptiveFieldsDisplay : Show the weights of units that see windows, at their places.
    LossCurveDisplay : Show the loss of each iteration.

    References
    ----------
    Y. Guillot, "Neural networks II", 2016, after the Stanford UFLDL tutorial, "Visualizing a
    trained autoencoder".

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
    ) -> Self:
        """Draw the grid.

        Parameters
        ----------
        units : array-like of int, default=None
            Units to show. By default all, or 400 evenly spaced ones if the weights are sparse and
            there are more.

        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened that fits the grid, with a whole
            number of pixels for each value.

        n_columns : int, default=None
            Number of tiles per row. By default the grid is roughly square, with few empty places.

        scale : {"tile", "common"}, default="tile"
            Scaling of the weights. With "tile", each unit uses the whole range from black to
            white, so that its pattern is clear even if its weights are small. With "common", all
            units have the same scale, so that weak units look weak. In both, zero is mid grey.

        sort : {"none", "orientation", "norm"}, default="none"
            Order of the tiles: that of the units; by orientation, with units of orientation
            selectivity below 0.5 last; or by the norm of the weights, largest first.

        title : str, default=None
            Title above the grid.

        cmap : str or matplotlib Colormap, default="gray"
            Colormap for grey features; features with three channels are drawn in their colours.

        Returns
        -------
        display : FeatureDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the components are not finite or do not fit `image_shape`, or a parameter has an
            invalid value.
        """
        require_matplotlib("FeatureDisplay")
        check_drawing(ax=ax, cmap=cmap, title=title)
        components, shown = _select(self.components, units)
        tiles = as_tiles(components, self.image_shape)
        n_columns = _check_columns(n_columns, tiles)
        order = _order(tiles, sort)
        grid = FeatureGrid(scaled(tiles, scale)[order], n_columns, cmap)
        self.order_ = shown[order]
        if ax is None:
            with style():
                self.im_ = grid.open_figure(title)
        else:
            self.im_ = grid.draw_on(ax, title)
        self.ax_ = self.im_.axes
        self.figure_ = figure_of(self.ax_)
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
    ) -> Self:
        """Show what the units of a fitted estimator have learned.

        Parameters
        ----------
        estimator : estimator instance
            Fitted estimator with `filters_` (:class:`PatchFeatures`), `components_`
            (:class:`SparseAutoencoder`, :class:`ZCAWhitening`, PCA, NMF, dictionary learning),
            `cluster_centers_` (k-means) or `coefs_` (the first layer of an MLP). Of a pipeline,
            the step with `filters_` is shown, or else the last step with one weight per input
            feature of the pipeline.

        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            Shape of the training images; see :class:`FeatureDisplay`. By default that of the
            estimator's :class:`LocalReceptiveFields`, if it has any.

        units : array-like of int, default=None
            Units to show; see :meth:`plot`.

        ax : matplotlib Axes, default=None
            Axes to draw on. By default a new figure is opened.

        n_columns : int, default=None
            Number of tiles per row.

        scale : {"tile", "common"}, default="tile"
            Scaling of the weights; see :meth:`plot`.

        sort : {"none", "orientation", "norm"}, default="none"
            Order of the tiles; see :meth:`plot`.

        title : str, default=None
            Title above the grid.

        cmap : str or matplotlib Colormap, default="gray"
            Colormap for grey features.

        Returns
        -------
        display : FeatureDisplay
            Display with the grid drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If the estimator has no weights on pixels, or for the reasons of :meth:`plot`.

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
            image_shape = _field_image_shape(estimator, weights.shape[1])
        return cls(weights, image_shape=image_shape).plot(
            units=units,
            ax=ax,
            n_columns=n_columns,
            scale=scale,
            sort=sort,
            title=title,
            cmap=cmap,
        )


def _select(components: Any, units: ArrayLike | None) -> tuple[Any, NDArray[np.intp]]:
    """Return the weights of the units to show as an array, and the indices of these units."""
    is_sparse = sparse.issparse(components)
    if components.ndim != 2 if is_sparse else shape_of(components) is None:
        raise ValueError("components must be an array, or a sparse matrix (n_units, n_features).")
    n_units = components.shape[0] if is_sparse else len(np.atleast_1d(components))
    if units is None:
        n_shown = min(n_units, _MOST_SPARSE) if is_sparse else n_units
        shown = np.arange(n_shown) * (n_units - 1) // max(n_shown - 1, 1)
    else:
        shown = check_indices(units, n_units, "units")
    if is_sparse:
        return dense(canonical_rows(components)[shown]), shown
    return components if units is None else np.asarray(components)[shown], shown


def _field_image_shape(estimator: Any, n_features: int) -> tuple[int, ...] | None:
    """Return the shape of the images that an estimator's receptive fields see, if it has any."""
    fields = receptive_fields(estimator, layer=0)
    if fields is None or np.ndim(fields.image_shape) == 0:
        return None
    shape = tuple(fields.image_shape)
    return shape if len(shape) > 1 and math.prod(shape) == n_features else None


def _check_columns(n_columns: int | None, tiles: NDArray[Any]) -> int:
    if n_columns is None:
        return choose_columns(*tiles.shape[:3])
    return min(check_number(n_columns, "n_columns"), len(tiles))


def _order(tiles: NDArray[Any], sort: str) -> NDArray[np.intp]:
    """Return the indices of the tiles in the order in which they are shown."""
    check_choice(sort, ("none", "orientation", "norm"), "sort")
    if sort == "none":
        return np.arange(len(tiles))
    if sort == "orientation":
        vague = orientation_selectivity(tiles) < 0.5
        return np.lexsort((preferred_orientation(tiles), vague))
    norms = np.linalg.norm(tiles.reshape(len(tiles), -1), axis=1)
    return np.argsort(-norms, kind="stable")
