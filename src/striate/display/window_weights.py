"""Weights of a layer with local receptive fields, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from striate.core.sparse_matrices import canonical, dense, stored
from striate.estimators.local_receptive_fields import LocalReceptiveFields

from .check_parameters import check_choice, check_indices


def window_weights(weights: Any, fields: LocalReceptiveFields) -> NDArray[Any]:
    """Return the weights in each window, (n_maps, n_windows, n_seen), of W (n_inputs, n_units)."""
    if not isinstance(fields, LocalReceptiveFields):
        raise ValueError(f"fields must be LocalReceptiveFields, got {fields!r}.")
    seen, n_maps = fields.windows(), int(fields.n_maps)
    W = canonical(weights) if sparse.issparse(weights) else np.asarray(weights)
    if W.ndim == 2 and W.shape == fields.mask().shape:
        units = np.arange(len(seen)) * n_maps + np.arange(n_maps)[:, np.newaxis]
        found = np.stack([dense(W[seen, own[:, np.newaxis]]) for own in units])
        if np.count_nonzero(found) == np.count_nonzero(stored(W)):
            return np.asarray(check_array(found, allow_nd=True, input_name="weights"))
    raise ValueError(
        f"weights of shape {W.shape} are not those of {fields!r}, which has "
        f"{fields.mask().shape[0]} inputs, {len(seen) * n_maps} units, and weights only inside "
        "its windows."
    )


def scale_weights(weights: NDArray[Any], scale: str) -> NDArray[np.float64]:
    """Scale weights (n_maps, n_windows, ...) to [-1, 1]."""
    check_choice(scale, ("map", "tile", "common"), "scale")
    first = {"map": 1, "tile": 2, "common": 0}[scale]
    largest = np.abs(weights).max(axis=tuple(range(first, weights.ndim)), keepdims=True)
    return weights / np.where(largest > 0, largest, 1).astype(np.float64)


def check_bands(bands: ArrayLike | None, n_bands: int) -> list[int]:
    """Return the bands to show; by default all if they are one or three, otherwise the first."""
    if bands is None:
        return list(range(n_bands)) if n_bands in (1, 3) else [0]
    chosen = [int(band) for band in check_indices(bands, n_bands, "bands")]
    if len(chosen) not in (1, 3):
        raise ValueError(f"bands must be one band or three, got {bands!r}.")
    return chosen


def most_overlapping(windows: NDArray[np.intp], n_inputs: int) -> int:
    """Return the largest number of windows that see the same input."""
    return int(np.bincount(windows.ravel(), minlength=n_inputs).max())


def describe_windows(fields: LocalReceptiveFields) -> str:
    """Return a caption with the number, size and stride of the windows."""
    *sizes, _ = fields.window_shape
    *numbers, _ = fields.output_shape
    strides = np.atleast_1d(fields.stride).tolist()
    one, kind = ("input", "signals") if len(sizes) == 1 else ("pixel", "images")
    size, number = " × ".join(map(str, sizes)), " × ".join(map(str, numbers))
    stride = " and ".join(map(str, dict.fromkeys(strides)))
    shape = " × ".join(map(str, np.atleast_1d(fields.image_shape)[: len(sizes)]))
    ring = ", periodic" if fields.periodic else ""
    return f"{number} windows of {size} {one}s, stride {stride}, in {kind} of {shape} {one}s{ring}"
