"""What makes a training the same as another one: its estimator, parameters and data, as text.

Two trainings with the same identity, random state and initial weights end with the same bits.
"""

import hashlib
from collections.abc import Iterator, Mapping
from numbers import Real
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches

from striate.core.row_blocks import RowBlocks
from striate.solvers.saved_state import RandomNumbers

# Parameters without effect on the training. (After `warm_start` the initial weights differ.)
_WITHOUT_EFFECT = ("verbose", "warm_start", "contamination")
# Learning rates that do not depend on `max_iter`, so that a training may be made longer.
_RATES_OF_ANY_LENGTH = ("'auto'", "'constant'", "'invscaling'", "'adaptive'")
# Bytes whose checksum is computed at a time.
_BLOCK_BYTES = 2**24
# Number of blocks of a `RowBlocks` that count, evenly spread.
_SAMPLED_BLOCKS = 16


def identity_of(estimator: Any, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of a class, its parameters and its data, each as a short text.

    Parameters
    ----------
    estimator : estimator
        All of its parameters count, but for those without effect on the training.
    data : dict
        Arrays, sparse matrices or None by name; of each, type, shape and a checksum count. Of a
        `RowBlocks`, some blocks count.
    """
    parameters = estimator.get_params(deep=False)
    texts = {name: parameters[name] for name in parameters if name not in _WITHOUT_EFFECT}
    texts |= data
    return {
        "estimator": type(estimator).__name__,
        **{name: text_of(value) for name, value in texts.items()},
    }


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return what differs between the identity of a training and that of an earlier one.

    `max_iter` may be larger, unless the learning rate depends on it.
    """
    none = "missing"
    names = [*here, *(name for name in there if name not in here)]
    if _may_be_longer(here, there):
        names.remove("max_iter")
    return [
        f"{name} was {_short(there.get(name, none))}, and is {_short(here.get(name, none))}"
        for name in names
        if here.get(name, none) != there.get(name, none)
    ]


def _may_be_longer(here: Mapping[str, str], there: Mapping[str, str]) -> bool:
    rate = here.get("learning_rate", "'auto'")
    any_length = rate in _RATES_OF_ANY_LENGTH or rate[0].isdigit()
    return (
        any_length
        and "max_iter" in here
        and float(here["max_iter"]) >= float(there.get("max_iter", "inf"))
    )


def checksum_of(identity: Mapping[str, str]) -> str:
    """Return a checksum of an identity, which may be part of the name of a file."""
    return hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()[:16]


def text_of(value: Any) -> str:
    """Return a text that is the same for equal values, in other processes, too."""
    if isinstance(value, np.ndarray) or sparse.issparse(value):
        kind = f"{value.format.upper()} " if sparse.issparse(value) else ""
        return f"{kind}{_size_of(value)} with checksum {_checksum(value)}"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bool | type(None)):
        return repr(value)
    if isinstance(value, Real):
        return format(float(value), ".17g")
    if isinstance(value, np.random.RandomState):
        return f"RandomState with checksum {_checksum(_random_bytes(value))}"
    if isinstance(value, BaseEstimator):
        parameters = value.get_params(deep=False).items()
        given = ", ".join(f"{name}={text_of(each)}" for name, each in parameters)
        return f"{type(value).__name__}({given})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {text_of(each)}' for name, each in value.items())}}}"
    if hasattr(value, "__array__"):  # a data frame
        return f"{type(value).__name__} {text_of(np.asarray(value))}"
    return _text_of_blocks(value) if isinstance(value, RowBlocks) else _text_of_code(value)


def _size_of(value: Any) -> str:
    return f"{value.dtype} {' × '.join(str(n) for n in value.shape)}"


def _text_of_blocks(value: RowBlocks) -> str:
    """Return a text for stored rows, from a sample: reading all takes as long as an epoch."""
    edges = value.piece_edges
    some = np.unique(np.linspace(0, max(len(edges) - 2, 0), _SAMPLED_BLOCKS).astype(int))
    read = [value.read(*map(int, edges[k : k + 2])) for k in some]
    checksum = hashlib.sha256("".join(map(_checksum, read)).encode()).hexdigest()[:12]
    return f"blocks of {_size_of(value)} with checksum {checksum}"


def _text_of_code(value: Any) -> str:
    """Return a text for a function, a class or an object of an unknown kind."""
    if isinstance(value, FunctionType):
        inside = [_code_of(value.__code__), value.__defaults__, value.__kwdefaults__]
        inside += [cell.cell_contents for cell in value.__closure__ or ()]
        checksum = hashlib.sha256(text_of(inside).encode()).hexdigest()[:12]
        return f"function {value.__name__} with checksum {checksum}"
    name = getattr(value, "__qualname__", None)
    return type(value).__qualname__ if name is None else f"{value.__module__}.{name}"


def _code_of(code: CodeType) -> list[Any]:
    """Return what a function computes, without where it is written."""
    constants = [_code_of(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names)]


def _random_bytes(random_state: np.random.RandomState) -> np.ndarray:
    state = RandomNumbers(random_state).state
    numbers = [state["position"], state["has_gauss"], state["gauss"]]
    return np.concatenate([state["key"].astype(np.float64), numbers])


def _checksum(value: Any) -> str:
    checksum = hashlib.sha256()
    for part in _blocks(value):
        checksum.update(part)
    return checksum.hexdigest()[:12]


def _blocks(value: Any) -> Iterator[bytes | memoryview]:
    """Yield the bytes of an array or a sparse matrix, some rows at a time."""
    if sparse.issparse(value):
        for each in (value.data, value.indices.astype(np.int64), value.indptr.astype(np.int64)):
            yield from _blocks(each)
        return
    if value.dtype.hasobject:
        yield repr(value.tolist()).encode()
        return
    if value.size == 0:
        return
    rows = value.reshape(len(value), -1) if value.ndim else value.reshape(1, 1)
    n_bytes = max(1, rows.shape[1] * rows.itemsize)
    for block in gen_batches(len(rows), max(1, _BLOCK_BYTES // n_bytes)):
        yield np.ascontiguousarray(rows[block]).tobytes()


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
