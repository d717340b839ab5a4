"""Sizes of the demo."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Sizes of the demo. The defaults take about a minute on two cores.

    Attributes
    ----------
    n_features, n_patches, max_iter : int
        Number of hidden units, of patches and of steps of the autoencoder.
    n_labels : tuple of int
        Numbers of labels per class to train classifiers on.
    n_splits : int
        Number of draws of these labels. Each draw also has its own random filters.
    n_windows : int
        Number of windows per photograph that are moved.
    seed : int
        Random seed. The same seed gives the same pictures and numbers.
    """

    n_features: int = 100
    n_patches: int = 20_000
    max_iter: int = 500
    n_labels: tuple[int, ...] = (5, 10, 20, 50)
    n_splits: int = 8
    n_windows: int = 2
    seed: int = 0
