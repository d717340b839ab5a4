"""Layers whose units see few inputs, written to be read: a dense W that is 0 where nothing is."""

from itertools import pairwise

import numpy as np
import textbook
from scipy import sparse

from striate.core.network import Network

SIZES, ACTIVATIONS = (9, 7, 5, 3), ("logistic", "tanh", "identity")
#: Which layers are not dense; None: tied ones, of which only the encoder's are given.
KINDS = {"first": [0], "second": [1], "last": [2], "all": [0, 1, 2], "tied": None}


def mask(n_in, n_out, seed=0, density=0.4):
    """Connections (n_in, n_out): the first unit has one, the second all, the others some."""
    rng = np.random.default_rng(seed)
    M = rng.random((n_in, n_out)) < density
    M[rng.integers(n_in, size=n_out), range(n_out)] = True
    M[:, 0] = np.arange(n_in) == n_in - 1
    if n_out > 1:
        M[:, 1] = True
    return M


def connected_network(kind, sizes=SIZES, activations=ACTIVATIONS, density=0.4):
    """A `Network` of which some layers are connected; a tied one is a mirror of the first sizes."""
    if kind == "tied":
        sizes, activations = (*sizes[:3], sizes[1], sizes[0]), (*activations[:2], *activations[:2])
    shapes = list(pairwise(sizes))
    shapes = shapes[:2] if kind == "tied" else shapes
    chosen = range(2) if kind == "tied" else KINDS[kind]
    connections = [
        sparse.csc_array(mask(*shape, seed=layer, density=density)) if layer in chosen else None
        for layer, shape in enumerate(shapes)
    ]
    return Network(sizes, activations, kind == "tied", connections)


def weights(network, theta):
    """Lists of dense W and b."""
    W, b = network.unpack(theta)
    return [w.toarray() if sparse.issparse(w) else w for w in W], b


def in_order(network, grad_W, grad_b):
    """Gradients by W and b as one by θ; what two tied layers get is added."""
    own = len(network.patterns)
    for layer in range(len(grad_W) - own):
        grad_W[layer] = grad_W[layer] + grad_W[-1 - layer].T
    values = []
    for G, C in zip(grad_W, network.patterns, strict=False):
        if C is None:
            values.append(G.ravel())
        else:  # unit after unit
            values.append(G.T[C.toarray().T != 0])
    return np.concatenate([*values, *grad_b])


def objective(network, theta, loss, X, Y, *, l1_weight=0.0, **terms):
    """J with the L1 term, and the gradient of what is smooth in it; tied weights count once."""
    W, b = weights(network, theta.astype(float))
    of_weights = {name: terms.pop(name) for name in textbook.OF_WEIGHTS if name in terms}
    J, grad_W, grad_b = textbook.objective(W, b, network.activations, loss, X, Y, **terms)
    w = theta[: network.n_weights].astype(float)
    gradient = in_order(network, grad_W, grad_b)
    penalty, by_w = textbook.weight_terms(w, **of_weights)
    gradient[: w.size] += by_w
    return J + penalty + l1_weight * np.abs(w).sum(), gradient
