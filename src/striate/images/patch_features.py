"""Features learned on small patches, convolved over larger images and pooled."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from striate.core.compile import as_kernel_input
from striate.core.threads import team
from striate.estimators.sklearn_private import HasMethods, Interval, StrOptions, fit_context
from striate.estimators.sparse_autoencoder import SparseAutoencoder
from striate.files.image_collection import in_own_precision
from striate.files.prefetch import ImagesInTurn

from .convolution import (
    BLOCK_POSITIONS,
    Patches,
    convolve_and_pool,
    gather_patches,
    workspace,
)
from .encoding import encoding_of, n_features
from .operator_fusion import fold
from .patches import (
    CONTRAST_FLOOR,
    NORMALIZATIONS,
    check_holds_patch,
    normalize_patches,
    sample_patches,
)
from .pooling import (
    POOLINGS,
    cells_of_grids,
    cells_of_windows,
    finish_pooling,
    pool,
    room_for_parts,
)
from .whitening import ZCAWhitening

# How often callbacks hear of the reading: scikit-learn's bar takes time for each step.
_READING_STEPS = 100


class PatchFeatures(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Self-taught features: learned on patches, seen all over an image, pooled over a grid.

    `fit` samples patches from the images, normalizes and whitens them, and trains the encoder on
    them. `transform` encodes the patch at every position of an image in the same way, and pools
    each unit's activations over the cells of a grid, so that a small shift of the image hardly
    changes the features. Labels are not needed.

    Parameters
    ----------
    encoder : transformer, default=None
        Learns the features of patches; cloned. With a `SparseAutoencoder` or a `DictionaryEncoder`
        everything is one compiled pass; any other scikit-learn transformer works by a slower,
        general way. None is
        ``SparseAutoencoder(400, weight_decay=0.01, sparsity_target=0.035, sparsity_weight=5)``,
        which learns edges from photographs.
    patch_size : int or (int, int), default=8
        Height and width of patches in pixels.
    n_patches : int, default=100_000
        Patches that `fit` samples.
    stride : int, default=1
        Pixels between positions at which `transform` looks.
    normalize : {True, "mean", False}, default=True
        True: x ↦ (x − mean) / √(variance + `contrast_floor`) for each patch, which takes out
        brightness and contrast; "mean": x ↦ x − mean; False: nothing.
    contrast_floor : float, default=10/255²
        Keeps patches that are nearly of one colour from full contrast; for pixels in [0, 1].
    whitening : "zca", transformer or None, default="zca"
        Fitted on the normalized patches, before the encoder; cloned. "zca" is
        ``ZCAWhitening(1.0)``, which leaves the finest details weak: an autoencoder learns noise
        where they are not;
        a transformer may be a `ZCAWhitening` of other settings or a `PatchScaler`.
    pooling : {"mean", "max", "sum"}, default="mean"
        What is taken of a unit's activations in a cell.
    pool_grid : (int, int) or list of (int, int), default=(3, 3)
        Cells, down and across, into which the positions are divided as evenly as can be; of
        several grids (a pyramid) all cells are features.
    pool_overlap : float, default=0.0
        Share of a cell of the grid that its neighbour covers, too, from 0 to below 1. With 0.5
        features tell more of where things are, and still move smoothly from cell to cell.
    pool_size : int, (int, int) or None, default=None
        In place of a grid: cells of so many positions, down and across, as many as the image has
        room for, the last of which may be smaller. All images must then be of one size.
    flips : bool, default=False
        Whether to pool over the image and its mirror image together, so that left and right do not
        matter; takes twice the time.
    signed_sqrt : bool, default=False
        Whether to take the square root of the pooled features (with their sign), which keeps few
        large ones from outweighing the others.
    random_state : int, RandomState instance or None, default=None
        Draws the patches; the encoder has its own.

    Attributes
    ----------
    encoder_, whitening_ : fitted transformers
    patch_shape_ : (int, int, int)
        Height, width and channels of a patch.
    map_shape_ : (int, int)
        Positions, down and across, in the first image seen in `fit`.
    filters_ : ndarray of shape (n_units, height, width, channels)
        What each unit weighs in the pixels of a normalized patch, with the whitening folded in.
        Only for an encoder that is f(W x + b), as `SparseAutoencoder` is.

    Notes
    -----
    Images are an array of shape (n, h, w) or (n, h, w, c), a list of arrays of several sizes, a
    list of paths of files, which are read one by one, or the path of a folder, for the images in it
    as `find_images` lists them. Integers of 8 or 16 bits become floats in [0, 1]; floats are taken
    as they are. The arithmetic is of float64 where the images are, and of float32 otherwise.

    Beside input and output, `transform` needs a few megabytes a thread for any number of images.

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
    ...     SparseAutoencoder(16, max_iter=10, random_state=0),
    ...     patch_size=6,
    ...     n_patches=500,
    ...     pool_grid=(2, 2),
    ...     random_state=0,
    ... )
    >>> features.fit_transform(images).shape
    (10, 64)
    """

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
        "signed_sqrt": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        encoder=None,
        *,
        patch_size=8,
        n_patches=100_000,
        stride=1,
        normalize=True,
        contrast_floor=CONTRAST_FLOOR,
        whitening="zca",
        pooling="mean",
        pool_grid=(3, 3),
        pool_overlap=0.0,
        pool_size=None,
        flips=False,
        signed_sqrt=False,
        random_state=None,
    ):
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
        self.signed_sqrt = signed_sqrt
        self.random_state = random_state

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, images, y=None):
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
            If an image is unreadable, has NaN or infinity, is smaller than a patch, or has another
            number of channels than the first; the message names it.
        """
        context = self._init_callback_context(max_subtasks=2)
        context.call_on_fit_task_begin(estimator=self, X=images)
        collection = in_own_precision(images)
        size = _pair("patch_size", self.patch_size)
        self._grids()
        random_state = check_random_state(self.random_state)
        patches = self._normalized_patches(
            collection, size, self.n_patches, random_state, partial(self._told, context)
        )
        self.patch_shape_ = (*size, collection.n_channels)
        self.map_shape_ = self._patches().map_shape(collection[0])
        self.whitening_ = self._new_whitening()
        if self.whitening_ is not None:
            patches = self.whitening_.fit_transform(patches)
        self.encoder_ = self._new_encoder(random_state)
        task = context.subcontext(task_name="encoder")
        with task.propagate_callback_context(self.encoder_):
            self.encoder_.fit(patches)
        context.call_on_fit_task_end(estimator=self, X=images)
        return self

    def sample_patches(self, images, n_patches=10_000, random_state=None):
        """Patches of images as the encoder sees them: normalized and whitened.

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
        check_is_fitted(self, "encoder_")
        check_scalar(n_patches, "n_patches", Integral, min_val=1)
        collection = in_own_precision(images)
        self._check_channels(collection)
        random_state, size = check_random_state(random_state), self.patch_shape_[:2]
        patches = self._normalized_patches(collection, size, n_patches, random_state)
        return patches if self.whitening_ is None else self.whitening_.transform(patches)

    def _told(self, context, images):
        """Goes through images while callbacks, a progress bar for instance, are told of it."""
        parts = np.array_split(images, min(len(images), _READING_STEPS))
        reading = context.subcontext(task_name="reading images", max_subtasks=len(parts))
        reading.call_on_fit_task_begin(estimator=self)
        for part in parts:
            step = reading.subcontext(task_name="some images")
            step.call_on_fit_task_begin(estimator=self)
            yield from part
            step.call_on_fit_task_end(estimator=self)
        reading.call_on_fit_task_end(estimator=self)

    def _normalized_patches(self, collection, size, n_patches, random_state, progress=iter):
        patches = sample_patches(collection, size, n_patches, random_state, progress)
        normalize_patches(patches, NORMALIZATIONS[self.normalize], self.contrast_floor)
        return patches

    def _check_channels(self, collection):
        if collection.n_channels != self.patch_shape_[2]:
            raise ValueError(
                f"{collection.name(0)}: has {collection.n_channels} channels, but the features "
                f"were learned on {self.patch_shape_[2]}"
            )

    def _new_encoder(self, random_state):
        if self.encoder is not None:
            return clone(self.encoder)
        return SparseAutoencoder(
            400,
            weight_decay=0.01,
            sparsity_target=0.035,
            sparsity_weight=5.0,
            random_state=random_state,
        )

    def _new_whitening(self):
        if self.whitening is None:
            return None
        return ZCAWhitening(1.0) if self.whitening == "zca" else clone(self.whitening)

    @property
    def filters_(self):
        """Weights of each unit in the pixels of a normalized patch."""
        check_is_fitted(self, "encoder_")
        folded = self._folded(np.float64)
        if folded is None:
            raise AttributeError(
                f"{type(self.encoder_).__name__} does not weigh pixels: it has no filters"
            )
        return folded.weights.reshape(-1, *self.patch_shape_)

    def _folded(self, dtype):
        # With one thread of BLAS: others would hold their cores for a while after their work.
        with team(1):
            return fold(self.whitening_, self.encoder_, int(np.prod(self.patch_shape_)), dtype)

    def transform(self, images):
        """Features of images: every patch encoded, and pooled over the grid.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, or a folder
            With as many channels as in `fit`.

        Returns
        -------
        ndarray of shape (n, n_cells * n_codes)
            Cell by cell, row of the grid after row, grid after grid. A code is what the encoder
            makes of a patch: a number for each unit, or two with "soft_threshold".

        Raises
        ------
        ValueError
            As from `fit`, or if an image has fewer positions than the grid has cells.
        """
        check_is_fitted(self, "encoder_")
        collection = in_own_precision(images)
        self._check_channels(collection)
        folded = self._folded(collection.dtype)
        n_codes = self._n_codes() if folded is None else n_features(folded.encoding)
        shape = (len(collection), self._n_cells, n_codes)
        pooled = np.empty(shape, dtype=collection.dtype)
        with ImagesInTurn(collection, range(len(collection))) as in_turn:

            def pool_images(encode_and_pool):
                in_turn.each(
                    lambda i, get: self._pool_views(
                        get(), collection.name(i), encode_and_pool, pooled[i]
                    )
                )

            if folded is None:
                pool_images(self._encode_and_pool)
            else:
                with team() as run:
                    run(lambda t, T: pool_images(self._fused_pass(folded)))
            in_turn.raise_first_error()
        return pooled.reshape(len(collection), -1)

    def _pool_views(self, image, name, encode_and_pool, pooled):
        """The image, and its mirror image with `flips`, through `encode_and_pool`."""
        check_holds_patch(image, self.patch_shape_[:2], name)
        image = as_kernel_input(image)
        cells = self._cells(self._patches().map_shape(image), name)
        views = [image, np.ascontiguousarray(image[:, ::-1])] if self.flips else [image]
        pooling = POOLINGS[self.pooling]
        parts = room_for_parts(cells, pooling, pooled.shape[1], pooled.dtype)
        for view in views:
            encode_and_pool(view, cells[:2], parts)
        pooled[:] = finish_pooling(cells, pooling, len(views), parts)
        if self.signed_sqrt:
            np.copysign(np.sqrt(np.abs(pooled)), pooled, out=pooled)

    def _patches(self, limits=(-np.inf, np.inf)):
        height, width, _ = self.patch_shape_
        lowest, highest = map(float, limits)
        return Patches(
            height,
            width,
            int(self.stride),
            NORMALIZATIONS[self.normalize],
            float(self.contrast_floor),
            lowest,
            highest,
        )

    def _grids(self):
        """The grids of cells, checked."""
        grids = self.pool_grid if isinstance(self.pool_grid, list) else [self.pool_grid]
        if not grids:
            raise ValueError("pool_grid is an empty list: give at least one grid, as (2, 2)")
        return [_pair("pool_grid", grid) for grid in grids]

    def _cells(self, map_shape, name):
        """Into which cells the positions of a map fall."""
        if self.pool_size is not None:
            cells = cells_of_windows(map_shape, _pair("pool_size", self.pool_size))
            if len(cells.sizes) != self._n_cells:
                raise ValueError(
                    f"{name}: has {len(cells.sizes)} cells of pool_size={self.pool_size}, where "
                    f"the images in fit had {self._n_cells}; use pool_grid for images of several "
                    "sizes"
                )
            return cells
        for grid in self._grids():
            if any(n < n_cells for n, n_cells in zip(map_shape, grid, strict=True)):
                raise ValueError(
                    f"{name}: has {map_shape[0]} x {map_shape[1]} positions for a patch, fewer "
                    f"than the cells of pool_grid={self.pool_grid}; choose a coarser grid or a "
                    "smaller stride"
                )
        return cells_of_grids(map_shape, tuple(self._grids()), float(self.pool_overlap))

    def _fused_pass(self, folded):
        """The same as `_encode_and_pool` in compiled code, in room of its own: for one thread."""
        limits, project, encoding = folded
        patches, pooling = self._patches(limits), POOLINGS[self.pooling]
        work = workspace(project, encoding, int(np.prod(self.patch_shape_)))

        def encode_and_pool(image, cells, pooled):
            convolve_and_pool(image, patches, project, encoding, cells, pooling, work, pooled)

        return encode_and_pool

    def _encode_and_pool(self, image, cells, pooled):
        """The general way, for an encoder of any kind: blocks of patches through its transform."""
        patches, n_pixels = self._patches(), int(np.prod(self.patch_shape_))
        n_positions = int(np.prod(patches.map_shape(image)))
        for begin in range(0, n_positions, BLOCK_POSITIONS):
            n = min(BLOCK_POSITIONS, n_positions - begin)
            P = np.empty((n, n_pixels), dtype=image.dtype)
            gather_patches(image, patches, begin, P)
            if self.whitening_ is not None:
                P = self.whitening_.transform(P)
            A = np.ascontiguousarray(self.encoder_.transform(P), dtype=image.dtype)
            none = np.empty(0, dtype=A.dtype)
            pool(A, begin, *cells, POOLINGS[self.pooling], none, none, pooled)

    def _n_codes(self):
        """Features of one patch."""
        patch = np.zeros((1, int(np.prod(self.patch_shape_))))
        if self.whitening_ is not None:
            patch = self.whitening_.transform(patch)
        return self.encoder_.transform(patch).shape[1]

    @property
    def _n_cells(self):
        if self.pool_size is None:
            return sum(down * across for down, across in self._grids())
        window = _pair("pool_size", self.pool_size)
        return int(np.prod([-(-n // w) for n, w in zip(self.map_shape_, window, strict=True)]))

    @property
    def _n_features_out(self):
        encoding = encoding_of(self.encoder_)
        return self._n_cells * (self._n_codes() if encoding is None else n_features(encoding))

    def __sklearn_is_fitted__(self):
        return hasattr(self, "encoder_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _pair(name, value):
    """Two positive integers out of one or two."""
    integer = int | np.integer
    pair = (value, value) if isinstance(value, integer) else tuple(value)
    if len(pair) != 2 or not all(isinstance(n, integer) and n > 0 for n in pair):
        raise ValueError(f"{name} must be two positive integers, got {value!r}")
    return int(pair[0]), int(pair[1])
