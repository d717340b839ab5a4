"""
Cells that see a part of the picture
====================================

In the early visual system a cell sees a small part of the visual field, and neighbouring cells see
neighbouring parts. Hidden units can be connected like that. From photographs they learn edges, each
at its own place.
"""

# %%
# Nine windows of 8 × 8 pixels on pictures of 24 × 24, with twelve units for each window. A dense
# layer of as many units would have nine times as many weights. Each pixel is seen by the units of
# one window:
from striate import ConnectivityDisplay, LocalReceptiveFields

fields = LocalReceptiveFields((24, 24), 8, stride=8, n_maps=12)
display = ConnectivityDisplay.from_mask(fields)

# %%
# With windows that begin every 4 pixels most pixels are seen by the units of four windows:
overlapping = LocalReceptiveFields((24, 24), 8, stride=4, n_maps=12)
display = ConnectivityDisplay.from_mask(overlapping)

# %%
# Pieces of eight photographs, whitened as for
# :ref:`sphx_glr_gallery_plot_edges_from_photographs.py`:
from skimage import data
from sklearn.utils import check_random_state

from striate import ImageWhitening, PatchScaler
from striate.files.image_collection import ImageCollection
from striate.images.patches import sample_patches

names = ["astronaut", "camera", "coffee", "chelsea", "rocket", "gravel", "brick", "grass"]
photographs = ImageCollection([getattr(data, name)() for name in names], channels=1)
white = ImageCollection(ImageWhitening().transform(photographs))
X = sample_patches(white, (24, 24), 10_000, check_random_state(0))
X = PatchScaler().fit_transform(X - X.mean(axis=1, keepdims=True))

# %%
# The autoencoder that learns from them, with `connectivity`:
import warnings

from sklearn.exceptions import ConvergenceWarning

from striate import SparseAutoencoder

autoencoder = SparseAutoencoder(
    connectivity=fields,
    output_activation="logistic",
    sparsity_target=0.02,
    sparsity_weight=0.3,
    max_iter=200,
    random_state=0,
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # to stop after 200 steps is the plan
    autoencoder.fit(X)
print(autoencoder.components_.nnz, "weights, where a dense layer would have", 24 * 24 * 108)

# %%
# What the units of six maps look for, each tile at the place of its window. No two windows share
# weights, so the edges differ from place to place:
from striate import ReceptiveFieldsDisplay

display = ReceptiveFieldsDisplay.from_estimator(autoencoder, n_maps=6)
