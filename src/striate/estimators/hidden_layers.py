"""Hidden layers of a perceptron: sizes, activations and patterns from the parameters."""

from typing import Any, NamedTuple

from .connectivity_masks import check_same_pattern, patterns_of
from .pretraining import check_agreement
from .reconstruction import Layer


class HiddenLayers(NamedTuple):
    """Sizes and activations of the hidden layers; patterns of all layers, None for dense ones."""

    sizes: list[int]
    activations: list[str]
    patterns: list[Any]


def of_pretraining(estimator: Any, masks: list[Any], layers: list[Layer]) -> HiddenLayers:
    """Return the layers of a pretraining, which the parameters must agree with."""
    sizes, activations = [len(b) for _, b, _ in layers], [f for _, _, f in layers]
    check_agreement(estimator, sizes, activations)
    check_same_pattern(masks, layers)
    patterns = patterns_of(W for W, _, _ in layers)
    return HiddenLayers(sizes, activations, [*patterns, *masks[len(patterns) :]])
