"""The settings of a model, in plain words."""

from typing import Any, NamedTuple

from sklearn.multioutput import MultiOutputClassifier

from striate.estimators.self_taught import SelfTaughtClassifier
from striate.images.deep_patch_features import (
    DeepPatchFeatures,
    LayeredFeatures,
    layers_of,
)
from striate.images.dictionary_encoder import DictionaryEncoder
from striate.images.patch_features import PatchFeatures

_LEARNERS = {
    "SparseAutoencoder": (
        "a sparse autoencoder",
        "A network that learns to reproduce patches with few of its units active at a time; each "
        "unit comes to stand for something frequent in the images, such as an edge.",
    ),
}
_DICTIONARIES = {
    "kmeans": "a dictionary of typical patches (k-means)",
    "omp1": "a dictionary of directions in which patches lie (OMP-1)",
    "patches": "a dictionary of patches, drawn at random",
    "random": "nothing: a dictionary of random numbers, for comparison",
}
_ENCODINGS = {
    "triangle": "Each patch is described by its closeness to each entry of the dictionary.",
    "soft_threshold": "Each patch is described by how much of each entry of the dictionary it "
    "contains, and how much of its opposite.",
    "hard": "Each patch is described by the nearest entry of the dictionary.",
}
_NORMALIZATIONS = {
    True: (
        "brightness and contrast removed",
        "The mean of every patch is subtracted, and the patch is divided by its standard "
        "deviation, so that light and shadow do not matter.",
    ),
    "mean": ("brightness removed", "The mean of every patch is subtracted."),
    False: ("none", "Patches are used as they are."),
}
_WHITENINGS = {
    "ZCAWhitening": (
        "ZCA",
        "Neighbouring pixels are nearly alike; whitening removes what they have in common and "
        "leaves edges and texture.",
    ),
    "PatchScaler": ("scaling", "All values are multiplied by the same factor."),
    "NoneType": ("none", "Patches are not whitened."),
}
_POOLINGS = {"mean": "the mean", "max": "the maximum", "sum": "the sum"}


class Setting(NamedTuple):
    """A row of the last part of the page."""

    name: str
    value: str
    meaning: str


def settings_in_words(features: LayeredFeatures, classifier: Any) -> list[Setting]:
    """Describe features and the classifier on them.

    Parameters
    ----------
    features : PatchFeatures or DeepPatchFeatures
        Fitted features.
    classifier : estimator or Pipeline
        Classifier on these features.
    """
    first, *above = layers_of(features)
    settings = _of_layer(first)
    for number, layer in enumerate(above, 2):
        settings.append(_maps(features, number))
        settings += [
            each._replace(name=f"{each.name}, layer {number}") for each in _of_layer(layer)
        ]
    return [
        *settings,
        _classifier(classifier),
        Setting(
            "Random seed",
            str(features.random_state),
            "The same images, settings and seed give the same features again.",
        ),
    ]


def _of_layer(layer: PatchFeatures) -> list[Setting]:
    return [
        _patches(layer),
        _learner(layer.encoder_),
        Setting("Normalization", *_NORMALIZATIONS[layer.normalize]),
        Setting("Whitening", *_known(_WHITENINGS, layer.whitening_)),
        _positions(layer),
        _pooling(layer),
    ]


def _maps(features: LayeredFeatures, number: int) -> Setting:
    """Describe what a layer sees of the one before."""
    assert isinstance(features, DeepPatchFeatures)
    size = features.map_pool_sizes_[number - 2]
    n_channels = features.channels_[number - 2].n_components_
    return Setting(
        f"Maps for layer {number}",
        f"windows of {size} × {size} positions, {n_channels} channels",
        f"The activations of layer {number - 1} are combined over small windows and reduced to "
        "their main components. The result is like an image, and its patches are what layer "
        f"{number} describes.",
    )


def _known(names: dict[str, tuple[str, str]], estimator: Any) -> tuple[str, str]:
    name = type(estimator).__name__
    return names.get(name, (name, ""))


def _patches(features: PatchFeatures) -> Setting:
    height, width, channels = features.patch_shape_
    kind = {1: "grey", 3: "in colour"}.get(channels, f"of {channels} channels")
    return Setting(
        "Patches",
        f"{height} × {width} pixels, {kind}",
        "The pieces of an image that the features describe. The features were learned from "
        f"{features.n_patches:,} of them, at random places.",
    )


def _learner(encoder: Any) -> Setting:
    if isinstance(encoder, DictionaryEncoder):
        name, meaning = _DICTIONARIES[encoder.dictionary], _ENCODINGS[encoder.encoding]
    else:
        name, meaning = _known(_LEARNERS, encoder)
    n_iter = getattr(encoder, "n_iter_", None)
    steps = f" Training took {n_iter} steps." if n_iter is not None else ""
    return Setting("Learned by", name, f"{meaning}{steps}".strip())


def _positions(features: PatchFeatures) -> Setting:
    stride = features.stride
    where = "every position" if stride == 1 else f"every {stride} pixels, down and across"
    n_copies = len(features.image_copies())
    both = {1: "", 2: "; the mirror image too"}.get(
        n_copies, f"; {n_copies} flipped or turned copies"
    )
    return Setting(
        "Where it looks",
        where + both,
        "Every feature is computed for patches all over an image.",
    )


def _pooling(features: PatchFeatures) -> Setting:
    how = _POOLINGS[features.pooling]
    if features.pool_size is not None:
        cells = f"windows of {features.pool_size} positions"
    else:
        grids = features.pool_grids
        cells = " and ".join(f"{down} × {across} cells" for down, across in grids)
        if features.pool_overlap:
            cells += f" that overlap by {features.pool_overlap:.0%}"
    root = " Then the square root is taken." if features.signed_sqrt else ""
    n_numbers = len(features.get_feature_names_out())
    return Setting(
        "Pooling",
        f"{how} over {cells}",
        "The activations of a feature are combined over each part of the image, so that it hardly "
        f"matters where exactly something is.{root} An image becomes {n_numbers:,} numbers.",
    )


def _classifier(classifier: Any) -> Setting:
    steps = [step for _, step in getattr(classifier, "steps", [("", classifier)])]
    if isinstance(steps[-1], SelfTaughtClassifier):
        return _self_trained(steps[-1])
    if isinstance(steps[-1], MultiOutputClassifier):
        return _one_per_label(steps[-1])
    names = ", then ".join(type(step).__name__ for step in steps)
    C, alpha = getattr(steps[-1], "C", None), getattr(steps[-1], "alpha_", None)
    strength = f" (C = {C:g})" if C is not None else ""
    strength = f" (α = {alpha:g})" if alpha is not None else strength
    chosen = getattr(steps[-1], "validation_scores_", None)
    how = " α, the strength of its penalty, was chosen on held-out images." if chosen else ""
    return Setting(
        "Classifier",
        names + strength,
        f"Trained with the labels, on those numbers alone.{how}",
    )


def _self_trained(classifier: SelfTaughtClassifier) -> Setting:
    n_unlabeled = classifier.n_unlabeled_
    return Setting(
        "Classifier",
        f"{type(classifier.classifier_).__name__} (α = {classifier.classifier_.alpha_:g}), "
        "self-trained",
        f"Trained with the labels, and on its own predictions of {n_unlabeled:,} images without "
        f"labels, the surest first, with a weight of {classifier.pseudo_label_weight:g} each.",
    )


def _one_per_label(classifier: MultiOutputClassifier) -> Setting:
    strengths = ", ".join(f"{each.alpha_:g}" for each in classifier.estimators_)
    return Setting(
        "Classifiers",
        f"{type(classifier.estimator).__name__}, one per label (α = {strengths})",
        "Each is trained with one label, on those numbers alone. α, the strength of its penalty, "
        "was chosen on held-out images.",
    )
