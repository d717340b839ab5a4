"""Layers of dictionaries, with settings that suit photographs."""

from collections.abc import Sequence
from typing import Any

from .dictionary_encoder import DictionaryEncoder
from .patch_features import PatchFeatures
from .zca_whitening import ZCAWhitening

# Maps have fewer weak directions than images, and larger codes.
_IMAGE = {"epsilon": 0.1, "threshold": 0.25}
_MAP = {"epsilon": 1.0, "threshold": 0.5}


def dictionary_layers(
    n_units: Sequence[int] = (400, 400),
    *,
    patch_sizes: Sequence[int] = (6, 3),
    dictionary: str = "omp1",
    encoding: str = "soft_threshold",
    max_iter: int = 10,
    random_state: Any = None,
    **settings: Any,
) -> list[PatchFeatures]:
    """Return unfitted layers for `DeepPatchFeatures`: a `DictionaryEncoder` each.

    Parameters
    ----------
    n_units : sequence of int, default=(400, 400)
        Number of atoms of each layer.
    patch_sizes : sequence of int, default=(6, 3)
        Height and width of the patches of each layer.
    dictionary, encoding, max_iter
        As in `DictionaryEncoder`.
    random_state : int, RandomState instance or None, default=None
    **settings
        Further parameters of all `PatchFeatures`.
    """
    layers = []
    for number, (n, patch_size) in enumerate(zip(n_units, patch_sizes, strict=True)):
        suited = _MAP if number else _IMAGE
        encoder = DictionaryEncoder(
            n,
            dictionary=dictionary,
            encoding=encoding,
            threshold=suited["threshold"],
            max_iter=max_iter,
            random_state=random_state,
        )
        layers.append(
            PatchFeatures(
                encoder,
                patch_size=patch_size,
                whitening=ZCAWhitening(suited["epsilon"]),
                random_state=random_state,
                **{"signed_sqrt": True, **settings},
            )
        )
    return layers
