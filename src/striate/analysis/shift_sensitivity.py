"""How far features move when the image moves: ‖φ(x moved) − φ(x)‖ by the distance of two images."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.metrics import euclidean_distances
from sklearn.utils import check_random_state, check_scalar, gen_batches

from striate.files.image_collection import as_collection

# Rows whose distances to all others are held at a time.
_BLOCK_ROWS = 256


@dataclass(frozen=True, eq=False, repr=False)
class ShiftSensitivity:
    """How much features change when the image moves, relative to those of another image.

    It comes from `shift_sensitivity`. 0 is no change, and 1 is as far as another image. Printed, it
    is a summary; `table` has a line for each shift.

    Attributes
    ----------
    shifts : ndarray of int of shape (n_shifts,)
        By how many pixels the images were moved.
    down, across : ndarray of shape (n_windows, n_shifts)
        Change of the features of each window when it moves down, and when it moves to the right.
    distance : float
        What 1 stands for: the mean distance between the features of two different images.
    window_size : (int, int)
        Height and width in pixels of what was compared.
    """

    shifts: np.ndarray
    down: np.ndarray
    across: np.ndarray
    distance: float
    window_size: tuple[int, int]

    @property
    def mean(self) -> np.ndarray:
        """Mean over windows and both directions, ndarray of shape (n_shifts,)."""
        return self._both.mean(axis=0)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation over windows of the mean of both directions, (n_shifts,)."""
        return self._both.std(axis=0)

    @property
    def _both(self) -> np.ndarray:
        return (self.down + self.across) / 2

    def table(self) -> dict[str, np.ndarray]:
        """One line for each shift, as columns by name: ``pandas.DataFrame(result.table())``.

        Returns
        -------
        dict of str to ndarray of shape (n_shifts,)
            shift, mean, std, down_mean, down_std, across_mean, across_std.
        """
        columns = {"shift": self.shifts, "mean": self.mean, "std": self.std}
        for name, changes in (("down", self.down), ("across", self.across)):
            columns |= {f"{name}_mean": changes.mean(axis=0), f"{name}_std": changes.std(axis=0)}
        return columns

    def __str__(self) -> str:
        height, width = self.window_size
        lines = [
            f"change of features over {len(self.down)} windows of {height} x {width} pixels; "
            "1: as far as another image",
            "  pixels      mean       std      down    across",
        ]
        table = self.table()
        names = ("mean", "std", "down_mean", "across_mean")
        for k, shift in enumerate(self.shifts):
            lines.append(f"{shift:8d}" + "".join(f"{table[name][k]:10.3f}" for name in names))
        return "\n".join(lines)

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows that can be moved, with what lies below and to the right of them.

    Attributes
    ----------
    regions : ndarray of shape (n_windows, height + largest shift, width + largest shift, channels)
    of_image : ndarray of int of shape (n_windows,)
        The image that each is from.
    size : (int, int)
        Height and width of a window.
    """

    regions: np.ndarray
    of_image: np.ndarray
    size: tuple[int, int]

    def moved(self, down, across):
        """The windows, so many pixels further: array (n_windows, height, width, channels)."""
        height, width = self.size
        return np.ascontiguousarray(self.regions[:, down : down + height, across : across + width])


def shift_sensitivity(
    transformer, images, shifts=(1, 2, 4, 8), *, window_size=None, n_windows=1, random_state=None
):
    """Measure how far the features of images move when the images move by some pixels.

    A window is cut out of each image, and again with the window moved down, or to the right, so
    that what enters at its border is real image. With φ the features of a window x and D the mean
    distance between the features of two different images, the change is
    ‖φ(x moved) − φ(x)‖ / D: 0 where the features do not notice, 1 where the image might as well be
    another one.

    Parameters
    ----------
    transformer : fitted transformer of images
        A `PatchFeatures`, a pipeline with one, or anything whose ``transform`` takes an array of
        shape (n, h, w, c); ``FunctionTransformer()`` stands for raw pixels. It gets floats, as
        `PatchFeatures` makes them of any images.
    images : array of shape (n, h, w) or (n, h, w, c), list of arrays or of paths
        At least two, which may be of several sizes.
    shifts : int or array-like of int, default=(1, 2, 4, 8)
        By how many pixels to move.
    window_size : int, (int, int) or None, default=None
        Height and width of the windows. None is as large as can be: the smallest height and width
        of all images, less the largest shift. So images that are all of one size lose so many rows
        and columns.
    n_windows : int, default=1
        Windows of each image, where it is larger than one window that moves.
    random_state : int, RandomState instance or None, default=None
        Draws the places of windows in images that are larger.

    Returns
    -------
    ShiftSensitivity

    Raises
    ------
    TypeError
        If the transformer has no ``transform``, or `n_windows` is no integer.
    ValueError
        If there are fewer than two images, an image is too small for a window that moves so far,
        shifts are not whole numbers of at least 0, the features have NaN or infinity or are not one
        row for each image, or all images have the same features.

    See Also
    --------
    ShiftDisplay : The same as a picture, for one or several transformers.

    Notes
    -----
    Memory is needed for the windows and three times for their features; without `window_size`,
    files are read twice.

    A `PatchFeatures` does not pool at all when `pool_grid` has a cell for each position:
    ``copy.copy(features).set_params(pool_grid=(27, 27))`` for windows of 32 × 32 pixels and patches
    of 6 × 6, since 32 − 6 + 1 = 27.

    References
    ----------
    .. [1] Y. Guillot, "Neural networks II", 2016: pooled features hardly change when the image
       moves a little.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from striate import shift_sensitivity
    >>> images = np.random.default_rng(0).random((20, 16, 16))
    >>> pixels = shift_sensitivity(FunctionTransformer(), images, (0, 1, 4))
    >>> pixels.window_size
    (12, 12)
    >>> pixels.mean.round(1)
    array([0., 1., 1.])
    """
    how = {"window_size": window_size, "n_windows": n_windows, "random_state": random_state}
    return sensitivities({"": transformer}, images, shifts, **how)[""]


def sensitivities(transformers, images, shifts, *, window_size, n_windows, random_state):
    """`ShiftSensitivity` of each of a dict of transformers, over the same windows."""
    for each in transformers.values():
        if not hasattr(each, "transform"):
            raise TypeError(f"{type(each).__name__} is no transformer: it has no transform")
    check_scalar(n_windows, "n_windows", Integral, min_val=1)
    shifts = _checked_shifts(shifts)
    windows = _cut(images, shifts.max(), window_size, n_windows, random_state)
    return {name: _measure(windows, each, shifts) for name, each in transformers.items()}


def _checked_shifts(shifts):
    """The shifts as an array of integers of at least 0."""
    given, shifts = shifts, np.atleast_1d(np.asarray(shifts))
    if shifts.ndim != 1 or not len(shifts) or shifts.dtype.kind not in "iu" or shifts.min() < 0:
        raise ValueError(f"shifts must be whole numbers of pixels of at least 0, got {given!r}")
    return shifts.astype(np.intp)


def _cut(images, farthest, window_size, n_windows, random_state):
    """`Windows` at random places, each with room to move by `farthest` pixels."""
    images, random_state = as_collection(images), check_random_state(random_state)
    if len(images) < 2:
        raise ValueError(
            "one image has no other to be compared with: pass at least two, such as parts of it"
        )
    size = _checked_size(images, farthest, window_size)
    of_image = np.repeat(np.arange(len(images)), n_windows)
    shape = (size[0] + farthest, size[1] + farthest, images.n_channels)
    regions = np.empty((len(of_image), *shape), dtype=images.dtype)
    for i, image in enumerate(images):
        _check_room(image, images.name(i), size, farthest)
        for k in range(i * n_windows, (i + 1) * n_windows):
            y, x = (
                random_state.randint(n - m + 1)
                for n, m in zip(image.shape[:2], shape[:2], strict=True)
            )
            regions[k] = image[y : y + shape[0], x : x + shape[1]]
    return Windows(regions, of_image, size)


def _checked_size(images, farthest, window_size):
    """Height and width of the windows; by default what the smallest of the images leave."""
    if window_size is None:
        shapes = [image.shape[:2] for image in images]
        for i, shape in enumerate(shapes):
            if min(shape) <= farthest:
                raise ValueError(
                    f"{images.name(i)}: is {shape[0]} x {shape[1]} pixels, too small to be moved "
                    f"by {farthest}; choose smaller shifts or larger images"
                )
        height, width = np.min(shapes, axis=0) - farthest
        return int(height), int(width)
    integer = int | np.integer
    pair = (window_size,) * 2 if isinstance(window_size, integer) else window_size
    if np.shape(pair) != (2,) or not all(isinstance(n, integer) and n > 0 for n in pair):
        raise ValueError(f"window_size must be one or two positive integers, got {window_size!r}")
    return int(pair[0]), int(pair[1])


def _check_room(image, name, size, farthest):
    if any(n < m + farthest for n, m in zip(image.shape[:2], size, strict=True)):
        raise ValueError(
            f"{name}: is {image.shape[0]} x {image.shape[1]} pixels, too small for windows of "
            f"{size[0]} x {size[1]} that move by {farthest}; choose a smaller window_size, smaller "
            "shifts or larger images"
        )


def _measure(windows, transformer, shifts):
    """`ShiftSensitivity` of one transformer."""
    before = _features(transformer, windows.moved(0, 0))
    distance = _mean_distance(before, windows.of_image)
    changes = np.empty((2, len(before), len(shifts)))
    for k, shift in enumerate(shifts):
        for direction, move in enumerate(((shift, 0), (0, shift))):
            difference = _features(transformer, windows.moved(*move)) - before
            changes[direction, :, k] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    changes /= distance
    down, across = changes
    return ShiftSensitivity(shifts, down, across, distance, windows.size)


def _features(transformer, images):
    """What the transformer makes of images, (n_images, n_features), of its precision."""
    features: Any = transformer.transform(images)
    if sparse.issparse(features):
        features = features.toarray()
    features = np.asarray(features)
    if features.shape[:1] != images.shape[:1]:
        raise ValueError(
            f"{type(transformer).__name__}.transform must return a row for each image, got the "
            f"shape {features.shape} for {len(images)} images"
        )
    features = features.reshape(len(features), -1)
    if features.dtype.kind != "f":
        features = features.astype(np.float64)
    if not np.isfinite(features).all():
        raise ValueError(f"{type(transformer).__name__}: the features have NaN or infinity")
    return features


def _mean_distance(features, of_image):
    """Mean Euclidean distance over all pairs of rows that are of two different images."""
    # Distances come from squares, which lose digits where all rows are far from zero.
    features = features - features[0]
    total, n_pairs = 0.0, 0
    for rows in gen_batches(len(features), _BLOCK_ROWS):
        different = of_image[rows, np.newaxis] != of_image
        total += euclidean_distances(features[rows], features)[different].sum(dtype=np.float64)
        n_pairs += int(different.sum())
    if not total > 0:
        raise ValueError(
            "all images have the same features, so there is no distance to compare a change with"
        )
    return total / n_pairs
