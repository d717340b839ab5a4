"""
Which pixels make a digit strange?
==================================

An autoencoder reproduces what is usual. What it cannot reproduce is strange, and the error of each
feature tells where.
"""

# %%
# A denoising autoencoder of 8 × 8 digits: it sees digits with a fifth of their pixels set to 0, and
# learns to put out the digits as they were. So it cannot simply copy.
import numpy as np
from sklearn.datasets import load_digits

from striate import FeatureDisplay, SparseAutoencoder

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
    max_iter=100,
    random_state=0,
)
model.fit(X_train)

# %%
# Ten digits that were not trained on, each with a spot that does not belong there:
rng = np.random.default_rng(0)
digits = X_test[:10].copy()
for digit in digits.reshape(10, 8, 8):
    row, column = rng.integers(0, 7, 2)
    spot = digit[row : row + 2, column : column + 2]
    spot[:] = 1 - np.round(spot)

# %%
# From above: the digits, what the autoencoder makes of them, and the error of each pixel,
# ½ (x̂ − x)², by :meth:`~striate.SparseAutoencoder.reconstruction_error`, as a share of the largest
# in the digit. The spots stand out.
reproduced = model.inverse_transform(model.transform(digits))
errors = model.reconstruction_error(digits)
shares = errors / errors.max(axis=1, keepdims=True)
rows = np.concatenate([digits, reproduced, shares])
display = FeatureDisplay(rows, image_shape=(8, 8)).plot(n_columns=10, scale="common")

# %%
# The sum of a digit's errors is minus its score, by which the strange are told from the usual:
from sklearn.metrics import roc_auc_score

scores = model.score_samples(np.concatenate([X_test[:10], digits]))
roc_auc_score([1] * 10 + [0] * 10, scores)
