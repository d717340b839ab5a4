"""Each activation, written in ONNX, C and NumPy, computes what it does in compiled code."""

import numpy as np
import pytest
import textbook
from exported_models import compiled, imported, run_c, run_onnx

from striate import MLPRegressor, to_c, to_numpy, to_onnx
from striate.core.activations import ACTIVATIONS, HIDDEN_ACTIVATIONS
from striate.core.inference import layer_output
from striate.export import c_export, numpy_export, onnx_export
from striate.export.activation_formulas import FORMULAS, ROW_FUNCTIONS, functions_of, written
from striate.export.folded_layers import Layer
from striate.export.layered_model import LayeredModel
from striate.export.onnx_graph import OnnxGraph

Z = np.concatenate([np.linspace(-8, 8, 97), [-700, -40, -1e-4, 1e-8, 40, 700]])


TEXTBOOK = {name: textbook.f[name] for name in HIDDEN_ACTIVATIONS}


def one_layer(activation):
    """A model that applies an activation to each of the numbers in Z."""
    return LayeredModel("test", [Layer(np.ones(len(Z)), np.zeros(len(Z)), activation)])


def in_onnx(activation, dtype):
    proto = onnx_export._model(OnnxGraph(dtype), one_layer(activation), None)
    return run_onnx(proto, Z[np.newaxis].astype(dtype))["variable"][0]


def in_numpy(activation):
    module = imported(numpy_export._source(one_layer(activation)))
    return module.transform(Z[np.newaxis])[0]


def in_c(activation, folder):
    source = c_export._source(one_layer(activation).folded(np.float32))
    return run_c(compiled(source, folder), Z[np.newaxis], len(Z))[1][0]


def test_every_activation_can_be_exported():
    assert set(ACTIVATIONS) <= set(FORMULAS) | set(ROW_FUNCTIONS)
    assert set(HIDDEN_ACTIVATIONS) <= set(FORMULAS)


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_formula_is_the_compiled_activation(activation):
    n = len(Z)
    truth = layer_output(Z[np.newaxis], np.eye(n), np.zeros(n), activation)[0]
    np.testing.assert_allclose(in_numpy(activation), truth, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("activation", TEXTBOOK)
def test_numpy(activation):
    truth = TEXTBOOK[activation](Z)
    np.testing.assert_allclose(in_numpy(activation), truth, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("activation", TEXTBOOK)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_onnx(activation, dtype):
    if activation == "gelu" and dtype == np.float64:
        with pytest.raises(ValueError, match="ONNX Runtime computes Erf in float32 only"):
            in_onnx(activation, dtype)
        return
    eps = np.finfo(dtype).eps
    truth = TEXTBOOK[activation](Z.astype(dtype).astype(float))
    found = in_onnx(activation, dtype)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, truth, rtol=8 * eps, atol=8 * eps)


@pytest.mark.parametrize("activation", TEXTBOOK)
def test_c(activation, tmp_path):
    truth = TEXTBOOK[activation](Z.astype(np.float32).astype(float))
    np.testing.assert_allclose(in_c(activation, tmp_path), truth, rtol=1e-6, atol=1e-7)


def test_functions_and_names_of_a_formula():
    formula = "2 * exp(-z) - abs(z) / (1 + z)"
    assert functions_of(formula) == ["abs", "exp"]
    names = {"exp": "e", "abs": "a"}
    assert written(formula, "x[j]", names) == "2 * e(-x[j]) - a(x[j]) / (1 + x[j])"


def test_unknown_activations_are_refused():
    with pytest.raises(ValueError, match="the activation 'sine' cannot be exported"):
        one_layer("sine").folded(np.float32)


def test_increasing_quantiles(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    regressor = MLPRegressor(
        "quantile", (8,), quantile=[0.1, 0.5, 0.9], max_iter=5, learning_rate="cosine"
    ).fit(X, X[:, 0])
    truth = regressor.predict(X)
    module = imported(to_numpy(regressor))
    np.testing.assert_allclose(module.predict(X), truth, rtol=1e-9)
    proto = to_onnx(regressor)
    (outputs,) = run_onnx(proto, X.astype(np.float32)).values()
    np.testing.assert_allclose(outputs, truth, rtol=1e-4, atol=1e-4)
    in_c = run_c(compiled(to_c(regressor), tmp_path), X, 3)[1]
    np.testing.assert_allclose(in_c, truth, rtol=1e-4, atol=1e-4)
