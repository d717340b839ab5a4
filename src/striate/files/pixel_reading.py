"""How pixels are taken from image files: the choices of page, bands, range and size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from striate.estimators.fitted_attributes import Attribute, FittedAttributeError, Sizes

from .area_means import area_means
from .decoded_pixels import ImageError, Pixels
from .sixteen_bits import UsedRange, used_range

Range = tuple[float, float]

# Values of integers of 16 bits are divided by this.
_WHITE = 65535
# Black and white of other numbers are these percentiles, of at most this number of values.
_PERCENTILES, _MOST_VALUES = (1, 99), 1_000_000


class Reading(NamedTuple):
    """Choices that a file of several pages, many bands or unknown white needs.

    Attributes
    ----------
    page : int, "all" or None
        Page to read, from 0; "all" takes the pages as bands; None refuses several pages.
    bands : tuple of int or None
        Bands to keep, from 0, in this order; None keeps all.
    value_range : (float, float) or None
        Values of black and white of floats and of integers of 16 and 32 bits, given by hand.
    float_range : (float, float) or None
        Values of black and white of floats and of integers of 32 bits, found in `fit`.
    shrink : int or None
        Factor by which files are reduced; None for 1.
    """

    page: int | str | None = None
    bands: tuple[int, ...] | None = None
    value_range: Range | None = None
    float_range: Range | None = None
    shrink: int | None = None

    @classmethod
    def of(cls, learned: Mapping[str, Any]) -> Self:
        """Return what `as_dict` returned as a Reading again."""
        return cls(**learned)

    def as_dict(self) -> dict[str, Any]:
        """Return the choices that were made, as a fitted attribute."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    def or_else(self, other: "Reading") -> "Reading":
        """Return these choices, completed by others."""
        return Reading(**{**other.as_dict(), **self.as_dict()})

    def shrunk(self, pixels: Pixels) -> Pixels:
        """Return the pixels of the reduced image.

        Raises
        ------
        ImageError
            If nothing would be left.
        """
        if self.shrink is None:
            return pixels
        return pixels._replace(values=area_means(pixels.values, self.shrink))

    def scaled(self, pixels: Pixels, used_range: UsedRange) -> npt.NDArray[Any]:
        """Return the values of pixels such that black is 0 and white is 1.

        Raises
        ------
        ImageError
            If black and white are not known: of floats beyond [0, 1], and large integers.
        """
        values = pixels.values
        if pixels.sixteen_bits:
            if self.value_range is not None:
                ends = ((each - pixels.lowest) / _WHITE for each in self.value_range)
                used_range = UsedRange(*ends)
            return used_range.scaled(values)
        if not pixels.is_open:
            return values
        known = self.value_range or self.float_range
        if known is not None:
            return UsedRange(*known).scaled(values)
        low, high = extremes(values)
        if not (low >= 0 and high <= 1):
            raise ImageError(
                f"has floating-point pixels outside [0, 1], or large integers, from {low:.6g} to "
                f"{high:.6g}; say which values are black and white, as value_range=(black, white)"
            )
        return values


def new_reading(
    page: int | str | None = None,
    bands: Sequence[int] | None = None,
    value_range: Sequence[float] | None = None,
    shrink: int | None = None,
) -> Reading:
    """Return checked choices.

    Raises
    ------
    ValueError
        If one of them is not as `Reading` says.
    """
    if page is not None and page != "all" and not _is_number(page):
        raise ValueError(f'page must be a number of at least 0, "all" or None, got {page!r}')
    if bands is not None:
        bands = tuple(bands) if isinstance(bands, Sequence | np.ndarray) else (-1,)
        if not bands or not all(map(_is_number, bands)):
            raise ValueError(f"bands must be numbers of at least 0, as (0, 2), got {bands!r}")
        bands = tuple(map(int, bands))
    if value_range is not None:
        ends = np.asarray(value_range, dtype=np.float64)
        if ends.shape != (2,) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
            raise ValueError(f"value_range must be (black, white), got {value_range!r}")
        value_range = float(ends[0]), float(ends[1])
    if shrink is not None and not (_is_number(shrink) and shrink > 0):
        raise ValueError(f"shrink must be a whole number of at least 1, or None, got {shrink!r}")
    page = page if page is None or page == "all" else int(page)
    return Reading(page, bands, value_range, shrink=None if shrink in (None, 1) else int(shrink))


def found_range(values: npt.NDArray[Any]) -> Range:
    """Return values of black and white for numbers whose range is not known.

    For whole numbers of at most 16 bits, they are those of the sensor: see `used_range`. For others
    they are percentiles.
    """
    flat = values.ravel()
    some = flat[:: max(flat.size // _MOST_VALUES, 1)]
    low, high = extremes(some)
    if 0 <= low <= high <= _WHITE and np.array_equal(some, np.round(some)):
        black, white = used_range(some / _WHITE)
        return float(np.round(black * _WHITE)), float(np.round(white * _WHITE))
    inner = np.percentile(some, _PERCENTILES).tolist()
    low, high = inner if inner[0] < inner[1] else (low, high)
    return low, (high if high > low else low + 1)


@dataclass(frozen=True)
class ReadingChoices(Attribute):
    """What `Reading.as_dict` returns."""

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        try:
            choices = Reading.of(value)
            new_reading(*choices[:3], shrink=choices.shrink)
            new_reading(value_range=choices.float_range)
        except (TypeError, ValueError) as error:
            raise FittedAttributeError(f"must be choices of how to read files: {error}") from None


def extremes(values: npt.NDArray[Any]) -> Range:
    """Return the smallest and largest value that is not NaN."""
    return float(np.nanmin(values)), float(np.nanmax(values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | np.integer) and value is not True and int(value) >= 0
