"""How much of everything the demo does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Sizes of the demo. The defaults take about a minute on two cores.

    Attributes
    ----------
    n_features, n_patches, max_iter : int
        Of the autoencoder that learns from the photographs.
    n_labels : tuple of int
        Labels a class that classifiers are trained on.
    n_splits : int
        Draws of those labels. Each also draws its own random filters.
    n_windows : int
        Windows of each photograph that are moved.
    seed : int
        The same seed gives the same pictures and numbers.
    """

    n_features: int = 100
    n_patches: int = 20_000
    max_iter: int = 500
    n_labels: tuple[int, ...] = (5, 10, 20, 50)
    n_splits: int = 8
    n_windows: int = 2
    seed: int = 0
