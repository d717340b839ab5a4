"""Which units see which inputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array

from striate.estimators.local_receptive_fields import LocalReceptiveFields

from .find_weights import fields_of, layer_weights, unwrap
from .mask_image import MaskPicture
from .style import require_matplotlib, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_SIZE = (6.4, 3.7)  # inches
_BETWEEN = 0.06  # its parts, as a share of one
_SMALL = (4.2, 3.7)  # of a mask alone


class ConnectivityDisplay:
    """Show which units of a layer see which inputs.

    The large picture is the mask: inputs downwards, units to the right, and blue where there is a
    connection. A large mask is drawn in cells of several inputs and units, each with the share of
    its connections; nothing as large as the mask is made.

    Beside it is what differs: how many units see each input, as an image where inputs are pixels
    and otherwise as a histogram, and a histogram of how many inputs each unit sees. What is alike
    for all is said below.

    It is recommended to use :meth:`ConnectivityDisplay.from_estimator` or
    :meth:`ConnectivityDisplay.from_mask`. All parameters are stored as attributes.

    Parameters
    ----------
    mask : array-like or sparse matrix of shape (n_inputs, n_units)
        What is not 0 is a connection.

    image_shape : tuple (height, width) or (height, width, n_bands), default=None
        Shape of the images that the inputs are. By default the inputs are no images.

    feature_names : array-like of str of shape (n_inputs,), default=None
        Names of the inputs; they are written beside up to 40 of them.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        Where it is drawn.

    mask_ax_ : matplotlib Axes
        Axes with the mask.

    inputs_ax_ : matplotlib Axes or None
        Axes with the number of units that see each input, if that differs.

    units_ax_ : matplotlib Axes or None
        Axes with the number of inputs that each unit sees, if that differs.

    See Also
    --------
    ReceptiveFieldsDisplay : What units that see windows weigh there.
    LocalReceptiveFields : Connections to windows of an image.

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

    def plot(
        self, *, figure: Figure | SubFigure | None = None, title: str | None = None
    ) -> ConnectivityDisplay:
        """Draw the mask, and how many connections inputs and units have.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened.

        title : str, default=None
            Title above all.

        Returns
        -------
        display : ConnectivityDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the mask is no matrix, or `image_shape` or `feature_names` do not fit it.
        """
        require_matplotlib("ConnectivityDisplay")
        import matplotlib.pyplot as plt

        picture = self._picture()
        if figure is None:
            with style():
                figure = plt.figure(figsize=_SIZE if picture.sides else _SMALL)
                engine: Any = figure.get_layout_engine()
                engine.set(wspace=_BETWEEN)
                axes = picture.draw(figure, title)
        else:
            axes = picture.draw(figure, title)
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
    ) -> ConnectivityDisplay:
        """Show a mask before anything is trained with it.

        Parameters
        ----------
        mask : LocalReceptiveFields, array-like or sparse matrix of shape (n_inputs, n_units)
            What `connectivity` takes for a layer.

        image_shape : tuple (height, width) or (height, width, n_bands), default=None
            Shape of the images that the inputs are. By default that of a `LocalReceptiveFields`.

        feature_names : array-like of str of shape (n_inputs,), default=None
            Names of the inputs.

        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened.

        title : str, default=None
            Title above all.

        Returns
        -------
        display : ConnectivityDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            As :meth:`plot` does.

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
            image_shape = _shape_of(mask) if image_shape is None else image_shape
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
    ) -> ConnectivityDisplay:
        """Show which weights of a layer are not 0.

        Parameters
        ----------
        estimator : fitted estimator
            An :class:`MLPClassifier`, :class:`MLPRegressor`, :class:`SparseAutoencoder` or
            :class:`StackedAutoencoder`, or a pipeline or search with one; with `connectivity`, or
            with weights that became 0 through `l1_weight`.

        layer : int, default=0
            The layer, from the input upwards.

        image_shape : tuple (height, width) or (height, width, n_bands), default=None
            Shape of the images that the inputs of the layer are. By default that of the
            `LocalReceptiveFields` that the estimator was given for the layer, if it was.

        feature_names : array-like of str of shape (n_inputs,), default=None
            Names of the inputs. By default, for the first layer, those seen in fit.

        figure : matplotlib Figure or SubFigure, default=None
            Where to draw. By default a new figure is opened.

        title : str, default=None
            Title above all.

        Returns
        -------
        display : ConnectivityDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such layer, or as :meth:`plot` does.

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
        weights, fields = layer_weights(estimator, layer), fields_of(estimator, layer)
        if image_shape is None and fields is not None:
            image_shape = _shape_of(fields)
        if feature_names is None and layer == 0:
            feature_names = getattr(unwrap(estimator), "feature_names_in_", None)
        display = cls(weights, image_shape=image_shape, feature_names=feature_names)
        return display.plot(figure=figure, title=title)

    def _picture(self) -> MaskPicture:
        """Return all that is to be drawn, checked."""
        mask = check_array(self.mask, accept_sparse="csc", dtype=None, input_name="mask")
        mask = sparse.csc_array(mask) != 0
        n_inputs, shape, names = mask.shape[0], self.image_shape, self.feature_names
        if shape is not None and (len(shape) not in (2, 3) or math.prod(shape) != n_inputs):
            raise ValueError(
                f"image_shape={shape} does not hold the {n_inputs} inputs of the mask. Pass the "
                "(height, width) or (height, width, n_bands) of the images."
            )
        if names is not None and np.shape(names) != (n_inputs,):
            raise ValueError(
                f"feature_names must be {n_inputs} names, one for each input, got an array of "
                f"shape {np.shape(names)}."
            )
        per_input, per_unit = (np.asarray(mask.sum(axis=axis, dtype=np.int64)) for axis in (1, 0))
        return MaskPicture(
            mask, per_input, per_unit, shape, None if names is None else np.asarray(names)
        )


def _shape_of(fields: LocalReceptiveFields) -> tuple[int, ...] | None:
    """Return the shape of the images; None of signals."""
    return None if np.size(fields.image_shape) == 1 else tuple(fields.image_shape)
