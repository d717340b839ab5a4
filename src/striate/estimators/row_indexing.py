"""Rows of data of any kind: arrays, sparse matrices, frames, lists of images or of files."""

from itertools import zip_longest

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse

from .sklearn_private import num_samples, safe_indexing


def select_rows(X, rows):
    """Those rows of X, of its kind; X itself if they are all there are.

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
    if sparse.issparse(X):
        X = X.tocsr()  # not all formats can be indexed
    return safe_indexing(X, rows)


def join_rows(X, more, name):
    """The rows of X and below them those of `more`, of the same kind.

    Images of several sizes or number types become a list.

    Parameters
    ----------
    X, more : array, sparse matrix, frame or list
    name : str
        What messages call `more`.

    Returns
    -------
    array, sparse matrix, frame or list

    Raises
    ------
    ValueError
        If one is a frame and the other is not, or if they have not the same columns.
    """
    frames = [nw.dependencies.is_into_dataframe(each) for each in (X, more)]
    if any(frames):
        if type(X) is not type(more):
            raise ValueError(
                f"X is a {type(X).__name__} and {name} a {type(more).__name__}; give both as one"
            )
        return _joined_frames(nw.from_native(X), nw.from_native(more), name)
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


def _is_list(X):
    """Whether X is a list of images or of files, perhaps as an array of these."""
    return getattr(X, "ndim", 1) == 1 and not (
        isinstance(X, np.ndarray) and X.dtype.kind in "biufc"
    )


def _joined_frames(X, more, name):
    if X.columns != more.columns:
        places = zip_longest(X.columns, more.columns, fillvalue="none")
        ours, theirs = next((a, b) for a, b in places if a != b)
        raise ValueError(
            f"{name} must have the columns of X in the same order, but has {theirs} where X has "
            f"{ours}"
        )
    return nw.concat([X, more], how="vertical").to_native()


def _check_width(shape, other, name):
    if shape[1:] != other[1:]:
        raise ValueError(
            f"{name} must have rows like those of X, got shape {other} beside {shape} of X"
        )
