"""Neural networks and self-taught image features for scikit-learn."""

from striate.core.gradient_check import check_gradient
from striate.core.maximal import maximal_inputs
from striate.display.features import FeatureDisplay
from striate.display.loss_curves import LossCurveDisplay
from striate.estimators.autoencoder import SparseAutoencoder
from striate.images.features import PatchFeatures
from striate.images.patches import PatchScaler
from striate.images.whitening import ImageWhitening, ZCAWhitening

__version__ = "0.1.0.dev0"

__all__ = [
    "FeatureDisplay",
    "ImageWhitening",
    "LossCurveDisplay",
    "PatchFeatures",
    "PatchScaler",
    "SparseAutoencoder",
    "ZCAWhitening",
    "check_gradient",
    "maximal_inputs",
]
