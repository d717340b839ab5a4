"""Models as C: `to_c`."""

import json
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

# Numbers in a line of an array.
_PER_LINE = 6
_NAMES = {name: function.c for name, function in FUNCTIONS.items()}
_CLIPPED = """
static float clipped(float x, float lowest, float highest)
{
    return x < lowest ? lowest : x > highest ? highest : x;
}
"""


def to_c(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Return a fitted model, or pipeline, as one C file, which needs math.h alone.

    The file is C99 and allocates no memory. It has the weights as constants, and one function:
    ``predict(const float *x, float *out)`` reads ``n_features`` numbers at x, writes ``n_outputs``
    numbers to out, and for a classifier returns the index of the class. Scalers and other linear
    steps are folded into the first layer of the network. Arithmetic is in float, and the outputs of
    each layer are on the stack.

    Parameters
    ----------
    model : estimator
        As for :func:`to_onnx`, but for images.
    path : path, default=None
        File to write, usually with the suffix ``.c``; written atomically.

    Returns
    -------
    str
        The source. ``out`` gets what `predict_proba` returns, or `transform`, or `predict` of a
        regressor; of a classifier without probabilities its decision values, of two classes −z
        and z.

    Raises
    ------
    ValueError
        If the model is not fitted, takes images, or has a part that cannot be exported; the message
        says which.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_onnx : ONNX, for a device that has a runtime.
    to_numpy : Python source that needs NumPy alone.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from striate import MLPClassifier, to_c
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((5,), solver="lbfgs", tol=0.05, random_state=0).fit(X, y)
    >>> print(to_c(mlp).splitlines()[0])
    /* MLPClassifier with 4 features and 3 classes, written by Striate ...
    """
    if path is not None:
        check_writable(path)
    source = _source(layered_model(model).of_rows().folded(np.float32))
    if path is not None:
        write_file(path, source.encode())
    return source


def _source(model: LayeredModel) -> str:
    constants = [text for i, layer in enumerate(model.layers) for text in _constants(i, layer)]
    parts = [_comment(model), "#include <float.h>\n#include <math.h>", *constants]
    parts += [*_definitions(model.layers), _predict(model)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _comment(model: LayeredModel) -> str:
    lines = [
        f"/* {model.description}, written by Striate {striate.__version__}.",
        f"   x has {model.n_in} numbers, out has {model.n_out}. C99; link with -lm.",
    ]
    if model.task is Task.CLASSIFY:
        lines.append("   predict returns the index of the class:")
        for index, label in enumerate(portable_labels(np.asarray(model.classes)).tolist()):
            text = json.dumps(label).replace("*/", "*\\/").replace("/*", "/\\*")
            lines.append(f"   {index}: {text}")
    return "\n".join(lines) + " */"


def _constants(index: int, layer: Layer) -> Iterator[str]:
    arrays = {"W": layer.W, "b": layer.b}
    if layer.limits is not None:
        arrays["lowest"], arrays["highest"] = layer.limits
    for name, values in arrays.items():
        if name not in ("W", "b") or layer.changes_rows:
            yield _array(f"{name}{index}", values)


def _array(name: str, values: npt.NDArray[Any]) -> str:
    numbers = [_number(value) for value in values.ravel().tolist()]
    lines = (", ".join(numbers[k : k + _PER_LINE]) for k in range(0, len(numbers), _PER_LINE))
    return f"static const float {name}[{len(numbers)}] = {{\n    " + ",\n    ".join(lines) + "\n};"


def _number(value: float) -> str:
    """Write a float32, or the float32 next to a number, so that it is read as the same."""
    if np.isinf(value):
        return "HUGE_VALF" if value > 0 else "-HUGE_VALF"
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _definitions(layers: Sequence[Layer]) -> Iterator[str]:
    """Yield the definitions of the functions that the layers call."""
    names = dict.fromkeys(layer.activation for layer in layers)
    called = dict.fromkeys(
        name for each in names if each in FORMULAS for name in functions_of(FORMULAS[each])
    )
    yield from (FUNCTIONS[name].c_definition for name in called if FUNCTIONS[name].c_definition)
    yield from (ROW_FUNCTIONS[name].c_definition for name in names if name in ROW_FUNCTIONS)
    if any(layer.limits is not None for layer in layers):
        yield _CLIPPED


def _predict(model: LayeredModel) -> str:
    classifies, x = model.task is Task.CLASSIFY, "x"
    lines = [f"{'int' if classifies else 'void'} predict(const float *x, float *out)", "{"]
    for index, layer in enumerate(model.layers):
        out = "out" if layer is model.layers[-1] else f"a{index}"
        lines += [f"    {line}" for line in _layer(index, layer, x, out)]
        x = out
    if classifies:
        lines += [
            "    int largest = 0;",
            f"    for (int j = 1; j < {model.n_out}; j++)",
            "        if (out[j] > out[largest]) largest = j;",
            "    return largest;",
        ]
    return "\n".join([*lines, "}"])


def _layer(index: int, layer: Layer, x: str, out: str) -> Iterator[str]:
    """Yield the lines that compute `out` from `x`."""
    n_in, n_out = layer.n_in, layer.n_out
    if layer.limits is not None:
        yield f"float c{index}[{n_in}];"
        yield f"for (int i = 0; i < {n_in}; i++)"
        yield f"    c{index}[i] = clipped({x}[i], lowest{index}[i], highest{index}[i]);"
        x = f"c{index}"
    if out != "out":
        yield f"float {out}[{n_out}];"
    each = f"for (int j = 0; j < {n_out}; j++)"
    if not layer.changes_rows:
        yield f"{each} {out}[j] = {x}[j];"
    elif layer.W.ndim == 1:
        yield f"{each} {out}[j] = {x}[j] * W{index}[j] + b{index}[j];"
    else:
        yield f"{each} {out}[j] = b{index}[j];"
        yield f"for (int i = 0; i < {n_in}; i++)"
        yield f"    {each} {out}[j] += {x}[i] * W{index}[{n_out} * i + j];"
    if layer.activation in ROW_FUNCTIONS:
        yield f"{layer.activation}({out}, {n_out});"
    elif layer.activation != "identity":
        formula = written(FORMULAS[layer.activation], f"{out}[j]", _NAMES, _number)
        yield f"{each} {out}[j] = {formula};"
