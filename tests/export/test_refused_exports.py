"""What cannot be exported is refused with the reason, before anything is written."""

import re
import sys

import numpy as np
import pytest
from exported_models import AUTOENCODER, fitted, imported, rows, targets
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from striate import LinearClassifier, MLPClassifier, PatchFeatures, to_c, to_numpy, to_onnx

EXPORTS = [to_onnx, to_c, to_numpy]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def image_features():
    images = np.random.default_rng(0).random((4, 9, 9))
    features = PatchFeatures(clone(AUTOENCODER), patch_size=3, n_patches=50, random_state=0)
    return features.fit(images)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize(
    ("model", "error", "reason"),
    [
        (RandomForestClassifier(2), ValueError, "RandomForestClassifier cannot be exported; what"),
        (make_pipeline(Normalizer(), LinearClassifier()), ValueError, "Normalizer cannot be"),
        (make_pipeline("passthrough"), ValueError, "has no steps to export"),
    ],
)
def test_other_models(export, model, error, reason):
    X = rows()
    with pytest.raises(error, match=reason):
        export(model.fit(X, targets("multiclass", X)))


@pytest.mark.parametrize("export", EXPORTS)
def test_models_that_are_not_fitted(export):
    for model in (MLPClassifier(), make_pipeline(StandardScaler(), LinearClassifier())):
        with pytest.raises(NotFittedError):
            export(model)


@pytest.mark.parametrize("export", EXPORTS)
def test_objects_that_are_no_estimators(export):
    for model in (MLPClassifier, None, "model.skops"):
        with pytest.raises(TypeError, match="not an estimator|is a class"):
            export(model)


@pytest.mark.parametrize("export", EXPORTS)
def test_a_single_class(export):
    X = rows()
    model = MLPClassifier((2,), max_iter=2, solver="lbfgs", tol=1e9).fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="MLPClassifier has a single class"):
        export(model)


@pytest.mark.parametrize("export", EXPORTS)
def test_weights_beyond_float32(export):
    model = StandardScaler().fit(rows())
    model.scale_ = model.scale_ * 1e-300
    if export is to_numpy:  # in float64
        assert np.isfinite(imported(export(model)).transform(rows() * 1e-300)).all()
        return
    with pytest.raises(ValueError, match="not a finite number of type float32"):
        export(model)


@pytest.mark.parametrize("export", EXPORTS)
def test_labels_that_only_python_has(export):
    X = rows()
    model = LinearClassifier(alphas=1.0).fit(X, targets("multiclass", X))
    model.classes_ = np.array([1, 2**64 - 1, 2**63], dtype=np.uint64)
    with pytest.raises(ValueError, match="labels .* cannot be exported"):
        export(model)


@pytest.mark.parametrize("export", [to_c, to_numpy])
def test_images_are_for_onnx_alone(export, image_features):
    with pytest.raises(ValueError, match="PatchFeatures takes images, for which there is only"):
        export(image_features)


def test_types_and_sizes_of_onnx(image_features):
    model = fitted("regressor")
    for dtype in ("float16", "int64"):
        with pytest.raises(ValueError, match=f"dtype must be .* got '{dtype}'"):
            to_onnx(model, dtype=dtype)
    with pytest.raises(ValueError, match="image_size is for images"):
        to_onnx(model, image_size=(9, 9))
    with pytest.raises(ValueError, match="computes Conv in float32 only"):
        to_onnx(image_features, dtype="float64")
    with pytest.raises(ValueError, match="image_size=.* smaller than a patch of 3 x 3"):
        to_onnx(image_features, image_size=(2, 9))
    with pytest.raises(ValueError, match="image_size must be two positive integers"):
        to_onnx(image_features, image_size=(9, 9, 1))
    with pytest.raises(ValueError, match="image_size=.*has 1 x 7 positions"):
        to_onnx(image_features, image_size=(3, 9))


@pytest.mark.parametrize("export", EXPORTS)
def test_files_hold_what_is_returned(export, tmp_path):
    model = fitted("mlp text")
    exported = export(model, tmp_path / "model")
    content = exported.SerializeToString() if export is to_onnx else exported.encode()
    assert (tmp_path / "model").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("export", EXPORTS)
def test_nothing_is_written_where_it_fails(export, tmp_path):
    (tmp_path / "model").write_text("before")
    with pytest.raises(NotFittedError):
        export(MLPClassifier(), tmp_path / "model")
    assert (tmp_path / "model").read_text() == "before"
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        export(fitted("mlp text"), tmp_path / "missing" / "model")


def test_onnx_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'striate\[onnx\]'"):
        to_onnx(fitted("regressor"))


def test_the_same_model_gives_the_same_text():
    for export in (to_c, to_numpy):
        assert export(fitted("nested")) == export(fitted("nested"))
    assert to_onnx(fitted("nested")) == to_onnx(fitted("nested"))
