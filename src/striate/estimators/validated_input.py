"""X and y from the user: checked, in the byte order of the machine, sparse ones without duplicates.

Estimators take their input from here. So compiled code meets two kinds of X only, and the caller's
arrays are never changed.
"""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from striate.core.sparse_matrices import canonical_rows

#: Types of the arithmetic; other numbers are converted to the first.
FLOATS = (np.float64, np.float32)


def validated(estimator: Any, X: Any, *y: Any, **options: Any) -> Any:
    """Return what scikit-learn's `validate_data` returns, in canonical form.

    Parameters
    ----------
    estimator : estimator
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    *y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, if there are any.
    **options
        Of `validate_data`.

    Returns
    -------
    X, or X and y
        A sparse X as CSR with sorted indices, whose duplicate entries are added.
    """
    if y:
        X, *y = validate_data(estimator, in_native_order(X), *y, **options)
        return (_canonical(X), *y)
    return _canonical(validate_data(estimator, in_native_order(X), **options))


def in_native_order(X: Any) -> Any:
    """Return an array or sparse matrix in the byte order of this machine; anything else as it is.

    Files from other machines have the other order. The numbers keep their precision.
    """
    if not isinstance(X, np.ndarray) and not sparse.issparse(X):
        return X
    if X.dtype.isnative:
        return X
    return X.astype(X.dtype.newbyteorder("="))


def _canonical(X: Any) -> Any:
    return canonical_rows(X) if sparse.issparse(X) else in_native_order(X)
