"""Models as Python source that needs NumPy alone: `to_numpy`."""

import base64
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import striate
from striate.files.atomic_writing import check_writable, write_file

from .activation_formulas import FORMULAS, FUNCTIONS, ROW_FUNCTIONS, functions_of, written
from .class_labels import portable_labels
from .folded_layers import Layer
from .layered_model import LayeredModel, Task
from .model_layers import layered_model

_NAMES = {name: function.numpy for name, function in FUNCTIONS.items()}
_ARRAY = """
def _array(text, *shape):
    return np.frombuffer(base64.b64decode(text), "{dtype}").reshape(shape)
"""
_CLASSIFIER = '''
def predict(X):
    """Return the class of each row."""
    return CLASSES[_outputs(X).argmax(axis=1)]
'''
_PROBABILITIES = '''
def predict_proba(X):
    """Return the probability of each class, for each row."""
    return _outputs(X)
'''
_SCORES = '''
def decision_function(X):
    """Return the decision values of each row."""
    return _outputs(X){columns}
'''
_MULTILABEL = '''
def predict(X):
    """Return whether each label is predicted, as 0 or 1, for each row."""
    return (_outputs(X) > 0.5).astype(int)
'''
_REGRESSOR = '''
def predict(X):
    """Return the prediction for each row."""
    return _outputs(X){columns}
'''
_TRANSFORMER = '''
def transform(X):
    """Return the features of each row."""
    return _outputs(X)
'''


def to_numpy(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Return a fitted model, or pipeline, as one Python module, which needs NumPy alone.

    The module has the weights, as text, and functions with the names of the methods: `predict` and
    `predict_proba`, or `decision_function`, or `transform`. Each takes an array X of shape
    (n_samples, n_features). Scalers and other linear steps are folded into the first layer of the
    network. Arithmetic is in float32 if all weights are, and in float64 otherwise.

    Parameters
    ----------
    model : estimator
        As for :func:`to_onnx`, but for images.
    path : path, default=None
        File to write, usually with the suffix ``.py``; written atomically.

    Returns
    -------
    str
        The source.

    Raises
    ------
    ValueError
        If the model is not fitted, takes images, or a part of it cannot be exported; the message
        says which.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_onnx : ONNX, for a device that has a runtime.
    to_c : C source, for a device without a runtime.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from striate import MLPClassifier, to_numpy
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((5,), solver="lbfgs", tol=0.05, random_state=0).fit(X, y)
    >>> module = {}
    >>> exec(to_numpy(mlp), module)
    >>> bool((module["predict"](X) == mlp.predict(X)).all())
    True
    """
    if path is not None:
        check_writable(path)
    layered = layered_model(model).of_rows()
    source = _source(layered.folded(layered.dtype))
    if path is not None:
        write_file(path, source.encode())
    return source


def _source(model: LayeredModel) -> str:
    dtype = model.dtype.newbyteorder("<")
    imports = ["import base64", "import math", "", "import numpy as np"]
    parts = [
        f'"""{model.description}, written by Striate {striate.__version__}."""',
        "\n".join(imports if _calls_erf(model.layers) else imports[:1] + imports[2:]),
        *([_classes(model.classes)] if model.task is Task.CLASSIFY else []),
        _ARRAY.format(dtype=dtype.str),
        *(text for i, layer in enumerate(model.layers) for text in _constants(i, layer)),
        *_definitions(model.layers),
        _outputs(model),
        *_functions(model),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _classes(classes: Any) -> str:
    labels, given = portable_labels(np.asarray(classes)), np.asarray(classes)
    return f"CLASSES = np.array({labels.tolist()!r}, dtype={given.dtype.str!r})"


def _constants(index: int, layer: Layer) -> Iterator[str]:
    arrays = {"W": layer.W, "b": layer.b} if layer.changes_rows else {}
    if layer.limits is not None:
        arrays |= {"LOWEST": layer.limits[0], "HIGHEST": layer.limits[1]}
    for name, values in arrays.items():
        yield _array(f"_{name}{index}", values)


def _array(name: str, values: npt.NDArray[Any]) -> str:
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()  # in C order
    text, shape = base64.encodebytes(data).decode(), ", ".join(map(str, values.shape))
    return f'{name} = _array(\n    """\n{text}""",\n    {shape},\n)'


def _called(layers: Sequence[Layer]) -> list[str]:
    formulas = [FORMULAS[each.activation] for each in layers if each.activation in FORMULAS]
    return list(dict.fromkeys(name for formula in formulas for name in functions_of(formula)))


def _calls_erf(layers: Sequence[Layer]) -> bool:
    return "erf" in _called(layers)


def _definitions(layers: Sequence[Layer]) -> Iterator[str]:
    """Yield the definitions of the functions that the layers call."""
    definitions = (FUNCTIONS[name].numpy_definition for name in _called(layers))
    yield from filter(None, definitions)
    names = dict.fromkeys(layer.activation for layer in layers)
    yield from (ROW_FUNCTIONS[name].numpy_definition for name in names if name in ROW_FUNCTIONS)


def _outputs(model: LayeredModel) -> str:
    lines = [
        "def _outputs(X):",
        f"    x = np.asarray(X, np.{model.dtype.name})",
        f"    if x.ndim != 2 or x.shape[1] != {model.n_in}:",
        f'        raise ValueError(f"X must have shape (n, {model.n_in}), got {{x.shape}}")',
    ]
    for index, layer in enumerate(model.layers):
        lines += [f"    {line}" for line in _layer(index, layer)]
    return "\n".join([*lines, "    return x"])


def _layer(index: int, layer: Layer) -> Iterator[str]:
    """Yield the lines that compute the layer's x from that of the layer below."""
    if layer.limits is not None:
        yield f"x = np.clip(x, _LOWEST{index}, _HIGHEST{index})"
    if layer.changes_rows:
        yield f"x = x {'*' if layer.W.ndim == 1 else '@'} _W{index} + _b{index}"
    if layer.activation in ROW_FUNCTIONS:
        yield f"x = _{layer.activation}(x)"
    elif layer.activation != "identity":
        yield f"x = {written(FORMULAS[layer.activation], 'x', _NAMES)}"


def _functions(model: LayeredModel) -> Iterator[str]:
    if model.task is Task.TRANSFORM:
        yield _TRANSFORMER
    elif model.task is Task.REGRESS:
        yield _REGRESSOR.format(columns="[:, 0]" if model.n_out == 1 else "")
    else:
        yield _CLASSIFIER if model.task is Task.CLASSIFY else _MULTILABEL
        if model.has_probabilities:
            yield _PROBABILITIES
        else:
            yield _SCORES.format(columns="[:, 1]" if model.n_out == 2 else "")
