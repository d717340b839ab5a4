"""Layers of each kind of model that can be exported.

To add a kind, write a function that returns its `LayeredModel`, and register it.
"""

from collections.abc import Iterable
from functools import singledispatch
from itertools import pairwise
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

from striate.core.activations import range_of
from striate.core.sparse_matrices import dense
from striate.estimators.estimator_state import require_fitted
from striate.estimators.feature_classifier import FeatureClassifier
from striate.estimators.kernel_classifier import KernelClassifier
from striate.estimators.kernel_regressor import KernelRegressor
from striate.estimators.linear_classifier import LinearClassifier
from striate.estimators.mlp_classifier import MLPClassifier
from striate.estimators.mlp_regressor import MLPRegressor
from striate.estimators.reconstruction import Layer as FittedLayer
from striate.estimators.reconstruction import Reconstruction
from striate.estimators.whitened_components import WhitenedComponents
from striate.images.deep_patch_features import DeepPatchFeatures
from striate.images.encoding import HasEncoding
from striate.images.layer_pooling import MapStep
from striate.images.patch_features import PatchFeatures
from striate.images.patch_scaler import PatchScaler
from striate.images.zca_whitening import ZCAWhitening

from .folded_layers import Layer, row_function, scaling
from .image_features import ImageFeatures, ImageLayer
from .kernel_layers import component_layers, kernel_layers
from .layered_model import LayeredModel, Task

_SUPPORTED = (
    "MLPClassifier and MLPRegressor (scikit-learn's, too), SparseAutoencoder, StackedAutoencoder, "
    "LinearClassifier, KernelClassifier, KernelRegressor, LogisticRegression, LinearSVC, "
    "SelfTaughtClassifier, PatchFeatures, DeepPatchFeatures, PatchScaler, ZCAWhitening, "
    "WhitenedComponents, PCA, StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, and "
    "pipelines of these"
)


def layered_model(model: Any) -> LayeredModel:
    """Return a fitted model, or pipeline, as layers.

    Raises
    ------
    ValueError
        If the model is not fitted, or cannot be written as layers; the message says why.
    """
    require_fitted(model)
    layered = _layered(model)
    if layered.classes is not None and len(layered.classes) < 2:
        raise ValueError(f"{layered.name} has a single class: there is nothing to compute")
    if not layered.layers and layered.images is None:
        raise ValueError(f"{layered.name} has no steps to export")
    return layered


@singledispatch
def _layered(model: Any) -> LayeredModel:
    raise ValueError(f"{type(model).__name__} cannot be exported; what can is {_SUPPORTED}.")


def _name(model: Any) -> str:
    return type(model).__name__


# Networks and linear classifiers


def _layers(fitted: Iterable[FittedLayer]) -> list[Layer]:
    return [Layer(dense(W), b, activation) for W, b, activation in fitted]


@_layered.register
def _(model: Reconstruction) -> LayeredModel:
    return LayeredModel(_name(model), _layers(model.encoder_layers()))


@_layered.register
def _(model: MLPRegressor) -> LayeredModel:
    layers = _layers(model._layers())
    if np.isfinite(np.subtract(*range_of(model.out_activation_))):
        # Back to the user's units
        scale, offset = model.target_scale_, model.target_offset_
        layers.append(scaling(1 / scale, -offset / scale))
    return LayeredModel(_name(model), layers, Task.REGRESS)


@_layered.register
def _(model: MLPClassifier) -> LayeredModel:
    out, n_out = model.out_activation_, model.n_outputs_
    if out not in ("logistic", "tanh", "softmax"):
        raise ValueError(f"{_name(model)} with the output activation {out!r} cannot be exported")
    layers, kind = _layers(model._layers()), model._label_binarizer.y_type_
    if out == "tanh":
        layers.append(scaling(np.full(n_out, 0.5), np.full(n_out, 0.5)))
    if kind == "multiclass" and out != "softmax":
        layers.append(row_function("shares", n_out))
    if n_out == 1:
        layers.append(Layer(np.array([[-1.0, 1.0]]), np.array([1.0, 0.0])))  # 1 - p and p
    task = Task.MULTILABEL if kind == "multilabel-indicator" else Task.CLASSIFY
    return LayeredModel(_name(model), layers, task, model.classes_)


@_layered.register(sklearn.neural_network.MLPClassifier)
def _(model: Any) -> LayeredModel:
    return _layered(MLPClassifier.from_sklearn(model))


@_layered.register(sklearn.neural_network.MLPRegressor)
def _(model: Any) -> LayeredModel:
    return _layered(MLPRegressor.from_sklearn(model))


@_layered.register
def _(model: LinearClassifier) -> LayeredModel:
    return _linear_classifier(model, has_probabilities=model.loss == "log_loss")


@_layered.register
def _(model: LogisticRegression) -> LayeredModel:
    return _linear_classifier(model, has_probabilities=True)


@_layered.register
def _(model: LinearSVC) -> LayeredModel:
    return _linear_classifier(model, has_probabilities=False)


def _linear_classifier(model: Any, has_probabilities: bool) -> LayeredModel:
    """One z for each class; of two classes, z of the second is given, and z or 0 of the first."""
    W = dense(model.coef_).T
    n_out = W.shape[1]
    layers = [Layer(W, np.broadcast_to(model.intercept_, n_out))]
    if n_out == 1:
        both = [[0.0, 1.0]] if has_probabilities else [[-1.0, 1.0]]
        layers.append(Layer(np.array(both), np.zeros(2)))
    if has_probabilities:
        layers.append(row_function("softmax", max(n_out, 2)))
    return LayeredModel(_name(model), layers, Task.CLASSIFY, model.classes_, has_probabilities)


# Kernels


@_layered.register
def _(model: KernelClassifier) -> LayeredModel:
    n_out, sharpness = len(model.classes_), model.sharpness_
    W = sharpness * (np.array([[-1.0, 1.0]]) if n_out == 2 else np.ones(n_out))
    sharpened = [Layer(W, np.zeros(n_out)), row_function("softmax", n_out)]
    layers = [*kernel_layers(model), *sharpened]
    return LayeredModel(_name(model), layers, Task.CLASSIFY, model.classes_)


@_layered.register
def _(model: KernelRegressor) -> LayeredModel:
    layers = [*kernel_layers(model), scaling(model.target_scale_, model.target_mean_)]
    return LayeredModel(_name(model), layers, Task.REGRESS)


@_layered.register
def _(model: WhitenedComponents) -> LayeredModel:
    return _transformer(model, *component_layers(model))


# Scalers


def _transformer(model: Any, *layers: Layer) -> LayeredModel:
    return LayeredModel(_name(model), layers)


def _standardized(model: Any, center: Any, scale: Any) -> LayeredModel:
    """(x − center) / scale; either is None where that step is left out."""
    n = model.n_features_in_
    center, scale = (
        np.zeros(n) if center is None else center,
        np.ones(n) if scale is None else scale,
    )
    return _transformer(model, scaling(1 / scale, -center / scale))


@_layered.register
def _(model: StandardScaler) -> LayeredModel:
    # It has a mean without using it.
    return _standardized(model, model.mean_ if model.with_mean else None, model.scale_)


@_layered.register
def _(model: RobustScaler) -> LayeredModel:
    return _standardized(model, model.center_, model.scale_)


@_layered.register
def _(model: MinMaxScaler) -> LayeredModel:
    layer = scaling(model.scale_, model.min_)
    return _transformer(model, _clipped(layer, model.feature_range) if model.clip else layer)


@_layered.register
def _(model: MaxAbsScaler) -> LayeredModel:
    layer = scaling(1 / model.scale_, np.zeros(model.n_features_in_))
    return _transformer(model, _clipped(layer, (-1, 1)) if model.clip else layer)


def _clipped(layer: Layer, to: tuple[float, float]) -> Layer:
    """Return the scaling whose results are clipped, by the limits of what it takes."""
    lowest, highest = ((bound - layer.b) / layer.W for bound in to)
    return Layer(layer.W, layer.b, limits=(lowest, highest))


@_layered.register
def _(model: PatchScaler) -> LayeredModel:
    W, b, _ = model.as_layer()
    lowest, highest = (np.full(len(b), limit) for limit in model.limits)
    return _transformer(model, Layer(np.diag(W), b, limits=(lowest, highest)))


@_layered.register
def _(model: ZCAWhitening) -> LayeredModel:
    return _transformer(model, *_layers([model.as_layer()]))


@_layered.register
def _(model: PCA) -> LayeredModel:
    W = model.components_.T.astype(np.float64)
    if model.whiten:
        deviation = np.sqrt(model.explained_variance_)
        W = W / np.maximum(deviation, np.finfo(deviation.dtype).eps)
    return _transformer(model, Layer(W, -model.mean_ @ W))


# Images, and models in others


@_layered.register
def _(model: PatchFeatures) -> LayeredModel:
    return LayeredModel(_name(model), [], images=ImageFeatures([_image_layer(model)]))


@_layered.register
def _(model: DeepPatchFeatures) -> LayeredModel:
    steps = [layer.map_step for layer in model.map_layers()]
    layers = [_image_layer(*each) for each in zip(model.layers_, steps, strict=True)]
    return LayeredModel(_name(model), [], images=ImageFeatures(layers))


def _image_layer(model: PatchFeatures, map_step: MapStep | None = None) -> ImageLayer:
    whitening = [] if model.whitening_ is None else _of_patches(model.whitening_)
    encoder = None if isinstance(model.encoder_, HasEncoding) else _of_patches(model.encoder_)
    return ImageLayer.of(model, whitening, encoder, map_step)


def _of_patches(model: Any) -> list[Layer]:
    """Return the layers of a transformer of patches."""
    layered = layered_model(model)
    if layered.task is not Task.TRANSFORM or layered.images is not None:
        raise ValueError(f"{layered.name} as a transformer of patches cannot be exported")
    return [*layered.layers]


@_layered.register
def _(model: Pipeline) -> LayeredModel:
    steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
    return _chained(_name(model), steps)


@_layered.register
def _(model: FeatureClassifier) -> LayeredModel:
    return _chained(_name(model), [model.features_, model.classifier_])


def _chained(name: str, steps: list[BaseEstimator]) -> LayeredModel:
    """Combine the steps of a pipeline: transformers, and perhaps a last one that predicts."""
    models = [layered_model(step) for step in steps]
    if not models:
        return LayeredModel(name, [])
    for before, model in pairwise(models):
        if before.task is not Task.TRANSFORM or model.images is not None:
            raise ValueError(
                f"{name} cannot be exported: {before.name} before {model.name} is not supported"
            )
    layers = [layer for model in models for layer in model.layers]
    last, names = models[-1], " + ".join(model.name for model in models)
    return LayeredModel(
        names, layers, last.task, last.classes, last.has_probabilities, models[0].images
    )


@_layered.register
def _(model: FrozenEstimator) -> LayeredModel:
    return _layered(model.estimator)


@_layered.register(GridSearchCV)
@_layered.register(RandomizedSearchCV)
def _(model: Any) -> LayeredModel:
    if not model.refit:
        raise ValueError(f"{_name(model)} with refit=False has no best_estimator_ to export")
    return _layered(model.best_estimator_)
