"""
Many images, few labels
=======================

Features are learned from 1,200 handwritten digits, and a classifier from the 100 of them that have
labels. Learned features are compared with raw pixels and with random filters.
"""

# %%
# Digits of 8 × 8 pixels in [0, 1]. The last 597 are the test set. Of the first 1,200, ten digits of
# each class, drawn at random, have labels. The others have the label -1, which means unlabelled.
# Digits are drawn at random because neighbouring rows were written by the same person.
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
# The model has two parts: a transformer that learns features from all rows, and a classifier that
# learns from the rows with labels. The scaler belongs to the first part, which sees more rows. The
# second part chooses C by cross-validation on the labelled rows.
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import PatchFeatures, SelfTaughtClassifier, SparseAutoencoder

warnings.simplefilter("ignore", ConvergenceWarning)  # 150 iterations are enough here
autoencoder = SparseAutoencoder(
    49, weight_decay=0.01, sparsity_target=0.035, sparsity_weight=5, tol=1e-4, random_state=0
)
patches = PatchFeatures(autoencoder, patch_size=4, n_patches=10_000, random_state=0)
model = SelfTaughtClassifier(
    features=make_pipeline(patches, StandardScaler()),
    classifier=GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.01, 0.1, 1]}, cv=3),
)
model.fit(X, y)
print(f"Test accuracy: {model.score(X_test, y_test):.1%}")

# %%
# Cross-validation over all rows selects the features. Unlabelled rows can stay in the data: each
# fold has its share of them, and the score ignores them. The search includes raw pixels, which
# shows whether learned features help.
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
# Unlabelled rows can belong to other classes. Here the digits 5 to 9 are used to learn features for
# the classification of 0 to 4:
low = labels[:1200] < 5
model.fit(X[low], y[low], unlabeled=X[~low])
print(f"Classes {model.classes_}: {model.n_labeled_} labelled and {model.n_unlabeled_} unlabelled")
print(f"Test accuracy: {model.score(X_test[y_test < 5], y_test[y_test < 5]):.1%}")

# %%
# Learned features are now compared with features of random filters, which have the biases and norms
# of the learned filters. A ``FrozenEstimator`` keeps features from being learned again.
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
# Ten random draws of the labelled digits:
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

from striate.display import style

with style():
    figure, ax = plt.subplots()
    for shift, (name, values) in zip((0.97, 1, 1.03), accuracy.items(), strict=True):
        mean, std = 100 * values.mean(axis=0), 100 * values.std(axis=0)
        # Bars of different methods are side by side.
        ax.errorbar(shift * np.array(numbers), mean, std, elinewidth=1, label=name)
    ax.set(xscale="log", xlabel="Number of labelled digits", ylabel="Test accuracy (%)")
    ax.set_xticks(numbers, [f"{n:,}" for n in numbers])
    ax.minorticks_off()
    ax.grid(axis="y")
    legend = ax.legend(loc="lower right", frameon=True, framealpha=1, edgecolor="none")

# %%
# With few labels, pooled filters are several points better than raw pixels, whether learned or
# random, because the features of a digit hardly change when it is shifted slightly. The advantage
# of learned over random filters grows with the number of labels.
for name, values in accuracy.items():
    print(f"{name:17}", *(f"{100 * mean:5.1f}" for mean in values.mean(axis=0)))
