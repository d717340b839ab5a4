"""Fitted estimators in files: written whole or not at all, and read without running their code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer, get_scorer_names

import striate
from striate.core.sparse_matrices import is_sound
from striate.files.atomic_writing import check_writable, replacing

# Sparse matrices that skops knows, and that `load` looks into.
_SPARSE = (
    sparse.csc_array,
    sparse.csr_array,
    sparse.coo_array,
    sparse.csc_matrix,
    sparse.csr_matrix,
    sparse.coo_matrix,
)
# How a search over parameters divides the rows. They hold numbers and compute indices.
_SPLITTERS = [
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "PredefinedSplit",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
]
# How it scores: what these call is an estimator or a function that must itself be on the list.
_SCORERS = (
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "striate.estimators.missing_labels._LabeledScorer",
)


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, or a pipeline of them, to a file in skops's format.

    The file is complete when it appears: it is written beside `path` under another name and then
    renamed. Callbacks (a progress bar, say) are not saved. Needs skops.

    Parameters
    ----------
    estimator : estimator
        One of Striate's or of scikit-learn's, a pipeline of both, or a search over their
        parameters.
    path : path
        The file, by custom with the suffix ``.skops``. An existing file is replaced.

    Raises
    ------
    ValueError
        If the estimator holds something that :func:`load` would refuse, such as a function of
        your own or an estimator of another package.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.preprocessing import StandardScaler
    >>> from striate.persistence import load, save
    >>> with TemporaryDirectory() as folder:
    ...     save(StandardScaler().fit([[0.0], [2.0]]), f"{folder}/scaler.skops")
    ...     load(f"{folder}/scaler.skops").mean_
    array([1.])
    """
    skops_io = _skops_io()
    check_writable(path)
    try:
        with _callbacks_aside(estimator):
            data = skops_io.dumps(estimator)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(estimator).__name__} cannot be saved ({error}){_instead(estimator)}"
        ) from error
    refused = _refused_types(skops_io, data)
    if refused:
        raise ValueError(
            f"{type(estimator).__name__} cannot be saved, because load would refuse what it "
            f"holds: {', '.join(refused)}{_instead(estimator)}"
        )
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that :func:`save` wrote.

    Nothing in the file is run. Types that skops does not know as safe and that are not
    Striate's estimators are refused, scikit-learn's trees among them: a forged tree could crash
    the process. Needs skops.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    estimator
        As it was saved, without callbacks.

    Raises
    ------
    ValueError
        If the file is empty, truncated, damaged or of another kind, or if it holds a type that
        is not trusted.
    OSError
        If there is no such file, or it cannot be read.
    """
    skops_io = _skops_io()
    name = os.fspath(path)
    data = _read(path)
    if not data:
        raise ValueError(f"{name}: the file is empty (0 bytes)")
    try:
        refused = _refused_types(skops_io, data)
        estimator = None if refused else skops_io.loads(data, trusted=_our_types())
        _check_sparse(estimator)
    except Exception as error:
        # Damaged bytes raise anything: BadZipFile, KeyError, UnicodeDecodeError, struct.error.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{name}: truncated, damaged, or not a file that Striate wrote ({reason})"
        ) from error
    if refused:
        raise ValueError(
            f"{name}: not loaded, because it holds types that are neither NumPy's, "
            f"scikit-learn's safe ones nor Striate's: {', '.join(refused)}"
        )
    if not isinstance(estimator, BaseEstimator):
        raise ValueError(f"{name}: holds a {type(estimator).__name__}, not an estimator")
    return estimator


def _check_sparse(estimator: Any) -> None:
    """Refuse sparse matrices whose indices lie: compiled code would read beyond arrays."""
    for W in _values_in(estimator):
        if sparse.issparse(W) and not (type(W) in _SPARSE and is_sound(W)):
            raise ValueError(f"the indices of a sparse matrix {W.shape} do not fit its shape")


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise type(error)(f"{os.fspath(path)}: cannot be read ({reason})") from error


def _skops_io() -> ModuleType:
    try:
        import skops.io
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "saving and loading need skops: pip install 'striate[app]'", name="skops"
        ) from error
    return skops.io


def _refused_types(skops_io: ModuleType, data: bytes) -> list[str]:
    return sorted(set(skops_io.get_untrusted_types(data=data)) - set(_our_types()))


def _instead(estimator: Any) -> str:
    """Say what to save in place of a search that draws from distributions, for instance."""
    for each in _estimators_in(estimator):
        if hasattr(each, "best_estimator_"):
            whole = "its" if each is estimator else f"the {type(each).__name__}'s"
            return f"; save {whole} best_estimator_ instead, which is what predicts"
    return ""


def _our_types() -> list[str]:
    """Full names of the public estimators, and of what they and searches over them may hold."""
    # Each by name, so that no function slips in.
    public = [getattr(striate, name) for name in striate.__all__]
    estimators = [
        each for each in public if isinstance(each, type) and issubclass(each, BaseEstimator)
    ]
    splitters = [getattr(model_selection, name) for name in _SPLITTERS]
    metrics = [get_scorer(name)._score_func for name in get_scorer_names()]
    known = [*estimators, *_SPARSE, *splitters, *metrics]
    return [*(f"{each.__module__}.{each.__qualname__}" for each in known), *_SCORERS]


@contextmanager
def _callbacks_aside(estimator: Any) -> Iterator[None]:
    """Take scikit-learn's callbacks off an estimator and those inside it, and put them back."""
    holders = [each for each in _estimators_in(estimator) if "_skl_callbacks" in vars(each)]
    callbacks = [vars(each).pop("_skl_callbacks") for each in holders]
    try:
        yield
    finally:
        for each, callback in zip(holders, callbacks, strict=True):
            each._skl_callbacks = callback


def _estimators_in(value: Any) -> Iterator[BaseEstimator]:
    return (each for each in _values_in(value) if isinstance(each, BaseEstimator))


def _values_in(value: Any) -> Iterator[Any]:
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if isinstance(value, BaseEstimator):
            waiting += vars(value).values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, np.ndarray) and value.dtype == object:
            waiting += value.ravel().tolist()
