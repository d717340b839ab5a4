"""Models in ONNX, C and NumPy compute what the fitted models do."""

import ast

import numpy as np
import pytest
from exported_models import (
    MODELS,
    compiled,
    expected,
    fitted,
    has_method,
    imported,
    rows,
    run_c,
    run_onnx,
)

from striate import ZCAWhitening, to_c, to_numpy, to_onnx

X = np.concatenate([rows(25, seed=7), 100 * rows(5, seed=8)])  # far from the training rows, too


def check_onnx(model, dtype, **close):
    outputs = run_onnx(to_onnx(model, dtype=dtype), X.astype(dtype))
    labels, values = expected(model, X.astype(dtype))
    if labels is None:
        assert list(outputs) == ["variable"]
    else:
        second = "probabilities" if hasattr(model, "predict_proba") else "scores"
        assert list(outputs) == ["label", second]
        np.testing.assert_array_equal(outputs.pop("label"), labels)
    [found] = outputs.values()
    assert found.dtype == dtype
    np.testing.assert_allclose(found, values, **close)


@pytest.mark.parametrize("name", MODELS)
def test_onnx_in_float64(name):
    check_onnx(fitted(name), np.float64, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["standardized", "linear log loss", "regressor counts", "clipped"])
def test_onnx_in_float32(name):
    check_onnx(fitted(name), np.float32, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_c(name, tmp_path):
    model = fitted(name)
    labels, values = expected(model, X)
    returned, found = run_c(compiled(to_c(model), tmp_path), X, values.shape[1])
    scale = np.abs(values).max()
    np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-5 * scale)
    if labels is not None and labels.ndim == 1:
        np.testing.assert_array_equal(model.classes_[returned], labels)


@pytest.mark.parametrize("name", MODELS)
def test_numpy(name):
    model, module = fitted(name), imported(to_numpy(fitted(name)))
    close = {"rtol": 1e-9, "atol": 1e-12}
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        mine = has_method(model, method)
        if method == "decision_function":
            mine = mine and not has_method(model, "predict_proba")
        if method == "transform":
            mine = mine and not has_method(model, "predict")
        assert hasattr(module, method) == mine
        if not mine:
            continue
        found, truth = getattr(module, method)(X), getattr(model, method)(X)
        assert found.shape == truth.shape
        if truth.dtype.kind == "f":
            np.testing.assert_allclose(found, truth, **close)
        else:
            assert found.dtype == truth.dtype
            np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("name", ["mlp text", "regressor", "autoencoder"])
@pytest.mark.parametrize("n", [0, 1])
def test_few_rows(name, n):
    model = fitted(name)
    few, module = X[:n].astype(np.float32), imported(to_numpy(model))
    for output in run_onnx(to_onnx(model), few).values():
        assert len(output) == n
    function = module.transform if hasattr(module, "transform") else module.predict
    assert len(function(few)) == n


def test_numpy_module_imports_numpy_and_the_standard_library_alone():
    names = set()
    for name in MODELS:
        tree = ast.parse(to_numpy(fitted(name)))
        names |= {each.name for node in tree.body if isinstance(node, ast.Import)
                  for each in node.names}  # fmt: skip
    assert names <= {"base64", "math", "numpy"}


def test_numpy_module_refuses_other_shapes():
    module = imported(to_numpy(fitted("regressor")))
    for wrong in (X[:, :-1], X[0], X[np.newaxis]):
        with pytest.raises(ValueError, match=r"X must have shape \(n, 7\)"):
            module.predict(wrong)


def test_nan_is_not_hidden(tmp_path):
    model = fitted("mlp multiclass")  # relu
    x = np.full((1, X.shape[1]), np.nan)
    assert np.isnan(imported(to_numpy(model)).predict_proba(x)).all()
    assert np.isnan(run_c(compiled(to_c(model), tmp_path), x, 3)[1]).all()


def test_float32_models_stay_float32():
    narrow = rows().astype(np.float32)
    model = ZCAWhitening().fit(narrow)
    assert imported(to_numpy(model)).transform(narrow).dtype == np.float32
