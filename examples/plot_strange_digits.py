"""
Which pixels of a digit are unusual?
====================================

An autoencoder reconstructs what is usual in its training data. Where its reconstruction error is
large, an image is unusual.
"""

# %%
# A denoising autoencoder of 8 × 8 digits: a fifth of the input pixels are set to 0, and the
# autoencoder learns to reconstruct the original digits. It therefore cannot simply copy its input.
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from striate import FeatureDisplay, SparseAutoencoder

warnings.simplefilter("ignore", ConvergenceWarning)  # 100 epochs are enough here

X = load_digits().data / 16
X_train, X_test = X[:1500], X[1500:]
model = SparseAutoencoder(
    60,
    noise=0.2,
    sparsity_weight=0,
    weight_decay=1e-5,
    solver="adam",
    learning_rate=0.003,
    batch_size=50,
    random_state=0,
)
model.fit(X_train)

# %%
# Ten test digits, each with an artificial spot of 2 × 2 pixels:
rng = np.random.default_rng(0)
digits = X_test[:10].copy()
for digit in digits.reshape(10, 8, 8):
    row, column = rng.integers(0, 7, 2)
    spot = digit[row : row + 2, column : column + 2]
    spot[:] = 1 - np.round(spot)

# %%
# From top to bottom: the digits, their reconstructions, and the error of each pixel, ½ (x̂ − x)²,
# from :meth:`~striate.SparseAutoencoder.reconstruction_error`, divided by the largest error in the
# digit. The spots stand out.
reconstructed = model.inverse_transform(model.transform(digits))
errors = model.reconstruction_error(digits)
relative = errors / errors.max(axis=1, keepdims=True)
rows = np.concatenate([digits, reconstructed, relative])
display = FeatureDisplay(rows, image_shape=(8, 8)).plot(n_columns=10, scale="common")

# %%
# The score of a digit is minus the sum of its errors. It separates unusual digits from usual ones;
# this is the area under the ROC curve:
from sklearn.metrics import roc_auc_score

scores = model.score_samples(np.concatenate([X_test[:10], digits]))
roc_auc_score([1] * 10 + [0] * 10, scores)
