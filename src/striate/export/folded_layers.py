"""Layers f(x W + b) of arrays, and the folding of linear ones into the next."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .activation_formulas import check_activation

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Layer:
    """x ↦ f(x W + b), for x clipped to `limits`.

    Attributes
    ----------
    W : ndarray of shape (n_in, n_out) or (n_in,)
        With one dimension, a factor for each feature: x * W.
    b : ndarray of shape (n_out,)
    activation : str, default="identity"
        f: a name in `FORMULAS` or `ROW_FUNCTIONS`.
    limits : (ndarray, ndarray) or None, default=None
        Lowest and highest value of each feature, both (n_in,).
    """

    W: Array
    b: Array
    activation: str = "identity"
    limits: tuple[Array, Array] | None = None

    @property
    def n_in(self) -> int:
        """Number of features that it takes."""
        return len(self.W)

    @property
    def n_out(self) -> int:
        """Number of features that it gives."""
        return len(self.b)

    @property
    def changes_rows(self) -> bool:
        """Whether x W + b is anything but x: not where the layer is there for f alone."""
        return self.W.ndim == 2 or bool((self.W != 1).any() or self.b.any())

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Return the layer in another floating-point type.

        Raises
        ------
        ValueError
            If a weight is beyond the range of the type.
        """
        limits = None
        with np.errstate(over="ignore"):
            W, b = self.W.astype(dtype), self.b.astype(dtype)
            if self.limits is not None:
                limits = self.limits[0].astype(dtype), self.limits[1].astype(dtype)
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(
                f"a weight of the model is not a finite number of type {np.dtype(dtype)}: scale "
                "the data that it is fitted on"
            )
        return replace(self, W=W, b=b, limits=limits)


def scaling(factors: npt.ArrayLike, shift: npt.ArrayLike) -> Layer:
    """Return the layer x ↦ x * factors + shift, for an array each."""
    return Layer(np.asarray(factors, np.float64), np.asarray(shift, np.float64))


def row_function(name: str, n: int) -> Layer:
    """Return a layer that applies one of `ROW_FUNCTIONS` to rows of n numbers."""
    return Layer(np.ones(n), np.zeros(n), name)


def fold(layers: Iterable[Layer]) -> list[Layer]:
    """Merge each linear layer with the next one, where that takes no more multiplications.

    (x A + a) B + b = x (A B) + (a B + b), computed in float64.

    Raises
    ------
    ValueError
        If an activation has no formula, or a weight is not finite.

    Examples
    --------
    >>> halves, ones = scaling([0.5, 0.5], [1.0, 1.0]), Layer(np.ones((2, 3)), np.zeros(3), "relu")
    >>> [layer] = fold([halves, ones])
    >>> layer.W[0], layer.b
    (array([0.5, 0.5, 0.5]), array([2., 2., 2.]))
    """
    folded: list[Layer] = []
    for each in layers:
        check_activation(each.activation)
        layer = each.astype(np.float64)
        if folded and folded[-1].activation == "identity" and layer.limits is None:
            below = folded[-1]
            size = layer.n_out * (1 if below.W.ndim == layer.W.ndim == 1 else below.n_in)
            if size <= below.W.size + layer.W.size:
                W, b = _times(below.W, layer.W), _product(below.b, layer.W) + layer.b
                folded[-1] = Layer(W, b, layer.activation, below.limits)
                continue
        folded.append(layer)
    return folded


def _product(x: Array, W: Array) -> Array:
    """Return x W for rows x."""
    product: Array = x * W if W.ndim == 1 else x @ W
    return product


def _times(A: Array, B: Array) -> Array:
    """Return A B, where an array of one dimension stands for a diagonal matrix."""
    if A.ndim == 1 and B.ndim == 2:
        return A[:, np.newaxis] * B
    return _product(A, B)
