"""Whitening of whole images by the filter of Olshausen and Field: r exp(−(r / f₀)⁴)."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import fft
from sklearn.base import BaseEstimator, TransformerMixin

from striate.estimators.fitted_attributes import Attribute
from striate.estimators.sklearn_private import Interval, fit_context
from striate.files.image_collection import as_collection
from striate.native.interruptible import interruptible

# Numbers of an image that takes longer than a tenth of a second.
_LARGE = 1_000_000


class ImageWhitening(TransformerMixin, BaseEstimator):
    """Whiten whole images: flatten the 1/f spectrum of natural scenes, without its noisy end.

    Each channel is filtered by r exp(−(r / f₀)⁴), with r the spatial frequency, and scaled to
    mean 0 and variance 1. Images are mirrored at their borders, which avoids edges there.

    Parameters
    ----------
    cutoff : float, default=0.4
        f₀ in cycles per pixel; 0.5 is the finest frequency.

    Notes
    -----
    Nothing is learned from the data. A constant channel becomes zeros.

    References
    ----------
    .. [1] B. A. Olshausen and D. J. Field, "Sparse coding with an overcomplete basis set: a
       strategy employed by V1?", Vision Research 37 (1997).

    Examples
    --------
    >>> import numpy as np
    >>> from striate import ImageWhitening
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    >>> white = ImageWhitening().fit_transform(images)
    >>> white.shape, white.dtype
    ((4, 32, 32, 1), dtype('float32'))
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {}

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "cutoff": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, cutoff: float = 0.4) -> None:
        self.cutoff = cutoff

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, images: Any, y: Any = None) -> Self:
        """Only check the parameters.

        Parameters
        ----------
        images : as for `transform`
        y : ignored

        Returns
        -------
        self
        """
        return self

    def transform(self, images: Any) -> npt.NDArray[Any] | list[npt.NDArray[Any]]:
        """Whiten each image.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), or list of arrays or of paths

        Returns
        -------
        array of shape (n, h, w, c) or list of arrays of shape (h, w, c)
            An array if `images` is one.

        Raises
        ------
        ValueError
            If there are no images, or one is empty or has NaN or infinity.
        """
        white = [
            interruptible(self._whiten, image) if image.size > _LARGE else self._whiten(image)
            for image in as_collection(images)
        ]
        return np.stack(white) if isinstance(images, np.ndarray) else white

    def _whiten(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        margin = [(min(n // 2, 32),) * 2 for n in image.shape[:2]]
        padded = np.pad(image, [*margin, (0, 0)], mode="symmetric")
        vertical = fft.fftfreq(padded.shape[0])[:, np.newaxis]
        r = np.hypot(vertical, fft.rfftfreq(padded.shape[1]))
        spectrum = r * np.exp(-((r / self.cutoff) ** 4))
        filtered = fft.irfft2(
            fft.rfft2(padded, axes=(0, 1)) * spectrum[..., np.newaxis],
            padded.shape[:2],
            axes=(0, 1),
        )
        (top, _), (left, _) = margin
        filtered = filtered[top : top + image.shape[0], left : left + image.shape[1]]
        filtered -= filtered.mean(axis=(0, 1))
        deviation = filtered.std(axis=(0, 1))
        # What is left of a constant channel is rounding.
        flat = deviation < 1e-5 * np.abs(image).max(axis=(0, 1))
        white: npt.NDArray[Any] = filtered / np.where(flat | (deviation == 0), np.inf, deviation)
        return white.astype(image.dtype)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags
