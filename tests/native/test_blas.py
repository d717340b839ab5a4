"""The matrix product, from whole arrays and from parts of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.native.blas import product
from striate.native.compile import kernel


@kernel
def product_of_parts(A, a, transpose_A, B, b, transpose_B, C, c, beta):
    """`product` of A[a[0] : a[1], a[2] : a[3]] and so on."""
    product(
        A[a[0] : a[1], a[2] : a[3]],
        transpose_A,
        B[b[0] : b[1], b[2] : b[3]],
        transpose_B,
        C[c[0] : c[1], c[2] : c[3]],
        beta,
    )


SIZE = st.integers(0, 40)
BEYOND = st.tuples(*[st.integers(0, 3)] * 4)  # rows and columns around the part


def embedded(rng, shape, beyond, dtype):
    """A random array with the part of the given shape in it, and where that is."""
    top, bottom, left, right = beyond
    whole = rng.normal(size=(top + shape[0] + bottom, left + shape[1] + right)).astype(dtype)
    return whole, (top, top + shape[0], left, left + shape[1])


def part(array, bounds):
    return array[bounds[0] : bounds[1], bounds[2] : bounds[3]]


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.tuples(SIZE, SIZE, SIZE),
    transposed=st.tuples(st.booleans(), st.booleans()),
    beyond=st.tuples(BEYOND, BEYOND, BEYOND),
    beta=st.sampled_from([0.0, 1.0, -0.5]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_product(sizes, transposed, beyond, beta, dtype, seed):
    m, n, k = sizes
    rng = np.random.default_rng(seed)
    A, a = embedded(rng, (k, m) if transposed[0] else (m, k), beyond[0], dtype)
    B, b = embedded(rng, (n, k) if transposed[1] else (k, n), beyond[1], dtype)
    C, c = embedded(rng, (m, n), beyond[2], dtype)
    op_A = part(A, a).T if transposed[0] else part(A, a)
    op_B = part(B, b).T if transposed[1] else part(B, b)
    expected = C.copy()
    part(expected, c)[:] = op_A.astype(float) @ op_B + beta * part(C, c)
    inputs = A.copy(), B.copy()
    product_of_parts(A, a, transposed[0], B, b, transposed[1], C, c, beta)
    # A sum of k products is rounded k times; entries around the part must not change at all.
    tol = 8 * (k + 2) * np.finfo(dtype).eps
    np.testing.assert_allclose(C, expected, rtol=tol, atol=tol)
    outside = np.ones(C.shape, dtype=bool)
    part(outside, c)[:] = False
    np.testing.assert_array_equal(C[outside], expected[outside])
    np.testing.assert_array_equal(A, inputs[0])
    np.testing.assert_array_equal(B, inputs[1])


@pytest.mark.parametrize("k", [0, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_beta_0_overwrites_whatever_was_there(k, dtype):
    """Workspaces are not set to zero before, and may hold NaN."""
    C = np.full((2, 4), np.nan, dtype=dtype)
    A, B = np.ones((2, k), dtype=dtype), np.ones((k, 4), dtype=dtype)
    product_of_parts(A, (0, 2, 0, k), False, B, (0, k, 0, 4), False, C, (0, 2, 0, 4), 0.0)
    np.testing.assert_array_equal(C, k)
