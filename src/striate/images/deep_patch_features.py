"""Several layers of features of patches: each layer learns from the maps of the one before."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from striate.core.stored_arrays import is_lazy
from striate.estimators.fitted_attributes import Attribute, Each, Instance, Whole
from striate.estimators.sklearn_private import Interval, fit_context
from striate.estimators.training_record import record_of
from striate.estimators.whitened_components import WhitenedComponents
from striate.files.image_collection import ImageCollection, as_collection

from .convolution import Patches
from .dictionary_layers import dictionary_layers
from .image_passes import ImagePooling
from .image_symmetries import smallest_size
from .layer_pooling import LayerPooling
from .layer_stack import LayerStack
from .lazy_features import lazy_features
from .map_extent import MapExtent, smallest_image
from .patch_features import PatchFeatures
from .pixel_maps import PixelMaps
from .pool_layout import two_integers
from .reading_progress import report_reading


class DeepPatchFeatures(
    PixelMaps,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Learn features of images without labels, in several layers.

    The first layer is a `PatchFeatures` of the images. Its codes at all positions, pooled over
    small windows and reduced to some principal components, are a map: an image with many channels,
    whose patches the next layer learns from. The lecture's convolution and pooling thereby become
    a network, fitted greedily, one layer after another. The features are those of all layers.
    `transform_maps` gives features at every pixel instead.

    Parameters
    ----------
    layers : list of PatchFeatures, default=None
        The layers, first one first; cloned. Patches are normalized, whitened, encoded and pooled
        by the parameters of their layer. `flips` and `symmetries` must be the same in all.
        Whitening should leave the weak directions of maps weak, such as ``ZCAWhitening(1.0)``. None
        is two layers of 400 atoms (OMP-1) each, for patches of 6 × 6 pixels and 3 × 3 pixels of
        maps.
    map_pool_size : int or list of int, default=3
        Side of the windows, in positions, over which codes are pooled to a pixel of a map; a list
        has one number for each layer but the last. The reduction is the layer's `pooling` (a mean
        for "sum"), and its `signed_sqrt` is applied.
    n_channels : int or list of int, default=64
        Number of principal components of the pooled codes that are the channels of a map; fewer if
        the codes have fewer directions.
    max_images : int, default=5000
        Number of images, at most, from which components and the layers after the first are
        learned; drawn at random if there are more.
    random_state : int, RandomState instance or None, default=None
        Determines which images and positions of maps are drawn, and the start of the default
        layers; layers that are given have their own.

    Attributes
    ----------
    layers_ : list of PatchFeatures
        Fitted layers.
    channels_ : list of WhitenedComponents
        Components of the pooled codes of each layer but the last, without whitening.
    map_pool_sizes_ : list of int
        Side of the windows of each layer but the last.
    patch_shape_ : (int, int, int)
        Height, width and channels of the first layer's patches.
    used_range_ : (float, float)
    reading_ : dict
        As in `PatchFeatures`.
    filters_ : ndarray of shape (n_units, height, width, channels)
        Those of the first layer: later ones do not see pixels.
    layer_slices_ : list of slice
        The features of each layer, in the result of `transform`.
    min_image_size_ : (int, int)
        Height and width of the smallest image that `transform` takes.

    See Also
    --------
    PatchFeatures : A single layer.
    WhitenedComponents, KernelClassifier : Suit these features.

    Notes
    -----
    Images are given as to `PatchFeatures`, also with NaN for pixels without data; a map is NaN
    where no patch of a window has all data. One pass computes all layers of an image; neither all
    codes nor the maps of other images are stored, so that memory does not grow with the number of
    images. The result is the same, to the last bit, for any number of threads, and for any division
    of the images into calls of `transform`.

    References
    ----------
    .. [1] A. Coates, A. Karpathy and A. Y. Ng, "Emergence of object-selective features in
       unsupervised feature learning", NIPS (2012).
    .. [2] B. Knyazev, E. Barth and T. Martinetz, "Recursive autoconvolution for unsupervised
       learning of convolutional neural networks", IJCNN (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from striate import DeepPatchFeatures, DictionaryEncoder, PatchFeatures, ZCAWhitening
    >>> images = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    >>> soft = DictionaryEncoder(16, dictionary="omp1", encoding="soft_threshold", random_state=0)
    >>> grid = {"pool_grid": (2, 2), "n_patches": 500, "random_state": 0}
    >>> features = DeepPatchFeatures(
    ...     [
    ...         PatchFeatures(soft, patch_size=6, **grid),
    ...         PatchFeatures(soft, patch_size=3, whitening=ZCAWhitening(1.0), **grid),
    ...     ],
    ...     n_channels=8,
    ...     random_state=0,
    ... )
    >>> features.fit_transform(images).shape
    (10, 256)
    >>> features.layer_slices_
    [slice(0, 128, None), slice(128, 256, None)]
    """

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        "layers_": Each(Instance(PatchFeatures), size="n_layers"),
        "channels_": Each(Instance(WhitenedComponents), size="n_layers", shorter=1),
        "map_pool_sizes_": Each(Whole(), size="n_layers", shorter=1),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "layers": [list, tuple, None],
        "map_pool_size": [Interval(Integral, 1, None, closed="left"), list, tuple],
        "n_channels": [Interval(Integral, 1, None, closed="left"), list, tuple],
        "max_images": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        layers: Sequence[PatchFeatures] | None = None,
        *,
        map_pool_size: int | list[int] = 3,
        n_channels: int | list[int] = 64,
        max_images: int = 5000,
        random_state: Any = None,
    ) -> None:
        self.layers = layers
        self.map_pool_size = map_pool_size
        self.n_channels = n_channels
        self.max_images = max_images
        self.random_state = random_state

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)  # the layers check their parameters
    def fit(self, images: Any, y: Any = None) -> Self:
        """Learn the layers, one after another.

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
            As from `PatchFeatures.fit`, and if the map of an image is smaller than a patch of the
            next layer; if the layers do not fit each other; or if a layer gives the same codes
            everywhere.
        """
        record = record_of(self)
        random_state = record.random_state(self.random_state)
        layers = self._new_layers(random_state)
        self.map_pool_sizes_ = self._numbers("map_pool_size", len(layers))
        n_channels = self._numbers("n_channels", len(layers))
        context = self._init_callback_context(max_subtasks=2 * len(layers) - 1)
        context.call_on_fit_task_begin(estimator=self, X=images)
        progress = partial(report_reading, self, context)
        collection = as_collection(images).to_find_range().with_missing()
        self._check_size(layers, collection)
        self.layers_: list[PatchFeatures] = []
        self.channels_: list[WhitenedComponents] = []
        for number, layer in enumerate(layers):
            task = context.subcontext(task_name=f"layer {number + 1}")
            source = self._stack.maps(collection, number)
            with (
                task.propagate_callback_context(layer),
                record.recording(layer, f"layer_{number + 1}"),
            ):
                layer.fit(source)
            self.layers_.append(layer)
            if number == 0:
                collection = self._drawn(
                    as_collection(images).as_learned(layer).with_missing(), random_state
                )
            if number + 1 < len(layers):
                channels = self._stack.learn_channels(
                    collection, n_channels[number], random_state, progress
                )
                self.channels_.append(channels)
        context.call_on_fit_task_end(estimator=self, X=images)
        return self

    def transform(self, images: Any) -> npt.NDArray[Any]:
        """Compute the features of all layers.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, or a folder
            With as many channels as in `fit`.

        Returns
        -------
        ndarray of shape (n, n_features)
            Layer after layer, each as in `PatchFeatures.transform`: see `layer_slices_`.

        Raises
        ------
        ValueError
            As from `fit`, or if an image is too small for the cells of a layer.
        """
        check_is_fitted(self)
        if is_lazy(images):
            return lazy_features(self, images)
        collection = self.layers_[0].as_images(images).with_missing()
        copies = self.layers_[0].image_copies()
        pooling = ImagePooling(self._stack.poolings(collection.dtype), copies)
        return pooling.pool_images(collection)

    def layer_input(self, images: Any, number: int) -> ImageCollection:
        """Return what a layer takes as images: maps, which are computed when they are accessed.

        Parameters
        ----------
        images : ImageCollection, or as for `transform`
        number : int
            Number of the layer, from 0, which takes the images themselves.

        Returns
        -------
        ImageCollection
        """
        check_is_fitted(self)
        return self._stack.maps(self.layers_[0].as_images(images).with_missing(), number)

    def map_layers(self) -> list[LayerPooling]:
        """Return the layers of `transform_maps`."""
        return self._stack.poolings(np.float64)

    def map_extent(self, number: int) -> MapExtent:
        """Return which pixels of an image the pixels of a layer's input are computed from."""
        check_is_fitted(self)
        return self._stack.map_extent(number)

    def smallest_image(self) -> tuple[int, int]:
        """Return height and width of the smallest image that `fit` takes."""
        return self._smallest_image(self._new_layers(check_random_state(0)))

    @property
    def min_image_size_(self) -> tuple[int, int]:
        """Height and width of the smallest image that `transform` takes."""
        check_is_fitted(self)
        return smallest_size(self._stack.smallest_image(), self.layers_[0].image_copies())

    @property
    def patch_shape_(self) -> tuple[int, int, int]:
        """Height, width and channels of the first layer's patches."""
        check_is_fitted(self)
        return self.layers_[0].patch_shape_

    @property
    def used_range_(self) -> tuple[float, float]:
        """Black and white in images of 16 bits, as parts of the range of their type."""
        check_is_fitted(self)
        return self.layers_[0].used_range_

    @property
    def reading_(self) -> dict[str, Any]:
        """How files are read, where they leave a choice."""
        check_is_fitted(self)
        return self.layers_[0].reading_

    @property
    def filters_(self) -> npt.NDArray[np.float64]:
        """Weights of each unit of the first layer for the pixels of a normalized patch."""
        check_is_fitted(self)
        return self.layers_[0].filters_

    @property
    def layer_slices_(self) -> list[slice]:
        """The features of each layer, in the result of `transform`."""
        check_is_fitted(self)
        ends = np.cumsum([layer.layer_pooling().n_features for layer in self.layers_]).tolist()
        return [slice(*each) for each in pairwise([0, *ends])]

    @property
    def _stack(self) -> LayerStack:
        return LayerStack(self.layers_, self.channels_, self.map_pool_sizes_)

    @property
    def _n_features_out(self) -> int:
        return int(self.layer_slices_[-1].stop)

    def _new_layers(self, random_state: np.random.RandomState) -> list[PatchFeatures]:
        """Return unfitted layers, after a check that they fit each other."""
        if self.layers is None:
            layers = dictionary_layers(random_state=random_state.randint(2**31))
        else:
            layers = list(self.layers)
        if not layers:
            raise ValueError("layers is empty: give at least one PatchFeatures")
        for number, layer in enumerate(layers):
            if not isinstance(layer, PatchFeatures):
                raise ValueError(f"layers[{number}] must be a PatchFeatures, got {layer!r}")
            for name in ("flips", "symmetries"):
                found, first = (getattr(each, name) for each in (layer, layers[0]))
                if found != first:
                    raise ValueError(
                        f"layers[{number}] has {name}={found}, and layers[0] has {name}={first}: "
                        "copies of images count in all layers or in none"
                    )
        return [clone(layer) for layer in layers]

    def _numbers(self, name: str, n_layers: int) -> list[int]:
        """Return a parameter for each layer but the last."""
        value = getattr(self, name)
        if isinstance(value, Integral):
            return [int(value)] * (n_layers - 1)
        sound = all(isinstance(n, Integral) and int(n) > 0 for n in value)
        if len(value) != n_layers - 1 or not sound:
            raise ValueError(
                f"{name} must be a positive integer, or a list of {n_layers - 1} for {n_layers} "
                f"layers (one for each but the last), got {value!r}"
            )
        return [int(n) for n in value]

    def _smallest_image(self, layers: list[PatchFeatures]) -> tuple[int, int]:
        sizes = [two_integers("patch_size", layer.patch_size) for layer in layers]
        patches = [
            Patches(*size, int(layer.stride), 0, 0.0)
            for size, layer in zip(sizes, layers, strict=True)
        ]
        pool_sizes = self._numbers("map_pool_size", len(layers))
        return smallest_image(patches, pool_sizes, [(1, 1)] * len(layers))

    def _check_size(self, layers: list[PatchFeatures], images: ImageCollection) -> None:
        """Raise a ValueError if the first image is too small, before anything is learned."""
        needed, shape = self._smallest_image(layers), images[0].shape
        if shape[0] < needed[0] or shape[1] < needed[1]:
            raise ValueError(
                f"{images.name(0)}: is {shape[0]} x {shape[1]} pixels, but a patch of layer "
                f"{len(layers)} needs {needed[0]} x {needed[1]}; give larger images, fewer layers, "
                "or choose a smaller map_pool_size or patch_size"
            )

    def _drawn(
        self, images: ImageCollection, random_state: np.random.RandomState
    ) -> ImageCollection:
        """Return the images whose maps are learned from."""
        if len(images) <= self.max_images:
            return images
        chosen = random_state.choice(len(images), self.max_images, replace=False)
        return images.take(np.sort(chosen).tolist())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags


#: Features of images, of one layer or several.
LayeredFeatures = PatchFeatures | DeepPatchFeatures


def layers_of(features: LayeredFeatures) -> list[PatchFeatures]:
    """Return the fitted layers, first one first."""
    return features.layers_ if isinstance(features, DeepPatchFeatures) else [features]
