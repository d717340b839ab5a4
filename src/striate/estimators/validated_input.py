"""X and y from the user: checked, in the byte order of the machine, sparse ones without duplicates.

Estimators take their input from here. So compiled code meets two kinds of X only, and the caller's
arrays are never changed.
"""

from numbers import Number
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_X_y, validate_data

from striate.core.row_blocks import RowBlocks, as_rows, in_memory
from striate.core.sparse_matrices import canonical_rows, check_sound
from striate.core.stored_arrays import loaded

#: Types of the arithmetic; other numbers are converted to the first.
FLOATS = (np.float64, np.float32)


def validated(estimator: Any, X: Any, *y: Any, by_blocks: bool = False, **options: Any) -> Any:
    """Return what scikit-learn's `validate_data` returns, in canonical form.

    Parameters
    ----------
    estimator : estimator
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    *y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, if there are any.
    by_blocks : bool, default=False
        Whether the estimator takes a `RowBlocks`, which large stored arrays become. Otherwise X is
        loaded, whatever it is.
    **options
        Of `validate_data`.

    Returns
    -------
    X, or X and y
        A sparse X as CSR with sorted indices, whose duplicate entries are added.
    """
    refuse_kinds(X, "X", "VMm")
    y = tuple(loaded(each) if hasattr(each, "compute") else each for each in y)
    for each in y:
        refuse_odd_targets(each, numeric=bool(options.get("y_numeric")))
    X = as_rows(X) if by_blocks else in_memory(X)
    if isinstance(X, RowBlocks):
        return _validated_blocks(estimator, X, *y, **options)
    try:
        checked = validate_data(estimator, in_native_order(X), *y, **options)
    except OverflowError as error:
        raise ValueError(f"the data have a number beyond the range of float64 ({error})") from error
    return (_canonical(checked[0]), *checked[1:]) if y else _canonical(checked)


def _validated_blocks(estimator: Any, X: RowBlocks, *y: Any, **options: Any) -> Any:
    """Do for rows that are read by blocks what needs no values; those are checked when read."""
    n_samples, n_features = X.shape
    least = options.get("ensure_min_samples", 1)
    if n_samples < least or n_features == 0:
        raise ValueError(
            f"Found array with {n_samples} sample(s) and {n_features} feature(s) (shape={X.shape}) "
            f"while a minimum of {least} sample(s) and 1 feature is required."
        )
    validate_data(estimator, X.header, *y, reset=options.get("reset", True), skip_check_array=True)
    if not y:
        return X
    settings = {name: options[name] for name in ("multi_output", "y_numeric") if name in options}
    nothing = np.broadcast_to(np.float32(0), (n_samples, 1))
    return X, check_X_y(nothing, *y, estimator=estimator, **settings)[1]


def refuse_kinds(data: Any, name: str, kinds: str) -> None:
    """Raise a ValueError for records, times or text, which NumPy may turn into numbers."""
    dtype = getattr(data, "dtype", None)
    if getattr(dtype, "kind", "f") in kinds:
        raise ValueError(f"{name} must hold numbers, got dtype {dtype}")


def refuse_odd_targets(y: Any, name: str = "y", *, numeric: bool) -> None:
    """Raise a ValueError for targets that are no numbers, or neither labels nor numbers."""
    refuse_kinds(y, name, "VMmUST" if numeric else "V")
    _check_objects(y, name)
    if sparse.issparse(y) and numeric:
        raise ValueError(f"{name} must be dense: call its method toarray()")


def _check_objects(y: Any, name: str) -> None:
    """Raise a ValueError if a column of objects does not hold numbers only, or text only."""
    if not hasattr(y, "dtype") or y.dtype != np.dtype(object):
        return
    values = np.asarray(y)
    for column in values.T if values.ndim == 2 else [values.ravel()]:
        found = {type(each) for each in column}
        texts = {each for each in found if issubclass(each, str | bytes)}
        others = {each for each in found - texts if not issubclass(each, Number | np.bool_)}
        if others or (texts and found - texts):
            types = ", ".join(sorted(each.__name__ for each in found))
            raise ValueError(
                f"{name} must hold numbers only, or text only, got objects of type {types}"
            )


def in_native_order(X: Any) -> Any:
    """Return an array or sparse matrix in the byte order of this machine; anything else as it is.

    Files from other machines have the other order. The numbers keep their precision.

    Raises
    ------
    ValueError
        If the indices of a sparse matrix do not fit its shape: nothing may convert it.
    """
    if sparse.issparse(X):
        check_sound(X)
    if not isinstance(X, np.ndarray) and not sparse.issparse(X):
        return X
    if X.dtype.isnative:
        return X
    return X.astype(X.dtype.newbyteorder("="))


def _canonical(X: Any) -> Any:
    return canonical_rows(X) if sparse.issparse(X) else in_native_order(X)
