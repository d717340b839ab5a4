"""Features of images in a Dask array, as another Dask array: computed where and when needed."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt


def lazy_features(features: Any, images: Any) -> Any:
    """Return the features of images as a lazy array of Dask, chunk by chunk.

    Parameters
    ----------
    features : fitted PatchFeatures
    images : dask.array.Array of shape (n, h, w) or (n, h, w, c), or (n,) for paths

    Returns
    -------
    dask.array.Array of shape (n, n_features)

    Raises
    ------
    ValueError
        If it has another number of dimensions.
    """
    if images.ndim not in (1, 3, 4):
        raise ValueError(
            "images must have shape (n, h, w) or (n, h, w, c), or (n,) for paths, got "
            f"{images.shape}"
        )
    n_features = features._n_features_out
    dtype = np.dtype(np.float64 if images.dtype == np.float64 else np.float32)
    images = images.rechunk(dict.fromkeys(range(1, images.ndim), -1))
    return images.map_blocks(
        partial(_features_of_chunk, features, dtype),
        dtype=dtype,
        chunks=(images.chunks[0], (n_features,)),
        drop_axis=[*range(2, images.ndim)],
        new_axis=[1] if images.ndim == 1 else None,
        meta=np.empty((0, n_features), dtype),
    )


def _features_of_chunk(features: Any, dtype: np.dtype[Any], images: Any) -> npt.NDArray[Any]:
    if len(images) == 0:
        return np.empty((0, features._n_features_out), dtype)
    found: npt.NDArray[Any] = features.transform(list(images) if images.ndim == 1 else images)
    return found.astype(dtype, copy=False)
