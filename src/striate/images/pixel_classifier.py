"""A class for every pixel, learned from a few labelled ones."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from striate.estimators.fitted_attributes import (
    Attribute,
    Floats,
    Instance,
    Labels,
    Whole,
)
from striate.estimators.sklearn_private import HasMethods, Interval, fit_context
from striate.files.given_images import listed
from striate.files.image_collection import ImageCollection, as_collection
from striate.files.label_masks import as_strokes

from .code_components import CodeComponents
from .deep_patch_features import DeepPatchFeatures, LayeredFeatures
from .dictionary_encoder import DictionaryEncoder
from .forest_votes import ForestVotes
from .image_pieces import with_pieces
from .labelled_pixels import LabelledPixels, check_classes, check_labels, chosen
from .patch_features import PatchFeatures
from .pixel_blocks import PixelBlocks
from .pixel_maps import check_sizes
from .segmentation_scores import confusion_of, intersections_over_unions
from .zca_whitening import ZCAWhitening

Array = npt.NDArray[Any]


def _has_probabilities(self: Any) -> bool:
    classifier = getattr(self, "classifier_", self.classifier)
    return classifier is None or hasattr(classifier, "predict_proba")


class PixelClassifier(BaseEstimator):
    """Segment images: a class for every pixel, learned from a few strokes.

    `fit` learns features from patches of all images, labelled or not, and then a classifier of
    pixels from those that have a label in a mask. The features of a pixel are principal components
    of the codes of patches around it, at several scales and averaged over windows, and the smoothed
    values of the pixels themselves, with their derivatives: see `PatchFeatures.transform_maps`.
    Images may have several sizes.

    Parameters
    ----------
    features : PatchFeatures or DeepPatchFeatures, default=None
        Features that are learned from all images; cloned. Grids and flips do not matter here.
        None is ``PatchFeatures(DictionaryEncoder(32, dictionary="omp1",
        encoding="soft_threshold"), patch_size=6, whitening=ZCAWhitening(0.01))``.
    classifier : classifier, default=None
        Classifier of pixels by their features, which have mean 0 and variance 1; cloned. None is
        scikit-learn's `RandomForestClassifier`.
    scales : tuple of int, default=(1, 2, 4)
        Factors by which images are shrunk before patches are encoded.
    windows : tuple of int, default=(1, 8)
        Sides of the squares over which codes are averaged, at each scale.
    n_components : int, default=16
        Number of principal components of codes, at most. Square roots are taken of codes first.
    max_pixels : int, default=50_000
        Number of labelled pixels that the classifier is trained on, at most. Of more, as many of
        each class are drawn at random as far as possible.
    random_state : int, RandomState instance or None, default=None
        Determines which patches and pixels are drawn, and the start of the default features and
        classifier; those that are given have their own.

    Attributes
    ----------
    features_ : PatchFeatures or DeepPatchFeatures
        Fitted features.
    classifier_ : classifier
        Fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        The labels in the masks, without 0.
    mean_, scale_ : ndarray of shape (n_features,)
        Mean of each code, value and derivative of the training pixels, and its factor.
    components_ : ndarray of shape (n_codes, n_components)
        Weights of the codes in each component.
    n_pixels_ : int
        Number of pixels that the classifier was trained on.

    See Also
    --------
    PatchFeatures.transform_maps : The features, for classifiers of your own.

    Notes
    -----
    `predict` computes in blocks, so that memory does not grow with the image. Each number is the
    same, to the last bit, for any blocks and any number of threads.

    Pixels without data, which are NaN or which a TIFF file says are missing, get class 0 and the
    probability NaN. Their labels do not count. For the features of pixels beside them, they have
    the values of the nearest pixels with data.

    Accuracy must be measured on other images than those with the training strokes, never on other
    pixels of the same images, which resemble their neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from striate import PixelClassifier
    >>> rng = np.random.default_rng(0)
    >>> image = rng.integers(0, 30, (64, 64)) + np.where(np.arange(64) < 32, 80, 150)
    >>> image = image.astype(np.uint8)
    >>> strokes = np.zeros((64, 64), dtype=np.uint8)  # 0: no label
    >>> strokes[10:12, 5:25], strokes[40:42, 40:60] = 1, 2
    >>> model = PixelClassifier(random_state=0).fit([image], [strokes])
    >>> labels = model.predict(image)
    >>> labels.shape, bool((labels[:, :30] == 1).mean() > 0.9)
    ((64, 64), True)
    """

    _fitted: ClassVar[Mapping[str, Attribute]] = {
        "features_": Instance(LayeredFeatures),
        "classifier_": Instance(BaseEstimator),
        "classes_": Labels(),
        "mean_": Floats(("number of features",)),
        "scale_": Floats(("number of features",)),
        "components_": Floats(("number of codes", "number of components")),
        "n_pixels_": Whole(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "features": [PatchFeatures, DeepPatchFeatures, None],
        "classifier": [HasMethods(["fit", "predict"]), None],
        "scales": [tuple, list],
        "windows": [tuple, list],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        features: Any = None,
        classifier: Any = None,
        *,
        scales: tuple[int, ...] = (1, 2, 4),
        windows: tuple[int, ...] = (1, 8),
        n_components: int = 16,
        max_pixels: int = 50_000,
        random_state: Any = None,
    ) -> None:
        self.features = features
        self.classifier = classifier
        self.scales = scales
        self.windows = windows
        self.n_components = n_components
        self.max_pixels = max_pixels
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)  # the parts check their parameters
    def fit(self, images: Any, masks: Any) -> Self:
        """Learn features from all images, and a classifier from the labelled pixels.

        Parameters
        ----------
        images : array of shape (n, h, w) or (n, h, w, c), list of arrays or paths, or a folder
            Of arrays with more than 16 million pixels each, also in .npy and .zarr files, only some
            pieces and what is around the labels are read.
        masks : list of arrays of shape (h, w), of paths or None, or array of shape (n, h, w)
            For each image, whole numbers: 0 for no label, 1, 2, … for classes; None for images
            without labels. Files are grey, have a palette, or are .npy or .zarr files.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are not as many masks as images, a mask has another size than its image or
            holds something else than whole numbers of at least 0, there are no labels or only of
            one class, or an image cannot be used.
        """
        for name, sizes in (("scales", self.scales), ("windows", self.windows)):
            check_sizes(name, sizes)
        random_state = check_random_state(self.random_state)
        images = images if isinstance(images, ImageCollection) else listed(images)
        labels = as_strokes(masks, len(images))
        check_classes(labels)
        patches, classifier = self._new_parts(random_state)
        learned_from = images
        if not isinstance(images, ImageCollection):
            learned_from = as_collection(with_pieces(images, random_state))
        self.features_ = patches.fit(learned_from)
        some = chosen(labels, int(self.max_pixels), random_state)
        pixels = self._blocks.labelled(images, some)
        features = CodeComponents.fitted(
            pixels.X.copy(), self._blocks.n_codes, int(self.n_components)
        )
        self.mean_, self.scale_ = features.mean, features.scale
        self.components_ = features.components
        self.classifier_ = classifier.fit(features.apply(pixels.X), pixels.y)
        self.classes_ = self.classifier_.classes_
        self.n_pixels_ = len(pixels.y)
        return self

    def labelled_pixels(self, images: Any, masks: Any) -> LabelledPixels:
        """Return scaled features and labels of labelled pixels, at most `max_pixels`.

        For cross-validation over images, with features that are fitted.

        Parameters
        ----------
        images, masks : as for `fit`

        Returns
        -------
        LabelledPixels
            With the fields `X`, `y` and `of_image`.

        Raises
        ------
        ValueError
            As from `fit`, but for the number of classes.
        """
        check_is_fitted(self)
        images = images if isinstance(images, ImageCollection) else listed(images)
        random_state, labels = check_random_state(self.random_state), as_strokes(masks, len(images))
        check_labels(labels)
        some = chosen(labels, int(self.max_pixels), random_state)
        pixels = self._blocks.labelled(images, some)
        return pixels._replace(X=self._components.apply(pixels.X))

    def predict(self, image: Any, *, out: Any = None, block_size: int | None = None) -> Any:
        """Return the class of each pixel of an image of any size.

        Parameters
        ----------
        image : array of shape (h, w) or (h, w, c), image of Pillow, or path
        out : array or path, default=None
            As in `PatchFeatures.transform_maps`: where the result is written, if not to a new
            array.
        block_size : int, default=None
            Side of the blocks that are computed at a time, in pixels, rounded up to a multiple of
            64.

        Returns
        -------
        ndarray of shape (h, w)
            Labels, of the type of `classes_`.

        Raises
        ------
        ValueError
            If the image cannot be used or has another number of channels than in `fit`.
        OSError
            If the file cannot be written, or the disk is full; then there is no file.
        """
        check_is_fitted(self)
        return self._map(image, "predict", ((), self.classes_.dtype), out, block_size)

    @available_if(_has_probabilities)
    def predict_proba(self, image: Any, *, out: Any = None, block_size: int | None = None) -> Any:
        """Return the probability of each class at each pixel of an image of any size.

        Parameters
        ----------
        image, out, block_size : as for `predict`

        Returns
        -------
        ndarray of shape (h, w, n_classes)
            Probabilities in float32, in the order of `classes_`.

        Raises
        ------
        ValueError, OSError
            As from `predict`.
        """
        check_is_fitted(self)
        values = (len(self.classes_),), np.dtype(np.float32)
        return self._map(image, "predict_proba", values, out, block_size)

    def score(self, images: Any, masks: Any) -> float:
        """Return the mean intersection over union of the classes, on labelled pixels.

        Parameters
        ----------
        images, masks : as for `fit`

        Returns
        -------
        float
        """
        check_is_fitted(self)
        images = images if isinstance(images, ImageCollection) else listed(images)
        labels = as_strokes(masks, len(images))
        check_labels(labels)
        found = [each.labels for each in labels if each is not None]
        classes = np.unique(np.concatenate([self.classes_, *found]))
        confusion = np.zeros((len(classes), len(classes)), dtype=np.intp)
        for X, y, _ in self._blocks.labelled_parts(images, labels):
            predicted = self.classifier_.predict(self._components.apply(X))
            confusion += confusion_of(y, predicted, classes)
        return float(np.nanmean(intersections_over_unions(confusion)))

    def _new_parts(self, random_state: np.random.RandomState) -> tuple[LayeredFeatures, Any]:
        seeds = random_state.randint(2**31, size=3).tolist()
        features, classifier = self.features, self.classifier
        if features is None:
            encoder = DictionaryEncoder(
                32, dictionary="omp1", encoding="soft_threshold", random_state=seeds[0]
            )
            features = PatchFeatures(
                encoder,
                patch_size=6,
                n_patches=20_000,
                whitening=ZCAWhitening(0.01),
                random_state=seeds[1],
            )
        if classifier is None:
            classifier = RandomForestClassifier(random_state=seeds[2])
        return clone(features), clone(classifier)

    @property
    def _blocks(self) -> PixelBlocks:
        return PixelBlocks(self.features_, self.scales, self.windows)

    @property
    def _components(self) -> CodeComponents:
        return CodeComponents(self.mean_, self.scale_, self.components_)

    def _map(
        self,
        image: Any,
        method: str,
        values: tuple[tuple[int, ...], Any],
        out: Any,
        block_size: int | None,
    ) -> Any:
        """Apply a method of the classifier to the features of each pixel."""
        if block_size is not None:
            check_scalar(block_size, "block_size", Integral, min_val=1)
        is_forest = isinstance(self.classifier_, RandomForestClassifier)
        classifier: Any = ForestVotes(self.classifier_) if is_forest else self.classifier_
        predict, features = getattr(classifier, method), self._components
        return self._blocks.predict(
            image, lambda X: predict(features.apply(X)), values, out, block_size, is_forest
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags
