"""The mask of a layer: which units see which inputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array

from striate.estimators.local_receptive_fields import LocalReceptiveFields
from striate.estimators.validated_input import in_native_order, refuse_kinds

from .check_parameters import check_drawing, check_names, is_image_shape
from .find_weights import layer_weights, receptive_fields, unwrap
from .mask_image import MaskImage
from .sized_figure import open_figure
from .style import require_matplotlib, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# In hundredths of an inch.
_HEIGHT = 370
_WIDTH = 640
_WIDTH_OF_MASK_ALONE = 420
_GAP = 0.06  # between the plots, relative to their width


class ConnectivityDisplay:
    """Show which units of a layer see which inputs.

    The mask is drawn with inputs downwards, units to the right, and connections in blue. In a large
    mask, each cell of the image stands for several inputs and units, and its colour for the share
    of connections present; no dense array of the size of the mask is allocated.

    Beside it are the number of units that see each input, as an image if the inputs are pixels and
    otherwise as a histogram, and a histogram of the number of inputs that each unit sees. A number
    that is the same for all is written below instead.

    It is recommended to use :meth:`ConnectivityDisplay.from_estimator` or
    :meth:`ConnectivityDisplay.from_mask`. All parameters are stored as attributes.

    Parameters
    ----------
    mask : array-like or sparse matrix of shape (n_inputs, n_units)
        Mask; nonzero elements are connections.

    image_shape : tuple (height, width) or (height, width, n_bands), default=None
        Shape of the images whose pixels are the inputs. By default the inputs are not images.

    feature_names : array-like of str of shape (n_inputs,), default=None
        Names of the inputs, written beside the mask if there are at most 40.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Figure with the mask.

    mask_ax_ : matplotlib Axes
        Axes with the mask.

    inputs_ax_ : matplotlib Axes or None
        Axes with the number of units that see each input; None if all numbers are equal.

    units_ax_ : matplotlib Axes or None
        Axes with the number of inputs that each unit sees; None if all numbers are equal.

    See Also
    --------
    ReceptiveFieldsDisplay : Show the weights of units that see windows.
    LocalReceptiveFields : Connect units to windows of an image.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> from striate import ConnectivityDisplay, LocalReceptiveFields
    >>> fields = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=3)
    >>> display = ConnectivityDisplay.from_mask(fields)
    >>> display.units_ax_ is None  # all units see 16 inputs
    True
    >>> plt.close(display.figure_)
    """

    figure_: Figure | SubFigure
    mask_ax_: Axes
    inputs_ax_: Axes | None
    units_ax_: Axes | None

    def __init__(
        self,
        mask: Any,
        *,
        image_shape: tuple[int, ...] | None = None,
        feature_names: ArrayLike | None = None,
    ) -> None:
        self.mask = mask
        self.image_shape = image_shape
        self.feature_names = feature_names

    def plot(self, *, figure: Figure | SubFigure | None = None, title: str | None = None) -> Self:
        """Draw the mask and the numbers of connections per input and per unit.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure is opened.

        title : str, default=None
            Title of the figure.

        Returns
        -------
        display : ConnectivityDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the mask is not a matrix, or `image_shape` or `feature_names` do not match it.
        """
        require_matplotlib("ConnectivityDisplay")
        check_drawing(figure=figure, title=title)
        image = self._mask_image()
        if figure is None:
            with style():
                figure = open_figure(_WIDTH if image.side_plots else _WIDTH_OF_MASK_ALONE, _HEIGHT)
                engine: Any = figure.get_layout_engine()
                engine.set(wspace=_GAP)
                axes = image.draw_on(figure, title)
        else:
            axes = image.draw_on(figure, title)
        self.figure_, self.mask_ax_ = figure, axes["mask"]
        self.inputs_ax_, self.units_ax_ = axes.get("inputs"), axes.get("units")
        return self

    @classmethod
    def from_mask(
        cls,
        mask: Any,
        *,
        image_shape: tuple[int, ...] | None = None,
        feature_names: ArrayLike | None = None,
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
    ) -> Self:
        """Show a mask before anything is trained with it.

        Parameters
        ----------
        mask : LocalReceptiveFields, array-like or sparse matrix of shape (n_inputs, n_units)
            Mask of one layer, as in the parameter `connectivity`.

        image_shape : tuple (height, width) or (height, width, n_bands), default=None
            Shape of the images whose pixels are the inputs. By default that of a
            `LocalReceptiveFields`.

        feature_names : array-like of str of shape (n_inputs,), default=None
            Names of the inputs.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure is opened.

        title : str, default=None
            Title of the figure.

        Returns
        -------
        display : ConnectivityDisplay
            Display with the mask drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For the reasons of :meth:`plot`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from scipy import sparse
        >>> from striate import ConnectivityDisplay
        >>> mask = sparse.random_array((10_000, 2_000), density=0.01, rng=0)
        >>> display = ConnectivityDisplay.from_mask(mask)
        >>> plt.close(display.figure_)
        """
        require_matplotlib("ConnectivityDisplay")
        if isinstance(mask, LocalReceptiveFields):
            image_shape = _image_shape(mask) if image_shape is None else image_shape
            mask = mask.mask()
        display = cls(mask, image_shape=image_shape, feature_names=feature_names)
        return display.plot(figure=figure, title=title)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        layer: int = 0,
        *,
        image_shape: tuple[int, ...] | None = None,
        feature_names: ArrayLike | None = None,
        figure: Figure | SubFigure | None = None,
        title: str | None = None,
    ) -> Self:
        """Show which weights of a layer are not 0.

        Parameters
        ----------
        estimator : fitted estimator
            An :class:`MLPClassifier`, :class:`MLPRegressor`, :class:`SparseAutoencoder` or
            :class:`StackedAutoencoder`, or a pipeline or search that contains one, fitted with
            `connectivity` or with an `l1_weight` that made weights 0.

        layer : int, default=0
            Index of the layer, counted from the input.

        image_shape : tuple (height, width) or (height, width, n_bands), default=None
            Shape of the images whose pixels are the inputs of the layer. By default that of the
            layer's `LocalReceptiveFields`, if it has any.

        feature_names : array-like of str of shape (n_inputs,), default=None
            Names of the inputs. By default, for the first layer, those seen in `fit`.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to draw on. By default a new figure is opened.

        title : str, default=None
            Title of the figure.

        Returns
        -------
        display : ConnectivityDisplay
            Display with the mask drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such layer, or for the reasons of :meth:`plot`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_digits
        >>> from striate import ConnectivityDisplay, MLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> model = MLPClassifier(20, l1_weight=0.01, tol=0.01, random_state=0)
        >>> display = ConnectivityDisplay.from_estimator(model.fit(X / 16, y), image_shape=(8, 8))
        >>> plt.close(display.figure_)
        """
        require_matplotlib("ConnectivityDisplay")
        weights, fields = layer_weights(estimator, layer), receptive_fields(estimator, layer)
        if image_shape is None and fields is not None:
            image_shape = _image_shape(fields)
        if feature_names is None and layer == 0:
            feature_names = getattr(unwrap(estimator), "feature_names_in_", None)
        display = cls(weights, image_shape=image_shape, feature_names=feature_names)
        return display.plot(figure=figure, title=title)

    def _mask_image(self) -> MaskImage:
        """Check the parameters and return the image to draw."""
        refuse_kinds(self.mask, "mask", "VMmUS")
        mask = check_array(in_native_order(self.mask), accept_sparse="csc", input_name="mask")
        mask = sparse.csc_array(mask) != 0
        n_inputs, shape, names = mask.shape[0], self.image_shape, self.feature_names
        if shape is not None and not (is_image_shape(shape) and math.prod(shape) == n_inputs):
            raise ValueError(
                f"image_shape={shape!r} does not match the {n_inputs} inputs of the mask. Pass the "
                "(height, width) or (height, width, n_bands) of the images."
            )
        units_per_input, inputs_per_unit = (
            np.asarray(mask.sum(axis=axis, dtype=np.int64)) for axis in (1, 0)
        )
        names = None if names is None else check_names(names, n_inputs, "input")
        shape = None if shape is None else tuple(shape)
        return MaskImage(mask, units_per_input, inputs_per_unit, shape, names)


def _image_shape(fields: LocalReceptiveFields) -> tuple[int, ...] | None:
    """Return the shape of the images; None for signals."""
    return None if np.size(fields.image_shape) == 1 else tuple(fields.image_shape)
