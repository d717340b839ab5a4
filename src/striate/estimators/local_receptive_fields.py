"""Local receptive fields: hidden units that each see one window of an image or a signal."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator

from .sklearn_private import Interval


class LocalReceptiveFields(BaseEstimator):
    """Mask that connects each hidden unit to one window of an image.

    The early visual system is built like this: each cell sees a small part of the visual field. A
    layer has `n_maps` adjacent units per window, so the activations of a row, reshaped to
    `output_shape`, are an image with one band per map. Unlike in a convolution, each unit has its
    own weights.

    This is a description, not an estimator: a value for `connectivity` of `MLPClassifier`,
    `MLPRegressor`, `SparseAutoencoder` and `StackedAutoencoder`.

    Parameters
    ----------
    image_shape : int or tuple of int
        n or (n,) for a signal, (height, width) for a grayscale image, (height, width, bands) for
        other images. Each row of X is such an array, flattened. A window has all bands.
    field_size : int or tuple of int
        Window size in pixels, (height, width) or one number for both.
    stride : int or tuple of int, default=1
        Distance between adjacent windows in pixels.
    n_maps : int, default=1
        Number of units per window.
    periodic : bool, default=False
        Whether windows wrap around (circular padding), as for hours of the day or directions. Then
        a window starts at every `stride`-th pixel.

    See Also
    --------
    ConnectivityDisplay : Draws which inputs each unit sees.

    References
    ----------
    .. [1] Guillot, "Neural networks II" (2016): sparse, locally connected networks.
    .. [2] Stanford UFLDL tutorial, "Feature extraction using convolution": locally connected
       networks.

    Examples
    --------
    >>> from striate import LocalReceptiveFields, MLPClassifier
    >>> fields = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=5)
    >>> fields.output_shape
    (3, 3, 5)
    >>> fields.mask().shape, fields.mask().nnz
    ((64, 45), 720)
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = MLPClassifier(connectivity=fields, tol=0.01, random_state=0)
    >>> classifier.fit(X / 16, y).coefs_[0].nnz
    720
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "image_shape": ["array-like", Interval(Integral, 1, None, closed="left")],
        "field_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "stride": ["array-like", Interval(Integral, 1, None, closed="left")],
        "n_maps": [Interval(Integral, 1, 2**31, closed="left")],
        "periodic": ["boolean"],
    }

    def __init__(
        self,
        image_shape: Any,
        field_size: Any,
        *,
        stride: Any = 1,
        n_maps: int = 1,
        periodic: bool = False,
    ) -> None:
        self.image_shape = image_shape
        self.field_size = field_size
        self.stride = stride
        self.n_maps = n_maps
        self.periodic = periodic

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Number of windows in each direction, and number of maps."""
        return (*(len(starts) for starts in self._starts()), int(self.n_maps))

    @property
    def window_shape(self) -> tuple[int, ...]:
        """Window size in pixels in each direction, and number of bands."""
        return (*self._per_direction("field_size"), self._image()[1])

    def windows(self) -> npt.NDArray[np.int64]:
        """Return the inputs of each window.

        Returns
        -------
        ndarray of shape (n_windows, n_inputs_per_window)
            Column indices of X. Windows are in the order of `output_shape`, and inputs in the order
            of a flattened window, bands last.

        Raises
        ------
        ValueError
            If a parameter has a wrong value, or if a window is larger than the image.
        """
        shape, bands = self._image()
        inputs = np.zeros((1, 1), dtype=np.int64)  # (windows, pixels of a window), so far
        for size, starts, width in zip(
            shape, self._starts(), self._per_direction("field_size"), strict=True
        ):
            pixels = (starts[:, np.newaxis] + np.arange(width)) % size
            inputs = (inputs * size)[:, np.newaxis, :, np.newaxis] + pixels[:, np.newaxis]
            inputs = inputs.reshape(len(inputs) * len(pixels), -1)
        return (inputs[:, :, np.newaxis] * bands + np.arange(bands)).reshape(len(inputs), -1)

    def mask(self) -> Any:
        """Return the mask as a sparse matrix.

        Returns
        -------
        csc_array of bool of shape (n_inputs, n_units)

        Raises
        ------
        ValueError
            As for `windows`.
        """
        indices = np.sort(self.windows(), axis=1).repeat(self.n_maps, axis=0)
        shape, bands = self._image()
        indptr = np.arange(0, indices.size + 1, indices.shape[1])
        connections = np.ones(indices.size, dtype=bool), indices.ravel(), indptr
        return sparse.csc_array(connections, shape=(int(np.prod(shape)) * bands, len(indices)))

    def _image(self) -> tuple[tuple[int, ...], int]:
        """Return the pixels in each direction, and the number of bands."""
        self._validate_params()
        shape = _whole_numbers(self.image_shape)
        if not 1 <= len(shape) <= 3:
            raise ValueError(
                f"image_shape={self.image_shape!r} must be (n,), (height, width) or "
                "(height, width, bands), in pixels."
            )
        return (shape[:2], shape[2]) if len(shape) == 3 else (shape, 1)

    def _per_direction(self, name: str) -> tuple[int, ...]:
        """Return a parameter as one number per direction."""
        shape, _ = self._image()
        sizes = _whole_numbers(getattr(self, name))
        sizes = sizes * len(shape) if len(sizes) == 1 else sizes
        if len(sizes) != len(shape):
            raise ValueError(
                f"{name}={getattr(self, name)!r} must be a whole number of pixels, or one per "
                f"direction of image_shape={self.image_shape!r}."
            )
        return sizes

    def _starts(self) -> list[npt.NDArray[np.int64]]:
        """Return the first pixel of each window, in each direction."""
        shape, _ = self._image()
        starts = []
        for size, width, step in zip(
            shape, self._per_direction("field_size"), self._per_direction("stride"), strict=True
        ):
            if width > size:
                raise ValueError(
                    f"field_size={self.field_size!r} is larger than image_shape="
                    f"{self.image_shape!r}: choose smaller windows."
                )
            starts.append(np.arange(0, size if self.periodic else size - width + 1, step))
        return starts


def _whole_numbers(given: Any) -> tuple[int, ...]:
    """Return a number or a sequence as a tuple of int; empty unless all are whole and positive."""
    try:
        numbers = np.atleast_1d(given)
    except ValueError:  # of different lengths
        return ()
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        return ()
    whole = (numbers == numbers.round()).all() and (numbers >= 1).all()
    return tuple(map(int, numbers)) if whole else ()
