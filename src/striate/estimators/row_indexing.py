"""Select and join rows of arrays, sparse matrices, data frames, and lists of images or files."""

from itertools import zip_longest
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
from scipy import sparse

from .sklearn_private import num_samples, safe_indexing
from .validated_input import in_native_order


def select_rows(X: Any, rows: npt.NDArray[np.intp]) -> Any:
    """Return the given rows of X, as the same kind of container; X itself if these are all rows.

    Parameters
    ----------
    X : array, sparse matrix, frame or list
    rows : ndarray of int
        Ascending indices.

    Returns
    -------
    array, sparse matrix, frame or list
    """
    if len(rows) == num_samples(X):
        return X
    X = _with_rows(X)
    if sparse.issparse(X):
        X = in_native_order(X).tocsr()  # not all formats can be indexed
    return safe_indexing(X, rows)


def join_rows(X: Any, more: Any, name: str) -> Any:
    """Return the rows of X followed by those of `more`, as the same kind of container.

    Images of several sizes or dtypes become a list.

    Parameters
    ----------
    X, more : array, sparse matrix, frame or list
    name : str
        Name of `more` in error messages.

    Returns
    -------
    array, sparse matrix, frame or list

    Raises
    ------
    ValueError
        If one is a frame and the other is not, or if their columns differ.
    """
    X, more = _with_rows(X), _with_rows(more)
    frames = [nw.dependencies.is_into_dataframe(each) for each in (X, more)]
    if any(frames):
        if type(X) is not type(more):
            raise ValueError(
                f"X is a {type(X).__name__}, but {name} is a {type(more).__name__}; give both as "
                "the same type"
            )
        return _join_frames(nw.from_native(X), nw.from_native(more), name)
    if sparse.issparse(X) or sparse.issparse(more):
        _check_width(np.shape(X), np.shape(more), name)
        return sparse.vstack([X, more], format="csr")
    if any(_is_list(each) for each in (X, more)):
        return [*X, *more]
    if X.ndim == 2 or X.ndim != more.ndim:
        _check_width(X.shape, more.shape, name)
    elif X.shape[1:] != more.shape[1:] or X.dtype != more.dtype:
        return [*X, *more]
    return np.concatenate([X, more])


def _with_rows(X: Any) -> Any:
    """Return X, as an array if it is one by `__array__` alone."""
    return X if hasattr(X, "__getitem__") or not hasattr(X, "__array__") else np.asarray(X)


def _is_list(X: Any) -> bool:
    """Return whether X is a list of images or files, or an object array of them."""
    return getattr(X, "ndim", 1) == 1 and not (
        isinstance(X, np.ndarray) and X.dtype.kind in "biufc"
    )


def _join_frames(X: Any, more: Any, name: str) -> Any:
    if X.columns != more.columns:
        pairs = zip_longest(X.columns, more.columns, fillvalue="none")
        expected, found = next((a, b) for a, b in pairs if a != b)
        raise ValueError(
            f"{name} must have the columns of X in the same order, but has {found} where X has "
            f"{expected}"
        )
    return nw.concat([X, more], how="vertical").to_native()


def _check_width(shape: tuple[int, ...], other: tuple[int, ...], name: str) -> None:
    if shape[1:] != other[1:]:
        raise ValueError(
            f"{name} must have rows like those of X, got shape {other}, but X has {shape}"
        )
