"""
Many images, few labels
=======================

Features are learned from 1,200 handwritten digits of which 100 have a label, and a classifier from
these 100. How much is that worth, beside raw pixels and beside filters that were not learned?
"""

# %%
# Digits of 8 × 8 pixels in [0, 1]. The last 597 are for the test. Of the first 1,200 most have the
# label -1: theirs is not known. Ten of each kind are labelled, and drawn at random: neighbours in
# this data were written by the same hand.
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
images, labels = np.float32(digits.images / 16), digits.target
X, X_test, y_test = images[:1200], images[1200:], labels[1200:]

rng = np.random.default_rng(0)
y = np.full(1200, -1)
for digit in range(10):
    y[rng.choice(np.flatnonzero(labels[:1200] == digit), 10, replace=False)] = digit

# %%
# A model has two parts: what learns features from all rows, and what learns classes from the rows
# with a label. The scaler belongs to the first part, which sees more rows. The second part chooses
# its own C, by cross-validation over the labelled rows, once the features are there.
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import PatchFeatures, SelfTaughtClassifier, SparseAutoencoder

autoencoder = SparseAutoencoder(
    49, weight_decay=0.01, sparsity_target=0.035, sparsity_weight=5, max_iter=150, random_state=0
)
patches = PatchFeatures(autoencoder, patch_size=4, n_patches=10_000, random_state=0)
model = SelfTaughtClassifier(
    features=make_pipeline(patches, StandardScaler()),
    classifier=GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.01, 0.1, 1]}, cv=3),
)
model.fit(X, y)
print(f"{model.score(X_test, y_test):.1%} of the test digits are right")

# %%
# How to learn features is chosen by cross-validation over all rows. The -1 may stay where they
# are: each fold has its share of them, and the score leaves them out. With raw pixels among the
# choices, the search also tells whether features pay at all.
from sklearn.preprocessing import FunctionTransformer

pixels = FunctionTransformer(np.reshape, kw_args={"shape": (-1, 64)})
choices = [
    {"features__patchfeatures__pool_grid": [(2, 2), (3, 3)]},
    {"features": [pixels]},
]
search = GridSearchCV(model, choices, cv=3).fit(X, y)
for name, accuracy in zip(
    ("2 × 2 cells", "3 × 3 cells", "raw pixels"),
    search.cv_results_["mean_test_score"],
    strict=True,
):
    print(f"{name}: {accuracy:.0%}")

# %%
# Unlabelled rows may be of other classes. Here the digits 5 to 9 help to learn features by which 0
# to 4 are told apart:
low = labels[:1200] < 5
model.fit(X[low], y[low], unlabeled=X[~low])
print(model.classes_, f"from {model.n_labeled_} labels and {model.n_unlabeled_} digits without")
print(f"{model.score(X_test[y_test < 5], y_test[y_test < 5]):.1%} of the test digits are right")

# %%
# Are learned features better than others? Once learned, features are put into a
# ``FrozenEstimator``, so that no further fit learns them again. The random filters have the biases
# and the norms of the learned ones.
import copy

from sklearn.frozen import FrozenEstimator

learned = search.estimator.features.fit(X)
random = copy.deepcopy(learned)
encoder = random[0].encoder_
W = rng.standard_normal(encoder.components_.shape)
W *= np.linalg.norm(encoder.components_, axis=1, keepdims=True)
encoder.components_ = np.float32(W / np.linalg.norm(W, axis=1, keepdims=True))
random[1].fit(random[0].transform(X))

methods = {
    "learned features": (FrozenEstimator(learned), 0.1),
    "random filters": (FrozenEstimator(random), 0.1),
    "raw pixels": (pixels, 1),
}

# %%
# Ten times, other digits have a label:
numbers = [30, 50, 100, 300, 1200]
accuracy = {name: np.empty((10, len(numbers))) for name in methods}
for draw in range(10):
    order = rng.permutation(1200)
    for j, n in enumerate(numbers):
        y = np.full(1200, -1)
        y[order[:n]] = labels[order[:n]]
        for name, (features, C) in methods.items():
            model = SelfTaughtClassifier(features, LogisticRegression(C=C, max_iter=1000))
            accuracy[name][draw, j] = model.fit(X, y).score(X_test, y_test)

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, values in accuracy.items():
    ax.errorbar(numbers, 100 * values.mean(axis=0), 100 * values.std(axis=0), capsize=3, label=name)
ax.set(xscale="log", xlabel="labelled digits", ylabel="test digits recognized, %")
ax.set_xticks(numbers, numbers)
ax.minorticks_off()
ax.grid(alpha=0.3)
legend = ax.legend()

# %%
# With few labels, filters over patches with pooling are worth some points, learned or not: a digit
# that is moved a little keeps nearly the same features. What learning the filters adds grows with
# the number of labels.
for name, values in accuracy.items():
    print(f"{name:17}", *(f"{100 * mean:5.1f}" for mean in values.mean(axis=0)))
