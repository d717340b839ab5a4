"""How far features move when the image moves: ‖φ(x moved) − φ(x)‖ by the distance of two images."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import euclidean_distances
from sklearn.utils import check_scalar, gen_batches

from striate.files.image_collection import as_collection

from .moving_windows import Windows, cut_windows

# Rows per block of distances to all others.
_BLOCK_ROWS = 256


@dataclass(frozen=True, eq=False, repr=False)
class ShiftSensitivity:
    """Change of features when the image moves, relative to the distance of two images.

    The result of `shift_sensitivity`. 0 is no change, and 1 is as far as another image. Printing it
    shows a summary; `table` has a row for each shift.

    Attributes
    ----------
    shifts : ndarray of int of shape (n_shifts,)
        Shifts in pixels.
    down, across : ndarray of shape (n_windows, n_shifts)
        Change of the features of each window when it moves down, and when it moves to the right.
    distance : float
        Mean distance between the features of two different images, the unit of `down` and `across`.
    window_size : (int, int)
        Height and width of the windows in pixels.
    """

    shifts: NDArray[np.intp]
    down: NDArray[np.float64]
    across: NDArray[np.float64]
    distance: float
    window_size: tuple[int, int]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over windows and both directions, ndarray of shape (n_shifts,)."""
        mean: NDArray[np.float64] = self._both.mean(axis=0)
        return mean

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation over windows of the mean of both directions, (n_shifts,)."""
        std: NDArray[np.float64] = self._both.std(axis=0)
        return std

    @property
    def _both(self) -> NDArray[np.float64]:
        both: NDArray[np.float64] = (self.down + self.across) / 2
        return both

    def table(self) -> dict[str, NDArray[Any]]:
        """Return one row for each shift, as named columns for ``pandas.DataFrame``.

        Returns
        -------
        dict of str to ndarray of shape (n_shifts,)
            shift, mean, std, down_mean, down_std, across_mean, across_std.
        """
        columns: dict[str, NDArray[Any]] = {
            "shift": self.shifts,
            "mean": self.mean,
            "std": self.std,
        }
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


def shift_sensitivity(
    transformer: Any,
    images: Any,
    shifts: Any = (1, 2, 4, 8),
    *,
    window_size: int | tuple[int, int] | None = None,
    n_windows: int = 1,
    random_state: int | np.random.RandomState | None = None,
) -> ShiftSensitivity:
    """Measure how far the features of images move when the images move by some pixels.

    A window is cut out of each image, and again with the window moved down, or to the right, so
    that real image enters at its border. With φ the features of a window x and D the mean distance
    between the features of two different images, the change is ‖φ(x moved) − φ(x)‖ / D: 0 if the
    features do not change, 1 if they change as much as those of another image would.

    Parameters
    ----------
    transformer : fitted transformer of images
        A `PatchFeatures`, a pipeline with one, or anything whose ``transform`` takes an array of
        shape (n, h, w, c); pass ``FunctionTransformer()`` for raw pixels. The images are passed as
        floats, converted as in `PatchFeatures`.
    images : array of shape (n, h, w) or (n, h, w, c), list of arrays or of paths
        At least two images, of any sizes.
    shifts : int or array-like of int, default=(1, 2, 4, 8)
        Shifts in pixels.
    window_size : int, (int, int) or None, default=None
        Height and width of the windows. None is the largest possible size: the smallest height and
        width of all images, minus the largest shift.
    n_windows : int, default=1
        Number of windows per image; for images larger than a window and its largest shift.
    random_state : int, RandomState instance or None, default=None
        Source of the random places of the windows, in images with room for several.

    Returns
    -------
    ShiftSensitivity
        The result.

    Raises
    ------
    TypeError
        If the transformer has no ``transform``, or `n_windows` is not an integer.
    ValueError
        If there are fewer than two images, an image is too small for a window and its largest
        shift, shifts are not whole numbers of at least 0, the features have NaN or infinity or are
        not one row for each image, or all images have the same features.

    See Also
    --------
    ShiftDisplay : The same as a picture, for one or several transformers.

    Notes
    -----
    Memory is needed for the windows, and for their features three times; without `window_size`,
    files are read twice.

    A `PatchFeatures` does not pool at all if `pool_grid` has a cell for each position:
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
    found = sensitivities(
        {"": transformer},
        images,
        shifts,
        window_size=window_size,
        n_windows=n_windows,
        random_state=random_state,
    )
    return found[""]


def sensitivities(
    transformers: Mapping[str, Any],
    images: Any,
    shifts: Any,
    *,
    window_size: int | tuple[int, int] | None,
    n_windows: int,
    random_state: int | np.random.RandomState | None,
) -> dict[str, ShiftSensitivity]:
    """Return the `ShiftSensitivity` of each of several transformers, over the same windows."""
    for each in transformers.values():
        if not hasattr(each, "transform"):
            raise TypeError(f"{type(each).__name__} is not a transformer: it has no transform")
    check_scalar(n_windows, "n_windows", Integral, min_val=1, max_val=2**31)
    checked = _checked_shifts(shifts)
    # Windows are floats: they are scaled here as the first transformer scales images of 16 bits.
    firsts = [each[0] if hasattr(each, "steps") else each for each in transformers.values()]
    learned = [each for each in firsts if hasattr(each, "used_range_")]
    images = as_collection(images)
    images = images.as_learned(learned[0]) if learned else images
    windows = cut_windows(images, int(checked.max()), window_size, n_windows, random_state)
    return {name: _measure(windows, each, checked) for name, each in transformers.items()}


def _checked_shifts(given: Any) -> NDArray[np.intp]:
    try:
        shifts = np.atleast_1d(np.asarray(given))
    except ValueError:  # lists of several lengths
        shifts = np.empty(0)
    whole = shifts.ndim == 1 and len(shifts) and shifts.dtype.kind in "iu"
    if not whole or shifts.min() < 0 or shifts.max() >= 2**31:
        raise ValueError(f"shifts must be whole numbers of pixels of at least 0, got {given!r}")
    return shifts.astype(np.intp)


def _measure(windows: Windows, transformer: Any, shifts: NDArray[np.intp]) -> ShiftSensitivity:
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


def _features(transformer: Any, images: NDArray[Any]) -> NDArray[Any]:
    """Return the features (n_images, n_features) of images, in the transformer's precision."""
    transformed: Any = transformer.transform(images)
    if sparse.issparse(transformed):
        transformed = transformed.toarray()
    features: NDArray[Any] = np.asarray(transformed)
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


def _mean_distance(features: NDArray[Any], of_image: NDArray[np.intp]) -> float:
    """Return the mean Euclidean distance over all pairs of rows from two different images."""
    # Distances are computed from squares, which lose digits if all rows are far from zero.
    features = features - features[0]
    total, n_pairs = 0.0, 0
    for rows in gen_batches(len(features), _BLOCK_ROWS):
        different = of_image[rows, np.newaxis] != of_image
        distances = euclidean_distances(features[rows], features)
        total += float(distances[different].sum(dtype=np.float64))
        n_pairs += int(different.sum())
    if not np.isfinite(total):
        raise ValueError("the features are so large that their distances are infinite")
    if not total > 0:
        raise ValueError(
            "all images have the same features: their distance is 0, so changes have no scale"
        )
    return total / n_pairs
