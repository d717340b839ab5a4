"""
Dictionaries of natural image patches
=====================================

A dictionary is a set of typical patches, its atoms. Other patches are encoded by these atoms.
This example compares three ways to learn a dictionary from the same photographs, and three
encodings.
"""

# %%
# Eight photographs in grey, some of them textures:
from skimage import data

from striate.files.image_collection import ImageCollection

names = ["astronaut", "camera", "coffee", "chelsea", "rocket", "gravel", "brick", "grass"]
photographs = ImageCollection([getattr(data, name)() for name in names], channels=1)

# %%
# :class:`~striate.PatchFeatures` samples patches, normalizes their brightness and contrast, whitens
# them, and fits a :class:`~striate.DictionaryEncoder`.
from striate import DictionaryEncoder, PatchFeatures, ZCAWhitening


def fit_dictionary(dictionary):
    encoder = DictionaryEncoder(64, dictionary=dictionary, max_iter=20, random_state=0)
    features = PatchFeatures(
        encoder,
        patch_size=10,
        n_patches=20_000,
        whitening=ZCAWhitening(0.1),
        random_state=0,
    )
    return features.fit(photographs)


titles = {"kmeans": "k-means", "omp1": "OMP-1", "patches": "Random patches"}
models = {dictionary: fit_dictionary(dictionary) for dictionary in titles}

# %%
# The atoms, in the space of whitened patches. Most cluster centres of k-means and most atoms of
# OMP-1 are bars and edges at some place and orientation, like the units of an autoencoder. Randomly
# drawn patches show some edges and much noise.
import matplotlib.pyplot as plt

from striate import FeatureDisplay
from striate.display import style

with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.3))
    for ax, (dictionary, title) in zip(axes, titles.items(), strict=True):
        atoms = models[dictionary].encoder_.components_
        FeatureDisplay(atoms).plot(ax=ax, sort="orientation", title=title)

# %%
# A patch is encoded by its similarity to each atom. The three encodings differ in the number of
# features that are not zero: most of them, some, or one per patch.
import numpy as np

features = models["kmeans"]
patches = features.sample_patches(photographs, n_patches=2_000, random_state=1)
for encoding in ("triangle", "soft_threshold", "hard"):
    codes = features.encoder_.set_params(encoding=encoding).transform(patches)
    print(f"{encoding:15}{np.mean(codes > 0):6.1%} of {codes.shape[1]} features are not zero")
