"""Folding merges linear layers, and changes nothing that is computed."""

import numpy as np
import pytest
from exported_models import fitted
from hypothesis import given
from hypothesis import strategies as st

from striate.export.folded_layers import Layer, fold
from striate.export.model_layers import layered_model


def outputs(layers, x):
    for layer in layers:
        x = x if layer.limits is None else np.clip(x, *layer.limits)
        x = (x * layer.W if layer.W.ndim == 1 else x @ layer.W) + layer.b
        x = np.maximum(x, 0) if layer.activation == "relu" else x
    return x


@st.composite
def chains(draw):
    """A first size, and layers of any kind that fit onto each other."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    n = n_first = draw(st.integers(1, 5))
    layers = []
    for _ in range(draw(st.integers(1, 5))):
        diagonal, n_out = draw(st.booleans()), draw(st.integers(1, 5))
        n_out = n if diagonal else n_out
        W, b = rng.normal(size=n if diagonal else (n, n_out)), rng.normal(size=n_out)
        limits = (-rng.random(n), rng.random(n)) if draw(st.booleans()) else None
        layers.append(Layer(W, b, draw(st.sampled_from(["identity", "relu"])), limits))
        n = n_out
    return n_first, layers


@given(chains())
def test_folded_layers_compute_the_same(chain):
    n, layers = chain
    x = np.random.default_rng(0).normal(size=(6, n))
    folded = fold(layers)
    np.testing.assert_allclose(outputs(folded, x), outputs(layers, x), rtol=1e-9, atol=1e-9)
    assert sum(layer.W.size for layer in folded) <= sum(layer.W.size for layer in layers)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("standardized", [(7, 6), (6, 5), (5, 3)]),
        ("nested", [(7, 6), (6, 5), (5, 3)]),
        ("min and max", [(7, 6), (6, 5), (5, 1)]),
        ("clipped", [(7, 6), (6, 5), (5, 1)]),
        ("linear log loss binary", [(7, 1), (1, 2)]),  # 7 + 2 products, not 14
        ("mlp binary", [(7, 6), (6, 5), (5, 1), (1, 2)]),
        ("scalers alone", [(7,)]),
        ("few components", [(7, 1), (1, 50), (50, 3)]),  # 7 + 50 products, not 7 * 50
        ("patch scaler", [(7,), (7, 5)]),  # it clips what the first scaler returns
    ],
)
def test_linear_steps_cost_nothing(name, shapes):
    layers = fold(layered_model(fitted(name)).layers)
    assert [layer.W.shape for layer in layers if layer.changes_rows] == shapes
