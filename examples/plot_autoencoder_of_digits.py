"""
An autoencoder of handwritten digits
====================================

The units of a sparse autoencoder learn pen strokes and parts of digits. Each digit is reconstructed
from a few of them.
"""

# %%
# Digits of 8 × 8 pixels in [0, 1]:
from sklearn.datasets import load_digits

X = load_digits().data / 16

# %%
# A sparse autoencoder whose 36 hidden units have a target mean activation of 0.1:
import warnings

from sklearn.exceptions import ConvergenceWarning

from striate import SparseAutoencoder

warnings.simplefilter("ignore", ConvergenceWarning)  # 400 iterations are enough here
model = SparseAutoencoder(
    36,
    weight_decay=3e-3,
    sparsity_target=0.1,
    sparsity_weight=3.0,
    tol=1e-4,
    random_state=0,
)
model.fit(X)

# %%
# The loss J during training:
from striate import LossCurveDisplay

display = LossCurveDisplay.from_estimator(model, log=True, ylabel="J")

# %%
# The weights of each unit. Light pixels excite the unit, dark pixels inhibit it:
from striate import FeatureDisplay

display = FeatureDisplay.from_estimator(model, image_shape=(8, 8))

# %%
# The digits that excite a unit most, and the mean activation of all units. The target ρ is nearly
# reached, and no unit is dead or a duplicate:
from striate import UnitsDisplay

display = UnitsDisplay.from_estimator(model, X, image_shape=(8, 8), n_units=5)

# %%
# The same as numbers. ``pandas.DataFrame(display.inspection.table())`` has one row per unit.
print(display.inspection)

# %%
# Ten digits (top) and their reconstructions (bottom):
import numpy as np

reconstructed = model.inverse_transform(model.transform(X[:10]))
pairs = np.concatenate([X[:10], reconstructed])
display = FeatureDisplay(pairs, image_shape=(8, 8)).plot(n_columns=10, scale="common")

# %%
# Digits with a large reconstruction error are outliers. These are the ten with the lowest
# :meth:`~striate.SparseAutoencoder.score_samples`:
worst = np.argsort(model.score_samples(X))[:10]
display = FeatureDisplay(X[worst], image_shape=(8, 8)).plot(n_columns=10, scale="common")
