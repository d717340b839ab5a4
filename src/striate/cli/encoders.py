"""What `striate learn --encoder` chooses from, each with the settings that suit it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate import PatchFeatures


class Encoder(StrEnum):
    """Where the features come from; the dictionaries are those of `DictionaryEncoder`."""

    autoencoder = "autoencoder"
    kmeans = "kmeans"
    omp1 = "omp1"
    patches = "patches"
    random = "random"


@dataclass(frozen=True)
class Sizes:
    """How much is learned from how much.

    Attributes
    ----------
    n_features, patch_size, n_patches : int
    max_iter : int
        Steps of the autoencoder's solver, or passes of a dictionary over the patches.
    flips : bool
    """

    n_features: int
    patch_size: int
    n_patches: int
    max_iter: int
    flips: bool


_AUTOENCODER = Sizes(100, 10, 20_000, 400, False)
_DICTIONARY = Sizes(400, 6, 50_000, 10, True)
# What a patch is described by: distances suit centres of clusters, products suit directions.
_ENCODINGS = {"kmeans": "triangle"}


def sizes_for(encoder: Encoder, **given: Any) -> Sizes:
    """Take what was given, and the rest as it suits the encoder.

    Raises
    ------
    ValueError
        If there are fewer patches than features to be made of them.
    """
    usual = _AUTOENCODER if encoder is Encoder.autoencoder else _DICTIONARY
    chosen = {name: value for name, value in given.items() if value is not None}
    sizes = Sizes(**vars(usual) | chosen)
    from_patches = encoder not in (Encoder.autoencoder, Encoder.random)
    if from_patches and sizes.n_patches < sizes.n_features:
        raise ValueError(
            f"--n-features {sizes.n_features} cannot be found among --n-patches "
            f"{sizes.n_patches}: choose fewer features or more patches"
        )
    return sizes


def new_features(encoder: Encoder, sizes: Sizes, seed: int) -> PatchFeatures:
    """Make what `striate learn` fits."""
    # Imported here, since `striate --help` needs the names alone.
    from striate import DictionaryEncoder, PatchFeatures, SparseAutoencoder, ZCAWhitening

    common: dict[str, Any] = {
        "patch_size": sizes.patch_size,
        "n_patches": sizes.n_patches,
        "flips": sizes.flips,
        "random_state": seed,
    }
    if encoder is Encoder.autoencoder:
        # With these, ordinary photographs give edges. Less whitening or more weight decay gives
        # softer ones; much less weight decay gives noise.
        autoencoder = SparseAutoencoder(
            sizes.n_features,
            weight_decay=0.01,
            sparsity_target=0.035,
            sparsity_weight=5.0,
            max_iter=sizes.max_iter,
            random_state=seed,
        )
        return PatchFeatures(autoencoder, whitening=ZCAWhitening(1.0), **common)
    dictionary = DictionaryEncoder(
        sizes.n_features,
        dictionary=encoder.value,
        encoding=_ENCODINGS.get(encoder.value, "soft_threshold"),
        max_iter=sizes.max_iter,
        random_state=seed,
    )
    whitening = ZCAWhitening(0.1)
    return PatchFeatures(
        dictionary, whitening=whitening, pool_grid=(2, 2), signed_sqrt=True, **common
    )
