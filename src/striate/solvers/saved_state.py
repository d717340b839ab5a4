"""States of what changes during a training, as plain dictionaries, and how to continue from one.

A state holds numbers, text, arrays, tuples and dictionaries of these, and nothing else, so that it
can be read from a file without trusting it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from .result import Result

State = Mapping[str, Any]


class Changing(Protocol):
    """Something that changes during a training."""

    @property
    def state(self) -> dict[str, Any]:
        """What it needs to continue from here."""

    def resume(self, state: State) -> Any:
        """Continue from a state."""


class Keeper(Protocol):
    """Who keeps the states of a training: `striate.estimators.training_record`."""

    @property
    def is_kept(self) -> bool:
        """Whether states are kept at all."""

    def resume(self, result: Result, changing: Mapping[str, Changing]) -> Result:
        """Set everything back to the last state that was kept; return the result there."""

    def keep(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Keep the state after an iteration."""

    def finish(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Keep the state after the last iteration."""


class NothingKept:
    """A `Keeper` that keeps nothing."""

    is_kept = False

    def resume(self, result: Result, changing: Mapping[str, Changing]) -> Result:
        """Return the result as it is."""
        return result

    def keep(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Do nothing."""

    def finish(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Do nothing."""


NOTHING_KEPT = NothingKept()


class Attributes:
    """Some attributes of an object as its state.

    Arrays and lists are filled in place, since others may hold them, too.
    """

    def __init__(self, owner: object, *names: str) -> None:
        self._owner, self._names = owner, names

    @property
    def state(self) -> dict[str, Any]:
        """What the object needs to continue from here."""
        return {name: _plain(getattr(self._owner, name)) for name in self._names}

    def resume(self, state: State) -> None:
        """Continue from a state.

        Raises
        ------
        ValueError
            If the state is not one of such an object.
        """
        for name in self._names:
            value = _refilled(getattr(self._owner, name), state[name], name)
            setattr(self._owner, name, value)


class Stateful:
    """An object whose state is those of its attributes that `changing` names."""

    changing: ClassVar[tuple[str, ...]] = ()

    @property
    def state(self) -> dict[str, Any]:
        """What it needs to continue from here."""
        return Attributes(self, *self.changing).state

    def resume(self, state: State) -> None:
        """Continue from a state."""
        Attributes(self, *self.changing).resume(state)


class RowOrder(Stateful):
    """The order in which an epoch takes the rows, whose indices are given in any order."""

    changing = ("rows",)

    def __init__(self, rows: npt.NDArray[np.intp]) -> None:
        self.rows, self._sorted = np.array(rows), np.sort(rows)

    def resume(self, state: State) -> None:
        """Continue from a state."""
        # Compiled code follows the indices.
        if not np.array_equal(np.sort(state["rows"]), self._sorted):
            raise ValueError("rows: not an order of the rows")
        super().resume(state)


class RandomNumbers:
    """The state of a random number generator."""

    def __init__(self, random_state: np.random.RandomState) -> None:
        self._random_state = random_state

    @property
    def state(self) -> dict[str, Any]:
        """What it needs to continue from here."""
        kind, key, position, has_gauss, gauss = self._random_state.get_state(legacy=True)
        state = {"kind": str(kind), "key": np.array(key), "position": int(position)}
        return {**state, "has_gauss": int(has_gauss), "gauss": float(gauss)}

    def resume(self, state: State) -> None:
        """Continue from a state.

        Raises
        ------
        ValueError
            If it is not the state of such a generator.
        """
        known = self.state
        _check_array(known["key"], state["key"], "random_state")
        if state["kind"] != known["kind"] or not 0 <= state["position"] <= len(known["key"]):
            raise ValueError("random_state: not of this kind")
        self._random_state.set_state(tuple(state[name] for name in known))


def _plain(value: Any) -> Any:
    """Return a number as Python's, a list of numbers as an array, and the rest as it is."""
    if isinstance(value, list):
        return np.array(value, dtype=np.float64)
    return value.item() if isinstance(value, np.generic) else value


def _refilled(current: Any, given: Any, name: str) -> Any:
    """Return `current` with the contents of `given`, in place if it is an array or a list.

    Raises
    ------
    ValueError
        If they differ in kind, type or shape.
    """
    if isinstance(current, np.ndarray):
        _check_array(current, given, name)
        current[...] = given
        return current
    if isinstance(current, tuple):
        return tuple(_refilled(*pair, name) for pair in zip(current, given, strict=True))
    if isinstance(current, list):
        if np.ndim(given) != 1 or given.dtype != np.float64:
            raise ValueError(f"{name}: not a list of numbers")
        current[:] = given.tolist()
        return current
    kinds: Any = (int, float, np.ndarray, type(None)) if current is None else (int, float)
    kinds = str if isinstance(current, str) else kinds
    if not isinstance(given, kinds):
        raise ValueError(f"{name}: a {type(given).__name__}")
    return given


def _check_array(current: npt.NDArray[Any], given: Any, name: str) -> None:
    found = getattr(given, "dtype", type(given).__name__), np.shape(given)
    if found != (current.dtype, current.shape):
        raise ValueError(f"{name}: {found[0]} {found[1]}, not {current.dtype} {current.shape}")
