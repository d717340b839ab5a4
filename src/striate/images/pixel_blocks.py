"""Blocks of pixels with their features: those that have labels, and all that are predicted."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.files.large_image import LargeImage
from striate.files.map_output import finished, map_output
from striate.native.threads import team

from .image_levels import Span
from .labelled_pixels import LabelledPixels
from .map_features import BLOCK_STEP, MapFeatures
from .patch_features import PatchFeatures

Array = npt.NDArray[Any]


class PixelBlocks:
    """Features of pixels, from fitted features of patches.

    Parameters
    ----------
    features : PatchFeatures
    scales, windows : tuple of int
        As in `PatchFeatures.transform_maps`.
    """

    def __init__(
        self, features: PatchFeatures, scales: tuple[int, ...], windows: tuple[int, ...]
    ) -> None:
        self._features = features
        self._maps: MapFeatures = features.map_features(
            scales=tuple(scales), windows=tuple(windows), with_pixels=True
        )

    @property
    def n_codes(self) -> int:
        """Number of features that are codes; those that are values of pixels come after them."""
        return self._maps.n_features(0)

    def labelled(self, images: Any, masks: list[Array | None]) -> LabelledPixels:
        """Compute the features of labelled pixels.

        Parameters
        ----------
        images : ImageCollection or sequence of images
        masks : list of ndarray or None
        """
        if isinstance(images, ImageCollection):
            images = images.as_learned(self._features).with_missing()
        parts = []
        for i, mask in enumerate(masks):
            if mask is None:
                continue
            source = self._source(images[i])
            mask = _on_data(mask, source)
            if mask.shape != source.shape:
                sizes = [f"{height} x {width}" for height, width in (mask.shape, source.shape)]
                raise ValueError(f"mask {i} is of {sizes[0]} pixels, but its image of {sizes[1]}")
            for X, place in self._labelled_blocks(source, mask):
                labels = mask[place]
                parts.append((X, labels[labels > 0], np.full(len(X), i)))
        if not parts:
            raise ValueError("all labels are on pixels without data")
        return LabelledPixels(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def predict(
        self,
        image: Any,
        function: Callable[[Array], Array],
        values: tuple[tuple[int, ...], Any],
        out: Any,
        block_size: int | None,
        in_threads: bool,
    ) -> Any:
        """Apply a function of features (n_pixels, n_features) to all pixels of an image.

        `values` are shape and type of what it returns for a pixel; `out` and `block_size` are as in
        `PatchFeatures.transform_maps`. With `in_threads` several threads may call the function.
        Pixels without data get NaN, or 0 if results are not floats.
        """
        source, maps = self._source(image), self._maps
        no_data = np.nan if np.dtype(values[1]).kind == "f" else 0
        folded, (per_pixel, dtype) = maps.encoder.folded(source.dtype), values
        with map_output(out, (*source.shape, *per_pixel), dtype) as output:
            for rows, columns in maps.blocks(source.shape, maps.block_side(block_size, source)):
                whole = rows.aligned(BLOCK_STEP), columns.aligned(BLOCK_STEP)
                with team() as run:
                    computed = maps.computation(source, run, folded).block(whole)
                    found = _by_squares(computed, function, run if in_threads else _in_turn)
                found = found[: rows.size, : columns.size]
                if source.missing is not None:
                    found[source.missing[slice(*rows), slice(*columns)]] = no_data
                output[slice(*rows), slice(*columns)] = found
        return finished(out, output)

    def _source(self, image: Any) -> LargeImage:
        n_channels = self._features.patch_shape_[2]
        channels = n_channels if n_channels in (1, 3) else None
        return LargeImage(image, self._features, channels=channels, fill_missing=True)

    def _labelled_blocks(
        self, source: LargeImage, mask: Array
    ) -> Iterator[tuple[Array, tuple[slice, slice]]]:
        """Yield the features of labelled pixels, and the block that they are from."""
        maps = self._maps
        folded, side = maps.encoder.folded(source.dtype), maps.block_side(None, source)
        for rows, columns in maps.blocks(source.shape, side):
            place = slice(*rows), slice(*columns)
            ys, xs = np.nonzero(mask[place])
            if not ys.size:
                continue
            part = _span_of(ys, rows.first), _span_of(xs, columns.first)
            with team() as run:
                block = maps.computation(source, run, folded).block(part)
            first = part[0].first - rows.first, part[1].first - columns.first
            yield block[ys - first[0], xs - first[1]], place


def _on_data(mask: Array, source: LargeImage) -> Array:
    """Return a mask without labels of pixels that have no data."""
    if source.missing is None or source.missing.shape != mask.shape:
        return mask
    return np.where(source.missing, 0, mask)


def _span_of(places: Array, first: int) -> Span:
    """Return the aligned span that holds some places of a block, which begins at `first`."""
    return Span(first + int(places.min()), first + int(places.max()) + 1).aligned(BLOCK_STEP)


def _in_turn(share: Callable[[int, int], list[Array]]) -> list[list[Array]]:
    return [share(0, 1)]


def _by_squares(computed: Array, function: Callable[[Array], Array], run: Any) -> Array:
    """Apply a function to squares of pixels at fixed places, which threads share by `run`.

    Products of other shapes may be rounded otherwise.

    Returns
    -------
    ndarray of shape (n_rows, n_columns) or (n_rows, n_columns, n_values)
    """
    height, width, n_features = computed.shape
    places = [
        np.s_[y : y + BLOCK_STEP, x : x + BLOCK_STEP]
        for y in range(0, height, BLOCK_STEP)
        for x in range(0, width, BLOCK_STEP)
    ]

    def share(t: int, T: int) -> list[Array]:
        return [function(computed[place].reshape(-1, n_features)) for place in places[t::T]]

    shares = run(share)
    first = shares[0][0]
    found = np.empty((height, width, *first.shape[1:]), dtype=first.dtype)
    for t, results in enumerate(shares):
        for place, result in zip(places[t :: len(shares)], results, strict=True):
            found[place] = result.reshape(BLOCK_STEP, BLOCK_STEP, *first.shape[1:])
    return found
