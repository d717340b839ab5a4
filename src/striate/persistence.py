"""Fitted estimators in skops files: written atomically, and loaded without running code."""

import io
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
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
from striate.estimators.fitted_attributes import OtherVersionError, check_fitted
from striate.estimators.sklearn_private import (
    CALLBACKS_ATTRIBUTE,
    SCORER_TYPES,
    TREE_TYPE,
    score_function,
)
from striate.files.atomic_writing import check_writable, write_file
from striate.files.declared_size import TooLargeError, check_declared_size
from striate.files.regular_files import ENDLESS, is_endless
from striate.files.sound_trees import check_trees

# Sparse matrices that skops can save and whose indices `load` checks.
_SPARSE_TYPES = (
    sparse.csc_array,
    sparse.csr_array,
    sparse.coo_array,
    sparse.csc_matrix,
    sparse.csr_matrix,
    sparse.coo_matrix,
)
# Cross-validation splitters of a search over parameters: they hold numbers and compute indices.
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
# Part of the archive that holds the version of Striate.
_VERSION_PART = "striate_version.txt"
# Parts of estimators. The estimator or function that a scorer calls must be trusted itself.
_PARTS = (
    *SCORER_TYPES,
    TREE_TYPE,  # check_trees
    "striate.estimators.missing_labels._LabeledScorer",
    "striate.estimators.several_targets.GroupBinarizer",
)


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write an estimator, or a pipeline, to a file in the skops format.

    The file is written under a temporary name in the same folder and then renamed, so that it is
    never incomplete. Callbacks, such as a progress bar, are not saved. Needs skops.

    Parameters
    ----------
    estimator : estimator
        Estimator of Striate or scikit-learn, pipeline of both, or search over their parameters.
    path : path
        File to write, usually with the suffix ``.skops``. An existing file is replaced.

    Raises
    ------
    ValueError
        If the estimator holds something that :func:`load` would refuse, such as a function that
        you wrote or an estimator of another package.
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
    skops = skops_io()
    check_writable(path)
    try:
        check_trees(_estimators_in(estimator))
        for each in _estimators_in(estimator):
            check_fitted(each)
        with _without_callbacks(estimator):
            data = skops.dumps(estimator)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(estimator).__name__} cannot be saved ({error}){_suggestion(estimator)}"
        ) from error
    refused = _refused_types(skops, data)
    if refused:
        raise ValueError(
            f"{type(estimator).__name__} cannot be saved, because load would refuse what it "
            f"holds: {', '.join(refused)}{_suggestion(estimator)}"
        )
    archive = io.BytesIO(data)
    with zipfile.ZipFile(archive, "a") as parts:
        parts.writestr(_VERSION_PART, striate.__version__)
    write_file(path, archive.getvalue())


def load(path: str | os.PathLike[str], *, max_bytes: int = 2**28) -> Any:
    """Read an estimator that :func:`save` wrote.

    No code in the file is run. Only types that skops considers safe, Striate's estimators and
    scikit-learn's forests are accepted. The fitted attributes of Striate's estimators are checked:
    their names, types, shapes and sizes; and the nodes of trees, since a forged tree could crash
    the process. Needs skops.

    Parameters
    ----------
    path : path
        File to read.
    max_bytes : int, default=2**28
        Memory that the contents may take, by what the file declares: 256 MiB by default. A file
        that is larger itself, as models that `save` wrote may be, may take its own size.

    Returns
    -------
    estimator
        The estimator as it was saved, without callbacks.

    Raises
    ------
    ValueError
        If the file is empty, truncated, damaged or of another format, if it holds a type that is
        not trusted, if its contents are too large, or if its attributes are not those of this
        version of Striate.
    OSError
        If the file does not exist or cannot be read.
    """
    skops = skops_io()
    name = os.fspath(path)
    data = _read(path)
    if not data:
        raise ValueError(f"{name}: the file is empty (0 bytes)")
    limit, written_by = max(max_bytes, len(data)), ""
    try:
        check_declared_size(data, limit)
        written_by = _versions(data)
        refused = _refused_types(skops, data)
        estimator = None if refused else skops.loads(data, trusted=[*_trusted_types()])
        _check_sparse(estimator)
        check_trees(_estimators_in(estimator))
        for each in _estimators_in(estimator):
            check_fitted(each)
    except TooLargeError as error:
        raise ValueError(
            f"{name}: not loaded, because {error}, more than the limit of {limit / 1e6:,.0f} MB. "
            "If you trust the file, raise max_bytes of striate.persistence.load."
        ) from None
    except OtherVersionError as error:
        raise ValueError(
            f"{name}: not loaded, because of other attributes than those of this version: "
            f"{error}. {written_by}. Load it with the version that wrote it, or fit and save the "
            "model again."
        ) from error
    except Exception as error:
        # Damaged bytes raise BadZipFile, KeyError, UnicodeDecodeError, struct.error and others.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{name}: truncated, damaged, or not a file that Striate wrote ({reason})"
        ) from error
    if refused:
        raise ValueError(
            f"{name}: not loaded, because it holds types that are neither NumPy's, "
            f"scikit-learn's safe ones nor Striate's: {', '.join(refused)}. {written_by}."
        )
    if not isinstance(estimator, BaseEstimator):
        raise ValueError(f"{name}: holds a {type(estimator).__name__}, not an estimator")
    return estimator


def _versions(data: bytes) -> str:
    """Return a sentence about the version that wrote the file, and this one."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        known = _VERSION_PART in archive.namelist()
        written = archive.read(_VERSION_PART).decode("ascii", "replace") if known else ""
    written = written if re.fullmatch(r"[\w.+!]{1,40}", written) else "an unknown version"
    return f"It was written by Striate {written}, and this is Striate {striate.__version__}"


def _check_sparse(estimator: Any) -> None:
    """Refuse sparse matrices with invalid indices: compiled code would read out of bounds."""
    for W in _values_in(estimator):
        if sparse.issparse(W) and not (type(W) in _SPARSE_TYPES and is_sound(W)):
            raise ValueError(f"the indices of a sparse matrix {W.shape} do not fit its shape")


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        if is_endless(path):
            raise ValueError(f"{os.fspath(path)}: {ENDLESS}")
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise type(error)(f"{os.fspath(path)}: cannot be read ({reason})") from error


def skops_io() -> ModuleType:
    """Import skops, or say how to install it."""
    try:
        return import_module("skops.io")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "saving and loading need skops: pip install 'striate[app]'", name="skops"
        ) from error


def _refused_types(skops_io: ModuleType, data: bytes) -> list[str]:
    return sorted(set(skops_io.get_untrusted_types(data=data)) - set(_trusted_types()))


def _suggestion(estimator: Any) -> str:
    """Return what to save instead of a search, if there is one, as the end of a message."""
    for each in _estimators_in(estimator):
        if hasattr(each, "best_estimator_"):
            owner = "its" if each is estimator else f"the {type(each).__name__}'s"
            return f"; save {owner} best_estimator_ instead, which makes the predictions"
    return ""


@cache  # many signatures are inspected, which would take half the time of a small file
def _trusted_types() -> tuple[str, ...]:
    """Return the full names of Striate's estimators, and of what searches over them may hold."""
    # Estimators one by one, so that no public function is trusted.
    public = [getattr(striate, name) for name in striate.__all__]
    estimators = [
        each for each in public if isinstance(each, type) and issubclass(each, BaseEstimator)
    ]
    splitters = [getattr(model_selection, name) for name in _SPLITTERS]
    metrics = [score_function(get_scorer(name)) for name in get_scorer_names()]
    types = [*estimators, *_SPARSE_TYPES, *splitters, *metrics]
    return (*(f"{each.__module__}.{each.__qualname__}" for each in types), *_PARTS)


@contextmanager
def _without_callbacks(estimator: Any) -> Iterator[None]:
    """Remove scikit-learn's callbacks from an estimator and those inside it for a while."""
    owners = [each for each in _estimators_in(estimator) if CALLBACKS_ATTRIBUTE in vars(each)]
    callbacks = [vars(each).pop(CALLBACKS_ATTRIBUTE) for each in owners]
    try:
        yield
    finally:
        for each, callback in zip(owners, callbacks, strict=True):
            setattr(each, CALLBACKS_ATTRIBUTE, callback)


def _estimators_in(value: Any) -> Iterator[BaseEstimator]:
    return (each for each in _values_in(value) if isinstance(each, BaseEstimator))


def _values_in(value: Any) -> Iterator[Any]:
    """Yield a value and everything in its attributes and containers, each once."""
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
