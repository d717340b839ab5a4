"""Numerical gradients: the lecture's check of backpropagation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt


def check_gradient(
    fun: Callable[[npt.NDArray[Any]], tuple[float, npt.NDArray[Any]]],
    theta: npt.ArrayLike,
    *,
    epsilon: float = 1e-4,
) -> float:
    """Compare ∇J with central differences: ∂J/∂θ_i ≈ (J(θ + εe_i) - J(θ - εe_i)) / 2ε.

    Parameters
    ----------
    fun : callable
        θ ↦ (J, ∇J), such as a `striate.core.objective.Objective`.
    theta : ndarray of shape (n_parameters,)
        Where to compare, in float64.
    epsilon : float, default=1e-4
        ε. The differences have an error of about ε² from the curvature and of 1e-16 J / ε from
        rounding.

    Returns
    -------
    float
        ‖numerical - analytical‖ / ‖numerical + analytical‖. A correct gradient gives about
        1e-9; above 1e-7 something is wrong, or θ lies on a kink of relu.

    Raises
    ------
    TypeError
        If `fun` is not a function.
    ValueError
        If `theta` is not a vector, `epsilon` is not above 0, or J is not finite near `theta`.

    References
    ----------
    .. [1] Stanford UFLDL tutorial, "Gradient checking and advanced optimization".

    Examples
    --------
    >>> import numpy as np
    >>> check_gradient(lambda theta: (np.sum(theta**3), 3 * theta**2), np.ones(3)) < 1e-7
    True
    >>> check_gradient(lambda theta: (np.sum(theta**3), 2 * theta**2), np.ones(3)) > 0.1
    True
    """
    if not callable(fun):
        raise TypeError(f"fun must be a function of theta, got {fun!r}")
    number: Any = epsilon
    if not isinstance(number, int | float | np.number) or not 0 < number < 1e100:
        raise ValueError(f"epsilon must be a number above 0, got {epsilon!r}")
    try:
        theta = np.array(theta, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        theta = np.empty(())
    if theta.ndim != 1:
        raise ValueError("theta must be a vector of real numbers")
    analytical = np.asarray(fun(theta)[1], dtype=np.float64)
    numerical = np.empty_like(analytical)
    for i in range(theta.size):
        shift = np.zeros_like(theta)
        shift[i] = epsilon
        numerical[i] = (fun(theta + shift)[0] - fun(theta - shift)[0]) / (2 * epsilon)
    if not np.isfinite(numerical).all() or not np.isfinite(analytical).all():
        raise ValueError("J or its gradient is not finite at theta, or at a distance of epsilon")
    size = np.linalg.norm(numerical + analytical)
    return float(np.linalg.norm(numerical - analytical) / size) if size else 0.0
