"""Exponential, logarithm and normal distribution in arithmetic that SIMD has, of a number's type.

Unlike those of the C library, they vectorise; NaN stays NaN.
"""

from typing import Any

import numpy as np
from numba import float64

from striate.native.compile import generic, jit, specialize
from striate.native.intrinsics import exponent, like, power_of_two

# exp(z) = 2**n exp(r) with n integral and |r| <= log(2) / 2, where a short series is exact to
# rounding.


@jit
def clip(z, limit):
    z = like(-limit, z) if z < like(-limit, z) else z
    return like(limit, z) if z > like(limit, z) else z


@jit
def exp(z):
    z = clip(z, exponent_limit(z))
    n = np.floor(z * like(1.4426950408889634, z) + like(0.5, z))
    r = remainder(z, n)
    return power_of_two(n) * (like(1, z) + r + r * r * series(r))


@jit
def expm1(z):
    """exp(z) - 1, precise near zero; for |z| within the range of `exp`."""
    n = np.floor(z * like(1.4426950408889634, z) + like(0.5, z))
    r = remainder(z, n)
    scale = power_of_two(n)
    return scale * (r + r * r * series(r)) + (scale - like(1, z))


@jit
def remainder(z, n):
    """z - n log(2), with log(2) in two parts, the first with few digits."""
    return (z - n * like(0.693359375, z)) - n * like(-2.1219444005469057e-4, z)


@jit
def log(x):
    """Natural logarithm of a normal float64: log(2**n m), with m from √½ to √2."""
    n = exponent(x * np.sqrt(2.0))
    m = x * power_of_two(-n)
    s = (m - 1) / (m + 1)
    q = s * s
    tail = 1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q * (1 / 21))))
    area = 1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * tail))))
    return n * np.log(2.0) + 2 * (s + s * q * area)  # log(m) = 2 artanh(s)


@jit
def log1p(x):
    """log(1 + x) of a float64 x ≥ 0, precise near zero."""
    total = 1.0 + x
    return x if total == 1.0 else log(total) * (x / (total - 1.0))


@generic
def exponent_limit(z: Any) -> Any:
    """Return the largest |z| for which exp(z) and exp(-z) are normal numbers of z's type."""


@specialize(exponent_limit)
def _exponent_limit(z):
    limit = 708.0 if z == float64 else 87.0
    return lambda z: limit


@generic
def series(r: Any) -> Any:
    """(exp(r) - 1 - r) / r**2 = 1/2! + r/3! + r**2/4! + ... to the precision of r's type."""


@specialize(series)
def _series(r):
    c = 1 / np.cumprod(np.arange(1.0, 15.0))  # c[k - 1] = 1 / k!
    if r == float64:
        _, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14 = c

        def taylor(r):
            tail = a8 + r * (a9 + r * (a10 + r * (a11 + r * (a12 + r * (a13 + r * a14)))))
            return a2 + r * (a3 + r * (a4 + r * (a5 + r * (a6 + r * (a7 + r * tail)))))

        return taylor
    b2, b3, b4, b5, b6, b7 = c[1:7].astype(np.float32)
    return lambda r: b2 + r * (b3 + r * (b4 + r * (b5 + r * (b6 + r * b7))))


# Φ(−x) of the normal distribution is exp(−x²/2) times a smooth function, which (1 + x) makes one of
# bounded values. In t = (x − 4) / (x + 4) a polynomial fits that: these are the coefficients of
# Chebyshev interpolation, from the constant on.
_TAIL_64 = (
    0.4720532065098446,
    -0.09670347732652945,
    0.013999634724429763,
    0.02860036405389172,
    -0.032197837428270176,
    0.017936097470617685,
    -0.0050023785878380135,
    -0.00028562298717305394,
    0.0006948970761269229,
    -9.443100743557899e-05,
    -8.785303852831346e-05,
    2.1253180505464337e-05,
    1.3626418339587338e-05,
    -3.440549093203977e-06,
    -2.612043004020201e-06,
    4.190558499876476e-07,
    5.510117556810459e-07,
    -1.5055515445301913e-08,
    -1.1039873154424593e-07,
    -8.221774785845641e-09,
    1.7515054927097336e-08,
    1.5873731793118035e-09,
    -1.5584631689083469e-09,
)
_TAIL_32 = (
    0.472053203,
    -0.0967033354,
    0.0139999137,
    0.0285974679,
    -0.0322011629,
    0.0179528175,
    -0.00498771425,
    -0.000325830999,
    0.000664988692,
    -4.99905145e-05,
    -5.80912353e-05,
)


@jit
def normal_cdf(z):
    """Φ(z): the probability that a normal number is below z."""
    x = abs(clip(z, 40))
    tail = exp(like(-0.5, z) * x * x) * scaled_tail(x)
    return tail if z < like(0, z) else like(1, z) - tail


@jit
def scaled_tail(x):
    """exp(x²/2) Φ(−x) for x ≥ 0."""
    return tail_polynomial((x - like(4, x)) / (x + like(4, x))) / (like(1, x) + x)


@generic
def tail_polynomial(t: Any) -> Any:
    """Return the polynomial in t, to the precision of t's type."""


@specialize(tail_polynomial)
def _tail_polynomial(t):
    if t == float64:
        c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, *others = _TAIL_64
        c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22 = others

        def double(t):
            third = c18 + t * (c19 + t * (c20 + t * (c21 + t * c22)))
            second = c12 + t * (c13 + t * (c14 + t * (c15 + t * (c16 + t * (c17 + t * third)))))
            first = c6 + t * (c7 + t * (c8 + t * (c9 + t * (c10 + t * (c11 + t * second)))))
            return c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * (c5 + t * first)))))

        return double
    d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10 = map(np.float32, _TAIL_32)

    def single(t):
        second = d6 + t * (d7 + t * (d8 + t * (d9 + t * d10)))
        return d0 + t * (d1 + t * (d2 + t * (d3 + t * (d4 + t * (d5 + t * second)))))

    return single
