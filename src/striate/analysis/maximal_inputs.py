"""x_j = W_ij / ‖W_i‖: the input that most excites hidden unit i."""

import numpy as np
from scipy import sparse


def maximal_inputs(components):
    """Inputs of norm 1 that excite each unit of a first hidden layer most.

    Among all x with ‖x‖ ≤ 1, W_i x is largest for x = W_i / ‖W_i‖: what the unit looks for.

    Parameters
    ----------
    components : array-like (n_units, ...), sparse matrix (n_units, n_features) or fitted estimator
        Weights of each unit; an estimator's `filters_` or `components_`.

    Returns
    -------
    ndarray of the same shape, or csr_array where the weights are sparse
        A unit without any weight gets zeros.

    Raises
    ------
    ValueError
        If there are no weights to be found.

    References
    ----------
    .. [1] Stanford UFLDL tutorial, "Visualizing a trained autoencoder".

    Examples
    --------
    >>> maximal_inputs([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    for name in ("filters_", "components_"):
        components = getattr(components, name, components)
    if sparse.issparse(components):
        return _rows_of_norm_1(sparse.csr_array(components))
    W = np.asarray(components)
    if W.ndim < 2:
        raise ValueError(
            "components must be weights (n_units, ...), or a fitted estimator with filters_ or "
            f"components_; got {components!r}"
        )
    norms = np.linalg.norm(W.reshape(len(W), -1), axis=1).reshape(-1, *[1] * (W.ndim - 1))
    return W / np.where(norms == 0, 1, norms)


def _rows_of_norm_1(W):
    norms = np.sqrt(W.multiply(W).sum(axis=1))
    scales = 1 / np.where(norms == 0, 1, norms)
    data = W.data * scales.astype(W.dtype).repeat(np.diff(W.indptr))
    return sparse.csr_array((data, W.indices, W.indptr), shape=W.shape)
