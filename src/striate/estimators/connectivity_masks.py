"""`connectivity` of estimators: one mask per layer says which inputs each unit sees."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from striate.core.sparse_matrices import canonical, stored

from .default_parameters import has_default, whole_sizes
from .local_receptive_fields import LocalReceptiveFields
from .reconstruction import Layer
from .validated_input import in_native_order

#: A csc_array of bool (n_in, n_out), or None for a dense layer; SciPy has no types.
Mask = Any


def resolve_masks(connectivity: Any, names: npt.NDArray[Any] | None = None) -> list[Mask]:
    """Return one mask per layer, from the input upwards.

    Parameters
    ----------
    connectivity : mask, LocalReceptiveFields, list of these and None, or None
        A mask is an array or a sparse matrix (n_in, n_out), with connections where it is not 0.
        A single mask applies to the first layer.
    names : ndarray of str, default=None
        Names of the columns of X, which the row names of a data frame must match.

    Returns
    -------
    list of csc_array of bool (n_in, n_out) or None
        None for a dense layer.

    Raises
    ------
    ValueError
        If a mask is not a matrix, if a unit has no connections, or if the row names of a frame
        differ from `names`.

    Warns
    -----
    UserWarning
        If an input has no connections.
    """
    if connectivity is None:
        return []
    layers = connectivity if isinstance(connectivity, list | tuple) else [connectivity]
    if layers and names is not None:
        _check_names(layers[0], names)
    return [_resolve_mask(given, layer) for layer, given in enumerate(layers)]


def _check_names(given: Any, names: npt.NDArray[Any]) -> None:
    """Raise if a frame has row names that are not the column names of X."""
    if not (hasattr(given, "columns") and hasattr(given, "index")):
        return
    rows = list(given.index)
    if len(rows) != len(names) or not all(isinstance(name, str) for name in rows):
        return  # check_shapes reports a wrong shape
    for i, (row, column) in enumerate(zip(rows, names, strict=True)):
        if row != column:
            raise ValueError(
                f"connectivity of layer 0 has {row!r} in row {i}, where X has the column "
                f"{column!r}. Give connectivity.loc[X.columns], with one row per column of X."
            )


def _resolve_mask(given: Any, layer: int) -> Mask:
    if given is None:
        return None
    if isinstance(given, LocalReceptiveFields):
        mask = given.mask()
        remedy = "Choose a stride and a field_size with which windows reach all pixels."
    else:
        mask = _as_mask(given, layer)
        remedy = "Leave them out, or connect them."
    _check_units(mask, layer)
    unused = mask.shape[0] - len(np.unique(mask.indices))
    if unused:
        warnings.warn(
            f"connectivity of layer {layer}: {unused} of {mask.shape[0]} inputs have no "
            f"connections, and so no effect. {remedy}",
            stacklevel=2,
        )
    return mask


def _check_units(mask: Mask, layer: int) -> None:
    """Raise if there is no unit, or a unit without connections."""
    n_connections = np.diff(mask.indptr)
    if not n_connections.size:
        raise ValueError(f"connectivity of layer {layer} has no units: its shape is {mask.shape}.")
    (unconnected,) = np.nonzero(n_connections == 0)
    if unconnected.size:
        subject = f"unit {unconnected[0]} has no connections"
        if unconnected.size > 1:
            subject = (
                f"{unconnected.size} units have no connections, for example unit {unconnected[0]}"
            )
        raise ValueError(
            f"connectivity of layer {layer}: {subject}. Give each unit, a column of the mask, at "
            "least one input, or leave the unit out."
        )


def _as_mask(given: Any, layer: int) -> Mask:
    try:
        matrix = in_native_order(given if sparse.issparse(given) else np.asarray(given))
        found = f"{matrix.dtype} of shape {matrix.shape}"
    except ValueError:
        matrix, found = np.empty(0), "rows of different lengths"
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise ValueError(
            f"connectivity of layer {layer} must be a LocalReceptiveFields or a matrix (n_in, "
            f"n_out) of booleans or numbers, not {found}. A list has one entry per layer: give "
            "a single matrix as an array."
        )
    if matrix.dtype == np.float16:
        matrix = matrix.astype(np.float32)  # SciPy has no sparse matrices of halves
    matrix = canonical(matrix) if sparse.issparse(matrix) else sparse.csc_array(matrix)
    if np.isnan(matrix.data).any():
        raise ValueError(f"connectivity of layer {layer} has NaN: give 0 for no connection.")
    mask = matrix.copy()
    mask.sum_duplicates()
    mask = mask.astype(bool)
    mask.eliminate_zeros()
    return mask


def resolve_sizes(
    estimator: Any, masks: Sequence[Mask], name: str = "hidden_layer_sizes"
) -> list[int]:
    """Return the number of units of each hidden layer, by the parameter `name` and the masks.

    A parameter with its default value counts as not given, and the sizes are those of the masks.
    Each mask is that of a hidden layer; a None at the end is that of the output layer.
    """
    given = whole_sizes(getattr(estimator, name), name)
    is_default = has_default(estimator, name)
    hidden = masks[:-1] if masks and masks[-1] is None else masks
    if is_default and all(mask is not None for mask in hidden):
        return [mask.shape[1] for mask in hidden] or given
    if len(masks) <= len(given) + 1:
        return given
    if is_default:
        raise ValueError(f"connectivity has a dense layer of unknown size: give {name}, too.")
    raise ValueError(
        f"connectivity has {len(masks)} layers, but {name}={getattr(estimator, name)!r} has "
        f"{len(given)} and the output: give at most one entry per layer."
    )


def check_shapes(
    masks: Sequence[Mask], sizes: Sequence[int], name: str = "hidden_layer_sizes"
) -> None:
    """Raise if masks do not fit between layers of these sizes, from the input upwards."""
    if len(masks) >= len(sizes):
        n_layers = len(sizes) - 1
        raise ValueError(
            f"connectivity has {len(masks)} layers, but the network has {n_layers}: give at most "
            "one entry per layer."
        )
    for layer, mask in enumerate(masks):
        if mask is not None and mask.shape != (sizes[layer], sizes[layer + 1]):
            raise ValueError(
                f"connectivity of layer {layer} has shape {mask.shape}, but must have "
                f"({sizes[layer]}, {sizes[layer + 1]}) to match X and {name}."
            )


def patterns_of(weights: Iterable[Any]) -> list[Mask]:
    """Return the sparse weight matrices, which have their sparsity pattern; None for dense ones."""
    return [W if sparse.issparse(W) else None for W in weights]


def check_same_pattern(masks: Sequence[Mask], layers: Iterable[Layer]) -> None:
    """Raise if a mask differs from the sparsity pattern of the pretrained layer."""
    for layer, (mask, (W, _, _)) in enumerate(zip(masks, layers, strict=False)):
        if not (_has_pattern(W, mask) if sparse.issparse(W) else mask is None):
            raise ValueError(
                f"connectivity of layer {layer} contradicts pretraining, whose layer has another "
                "sparsity pattern. Give it only to the pretraining."
            )


def _has_pattern(W: Any, mask: Mask) -> bool:
    W = canonical(W)
    return (
        mask is not None
        and mask.shape == W.shape
        and np.array_equal(mask.indptr, W.indptr)
        and np.array_equal(mask.indices, W.indices)
    )


def check_warm_start(masks: Sequence[Mask], weights: Iterable[Any]) -> None:
    """Raise if a fitted layer has connections that its mask lacks.

    It may have fewer, after `sparsify`; a layer that is dense, as after `densify`, stays dense.
    """
    for layer, (mask, W) in enumerate(zip(masks, weights, strict=False)):
        if mask is None or not sparse.issparse(W):
            continue
        W = canonical(W)
        fitted = sparse.csc_array((np.ones(W.nnz, dtype=bool), W.indices, W.indptr), shape=W.shape)
        if fitted.shape != mask.shape or (fitted > mask).nnz:
            raise ValueError(
                f"connectivity of layer {layer} differs from the fitted one; set warm_start=False "
                "to refit."
            )


def without_zeros(W: Any) -> Any:
    """Return W as a sparse matrix of its nonzero numbers."""
    W = canonical(W).copy() if sparse.issparse(W) else sparse.csc_array(W)
    W.eliminate_zeros()
    return W


def all_finite_arrays(arrays: Iterable[Any]) -> bool:
    """Return whether arrays and sparse matrices have neither NaN nor infinity."""
    return all(bool(np.isfinite(stored(values)).all()) for values in arrays)
