"""
Edges from photographs
======================

A sparse autoencoder trained on small patches of photographs learns edge detectors, without labels.
"""

# %%
# Eight photographs in grey, some of them textures:
from skimage import data

from striate.files.image_collection import ImageCollection

names = ["astronaut", "camera", "coffee", "chelsea", "rocket", "gravel", "brick", "grass"]
photographs = ImageCollection([getattr(data, name)() for name in names], channels=1)

# %%
# Whitening removes the correlation of neighbouring pixels, so that the network does not use its
# units for large areas of light and shade.
import matplotlib.pyplot as plt

from striate import ImageWhitening
from striate.display import style

white = ImageWhitening().transform(photographs)

with style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.7))
    left.imshow(photographs[3], cmap="gray")
    right.imshow(white[3], cmap="gray", vmin=-3, vmax=3)
    left.set_title("Photograph")
    right.set_title("Whitened")
    for ax in (left, right):
        ax.set_axis_off()

# %%
# :class:`~striate.PatchFeatures` samples patches, subtracts the mean of each, scales them to the
# range of the sigmoid, and trains the autoencoder on them.
import warnings

from sklearn.exceptions import ConvergenceWarning

from striate import PatchFeatures, PatchScaler, SparseAutoencoder

autoencoder = SparseAutoencoder(
    64,
    output_activation="logistic",
    sparsity_target=0.02,
    sparsity_weight=0.3,
    max_iter=400,
    random_state=0,
)
features = PatchFeatures(
    autoencoder,
    patch_size=8,
    n_patches=10_000,
    normalize="mean",
    whitening=PatchScaler(),
    random_state=0,
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # training stops after 400 iterations
    features.fit(white)

# %%
# The weights of each unit, sorted by orientation:
from striate import FeatureDisplay

display = FeatureDisplay.from_estimator(features, sort="orientation")

# %%
# The number of units with a clear orientation (selectivity above 0.5):
from striate.analysis.orientation import orientation_selectivity

print((orientation_selectivity(features.filters_) > 0.5).sum(), "of", len(features.filters_))

# %%
# ``transform`` applies the units to all patches of an image and pools their activations over a grid
# of 3 × 3 cells, so that 64 units give 576 features for an image of any size.
print(features.transform(white).shape)
