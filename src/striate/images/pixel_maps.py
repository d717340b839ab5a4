"""Features at every pixel of an image, as a method of features of one layer or several."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from striate.files.large_image import LargeImage
from striate.files.map_output import finished, map_output
from striate.native.threads import team

from .layer_pooling import LayerPooling
from .map_blocks import MapComputation
from .map_features import MapFeatures, MapView


class PixelMaps:
    """`transform_maps`, for features of patches; a subclass has what `LargeImage` needs."""

    def map_layers(self) -> Sequence[LayerPooling]:
        """Return the layers: each but the last makes the maps that the next one takes."""
        raise NotImplementedError

    def transform_maps(
        self,
        image: Any,
        *,
        stride: int = 1,
        scales: tuple[int, ...] = (1,),
        windows: tuple[int, ...] = (1,),
        with_pixels: bool = False,
        out: Any = None,
        block_size: int | None = None,
    ) -> Any:
        """Compute features at every pixel of one image, of any size, in bounded memory.

        The features of a pixel are the codes of the patch around it, without pooling over a grid.
        The image continues beyond its border as its mirror image (d c b a | a b c d | d c b a), so
        that the maps have the size of the image. (A patch of even size reaches one pixel further
        to the right and down.) Where the patch holds a pixel without data (NaN), all are NaN. The
        codes of a further layer, whose input is a coarser map, are interpolated linearly.

        Parameters
        ----------
        image : array of shape (h, w) or (h, w, c), image of Pillow, or path
            Path of an image file, or of a .npy file. Arrays on the disk, such as memory maps and
            data sets of h5py and Zarr, are read block by block.
        stride : int, default=1
            Pixels from one output to the next, down and across.
        scales : tuple of int, default=(1,)
            Factors by which the image is shrunk before its patches are encoded. The codes of a
            shrunk image are interpolated linearly to all pixels.
        windows : tuple of int, default=(1,)
            Sides of the squares of positions over which codes are averaged; the means are
            interpolated linearly. With several scales, for each of them; with several layers, the
            positions are those of the layer.
        with_pixels : bool, default=False
            Whether what the pixels' own values say follows the codes: the values smoothed by
            Gaussians with standard deviations of 0.5, 1, 2, 4, 8 and 16 pixels, and of each the
            length of the gradient and the two curvatures (eigenvalues of the second derivatives).
        out : array or path, default=None
            Where the maps are written, if not to a new array: an array of NumPy, h5py or Zarr, or
            the path of a file, which appears when it is complete: .npy, .zarr, or .tif and .tiff
            for OME-TIFF.
        block_size : int, default=None
            Side of the blocks that are computed at a time, in pixels, rounded up to a multiple of
            64. The result is the same, to the last bit, for any size and any number of threads.

        Returns
        -------
        ndarray of shape (ceil(h / stride), ceil(w / stride), n_features)
            Layer by layer, codes for each scale, for each window; then pixels. The array `out`
            itself if it was given, or a read-only memory map of the file (of Zarr, its array).

        Raises
        ------
        ValueError
            If it is not an image, has infinite pixels, or another number of channels than in
            `fit`; if `out` has another shape. An array that was given may then hold some blocks.
        OSError
            If the file cannot be written, or the disk is full; then there is no file.

        Notes
        -----
        Memory beyond input and output is some 100 MB, with one scale and one window much less.

        Examples
        --------
        >>> import numpy as np
        >>> from striate import DictionaryEncoder, PatchFeatures
        >>> image = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
        >>> encoder = DictionaryEncoder(8, dictionary="patches", random_state=0)
        >>> features = PatchFeatures(encoder, patch_size=5, n_patches=200, random_state=0)
        >>> features.fit([image]).transform_maps(image).shape
        (40, 50, 8)
        >>> features.transform_maps(image, scales=(1, 2), windows=(1, 4), with_pixels=True).shape
        (40, 50, 56)
        """
        check_is_fitted(self)
        maps = self.map_features(
            stride=stride, scales=scales, windows=windows, with_pixels=with_pixels
        )
        if block_size is not None:
            check_scalar(block_size, "block_size", Integral, min_val=1)
        source = LargeImage(image, self, with_missing=True)
        shape = maps.map_shape(source)
        side = maps.block_side(block_size, source)
        n_features = maps.n_features(source.n_channels)
        folded = maps.folded(source.dtype)
        with map_output(out, (*shape, n_features), source.dtype, side) as output, team() as run:
            computation = MapComputation(maps, source, run, folded)
            for block in maps.blocks(shape, side):
                computation.write(block, output)
        return finished(out, output)

    def map_features(
        self,
        *,
        stride: int = 1,
        scales: tuple[int, ...] = (1,),
        windows: tuple[int, ...] = (1,),
        with_pixels: bool = False,
    ) -> MapFeatures:
        """Return what `transform_maps` computes, for these parameters."""
        check_scalar(stride, "stride", Integral, min_val=1)
        for name, sizes in (("scales", scales), ("windows", windows)):
            check_sizes(name, sizes)
        views = tuple(MapView(int(s), int(w)) for s in scales for w in windows)
        return MapFeatures(self.map_layers(), views, bool(with_pixels), int(stride))


def check_sizes(name: str, sizes: Any) -> None:
    """Raise a ValueError unless `sizes` is a tuple of different positive integers."""
    sound = isinstance(sizes, tuple | list) and len(set(sizes)) == len(sizes) > 0
    if not sound or not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
        raise ValueError(
            f"{name} must be a tuple of different positive integers, as (1, 2), got {sizes!r}"
        )
