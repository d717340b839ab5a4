"""Choices of `striate learn --encoder`, each with the settings that suit it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.images.deep_patch_features import LayeredFeatures


class Encoder(StrEnum):
    """The autoencoder, or one of the dictionaries of `DictionaryEncoder`."""

    autoencoder = "autoencoder"
    kmeans = "kmeans"
    omp1 = "omp1"
    patches = "patches"
    random = "random"


class Symmetries(StrEnum):
    """Copies of images that get the same features: flips, quarter turns, or both."""

    flips = "flips"
    rotations = "rotations"
    all = "all"


@dataclass(frozen=True)
class EncoderSettings:
    """Options of `striate learn` whose default depends on the encoder.

    Attributes
    ----------
    n_features : int
        Number of features.
    patch_size : int
        Height and width of a patch.
    n_patches : int
        Number of patches to learn from.
    max_iter : int
        Iterations of the autoencoder's solver, or passes of a dictionary over the patches.
    flips : bool
        Whether mirror images get the same features.
    symmetries : str or None
        Which copies of images get the same features: see `Symmetries`.
    """

    n_features: int
    patch_size: int
    n_patches: int
    max_iter: int
    flips: bool
    symmetries: str | None = None


_AUTOENCODER = EncoderSettings(100, 10, 20_000, 400, False)
_DICTIONARY = EncoderSettings(400, 6, 50_000, 10, True)
# Height and width of the patches of maps.
_MAP_PATCH_SIZE = 3
# Distances suit cluster centres, products (the default) suit directions.
_ENCODINGS = {Encoder.kmeans: "triangle"}


def default_text(name: str) -> str:
    """Return the defaults of an option for the help text."""
    usual, dictionary = (getattr(each, name) for each in (_AUTOENCODER, _DICTIONARY))
    words = {False: "no", True: "yes"} if isinstance(usual, bool) else {}
    usual, dictionary = (words.get(each, each) for each in (usual, dictionary))
    return f"default: {usual}; dictionaries: {dictionary}"


def settings_for(encoder: Encoder, **given: Any) -> EncoderSettings:
    """Return the given settings, with the encoder's defaults for those that are None.

    Raises
    ------
    ValueError
        If features are to be found among fewer patches.
    """
    defaults = _AUTOENCODER if encoder is Encoder.autoencoder else _DICTIONARY
    chosen = {name: value for name, value in given.items() if value is not None}
    if "symmetries" in chosen:  # these say whether mirror images count
        chosen = {"flips": False, **chosen}
    settings = replace(defaults, **chosen)
    if encoder is not Encoder.random and settings.n_patches < settings.n_features:
        raise ValueError(
            f"--n-features {settings.n_features} cannot be found among --n-patches "
            f"{settings.n_patches}: choose fewer features or more patches"
        )
    return settings


def new_features(
    encoder: Encoder, settings: EncoderSettings, seed: int, n_layers: int = 1
) -> LayeredFeatures:
    """Return unfitted features.

    Raises
    ------
    ValueError
        If there are to be several layers of autoencoders.
    """
    # Imported here, so that help texts need not wait for it.
    from striate import DeepPatchFeatures, PatchFeatures, ZCAWhitening
    from striate.images.dictionary_layers import dictionary_layers
    from striate.images.edge_autoencoder import edge_autoencoder

    common: dict[str, Any] = {
        "n_patches": settings.n_patches,
        "flips": settings.flips,
        "symmetries": settings.symmetries,
    }
    if encoder is Encoder.autoencoder:
        if n_layers > 1:
            raise ValueError(
                f"--layers {n_layers} needs a dictionary: add --encoder {Encoder.omp1.value}"
            )
        autoencoder = edge_autoencoder(
            settings.n_features, max_iter=settings.max_iter, random_state=seed
        )
        common |= {"patch_size": settings.patch_size, "random_state": seed}
        return PatchFeatures(autoencoder, whitening=ZCAWhitening(1.0), **common)
    layers = dictionary_layers(
        [settings.n_features] * n_layers,
        patch_sizes=[settings.patch_size] + [_MAP_PATCH_SIZE] * (n_layers - 1),
        dictionary=encoder.value,
        encoding=_ENCODINGS.get(encoder, "soft_threshold"),
        max_iter=settings.max_iter,
        random_state=seed,
        pool_grid=(2, 2),
        **common,
    )
    return layers[0] if n_layers == 1 else DeepPatchFeatures(layers, random_state=seed)
