"""Graphs of ONNX, written node by node."""

import ast
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from .activation_formulas import FORMULAS, FUNCTIONS, ROW_FUNCTIONS
from .folded_layers import Layer

#: Version of the operators: old enough for runtimes of 2022.
OPSET, IR_VERSION = 17, 8

# Operators that ONNX Runtime has for float32 alone.
_FLOAT32_ONLY = ("Conv", "Erf")
_OPERATORS = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div"}


def onnx_package() -> Any:
    """Return the package onnx.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed.
    """
    try:
        return import_module("onnx")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "export to ONNX needs onnx: pip install 'striate[onnx]'", name="onnx"
        ) from error


class OnnxGraph:
    """Nodes and constants of a graph.

    Values are passed as the names of the nodes' outputs.

    Parameters
    ----------
    dtype : dtype
        Type of the arithmetic.

    Attributes
    ----------
    onnx : module
    dtype : dtype
    nodes, constants : list
        Of NodeProto and of TensorProto.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.onnx, self.dtype = onnx_package(), np.dtype(dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._names: dict[Any, str] = {}

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output.

        Raises
        ------
        ValueError
            If ONNX Runtime does not have the operator in the type of the arithmetic.
        """
        if operator in _FLOAT32_ONLY and self.dtype != np.float32:
            raise ValueError(
                f"ONNX Runtime computes {operator} in float32 only, and this model needs it: leave "
                "dtype='float32'"
            )
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        make_node = self.onnx.helper.make_node
        self.nodes.append(make_node(operator, list(inputs), [output], **attributes))
        return output

    def array(self, values: npt.ArrayLike) -> str:
        """Add a constant in the type of the arithmetic, and return its name."""
        return self._constant(np.asarray(values, dtype=self.dtype))

    def indices(self, values: npt.ArrayLike) -> str:
        """Add a constant of whole numbers, and return its name."""
        return self._constant(np.asarray(values, dtype=np.int64))

    def labels(self, classes: npt.NDArray[Any]) -> str:
        """Add labels as a constant, objects as text, and return its name."""
        return self._constant(classes)

    def _constant(self, values: npt.NDArray[Any]) -> str:
        """Add a constant, or return the name of the same one that was added before."""
        key = values.dtype.str, values.shape, values.tobytes()
        if values.dtype == object or key not in self._names:
            name = self._names[key] = f"constant_{len(self.constants)}"
            self.constants.append(self.onnx.numpy_helper.from_array(values, name))
        return self._names[key]

    def layers(self, layers: Iterable[Layer], x: str) -> str:
        """Apply layers to the last axis of x.

        Raises
        ------
        ValueError
            If a weight is beyond the range of the type.
        """
        for layer in layers:
            x = self.activation(layer.activation, self._affine(layer.astype(self.dtype), x))
        return x

    def _affine(self, layer: Layer, x: str) -> str:
        if layer.limits is not None:
            lowest, highest = map(self.array, layer.limits)
            x = self.node("Min", self.node("Max", x, lowest), highest)
        if not layer.changes_rows:
            return x
        product = self.node("Mul" if layer.W.ndim == 1 else "MatMul", x, self.array(layer.W))
        return self.node("Add", product, self.array(layer.b))

    def activation(self, name: str, z: str) -> str:
        """Apply an activation to z, or to its last axis."""
        if name in ROW_FUNCTIONS:
            return ROW_FUNCTIONS[name].onnx(self, z)
        return self.formula(FORMULAS[name], z)

    def formula(self, formula: str, z: str) -> str:
        """Compute a formula of z."""
        return self._expression(ast.parse(formula, mode="eval").body, z)

    def _expression(self, tree: ast.expr, z: str) -> str:
        match tree:
            case ast.Name():
                return z
            case ast.Constant(value=int() | float() as value):
                return self.array(value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.node("Neg", self._expression(operand, z))
            case ast.BinOp(left=left, op=op, right=right):
                parts = self._expression(left, z), self._expression(right, z)
                return self.node(_OPERATORS[type(op)], *parts)
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                x, form = self._expression(argument, z), FUNCTIONS[name].onnx
                return self.node(form, x) if form.isidentifier() else self.formula(form, x)
        raise ValueError(f"a formula cannot hold {ast.unparse(tree)}")
