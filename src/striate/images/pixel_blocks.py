"""Blocks of pixels with their features: those that have labels, and all that are predicted."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.files.image_collection import ImageCollection
from striate.files.large_image import LargeImage
from striate.files.map_output import finished, map_output
from striate.files.strokes import Strokes
from striate.native.threads import team

from .deep_patch_features import LayeredFeatures
from .image_levels import Span
from .labelled_pixels import LabelledPixels
from .map_blocks import MapComputation
from .map_features import BLOCK_STEP, MapFeatures

Array = npt.NDArray[Any]


class PixelBlocks:
    """Features of pixels, from fitted features of patches.

    Parameters
    ----------
    features : PatchFeatures or DeepPatchFeatures
    scales, windows : tuple of int
        As in `PatchFeatures.transform_maps`.
    """

    def __init__(
        self, features: LayeredFeatures, scales: tuple[int, ...], windows: tuple[int, ...]
    ) -> None:
        self._features = features
        self._maps: MapFeatures = features.map_features(
            scales=tuple(scales), windows=tuple(windows), with_pixels=True
        )

    @property
    def n_codes(self) -> int:
        """Number of features that are codes; those that are values of pixels come after them."""
        return self._maps.n_codes

    def labelled(self, images: Any, strokes: list[Strokes | None]) -> LabelledPixels:
        """Compute the features of labelled pixels."""
        parts = list(self.labelled_parts(images, strokes))
        if not parts:
            raise ValueError("all labels are on pixels without data")
        return LabelledPixels(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def labelled_parts(
        self, images: Any, strokes: list[Strokes | None]
    ) -> Iterator[LabelledPixels]:
        """Yield the features of labelled pixels, block by block.

        Parameters
        ----------
        images : ImageCollection or sequence of images
        strokes : list of Strokes or None
        """
        if isinstance(images, ImageCollection):
            images = images.as_learned(self._features).with_missing()
        for i, each in enumerate(strokes):
            if each is None:
                continue
            source = self._source(images[i])
            if each.shape != source.shape:
                sizes = [f"{height} x {width}" for height, width in (each.shape, source.shape)]
                raise ValueError(f"mask {i} is of {sizes[0]} pixels, but its image of {sizes[1]}")
            for X, y in self._labelled_blocks(source, _on_data(each, source)):
                yield LabelledPixels(X, y, np.full(len(X), i))

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
        folded, (per_pixel, dtype) = maps.folded(source.dtype), values
        side = maps.block_side(block_size, source)
        with map_output(out, (*source.shape, *per_pixel), dtype, side) as output:
            for rows, columns in maps.blocks(source.shape, side):
                whole = rows.aligned(BLOCK_STEP), columns.aligned(BLOCK_STEP)
                with team() as run:
                    computed = MapComputation(maps, source, run, folded).block(whole)
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
        self, source: LargeImage, strokes: Strokes
    ) -> Iterator[tuple[Array, Array]]:
        """Yield the features and labels of labelled pixels; only what is around them is read."""
        maps = self._maps
        folded, side = maps.folded(source.dtype), maps.block_side(None, source)
        for block in maps.blocks(source.shape, side):
            here = strokes.within(*block)
            if not here.labels.size:
                continue
            rows, columns = _span_of(here.rows), _span_of(here.columns)
            with team() as run:
                X = MapComputation(maps, source, run, folded).block((rows, columns))
            yield X[here.rows - rows.first, here.columns - columns.first], here.labels


def _on_data(strokes: Strokes, source: LargeImage) -> Strokes:
    """Leave out the labels of pixels that have no data."""
    if source.missing is None:
        return strokes
    return strokes.kept(~source.missing[strokes.rows, strokes.columns])


def _span_of(places: Array) -> Span:
    """Return the aligned span that holds some places."""
    return Span(int(places.min()), int(places.max()) + 1).aligned(BLOCK_STEP)


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
