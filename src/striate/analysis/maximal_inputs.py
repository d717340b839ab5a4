"""x_j = W_ij / ‖W_i‖: the input that most excites hidden unit i."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from striate.core.sparse_matrices import canonical_rows
from striate.estimators.validated_input import FLOATS

from .fitted_weights import unit_weights


def maximal_inputs(components: Any) -> Any:
    """Return the input of norm 1 that excites each unit of a first hidden layer most.

    Among all x with ‖x‖ ≤ 1, W_i x is largest for x = W_i / ‖W_i‖: what the unit looks for.

    Parameters
    ----------
    components : array-like (n_units, ...), sparse matrix (n_units, n_features) or fitted estimator
        Weights of each unit; an estimator's `filters_`, `components_`, `cluster_centers_` or
        first `coefs_`.

    Returns
    -------
    ndarray of the same shape, or csr_array if the weights are sparse
        All zeros for a unit whose weights are all zero.

    Raises
    ------
    ValueError
        If no weights are found.

    References
    ----------
    .. [1] Stanford UFLDL tutorial, "Visualizing a trained autoencoder".

    Examples
    --------
    >>> maximal_inputs([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    weights = unit_weights(components)
    W = components if weights is None else weights
    W = sparse.csr_array(canonical_rows(W)) if sparse.issparse(W) else _as_array(W)
    if W is None or W.ndim < 2 or 0 in W.shape:
        raise ValueError(
            "components must be weights (n_units, ...), all finite, or a fitted estimator with "
            f"filters_, components_, cluster_centers_ or coefs_; got {components!r}"
        )
    rows = W.reshape(W.shape[0], -1)
    norm = sparse.linalg.norm if sparse.issparse(W) else np.linalg.norm
    norms = norm(rows, axis=1)[:, np.newaxis]
    x: Any = rows / np.where(norms == 0, 1, norms)
    return x.tocsr() if sparse.issparse(x) else x.reshape(W.shape)


def _as_array(W: Any) -> Any:
    """Return finite numbers as an array; None for anything else."""
    try:
        return check_array(W, dtype=FLOATS, allow_nd=True, ensure_2d=False)
    except (TypeError, ValueError, OverflowError):
        return None
