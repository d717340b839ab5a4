"""Models as ONNX: `to_onnx`."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

import striate
from striate.files.atomic_writing import check_writable, write_file

from .class_labels import portable_labels
from .folded_layers import fold
from .layered_model import LayeredModel, Task
from .model_layers import layered_model
from .onnx_graph import IR_VERSION, OPSET, OnnxGraph
from .onnx_images import image_features

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def to_onnx(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    dtype: npt.DTypeLike = "float32",
    image_size: tuple[int, int] | None = None,
) -> Any:
    """Return a fitted model, or pipeline, as an ONNX model, which ONNX Runtime runs.

    Scalers and other linear steps are folded into the first layer of the network. Needs onnx.

    The input is called "X" and has shape (n, n_features), for any n. The outputs are named as those
    of skl2onnx are: classifiers give "label" of shape (n,) and "probabilities" of shape (n,
    n_classes), or "scores" if they have no probabilities: the decision values of each class, of two
    classes −z and z. Classifiers with several labels per row give "label" of 0 and 1, of shape
    (n, n_labels). Regressors and transformers give "variable" of shape (n, n_outputs).

    For `PatchFeatures` and `DeepPatchFeatures`, and pipelines that begin with one, X is images of
    shape (n, height, width, n_channels), also if they are grey. Pixels are floats, taken as they
    are: divide images of 8 bits by 255.

    Parameters
    ----------
    model : estimator
        `MLPClassifier` or `MLPRegressor` (scikit-learn's, too), `SparseAutoencoder`,
        `StackedAutoencoder`, `LinearClassifier`, `KernelClassifier`, `KernelRegressor`,
        scikit-learn's `LogisticRegression`, `LinearSVC`, `PCA` or scalers of columns,
        `PatchFeatures`, `DeepPatchFeatures`, `ZCAWhitening`, `WhitenedComponents`, `PatchScaler`,
        or a `SelfTaughtClassifier` or pipeline of these.
    path : path, default=None
        File to write, usually with the suffix ``.onnx``; written atomically.
    dtype : {"float32", "float64"}, default="float32"
        Type of the input and of the arithmetic. Images, and networks with the activation "gelu",
        are in float32 only.
    image_size : (int, int), default=None
        Height and width of the images; by default those of the first image seen in `fit` (with a
        stride, without the pixels after the last patch).

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ValueError
        If the model is not fitted, or a part of it cannot be written in ONNX; the message says
        which.
    ModuleNotFoundError
        If onnx is not installed.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_c : C source, for a device without a runtime.
    to_numpy : Python source that needs NumPy alone.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from striate import MLPClassifier, to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((5,), solver="lbfgs", tol=0.05, random_state=0)
    >>> onnx_model = to_onnx(make_pipeline(StandardScaler(), mlp).fit(X, y))
    >>> [output.name for output in onnx_model.graph.output]
    ['label', 'probabilities']
    """
    dtype = np.dtype(dtype)
    if dtype not in _FLOATS:
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype.name!r}")
    if path is not None:
        check_writable(path)
    layered = layered_model(model)
    if layered.images is None and image_size is not None:
        raise ValueError(f"image_size is for images, and {layered.name} takes rows of numbers")
    graph = OnnxGraph(dtype)
    proto = _model(graph, layered, image_size)
    if path is not None:
        write_file(path, proto.SerializeToString())
    return proto


def _model(graph: OnnxGraph, layered: LayeredModel, image_size: tuple[int, int] | None) -> Any:
    helper, kind = graph.onnx.helper, graph.onnx.helper.np_dtype_to_tensor_dtype(graph.dtype)
    features, shape = "X", [None, *(() if layered.images else (layered.n_in,))]
    if layered.images is not None:
        size = layered.images.image_size(image_size)
        shape = [None, *size, layered.images.features.patch_shape_[2]]
        features = image_features(graph, layered.images, size, "X")
    inputs = [helper.make_tensor_value_info("X", kind, shape)]
    outputs = _outputs(graph, layered, graph.layers(fold(layered.layers), features))
    named = helper.make_graph(graph.nodes, "striate", inputs, outputs, graph.constants)
    proto = helper.make_model(
        named,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="striate",
        producer_version=striate.__version__,
        doc_string=layered.name,
    )
    graph.onnx.checker.check_model(proto)
    return proto


def _outputs(graph: OnnxGraph, layered: LayeredModel, y: str) -> list[Any]:
    """Add the nodes of the outputs, and return what they are."""
    helper, types = graph.onnx.helper, graph.onnx.TensorProto
    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    name = "variable"
    if layered.task in (Task.CLASSIFY, Task.MULTILABEL):
        name = "probabilities" if layered.has_probabilities else "scores"
    values = graph.node("Identity", y, output=name)
    outputs = [helper.make_tensor_value_info(name, kind, [None, layered.n_out])]
    if layered.task is Task.CLASSIFY:
        labels = portable_labels(np.asarray(layered.classes))
        largest = graph.node("ArgMax", values, axis=-1, keepdims=0)
        graph.node("Gather", graph.labels(labels), largest, output="label")
        label_kind = helper.np_dtype_to_tensor_dtype(labels.dtype)
        outputs.insert(0, helper.make_tensor_value_info("label", label_kind, [None]))
    if layered.task is Task.MULTILABEL:
        likely = graph.node("Greater", values, graph.array(0.5))
        graph.node("Cast", likely, output="label", to=types.INT64)
        shape = [None, layered.n_out]
        outputs.insert(0, helper.make_tensor_value_info("label", types.INT64, shape))
    return outputs
