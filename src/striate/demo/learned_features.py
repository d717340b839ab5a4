"""Features of photographs, learned as a user of the library would."""

import copy
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline

from striate import ImageWhitening, PatchFeatures, PatchScaler, SparseAutoencoder
from striate.analysis.orientation import orientation_selectivity

from .demo_settings import Settings
from .photographs import Image

PATCH_SIZE = 10
SPARSITY_TARGET = 0.02
#: Orientation selectivity above which a unit counts as an edge.
EDGE = 0.5


def learn_features(images: list[Image], settings: Settings, *, show_progress: bool) -> Pipeline:
    """Learn features from the images: whitening, then patches and a sparse autoencoder.

    Returns
    -------
    Pipeline
        `ImageWhitening` and a fitted `PatchFeatures`.
    """
    features = PatchFeatures(
        SparseAutoencoder(
            settings.n_features,
            output_activation="logistic",
            weight_decay=1e-4,
            sparsity_target=SPARSITY_TARGET,
            sparsity_weight=0.3,
            max_iter=settings.max_iter,
            random_state=settings.seed,
        ),
        patch_size=PATCH_SIZE,
        n_patches=settings.n_patches,
        normalize="mean",
        whitening=PatchScaler(),
        random_state=settings.seed,
    )
    whitening = ImageWhitening()
    fit(features, whitening.transform(images), show_progress=show_progress)
    return make_pipeline(whitening, features)


def fit(features: PatchFeatures, images: object, *, show_progress: bool) -> None:
    """Fit the features to images, with an optional progress bar."""
    if show_progress:
        from sklearn.callback import ProgressBar

        features.set_callbacks(ProgressBar())
    with warnings.catch_warnings():
        # By design, training ends at max_iter: edges are clear long before L-BFGS converges.
        warnings.simplefilter("ignore", ConvergenceWarning)
        features.fit(images)


def n_edges(features: PatchFeatures) -> int:
    """Count the units that prefer one orientation."""
    return int((orientation_selectivity(features.filters_) > EDGE).sum())


def pooled(model: Pipeline, **parameters: object) -> Pipeline:
    """Return a fitted pipeline with other pooling parameters, and leave `model` unchanged."""
    changed = copy.copy(model)
    changed.steps = [*model.steps[:-1], (model.steps[-1][0], copy.copy(model[-1]))]
    changed[-1].set_params(**parameters)
    return changed


def with_random_filters(model: Pipeline, seed: int) -> Pipeline:
    """Return a fitted pipeline with Gaussian weights instead of the learned ones.

    Each unit keeps its bias and the norm of its weights, so that the architecture is the same and
    units are active about as often.
    """
    changed = pooled(model)
    encoder = changed[-1].encoder_ = copy.copy(model[-1].encoder_)
    learned = encoder.components_
    W = np.random.default_rng(seed).standard_normal(learned.shape)
    W *= np.linalg.norm(learned, axis=1, keepdims=True) / np.linalg.norm(W, axis=1, keepdims=True)
    encoder.components_ = W.astype(learned.dtype)
    return changed
