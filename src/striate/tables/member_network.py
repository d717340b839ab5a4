"""The network of one member: a scale for each input, wide hidden layers, outputs that start at 0.

W of a layer with n inputs starts as N(0, 1 / n), with a learning rate of η / √n. With Adam, whose
steps do not depend on the size of the gradient, this is the neural tangent parametrization, in
which one η suits layers of any width.

References
----------
A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel", NeurIPS (2018). D. Holzmüller,
L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS (2024).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from striate.core.network import Network
from striate.core.sparse_matrices import stored

Array = npt.NDArray[Any]
Layers = list[tuple[Array, Array]]

#: Learning rates of the scales, and of the biases, in units of η.
SCALE_RATE, BIAS_RATE = 6.0, 0.1


class MemberNetwork:
    """A network whose first layer multiplies each input by a number of its own.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of units of each hidden layer, and of outputs.
    activations : sequence of str
        Those of the hidden layers and of the outputs.

    Attributes
    ----------
    network : Network
    """

    def __init__(self, sizes: Sequence[int], activations: Sequence[str]) -> None:
        diagonal = sparse.eye_array(sizes[0], format="csc")
        patterns = [diagonal, *[None] * (len(sizes) - 1)]
        self.network = Network([sizes[0], *sizes], ["identity", *activations], patterns=patterns)

    def initial_theta(self, random_state: np.random.RandomState) -> Array:
        """Return W ~ N(0, 1 / n), b ~ N(0, 1), scales of 1 and outputs of 0."""
        theta: Array = self.network.initial_theta(random_state, "lecun", np.float32)
        W, b = self.network.unpack(theta)
        for each in b[1:-1]:
            each[:] = random_state.normal(size=each.shape)
        stored(W[0])[:], W[-1][:] = 1, 0
        return theta

    def rates(self) -> Array:
        """Return the learning rate of W and b of each layer, in units of η."""
        rates = [SCALE_RATE, 0.0]
        for layer in self.network.layers[1:]:
            rates += [1 / np.sqrt(layer["n_in"]), BIAS_RATE]
        return np.array(rates)

    def decays(self, weight_decay: float) -> Array:
        """Return the weight decay of W and b of each layer: W ← (1 − η λ) W, at whatever rate."""
        decays = np.zeros(2 * len(self.network.layers))
        decays[2::2] = weight_decay / self.rates()[2::2]
        return decays

    def layers(self, theta: Array) -> Layers:
        """Return W and b of each layer, with the scales in the first W."""
        W, b = self.network.unpack(theta)
        return [(stored(W[0])[:, np.newaxis] * W[1], b[1]), *zip(W[2:], b[2:], strict=True)]
