"""Declarations of fitted attributes: what they are, and how the shapes of arrays depend on another.

Each class has one table, `_fitted`: attribute ↦ declaration. `check_fitted` compares an estimator
with its table before anything computes with it, since files may be damaged, forged, or written by
another version.

A size has a name, which stands for the same number wherever it occurs in a table.
"""

import inspect
import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from striate.core.sparse_matrices import stored
from striate.solvers.update_rules import RULES

from .estimator_state import state_of
from .validated_input import FLOATS


class FittedAttributeError(ValueError):
    """A fitted attribute is not what its class declares."""


class OtherVersionError(FittedAttributeError):
    """Attributes are missing or unknown: the estimator is from another version."""


@dataclass(frozen=True)
class Sizes:
    """The sizes that are known so far, by name."""

    known: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def require(self, name: str, n: int) -> None:
        """Raise unless n is the size of this name, or the first one and above 0; "*" is any."""
        name = self.aliases.get(name, name)
        expected = self.known.setdefault(name, n)
        if name != "*" and (n != expected or n < 1):
            raise FittedAttributeError(f"{name} is {n}, but must be {max(expected, 1)}")

    def of_layer(self, layer: int, n_layers: int, inputs: str) -> "Sizes":
        """Return the sizes where "in" and "out" are the inputs and outputs of a layer."""
        below, above = f"units of layer {layer}", f"units of layer {layer + 1}"
        ends = {"in": below if layer else inputs}
        ends["out"] = above if layer + 1 < n_layers else "n_outputs_"
        return Sizes(self.known, ends)


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """Declaration of an attribute: `optional` may be a function of the other attributes."""

    optional: bool | Callable[[Mapping[str, Any]], bool] = False

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""

    def is_finite(self, value: Any) -> bool:
        """Return whether a value that must be finite is so."""
        return True


def _require(condition: Any, expected: str, value: Any) -> None:
    if not condition:
        shape = f" of shape {value.shape}" if hasattr(value, "shape") else ""
        found = getattr(value, "dtype", type(value).__name__)
        raise FittedAttributeError(f"must be {expected}, not {found}{shape}")


@dataclass(frozen=True)
class Floats(Attribute):
    """Array of float32 or float64 with these sizes; perhaps a CSR or CSC array."""

    shape: tuple[str, ...]
    sparse: bool = False
    finite: bool = True

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        kinds = (np.ndarray, sparse.csr_array, sparse.csc_array) if self.sparse else (np.ndarray,)
        sound = type(value) in kinds and value.dtype in FLOATS and value.ndim == len(self.shape)
        _require(sound, f"an array of floats ({', '.join(self.shape)})", value)
        for name, n in zip(self.shape, value.shape, strict=True):
            sizes.require(name, n)
        _require(self.is_finite(value), "finite", value)

    def is_finite(self, value: Any) -> bool:
        """Return whether a value that must be finite is so."""
        return not self.finite or bool(np.isfinite(stored(value)).all())


@dataclass(frozen=True)
class Labels(Attribute):
    """Array (size,) of numbers or text; the classes of a classifier with `n_outputs` outputs.

    One output stands for one class or two.
    """

    size: str = "*"
    n_outputs: str | None = None

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        sound = type(value) is np.ndarray and value.ndim == 1 and value.dtype.kind in "biufUSO"
        _require(sound and len(value), "an array of labels", value)
        sizes.require(self.size, len(value))
        if self.n_outputs is not None:
            sizes.require(self.n_outputs, len(value) if len(value) > 2 else self._few(value, sizes))

    def _few(self, value: Any, sizes: Sizes) -> int:
        return 1 if sizes.known.get(str(self.n_outputs)) == 1 else len(value)


@dataclass(frozen=True)
class LabelsOfOutputs(Labels):
    """The same, or a list with the classes of several outputs, one network output for each."""

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        if type(value) is not list:
            super().check(value, sizes)
            return
        for classes in value:
            Labels().check(classes, sizes)
        sizes.require(str(self.n_outputs), sum(map(len, value)))


@dataclass(frozen=True)
class Whole(Attribute):
    """Whole number of at least 0: the size of this name, if it has one."""

    size: str = "*"

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        sound = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0
        _require(sound, "a whole number", value)
        sizes.require(self.size, int(value))


@dataclass(frozen=True)
class Number(Attribute):
    """Number."""

    finite: bool = True

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        _require(isinstance(value, Real), "a number", value)

    def is_finite(self, value: Any) -> bool:
        """Return whether a value that must be finite is so."""
        return not self.finite or math.isfinite(value)


@dataclass(frozen=True)
class UsedPart(Attribute):
    """Values of black and white, as parts of the range of a type: white may lie just beyond."""

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        numbers = type(value) is tuple and len(value) == 2 and all(type(x) is float for x in value)
        _require(numbers and 0 <= value[0] < value[1] < 2, "(black, white)", value)


@dataclass(frozen=True)
class OneOf(Attribute):
    """One of some names."""

    names: Container[str]

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        _require(isinstance(value, str) and value in self.names, "a known name", value)


@dataclass(frozen=True)
class Text(Attribute):
    """Any text."""

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        _require(isinstance(value, str), "text", value)


@dataclass(frozen=True)
class Maybe(Attribute):
    """None, or something else."""

    other: Attribute

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        if value is not None:
            self.other.check(value, sizes)

    def is_finite(self, value: Any) -> bool:
        """Return whether a value that must be finite is so."""
        return value is None or self.other.is_finite(value)


@dataclass(frozen=True)
class Each(Attribute):
    """List (or tuple) of the same; `layers`: one for each layer, whose sizes are "in" and "out".

    `inputs` is the name of the number of inputs of the first layer, `size` that of the length
    plus `shorter`.
    """

    one: Attribute
    kind: type = list
    layers: bool = False
    length: int | None = None
    inputs: str = "n_features_in_"
    size: str = "*"
    shorter: int = 0

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        _require(type(value) is self.kind, f"a {self.kind.__name__}", value)
        _require(self.length in (None, len(value)), f"of length {self.length}", value)
        sizes.require(self.size, len(value) + self.shorter)
        if self.layers:
            sizes.require("number of layers", len(value))
        for i, one in enumerate(value):
            inside = sizes.of_layer(i, len(value), self.inputs) if self.layers else sizes
            self.one.check(one, inside)

    def is_finite(self, value: Any) -> bool:
        """Return whether a value that must be finite is so."""
        return all(map(self.one.is_finite, value))


@dataclass(frozen=True)
class Shape(Attribute):
    """Tuple of positive whole numbers, whose product is the size of this name."""

    length: int
    product: str = "*"

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        sound = type(value) is tuple and len(value) == self.length
        sound = sound and all(isinstance(n, int | np.integer) and n > 0 for n in value)
        _require(sound, f"{self.length} positive whole numbers", value)
        sizes.require(self.product, int(np.prod([int(n) for n in value], dtype=object)))


@dataclass(frozen=True)
class Items(Attribute):
    """Dictionary that is empty, or has exactly these items."""

    items: Mapping[str, Attribute]

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        sound = type(value) is dict and value.keys() in (set(), self.items.keys())
        _require(sound, f"a dictionary of {', '.join(self.items)}", value)
        for name, item in value.items():
            self.items[name].check(item, sizes)


@dataclass(frozen=True)
class Instance(Attribute):
    """Object of a class, and some of its attributes, where it has them."""

    kind: Any
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def check(self, value: Any, sizes: Sizes) -> None:
        """Raise a FittedAttributeError unless the value is as declared."""
        _require(
            isinstance(value, self.kind), f"a {getattr(self.kind, '__name__', self.kind)}", value
        )
        for name, attribute in self.attributes.items():
            if hasattr(value, name):
                attribute.check(getattr(value, name), sizes)


#: What the data had in `fit`.
INPUT: Mapping[str, Attribute] = {
    "n_features_in_": Whole("n_features_in_"),
    "feature_names_in_": Labels("n_features_in_", optional=True),
}
#: What minibatch training continues from: nothing, or `Minibatch.state` and the learning rate.
OPTIMIZER = Items(
    {
        "rule": OneOf({rule.__name__ for rule in RULES}),
        "moments": Each(Floats(("*",), finite=False), tuple, length=2),
        "means": Floats(("*",)),
        "theta": Floats(("*",), finite=False),
        "n_steps": Whole(),
        "seed": Whole(),
        "rate": Number(),
    }
)


def check_fitted(estimator: Any) -> None:
    """Compare the attributes of an estimator with the table of its class, if it has one.

    Raises
    ------
    FittedAttributeError
        If an attribute has another type, shape or size, or if a parameter is invalid.
    OtherVersionError
        If attributes are missing, or unknown.
    """
    kind = type(estimator)
    table: Mapping[str, Attribute] | None = getattr(kind, "_fitted", None)
    if table is None:
        return
    state = state_of(estimator)
    parameters = list(inspect.signature(kind.__init__).parameters)[1:]
    fitted = [name for name in state if name not in parameters]
    _check_names(kind.__name__, state, [*parameters, *(_required(table, state) if fitted else [])])
    unknown = [name for name in fitted if name not in table]
    if unknown:
        raise OtherVersionError(f"{kind.__name__} has no {', '.join(unknown)}")
    sizes = Sizes()
    for name, attribute in table.items():
        if name in state:
            try:
                attribute.check(state[name], sizes)
            except FittedAttributeError as error:
                raise FittedAttributeError(f"{kind.__name__}.{name}: {error}") from None
    if fitted and hasattr(kind, "_parameter_constraints"):
        estimator._validate_params()


def check_finite(estimator: Any) -> None:
    """Raise a ValueError if a fitted attribute that must be finite is not."""
    for name, attribute in getattr(estimator, "_fitted", {}).items():
        if name in vars(estimator) and not attribute.is_finite(vars(estimator)[name]):
            raise ValueError(
                f"{type(estimator).__name__}: {name} became NaN or infinity, because values in the "
                "data are too large, or too far apart. Scale them, with StandardScaler for "
                "instance."
            )


def _required(table: Mapping[str, Attribute], state: Mapping[str, Any]) -> list[str]:
    def is_optional(attribute: Attribute) -> bool:
        optional = attribute.optional
        return optional(state) if callable(optional) else optional

    return [name for name, attribute in table.items() if not is_optional(attribute)]


def _check_names(kind: str, state: Mapping[str, Any], names: list[str]) -> None:
    missing = [name for name in names if name not in state]
    if missing:
        raise OtherVersionError(f"{kind} needs {', '.join(missing)}")
