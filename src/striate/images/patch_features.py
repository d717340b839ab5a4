"""Features learned on small patches, convolved over larger images and pooled."""

import warnings
from collections.abc import Mapping
from functools import cached_property, partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from striate.core.stored_arrays import is_lazy
from striate.estimators.fitted_attributes import (
    Attribute,
    Floats,
    Instance,
    Maybe,
    Shape,
    UsedPart,
    Whole,
)
from striate.estimators.sklearn_private import HasMethods, Interval, StrOptions, fit_context
from striate.estimators.training_record import record_of
from striate.files.image_collection import ImageCollection, as_collection
from striate.files.pixel_reading import ReadingChoices

from .convolution import Patches
from .edge_autoencoder import edge_autoencoder
from .image_passes import ImagePooling
from .image_symmetries import Copies, copies_of, smallest_size
from .layer_pooling import LayerPooling, MapStep
from .lazy_features import lazy_features
from .patch_encoder import PatchEncoder
from .patches import CONTRAST_FLOOR, NORMALIZATIONS, draw_patches, sample_patches
from .pixel_maps import PixelMaps
from .pool_layout import PoolLayout, two_integers
from .pooling import POOLINGS
from .reading_progress import report_reading
from .zca_whitening import ZCAWhitening


class PatchFeatures(
    PixelMaps,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Learn features of images without labels: from patches, convolved and pooled over a grid.

    `fit` samples patches from the images, normalizes and whitens them, and trains the encoder on
    them. `transform` encodes the patch at every position of an image in the same way, and pools
    each unit's activations over the cells of a grid, so that a small shift of the image hardly
    changes the features. `transform_maps` gives features at every pixel instead.

    Parameters
    ----------
    encoder : transformer, default=None
        Transformer that learns the features of patches; cloned. With a `SparseAutoencoder` or a
        `DictionaryEncoder` everything is one compiled pass; any other scikit-learn transformer
        works too, but slower. None is
        ``SparseAutoencoder(400, weight_decay=0.01, sparsity_target=0.035, sparsity_weight=5)``,
        which learns edges from photographs.
    patch_size : int or (int, int), default=8
        Height and width of patches in pixels.
    n_patches : int, default=100_000
        Number of patches that `fit` samples.
    stride : int, default=1
        Pixels from one position to the next in `transform`.
    normalize : {True, "mean", False}, default=True
        True: x ↦ (x − mean) / √(variance + `contrast_floor`) for each patch, which removes
        brightness and contrast; "mean": x ↦ x − mean; False: nothing.
    contrast_floor : float, default=10/255²
        Constant added to a patch's variance, so that nearly constant patches are not amplified to
        full contrast. The default is for pixels in [0, 1].
    whitening : "zca", transformer or None, default="zca"
        Transformer of the normalized patches, fitted before the encoder; cloned. "zca" is
        ``ZCAWhitening(1.0)``, which leaves the finest details weak, since an autoencoder would
        learn noise from them. Others are a `ZCAWhitening` with other settings or a `PatchScaler`.
    pooling : {"mean", "max", "sum"}, default="mean"
        How a unit's activations in a cell are reduced to one number.
    pool_grid : (int, int) or list of (int, int), default=(3, 3)
        Number of cells, down and across, into which the positions are divided as evenly as
        possible; the features of several grids (a pyramid) are concatenated.
    pool_overlap : float, default=0.0
        Share of a cell of the grid that its neighbour covers too, from 0 to below 1. With 0.5,
        features locate things more precisely, and still change smoothly when things move.
    pool_size : int, (int, int) or None, default=None
        Number of positions in a cell, down and across; the last cells may be smaller. Overrides
        `pool_grid`. All images must then have one size.
    flips : bool, default=False
        Whether to pool over the image and its mirror image together, so that left and right do not
        matter; takes twice as long.
    symmetries : {"flips", "rotations", "all"} or None, default=None
        Copies of an image that have the same features, to the last bit: they are pooled over all
        copies, for images that have no up, such as those of microscopes and satellites. "flips":
        left and right, up and down exchanged; "rotations": quarter turns; "all": both. There are
        four copies, or eight for "all", and `transform` takes as many times as long.
    signed_sqrt : bool, default=False
        Whether to take the square root of the pooled features (with their sign), which keeps few
        large ones from outweighing the others.
    random_state : int, RandomState instance or None, default=None
        Determines which patches are drawn; an encoder that is given has its own.

    Attributes
    ----------
    encoder_, whitening_ : fitted transformers
    patch_encoder_ : PatchEncoder
        Normalization, whitening and encoder in one: ``patch_encoder_.transform(patches)`` are the
        codes of raw patches (n_patches, height * width * channels).
    patch_shape_ : (int, int, int)
        Height, width and channels of a patch.
    map_shape_ : (int, int)
        Number of positions, down and across, in the first image seen in `fit`.
    used_range_ : (float, float)
        Black and white in images of 16 bits, as parts of the range of their type; found in `fit`,
        since cameras of 10 or 12 bits use little of it. (0, 1) for other images.
    reading_ : dict
        How files are read, where they leave a choice: "page", "bands" and "value_range" as in
        `ImageCollection`, if given, and "float_range", the values of black and white of floats and
        integers of 32 bits, if they were not in [0, 1]: percentiles 1 and 99 of the patches, or for
        whole numbers the bits of a sensor.
    min_image_size_ : (int, int)
        Height and width of the smallest image that can be divided into the cells of `pool_grid`.
    filters_ : ndarray of shape (n_units, height, width, channels)
        Weights of each unit for the pixels of a normalized patch, with the whitening folded in.
        Only if compiled code knows the encoder, such as a `SparseAutoencoder` or a
        `DictionaryEncoder`, and the whitening.
    pool_grids : tuple of (int, int)
        The grids of `pool_grid`, whether one is given or a list.

    Notes
    -----
    Images are an array of shape (n, h, w) or (n, h, w, c), of NumPy, h5py or Zarr; a list of arrays
    of several sizes, of Pillow's images or of paths; or a folder, for the images that `find_images`
    lists in it. What is on the disk is read one by one. Integers of 8 or 16 bits become floats in
    [0, 1]; floats in arrays are taken as they are. NaN stands for pixels without data: patches that
    hold one are left out, in `fit` and in pooling, and a cell without patches gets what the whole
    image has (0 for "sum"). Arithmetic is in float64 if all images are float64, and in
    float32 otherwise.

    Besides input and output, `transform` needs a few megabytes per thread for any number of images.

    References
    ----------
    .. [1] A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in unsupervised
       feature learning", AISTATS (2011).
    .. [2] Stanford UFLDL tutorial, "Convolution and pooling".

    Examples
    --------
    >>> import numpy as np
    >>> from striate import PatchFeatures, SparseAutoencoder
    >>> images = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    >>> features = PatchFeatures(
    ...     SparseAutoencoder(16, tol=0.1, random_state=0),
    ...     patch_size=6,
    ...     n_patches=500,
    ...     pool_grid=(2, 2),
    ...     random_state=0,
    ... )
    >>> features.fit_transform(images).shape
    (10, 64)
    """

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        "patch_shape_": Shape(3, "n_pixels"),
        "map_shape_": Shape(2),
        "whitening_": Maybe(Instance(BaseEstimator, {"n_features_in_": Whole("n_pixels")})),
        "encoder_": Instance(BaseEstimator, {"n_features_in_": Whole("n_pixels")}),
        "used_range_": UsedPart(),
        "reading_": ReadingChoices(),
        "filters_": Floats(("*", "*", "*", "*"), optional=True),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "encoder": [HasMethods(["fit", "transform"]), None],
        "patch_size": [Interval(Integral, 1, None, closed="left"), tuple],
        "n_patches": [Interval(Integral, 2, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "normalize": ["boolean", StrOptions({"mean"})],
        "contrast_floor": [Interval(Real, 0, None, closed="neither")],
        "whitening": [HasMethods(["fit", "transform"]), StrOptions({"zca"}), None],
        "pooling": [StrOptions(set(POOLINGS))],
        "pool_grid": [tuple, list],
        "pool_overlap": [Interval(Real, 0, 1, closed="left")],
        "pool_size": [Interval(Integral, 1, None, closed="left"), tuple, None],
        "flips": ["boolean"],
        "symmetries": [StrOptions({"flips", "rotations", "all"}), None],
        "signed_sqrt": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        encoder: Any = None,
        *,
        patch_size: int | tuple[int, int] = 8,
        n_patches: int = 100_000,
        stride: int = 1,
        normalize: bool | str = True,
        contrast_floor: float = CONTRAST_FLOOR,
        whitening: Any = "zca",
        pooling: str = "mean",
        pool_grid: tuple[int, int] | list[tuple[int, int]] = (3, 3),
        pool_overlap: float = 0.0,
        pool_size: int | tuple[int, int] | None = None,
        flips: bool = False,
        symmetries: str | None = None,
        signed_sqrt: bool = False,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.patch_size = patch_size
        self.n_patches = n_patches
        self.stride = stride
        self.normalize = normalize
        self.contrast_floor = contrast_floor
        self.whitening = whitening
        self.pooling = pooling
        self.pool_grid = pool_grid
        self.pool_overlap = pool_overlap
        self.pool_size = pool_size
        self.flips = flips
        self.symmetries = symmetries
        self.signed_sqrt = signed_sqrt
        self.random_state = random_state

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, images: Any, y: Any = None) -> Self:
        """Learn the features from patches of the images.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, or a folder
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If an image is unreadable, has infinite pixels or no patch without NaN, is smaller than
            a patch, or differs in its number of channels from the first; the message names it.
        """
        context = self._init_callback_context(max_subtasks=2)
        context.call_on_fit_task_begin(estimator=self, X=images)
        self._pool_layout().check_for(self.image_copies())
        collection = as_collection(images).to_find_range().with_missing()
        size = two_integers("patch_size", self.patch_size)
        record = record_of(self)
        random_state = record.random_state(self.random_state)
        progress = partial(report_reading, self, context)
        drawn = draw_patches(collection, size, self.n_patches, random_state, progress)
        drawn.warn_if_constant(collection.n_channels)
        self.used_range_, self.reading_ = drawn.use_ranges(collection)
        self.patch_shape_ = (*size, collection.n_channels)
        self.map_shape_ = self._patches().map_shape(collection[0])
        steps = self._new_steps(random_state)
        patches = steps.fit_whitening(steps.normalize(drawn.pixels))
        task = context.subcontext(task_name="encoder")
        with task.propagate_callback_context(steps.encoder), warnings.catch_warnings():
            if self.encoder is None:  # its number of iterations is part of the recipe
                warnings.simplefilter("ignore", ConvergenceWarning)
            with record.recording(steps.encoder, "encoder"):
                steps.encoder.fit(patches)
        self.whitening_, self.encoder_ = steps.whitening, steps.encoder
        self.__dict__.pop("filters_", None)  # of an earlier fit
        context.call_on_fit_task_end(estimator=self, X=images)
        return self

    def sample_patches(
        self, images: Any, n_patches: int = 10_000, random_state: Any = None
    ) -> npt.NDArray[Any]:
        """Sample patches of images as the encoder sees them: normalized and whitened.

        For looking into the encoder: ``inspect_units(features.encoder_, patches)``.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, or a folder
        n_patches : int, default=10_000
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        ndarray of shape (n_patches, patch height * width * channels)

        Raises
        ------
        ValueError
            As from `fit`, or if `n_patches` is below 1.
        """
        check_is_fitted(self)
        check_scalar(n_patches, "n_patches", Integral, min_val=1)
        collection = self.as_images(images).with_missing()
        random_state, steps = check_random_state(random_state), self.patch_encoder_
        patches = sample_patches(collection, self.patch_shape_[:2], n_patches, random_state)
        return np.asarray(steps.whiten(steps.normalize(patches)))

    def transform(self, images: Any) -> Any:
        """Compute features of images: encode every patch, and pool over the grid.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, or a folder
            With as many channels as in `fit`. An array of Dask may hold images, or paths.

        Returns
        -------
        ndarray of shape (n, n_cells * n_codes)
            Cell by cell, row of the grid after row, grid after grid. The code of a patch is what
            the encoder computes from it: one number per unit, or two with "soft_threshold". For an
            array of Dask, a lazy one.

        Raises
        ------
        ValueError
            As from `fit`, or if an image has fewer positions than the grid has cells.
        """
        check_is_fitted(self)
        if is_lazy(images):
            return lazy_features(self, images)
        collection = self.as_images(images).with_missing()
        return ImagePooling([self.layer_pooling()], self.image_copies()).pool_images(collection)

    def layer_pooling(self, map_step: MapStep | None = None) -> LayerPooling:
        """Return what pools the codes of an image, and with `map_step` makes a map of them."""
        layout = self._pool_layout()
        return LayerPooling(
            self.patch_encoder_,
            self._patches(),
            layout,
            POOLINGS[self.pooling],
            self.signed_sqrt,
            layout.n_cells(self.map_shape_),
            map_step,
        )

    def map_layers(self) -> list[LayerPooling]:
        """Return the layers of `transform_maps`: this one."""
        return [self.layer_pooling()]

    @property
    def patch_encoder_(self) -> PatchEncoder:
        """Normalization, whitening and encoder in one."""
        check_is_fitted(self)
        return self._steps(self.whitening_, self.encoder_)

    @cached_property
    def filters_(self) -> npt.NDArray[np.float64]:
        """Weights of each unit for the pixels of a normalized patch."""
        folded = self.patch_encoder_.folded(np.float64)
        if folded is None:
            raise AttributeError(
                f"{type(self.encoder_).__name__} does not weigh pixels: it has no filters"
            )
        return folded.weights.reshape(-1, *self.patch_shape_)

    @property
    def pool_grids(self) -> tuple[tuple[int, int], ...]:
        """The grids of `pool_grid`, whether one is given or a list."""
        return self._pool_layout().grids

    @property
    def min_image_size_(self) -> tuple[int, int]:
        """Height and width of the smallest image that can be divided into the cells."""
        check_is_fitted(self)
        (height, width, _), (n_y, n_x) = self.patch_shape_, self._pool_layout().smallest_map
        size = height + self.stride * (n_y - 1), width + self.stride * (n_x - 1)
        return smallest_size(size, self.image_copies())

    def image_copies(self) -> Copies:
        """Return the copies of an image that are pooled together."""
        return copies_of(bool(self.flips), self.symmetries)

    def as_images(self, images: Any) -> ImageCollection:
        """Return the images as a collection, after a check of their number of channels."""
        collection = as_collection(images).as_learned(self)
        if collection.n_channels != self.patch_shape_[2]:
            raise ValueError(
                f"{collection.name(0)}: has {collection.n_channels} channels, but the features "
                f"were learned on {self.patch_shape_[2]}"
            )
        return collection

    def _new_steps(self, random_state: np.random.RandomState) -> PatchEncoder:
        encoder, whitening = self.encoder, self.whitening
        encoder = edge_autoencoder(random_state=random_state) if encoder is None else clone(encoder)
        if whitening is not None:
            whitening = ZCAWhitening(1.0) if whitening == "zca" else clone(whitening)
        return self._steps(whitening, encoder)

    def _steps(self, whitening: Any, encoder: Any) -> PatchEncoder:
        n_pixels, normalization = int(np.prod(self.patch_shape_)), NORMALIZATIONS[self.normalize]
        return PatchEncoder(n_pixels, normalization, float(self.contrast_floor), whitening, encoder)

    def _patches(self) -> Patches:
        height, width, _ = self.patch_shape_
        normalization, floor = NORMALIZATIONS[self.normalize], float(self.contrast_floor)
        return Patches(height, width, int(self.stride), normalization, floor)

    def _pool_layout(self) -> PoolLayout:
        return PoolLayout(self.pool_grid, self.pool_overlap, self.pool_size)

    @property
    def _n_features_out(self) -> int:
        return self._pool_layout().n_cells(self.map_shape_) * self.patch_encoder_.n_codes

    def __getstate__(self) -> Any:
        state = super().__getstate__()  # without the filters, which follow from the rest
        return {name: value for name, value in state.items() if name != "filters_"}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags
