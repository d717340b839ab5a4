"""Local receptive fields: hidden units that each see one window of an image or a signal."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .sklearn_private import Interval


class LocalReceptiveFields(BaseEstimator):
    """Connections of hidden units to one window each of an image, with weights of their own.

    The early visual system is built like that: each cell sees a small part of the visual field. A
    layer has `n_maps` units for each window, which stand side by side: the activations of a row,
    reshaped to `output_shape`, are an image with a band for each map. Unlike those of a
    convolution, the weights are not shared between windows.

    This is a description, not an estimator: it is what `connectivity` of `MLPClassifier`,
    `MLPRegressor`, `SparseAutoencoder` and `StackedAutoencoder` takes.

    Parameters
    ----------
    image_shape : int or tuple of int
        n or (n,) for a signal, (height, width) for a grey image, (height, width, bands) for others,
        of which a row of X is the flattened array. A window has all bands.
    field_size : int or tuple of int
        Pixels of a window, (height, width), or one number for both.
    stride : int or tuple of int, default=1
        Pixels from one window to the next.
    n_maps : int, default=1
        Units for each window.
    periodic : bool, default=False
        Whether what lies beyond the last pixel is the first: a ring, for a signal such as hours of
        a day or directions. Then there is a window at every `stride`-th pixel.

    See Also
    --------
    ConnectivityDisplay : The picture of who sees what.

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
        "n_maps": [Interval(Integral, 1, None, closed="left")],
        "periodic": ["boolean"],
    }

    def __init__(self, image_shape, field_size, *, stride=1, n_maps=1, periodic=False):
        self.image_shape = image_shape
        self.field_size = field_size
        self.stride = stride
        self.n_maps = n_maps
        self.periodic = periodic

    @property
    def output_shape(self):
        """Windows in each direction, and maps."""
        return (*(len(begins) for begins in self._begins()), int(self.n_maps))

    @property
    def window_shape(self):
        """Pixels of a window in each direction, and bands."""
        return (*self._sizes("field_size"), self._image()[1])

    def windows(self):
        """Inputs that each window sees.

        Returns
        -------
        ndarray of shape (n_windows, n_seen)
            Columns of X, window after window as in `output_shape`; in a window pixel after pixel,
            with the bands of a pixel side by side.

        Raises
        ------
        ValueError
            If a parameter is no such number, or if a window is larger than the image.
        """
        shape, bands = self._image()
        seen = np.zeros((1, 1), dtype=np.int64)
        for size, begins, width in zip(
            shape, self._begins(), self._sizes("field_size"), strict=True
        ):
            there = (begins[:, np.newaxis] + np.arange(width)) % size
            seen = (seen * size)[:, np.newaxis, :, np.newaxis] + there[:, np.newaxis]
            seen = seen.reshape(len(seen) * len(there), -1)
        return (seen[:, :, np.newaxis] * bands + np.arange(bands)).reshape(len(seen), -1)

    def mask(self):
        """The connections as a matrix.

        Returns
        -------
        csc_array of bool of shape (n_inputs, n_units)

        Raises
        ------
        ValueError
            As from `windows`.
        """
        seen = np.sort(self.windows(), axis=1).repeat(self.n_maps, axis=0)
        shape, bands = self._image()
        starts = np.arange(0, seen.size + 1, seen.shape[1])
        connections = np.ones(seen.size, dtype=bool), seen.ravel(), starts
        return sparse.csc_array(connections, shape=(int(np.prod(shape)) * bands, len(seen)))

    def _image(self):
        """Pixels in each direction, and bands."""
        self._validate_params()
        shape = _whole_numbers(self.image_shape)
        if not 1 <= len(shape) <= 3:
            raise ValueError(
                f"image_shape={self.image_shape!r} must be (n,), (height, width) or "
                "(height, width, bands), in pixels."
            )
        return (shape[:2], shape[2]) if len(shape) == 3 else (shape, 1)

    def _sizes(self, name):
        """A parameter as one number for each direction."""
        shape, _ = self._image()
        sizes = _whole_numbers(getattr(self, name))
        sizes = sizes * len(shape) if len(sizes) == 1 else sizes
        if len(sizes) != len(shape):
            raise ValueError(
                f"{name}={getattr(self, name)!r} must be a whole number of pixels, or one for each "
                f"direction of image_shape={self.image_shape!r}."
            )
        return sizes

    def _begins(self):
        """Where windows begin, in each direction."""
        shape, _ = self._image()
        begins = []
        for size, width, step in zip(
            shape, self._sizes("field_size"), self._sizes("stride"), strict=True
        ):
            if width > size:
                raise ValueError(
                    f"field_size={self.field_size!r} is larger than image_shape="
                    f"{self.image_shape!r}: choose smaller windows."
                )
            begins.append(np.arange(0, size if self.periodic else size - width + 1, step))
        return begins


def _whole_numbers(given):
    """A number or several as a tuple of int; an empty one if they are no whole ones from 1 on."""
    try:
        numbers = np.atleast_1d(given)
    except ValueError:  # of different lengths
        return ()
    whole = numbers.ndim == 1 and numbers.dtype.kind in "iuf"
    whole = whole and np.isfinite(numbers).all() and (numbers == numbers.round()).all()
    return tuple(map(int, numbers)) if whole and (numbers >= 1).all() else ()
