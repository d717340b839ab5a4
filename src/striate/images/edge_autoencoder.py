"""The autoencoder that learns edges from photographs."""

from typing import Any

from striate.estimators.sparse_autoencoder import SparseAutoencoder


def edge_autoencoder(
    n_components: int = 400, *, random_state: Any = None, **settings: Any
) -> SparseAutoencoder:
    """Return a SparseAutoencoder with the penalties that make it learn edges from photographs.

    For patches that are normalized and whitened by ``ZCAWhitening(1.0)``. Less whitening or more
    weight decay gives softer edges; much less weight decay gives noise.

    Parameters
    ----------
    n_components : int, default=400
        Number of hidden units.
    random_state : int, RandomState instance or None, default=None
    **settings
        Further parameters of `SparseAutoencoder`.
    """
    return SparseAutoencoder(
        n_components,
        weight_decay=0.01,
        sparsity_target=0.035,
        sparsity_weight=5.0,
        random_state=random_state,
        **settings,
    )
