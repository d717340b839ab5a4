"""How each activation is written in ONNX, C and NumPy.

An activation of single numbers is a formula: arithmetic on z, numbers, and the functions of
`FUNCTIONS`. It is translated to each of the three. An activation of whole rows is written in each
of them by hand.

A new activation of `striate.core.activations` needs one line in `FORMULAS`.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

#: Name of an activation: its formula. SELU has the constants for which its outputs keep mean 0 and
#: variance 1.
FORMULAS = {
    "identity": "z",
    "logistic": "sigmoid(z)",
    "tanh": "tanh(z)",
    "relu": "relu(z)",
    "leaky_relu": "relu(z) - 0.01 * relu(-z)",
    "elu": "relu(z) + expm1(-relu(-z))",
    "selu": "1.0507009873554805 * (relu(z) + 1.6732632423543772 * expm1(-relu(-z)))",
    "softplus": "relu(z) + log1p(exp(-abs(z)))",
    "silu": "-(-z * sigmoid(z))",  # so that ONNX Runtime does not fuse it: it cannot in float64
    "gelu": "0.5 * z * (1 + erf(0.7071067811865476 * z))",
    "mish": "z * tanh(relu(z) + log1p(exp(-abs(z))))",
    "exp": "exp(z)",
}


class Function(NamedTuple):
    """A function of the formulas.

    Attributes
    ----------
    onnx : str
        Operator of ONNX, or a formula in other functions.
    c, numpy : str
        Name in C and in Python.
    c_definition, numpy_definition : str, default=""
        Code that defines this name, if C (or NumPy) does not.
    """

    onnx: str
    c: str
    numpy: str
    c_definition: str = ""
    numpy_definition: str = ""


FUNCTIONS = {
    "abs": Function("Abs", "fabsf", "np.abs"),
    "exp": Function("Exp", "expf", "np.exp"),
    "tanh": Function("Tanh", "tanhf", "np.tanh"),
    "log": Function("Log", "logf", "np.log"),
    "log1p": Function("log(1 + z)", "log1pf", "np.log1p"),
    "expm1": Function("exp(z) - 1", "expm1f", "np.expm1"),
    "erf": Function(
        "Erf",
        "erff",
        "_erf",
        numpy_definition="""
def _erf(z):
    return np.vectorize(math.erf, otypes=[z.dtype])(z)
""",
    ),
    # A comparison with NaN is false, so NaN stays.
    "relu": Function(
        "Relu",
        "relu",
        "_relu",
        """
static float relu(float z)
{
    return z < 0.0f ? 0.0f : z;
}
""",
        """
def _relu(z):
    return np.maximum(z, 0)
""",
    ),
    "sigmoid": Function(
        "Sigmoid",
        "sigmoid",
        "_sigmoid",
        """
static float sigmoid(float z)
{
    return 1.0f / (1.0f + expf(-z));
}
""",
        """
def _sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))
""",
    ),
}


class RowFunction(NamedTuple):
    """An activation of rows.

    Attributes
    ----------
    onnx : callable
        Adds the nodes to an `OnnxGraph`, given it and the name of the input; returns the name of
        the output.
    c_definition, numpy_definition : str
        Code of a function with the name of the activation, in C with the numbers z[0], …, z[n - 1],
        which it changes; in Python with an underscore before the name.
    """

    onnx: Callable[[Any, str], str]
    c_definition: str
    numpy_definition: str


def _shares(graph: Any, z: str) -> str:
    total = graph.node("ReduceSum", z, graph.indices([-1]), keepdims=1)
    tiny = graph.array(np.finfo(graph.dtype).tiny)
    return str(graph.node("Div", z, graph.node("Max", total, tiny)))


def _standardized(graph: Any, z: str) -> str:
    square = graph.node("ReduceMean", graph.node("Mul", z, z), axes=[-1], keepdims=1)
    tiny = graph.array(np.finfo(graph.dtype).tiny)
    return str(graph.node("Div", z, graph.node("Sqrt", graph.node("Max", square, tiny))))


def _with_square(graph: Any, z: str) -> str:
    begin, end = graph.indices([0]), graph.indices([-1])
    x = graph.node("Slice", z, begin, end, graph.indices([-1]))
    squares = graph.node("ReduceSum", graph.node("Mul", x, x), graph.indices([-1]), keepdims=1)
    return str(graph.node("Concat", x, squares, axis=-1))


def _increasing(graph: Any, z: str) -> str:
    ends, last = graph.indices([np.iinfo(np.int64).max]), graph.indices([-1])
    one = graph.indices([1])
    first = graph.node("Slice", z, graph.indices([0]), one, last)
    steps = graph.node("Softplus", graph.node("Slice", z, one, ends, last))
    joined = graph.node("Concat", first, steps, axis=-1)
    return str(graph.node("CumSum", joined, graph.indices(-1)))


ROW_FUNCTIONS = {
    "softmax": RowFunction(
        lambda graph, z: str(graph.node("Softmax", z, axis=-1)),
        """
static void softmax(float *z, int n)
{
    float highest = z[0], total = 0.0f;
    for (int j = 1; j < n; j++) highest = z[j] > highest ? z[j] : highest;
    for (int j = 0; j < n; j++) total += z[j] = expf(z[j] - highest);
    for (int j = 0; j < n; j++) z[j] /= total;
}
""",
        """
def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
    ),
    # each number larger than the one before by softplus(z_j): quantiles that do not cross
    "increasing": RowFunction(
        _increasing,
        """
static void increasing(float *z, int n)
{
    for (int j = 1; j < n; j++)
        z[j] = z[j - 1] + (z[j] > 0.0f ? z[j] : 0.0f) + log1pf(expf(-fabsf(z[j])));
}
""",
        """
def _increasing(z):
    steps = np.logaddexp(0, z[:, 1:])
    return np.cumsum(np.concatenate([z[:, :1], steps], axis=1), axis=1)
""",
    ),
    # of mean square 1; 0 stays
    "standardized": RowFunction(
        _standardized,
        """
static void standardized(float *z, int n)
{
    float total = 0.0f;
    for (int j = 0; j < n; j++) total += z[j] * z[j];
    total = sqrtf(total / n < FLT_MIN ? FLT_MIN : total / n);
    for (int j = 0; j < n; j++) z[j] /= total;
}
""",
        """
def _standardized(z):
    square = np.mean(z**2, axis=1, keepdims=True)
    return z / np.sqrt(np.maximum(square, np.finfo(z.dtype).tiny))
""",
    ),
    # the last number replaced by the sum of the squares of the others
    "with_square": RowFunction(
        _with_square,
        """
static void with_square(float *z, int n)
{
    z[n - 1] = 0.0f;
    for (int j = 0; j < n - 1; j++) z[n - 1] += z[j] * z[j];
}
""",
        """
def _with_square(z):
    x = z[:, :-1]
    return np.concatenate([x, np.sum(x**2, axis=1, keepdims=True)], axis=1)
""",
    ),
    # z_j / Σ_k z_k: outputs of sigmoid units as probabilities
    "shares": RowFunction(
        _shares,
        """
static void shares(float *z, int n)
{
    float total = 0.0f;
    for (int j = 0; j < n; j++) total += z[j];
    total = total < FLT_MIN ? FLT_MIN : total;
    for (int j = 0; j < n; j++) z[j] /= total;
}
""",
        """
def _shares(z):
    return z / np.maximum(z.sum(axis=1, keepdims=True), np.finfo(z.dtype).tiny)
""",
    ),
}


def check_activation(name: str) -> None:
    """Raise a ValueError if an activation cannot be exported."""
    if name not in FORMULAS and name not in ROW_FUNCTIONS:
        raise ValueError(f"the activation {name!r} cannot be exported: it has no formula")


def functions_of(formula: str) -> list[str]:
    """Return the names of the functions that a formula calls.

    Examples
    --------
    >>> functions_of("relu(z) + expm1(-relu(-z))")
    ['expm1', 'relu']
    """
    calls = [node for node in ast.walk(ast.parse(formula)) if isinstance(node, ast.Call)]
    return sorted({ast.unparse(call.func) for call in calls})


def written(
    formula: str, z: str, names: Mapping[str, str], number: Callable[[float], str] = repr
) -> str:
    """Write a formula in a language with the precedence of operators that Python and C have.

    Parameters
    ----------
    formula : str
    z : str
        What stands for z.
    names : mapping of str to str
        Names of the functions in the language.
    number : callable, default=repr
        Writes a number.

    Returns
    -------
    str

    Examples
    --------
    >>> written("1 + exp(-z)", "a[i]", {"exp": "expf"}, lambda x: f"{x:.1f}f")
    '1.0f + expf(-a[i])'
    """

    class Translation(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            return ast.Name(z if node.id == "z" else names[node.id])

        def visit_Constant(self, node: ast.Constant) -> ast.Name:
            return ast.Name(number(ast.literal_eval(node)))

    return ast.unparse(Translation().visit(ast.parse(formula, mode="eval")))
