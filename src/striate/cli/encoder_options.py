"""Choices of `striate learn --encoder`, each with the settings that suit it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.images.deep_patch_features import LayeredFeatures


class Encoder(StrEnum):
    """A choice among them, the autoencoder, or a dictionary of `DictionaryEncoder`."""

    auto = "auto"
    autoencoder = "autoencoder"
    kmeans = "kmeans"
    omp1 = "omp1"
    patches = "patches"
    random = "random"


Grid = tuple[int, int]


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
    stride : int
        Pixels from one patch to the next.
    pool_grid : (int, int) or list of (int, int)
        Cells of an image, down and across; of several grids, all are used.
    symmetries : str or None
        Which copies of images get the same features: see `Symmetries`.
    """

    n_features: int
    patch_size: int
    n_patches: int
    max_iter: int
    flips: bool
    stride: int = 1
    pool_grid: Grid | list[Grid] = (2, 2)
    symmetries: str | None = None


_AUTOENCODER = EncoderSettings(100, 10, 20_000, 400, False, pool_grid=(3, 3))
_DICTIONARY = EncoderSettings(400, 6, 50_000, 10, True)
#: The dictionary that was the most accurate on average, see docs/own_images.md.
BEST_ON_AVERAGE = Encoder.omp1
# Height and width of the patches of maps.
_MAP_PATCH_SIZE = 3
# Distances suit cluster centres, products (the default) suit directions.
_ENCODINGS = {Encoder.kmeans: "triangle"}


def default_text(name: str) -> str:
    """Return the defaults of an option for the help text."""
    usual, dictionary = (getattr(each, name) for each in (_AUTOENCODER, _DICTIONARY))
    if isinstance(usual, bool):
        usual, dictionary = ("yes" if each else "no" for each in (usual, dictionary))
    elif isinstance(usual, tuple):
        usual, dictionary = ("x".join(map(str, each)) for each in (usual, dictionary))
    return f"default: {dictionary}; autoencoder: {usual}"


def pool_grid_of(text: str) -> Grid | list[Grid]:
    """Return the grid or grids that an option names, such as "2", "2x3" or "1,2,4".

    Raises
    ------
    ValueError
        If the text is no list of grids.
    """
    grids: list[Grid] = []
    for part in text.lower().replace("×", "x").split(","):
        numbers = part.strip().split("x")
        if len(numbers) > 2 or not all(each.isdecimal() and int(each) for each in numbers):
            raise ValueError(
                f"--pool-grid {text}: give the number of cells down and across, such as 3 or 2x4, "
                "or several grids, such as 1,2,4"
            )
        grids.append((int(numbers[0]), int(numbers[-1])))
    return grids[0] if len(grids) == 1 else grids


def settings_for(encoder: Encoder, **given: Any) -> EncoderSettings:
    """Return the given settings, with the encoder's defaults for those that are None.

    "auto" has the defaults of a dictionary.

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
        name: getattr(settings, name)
        for name in ("n_patches", "flips", "symmetries", "stride", "pool_grid")
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
        **common,
    )
    for layer in layers[1:]:
        layer.set_params(stride=1)  # of pixels of maps, which are few
    return layers[0] if n_layers == 1 else DeepPatchFeatures(layers, random_state=seed)
