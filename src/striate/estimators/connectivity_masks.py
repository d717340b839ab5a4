"""`connectivity` of estimators: which inputs each unit of a layer sees."""

import inspect
import warnings

import numpy as np
from scipy import sparse

from striate.core.sparse_matrices import canonical, stored

from .local_receptive_fields import LocalReceptiveFields


def masks_of(connectivity, names=None):
    """The connections of each layer that `connectivity` speaks of, from the input upwards.

    Parameters
    ----------
    connectivity : mask, LocalReceptiveFields, list of these and None, or None
        A mask is an array or a sparse matrix (n_in, n_out), whose numbers other than 0 are
        connections. What is no list is of the first layer.
    names : ndarray of str, default=None
        Those of the columns of X, which the rows of a data frame must have, too.

    Returns
    -------
    list of csc_array of bool (n_in, n_out) or None
        None for a dense layer.

    Raises
    ------
    ValueError
        If a mask is no matrix, if a unit has no connection, or if a frame has other names.

    Warns
    -----
    UserWarning
        If an input is seen by no unit.
    """
    if connectivity is None:
        return []
    layers = connectivity if isinstance(connectivity, list | tuple) else [connectivity]
    if layers and names is not None:
        _check_names(layers[0], names)
    return [_mask(given, layer) for layer, given in enumerate(layers)]


def _check_names(given, names):
    """Refuses a frame whose rows are named, and not as the columns of X are."""
    if not (hasattr(given, "columns") and hasattr(given, "index")):
        return
    rows = list(given.index)
    if len(rows) != len(names) or not all(isinstance(name, str) for name in rows):
        return  # a wrong shape is told of elsewhere
    for i, (row, column) in enumerate(zip(rows, names, strict=True)):
        if row != column:
            raise ValueError(
                f"connectivity of layer 0 has {row!r} in row {i}, where X has the column "
                f"{column!r}. Give connectivity.loc[X.columns], with a row for each column of X."
            )


def _mask(given, layer):
    if given is None:
        return None
    fields = isinstance(given, LocalReceptiveFields)
    mask = given.mask() if fields else _as_matrix(given, layer)
    seeing = np.diff(mask.indptr)
    if not seeing.size:
        raise ValueError(f"connectivity of layer {layer} has no unit: its shape is {mask.shape}.")
    if not seeing.all():
        unit, n = int(seeing.argmin()), int(np.sum(seeing == 0))
        raise ValueError(
            f"connectivity of layer {layer}: unit {unit} has no connection"
            + (f", nor have {n - 1} others" if n > 1 else "")
            + ". Give each unit, a column of the mask, an input at least, or leave it out."
        )
    unseen = mask.shape[0] - len(np.unique(mask.indices))
    if unseen:
        remedy = "Leave them out, or connect them."
        if fields:
            remedy = "Choose a stride and a field_size with which windows reach all pixels."
        warnings.warn(
            f"connectivity of layer {layer}: {unseen} of {mask.shape[0]} inputs are seen by no "
            f"unit, and have no effect. {remedy}",
            stacklevel=2,
        )
    return mask


def _as_matrix(given, layer):
    try:
        matrix = given if sparse.issparse(given) else np.asarray(given)
        what = f"{matrix.dtype} of shape {matrix.shape}"
    except ValueError:
        matrix, what = np.empty(0), "rows of different lengths"
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise ValueError(
            f"connectivity of layer {layer} must be a LocalReceptiveFields or a matrix (n_in, "
            f"n_out) of booleans or numbers, not {what}. A list has an entry for each layer: give "
            "one matrix as an array."
        )
    matrix = canonical(matrix) if sparse.issparse(matrix) else sparse.csc_array(matrix)
    if np.isnan(matrix.data).any():
        raise ValueError(f"connectivity of layer {layer} has NaN: give 0 for no connection.")
    mask = matrix.copy()
    mask.sum_duplicates()
    mask = mask.astype(bool)
    mask.eliminate_zeros()
    return mask


def hidden_sizes(estimator, masks, name="hidden_layer_sizes"):
    """Units of the hidden layers, from the parameter and the masks, which must agree.

    A parameter that has its default agrees with everything: it cannot be told from one that was
    not given. Then the sizes are those of the masks, each of which is of a hidden layer; a None at
    the end is the output's.
    """
    given = np.atleast_1d(getattr(estimator, name)).tolist()
    default = np.atleast_1d(inspect.signature(type(estimator)).parameters[name].default).tolist()
    hidden = masks[:-1] if masks and masks[-1] is None else masks
    if given == default and all(mask is not None for mask in hidden):
        return [mask.shape[1] for mask in hidden] or given
    if len(masks) <= len(given) + 1:
        return given
    if given == default:
        raise ValueError(f"connectivity has a dense layer of unknown size: give {name}, too.")
    raise ValueError(
        f"connectivity has {len(masks)} layers, but {name}={getattr(estimator, name)!r} has "
        f"{len(given)} and the output: give one entry for each layer at most."
    )


def check_shapes(masks, sizes, name="hidden_layer_sizes"):
    """Refuses masks that do not lie between layers of these sizes, from the input upwards."""
    if len(masks) >= len(sizes):
        raise ValueError(
            f"connectivity has {len(masks)} layers, but there are {len(sizes) - 1}: give one entry "
            "for each layer at most."
        )
    for layer, mask in enumerate(masks):
        if mask is not None and mask.shape != (sizes[layer], sizes[layer + 1]):
            raise ValueError(
                f"connectivity of layer {layer} has shape {mask.shape}, but must have "
                f"({sizes[layer]}, {sizes[layer + 1]}): inputs and units by X and {name}."
            )


def connections_in(weights):
    """The connections of fitted layers: None for those that are dense."""
    return [W if sparse.issparse(W) else None for W in weights]


def check_same(masks, layers):
    """Refuses masks that are not those of the layers of a pretraining."""
    for layer, (mask, (W, *_)) in enumerate(zip(masks, layers, strict=False)):
        if not (_alike(mask, canonical(W)) if sparse.issparse(W) else mask is None):
            raise ValueError(
                f"connectivity of layer {layer} contradicts pretraining, whose layer has other "
                "connections. Give it to the pretraining alone."
            )


def _alike(mask, W):
    return (
        mask is not None
        and mask.shape == W.shape
        and np.array_equal(mask.indptr, W.indptr)
        and np.array_equal(mask.indices, W.indices)
    )


def check_going_on(masks, weights):
    """Refuses masks that lack connections of the layers to go on from.

    `sparsify` may have left some out; a layer that is dense, as after `densify`, stays dense.
    """
    for layer, (mask, W) in enumerate(zip(masks, weights, strict=False)):
        if mask is None or not sparse.issparse(W):
            continue
        W = canonical(W)
        seen = sparse.csc_array((np.ones(W.nnz, dtype=bool), W.indices, W.indptr), shape=W.shape)
        if seen.shape != mask.shape or (seen > mask).nnz:
            raise ValueError(
                f"connectivity of layer {layer} is another than that of the fit to go on from. Set "
                "warm_start=False to begin anew."
            )


def without_zeros(W):
    """W as a sparse matrix of its numbers other than 0."""
    W = canonical(W).copy() if sparse.issparse(W) else sparse.csc_array(W)
    W.eliminate_zeros()
    return W


def all_finite(arrays):
    """Whether arrays and sparse matrices have neither NaN nor infinity."""
    return all(np.isfinite(stored(values)).all() for values in arrays)
