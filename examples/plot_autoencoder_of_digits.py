"""
An autoencoder of handwritten digits
====================================

The units of a sparse autoencoder become strokes of the pen and parts of digits, and each digit is
put together from few of them.
"""

# %%
# Digits of 8 × 8 pixels in [0, 1]:
from sklearn.datasets import load_digits

X = load_digits().data / 16

# %%
# Each of the 36 hidden units shall be active a tenth of the time.
from striate import SparseAutoencoder

model = SparseAutoencoder(
    36,
    weight_decay=3e-3,
    sparsity_target=0.1,
    sparsity_weight=3.0,
    max_iter=400,
    random_state=0,
)
model.fit(X)

# %%
# J fell fast at first:
from striate import LossCurveDisplay

display = LossCurveDisplay.from_estimator(model, log=True)

# %%
# What each unit looks for. Light pixels excite it, dark ones inhibit it:
from striate import FeatureDisplay

display = FeatureDisplay.from_estimator(model, image_shape=(8, 8))

# %%
# Which digits excite a unit most, and how active all of them are. The target ρ is nearly reached,
# and every unit is of use:
from striate import UnitsDisplay

display = UnitsDisplay.from_estimator(model, X, image_shape=(8, 8), n_units=5)

# %%
# The same in numbers. ``pandas.DataFrame(display.inspection.table())`` has a row for each unit.
print(display.inspection)

# %%
# Ten digits above, and what the autoencoder makes of them below:
import numpy as np

reproduced = model.inverse_transform(model.transform(X[:10]))
pairs = np.concatenate([X[:10], reproduced])
display = FeatureDisplay(pairs, image_shape=(8, 8)).plot(n_columns=10, scale="common")

# %%
# What it reproduces worst is unusual: :meth:`~striate.SparseAutoencoder.score_samples` finds
# outliers.
worst = np.argsort(model.score_samples(X))[:10]
display = FeatureDisplay(X[worst], image_shape=(8, 8)).plot(n_columns=10, scale="common")
