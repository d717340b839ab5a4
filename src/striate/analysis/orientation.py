"""How strongly a filter prefers one orientation: S = Σ F e^(2iθ), F its power spectrum."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FFT_SIZE = 32
_BLOCK = 512  # filters per block: bounds the memory for spectra


def orientation_selectivity(filters: ArrayLike) -> NDArray[np.float64]:
    r"""Measure how strongly each filter prefers one orientation.

    The selectivity is

    .. math:: \left|\sum F e^{2i\theta}\right| \big/ \sum F,

    where F is the power spectrum of the filter without its mean (32 × 32 discrete Fourier
    transform, larger when the filter is) and θ the angle in the frequency plane. It is 1 for
    an endless grating, above 0.5 for most filters that look like an edge, and near 0 for noise
    and for round blobs. The spectra of the channels of a colour filter are added.

    Parameters
    ----------
    filters : array-like of shape (n_filters, height, width) or \
            (n_filters, height, width, n_channels)
        The filters, in pixel space.

    Returns
    -------
    selectivity : ndarray of shape (n_filters,)
        Values in [0, 1]. A constant filter has selectivity 0.

    Raises
    ------
    ValueError
        If `filters` does not have one of these shapes, or contains NaN or infinity.

    See Also
    --------
    preferred_orientation : Which orientation a filter prefers.

    Notes
    -----
    The sign, the scale and the mean of a filter do not matter, nor do rotations by 90 degrees.

    Examples
    --------
    >>> import numpy as np
    >>> from striate.analysis.orientation import orientation_selectivity
    >>> vertical_edge = np.sign(np.arange(8) - 3.5) * np.ones((8, 1))
    >>> blob = np.outer(np.hanning(8), np.hanning(8))
    >>> orientation_selectivity([vertical_edge, blob]).round(2)
    array([0.59, 0.  ])
    """
    moment, power = _second_moment(filters)
    return np.divide(np.abs(moment), power, out=np.zeros_like(power), where=power > 0)


def preferred_orientation(filters: ArrayLike) -> NDArray[np.float64]:
    """Find the orientation of each filter's stripes or edge.

    Parameters
    ----------
    filters : array-like of shape (n_filters, height, width) or \
            (n_filters, height, width, n_channels)
        The filters, in pixel space.

    Returns
    -------
    orientation : ndarray of shape (n_filters,)
        Angles in radians in [0, π), anticlockwise as the filter is displayed: 0 for
        horizontal stripes, π/2 for vertical ones. NaN for a constant filter.

    Raises
    ------
    ValueError
        If `filters` does not have one of these shapes, or contains NaN or infinity.

    See Also
    --------
    orientation_selectivity : How strong the preference is.

    Examples
    --------
    >>> import numpy as np
    >>> from striate.analysis.orientation import preferred_orientation
    >>> vertical_edge = np.sign(np.arange(8) - 3.5) * np.ones((8, 1))
    >>> np.degrees(preferred_orientation([vertical_edge, vertical_edge.T])).round()
    array([90.,  0.])
    """
    moment, power = _second_moment(filters)
    # Stripes are perpendicular to their frequency vector.
    angle = np.mod(np.angle(moment) / 2 + np.pi / 2, np.pi)
    angle[angle >= np.pi - 1e-9] = 0.0  # rounding may leave a horizontal stripe just below π
    return np.where(power > 0, angle, np.nan)


def _second_moment(filters: ArrayLike) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return Σ F e^(2iθ) and Σ F of each filter."""
    blocks = _centered(filters)
    size = max(_FFT_SIZE, *blocks.shape[1:3])
    size += size % 2
    rotor = _rotor(size)
    moment = np.empty(len(blocks), dtype=np.complex128)
    power = np.empty(len(blocks))
    for start in range(0, len(blocks), _BLOCK):
        part = slice(start, start + _BLOCK)
        spectrum = np.fft.fft2(blocks[part], s=(size, size), axes=(1, 2))
        density = (np.abs(spectrum) ** 2).sum(axis=3)  # (block, size, size)
        moment[part] = np.einsum("nij,ij->n", density, rotor)
        power[part] = density.sum(axis=(1, 2))
    return moment, power


def _rotor(size: int) -> NDArray[np.complex128]:
    """Return e^(2iθ) over the frequency plane, θ anticlockwise with rows running downwards."""
    frequency = np.fft.fftfreq(size)
    z = frequency[None, :] - 1j * frequency[:, None]
    radius = np.abs(z)
    radius[0, 0] = 1.0
    rotor: NDArray[np.complex128] = np.square(z / radius, dtype=np.complex128)
    # The highest frequency on both axes is its own mirror image: it lies at 45° and at 135°.
    rotor[size // 2, size // 2] = 0.0
    return rotor


def _centered(filters: ArrayLike) -> NDArray[np.float64]:
    """Return the filters as (n, h, w, c), scaled to at most 1, minus their channel means."""
    given = np.asarray(filters)
    if given.ndim not in (3, 4) or 0 in given.shape[1:]:
        raise ValueError(
            "filters must have the shape (n_filters, height, width) or (n_filters, height, "
            f"width, n_channels), got {given.shape}."
        )
    eps = np.finfo(given.dtype).eps if given.dtype.kind == "f" else np.finfo(float).eps
    values = given.astype(np.float64)
    values = values[..., None] if values.ndim == 3 else values
    if not np.isfinite(values).all():
        raise ValueError("filters contains NaN or infinity.")
    largest = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
    values /= np.where(largest > 0, largest, 1.0)
    values -= values.mean(axis=(1, 2), keepdims=True)
    # The rounding errors of a constant filter are not a pattern.
    values[np.abs(values).max(axis=(1, 2, 3)) <= 10 * eps] = 0.0
    return values
