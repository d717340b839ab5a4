"""
Units with local receptive fields
=================================

A cell of the early visual system sees a small part of the visual field, and neighbouring cells see
neighbouring parts. Hidden units can be connected in the same way. From photographs they learn
edges, each at its own place.
"""

# %%
# Nine windows of 8 × 8 pixels in images of 24 × 24 pixels, with twelve units per window. A dense
# layer with the same number of units would have nine times as many weights. Each pixel is seen by
# the units of one window:
from striate import ConnectivityDisplay, LocalReceptiveFields

fields = LocalReceptiveFields((24, 24), 8, stride=8, n_maps=12)
display = ConnectivityDisplay.from_mask(fields)

# %%
# With a stride of 4 pixels, windows overlap, and most pixels are seen by the units of four windows:
overlapping = LocalReceptiveFields((24, 24), 8, stride=4, n_maps=12)
display = ConnectivityDisplay.from_mask(overlapping)

# %%
# Patches of eight photographs, whitened as in
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
# An autoencoder with this `connectivity`:
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
    warnings.simplefilter("ignore", ConvergenceWarning)  # training stops after 200 iterations
    autoencoder.fit(X)
print(autoencoder.components_.nnz, "weights; a dense layer would have", 24 * 24 * 108)

# %%
# The weights of the units of six maps, each tile at the place of its window. Windows do not share
# weights, so the edges differ from place to place:
from striate import ReceptiveFieldsDisplay

display = ReceptiveFieldsDisplay.from_estimator(autoencoder, n_maps=6)
