"""
Edges from photographs
======================

A sparse autoencoder that sees small patches of photographs learns to look for edges. No label and
no rule tells it to: edges are what photographs are made of.
"""

# %%
# Eight photographs, some of them textures, in grey:
from skimage import data

from striate.files.image_collection import ImageCollection

names = ["astronaut", "camera", "coffee", "chelsea", "rocket", "gravel", "brick", "grass"]
photographs = ImageCollection([getattr(data, name)() for name in names], channels=1)

# %%
# Whitening evens out what neighbouring pixels have in common, so that the network need not spend
# its units on broad light and shade.
import matplotlib.pyplot as plt

from striate import ImageWhitening

white = ImageWhitening().transform(photographs)

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
left.imshow(photographs[3], cmap="gray")
right.imshow(white[3], cmap="gray", vmin=-3, vmax=3)
left.set_title("A photograph")
right.set_title("The same, whitened")
for ax in (left, right):
    ax.set_axis_off()

# %%
# :class:`~striate.PatchFeatures` samples patches, takes their mean out, scales them into the range
# of the sigmoid, and trains the autoencoder on them.
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
    warnings.simplefilter("ignore", ConvergenceWarning)  # to stop after 400 steps is the plan
    features.fit(white)

# %%
# What each unit looks for, sorted by orientation:
from striate import FeatureDisplay

display = FeatureDisplay.from_estimator(features, sort="orientation")

# %%
# How many prefer one orientation (selectivity above 0.5):
from striate.analysis.orientation import orientation_selectivity

print((orientation_selectivity(features.filters_) > 0.5).sum(), "of", len(features.filters_))

# %%
# The units look at every place of an image, and what they find is pooled over a grid of 3 × 3
# cells: 64 units make 576 features of any image.
print(features.transform(white).shape)
