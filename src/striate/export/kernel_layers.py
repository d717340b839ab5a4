"""A Gaussian kernel and its weights as layers.

With x and the centres c moved by one shift, −γ ‖x − c‖² = 2 γ x·c − γ ‖x‖² − γ ‖c‖² is linear in x
and ‖x‖².
"""

from typing import Any

import numpy as np

from striate.estimators.base_kernel import KernelModel
from striate.estimators.whitened_components import WhitenedComponents

from .folded_layers import Layer, row_function


def kernel_layers(model: KernelModel) -> list[Layer]:
    """Return the layers from features to the outputs of a kernel model."""
    shift = model.centers_.mean(axis=0, dtype=np.float64)
    C: Any = model.centers_ - shift  # (n_centers, n_features)
    n, gamma, beta = C.shape[1], model.gamma_, model.dual_coef_.astype(np.float64)
    squares = gamma * np.einsum("ij,ij->i", C, C)
    return [
        Layer(np.eye(n, n + 1), np.append(-shift, 0.0), "with_square"),
        Layer(np.vstack([2 * gamma * C.T, np.full(len(C), -gamma)]), -squares, "exp"),
        Layer(beta, beta.sum(axis=0)),  # k = 1 + exp(…)
    ]


def component_layers(model: WhitenedComponents) -> list[Layer]:
    """Return the layers from features to whitened components."""
    W = model.components_.astype(np.float64)
    layers = [Layer(W, -model.mean_.astype(np.float64) @ W)]
    if model.standardize_rows:
        layers.append(row_function("standardized", W.shape[1]))
    return layers
