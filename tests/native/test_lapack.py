"""LAPACK without the GIL gives what `scipy.linalg` gives, bit for bit."""

import numpy as np
import pytest
from scipy import linalg

from striate.native import lapack, scipy_routines

DTYPES = [np.float32, np.float64]
SIZES = [1, 2, 90]


def drawn(n, dtype):
    """A symmetric matrix, a positive definite one, and right-hand sides."""
    rng = np.random.default_rng(n)
    A = rng.normal(size=(n, n)).astype(dtype)
    return A + A.T, A @ A.T + np.eye(n, dtype=dtype), rng.normal(size=(n, 3)).astype(dtype)


def equal(found, expected):
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_eigenvectors(n, dtype):
    A = drawn(n, dtype)[0]
    before, last = A.copy(), (n + 1) // 2
    assert equal(lapack.eigh(A), linalg.eigh(A))
    assert equal(lapack.eigh(A, last), linalg.eigh(A, subset_by_index=[n - last, n - 1]))
    assert equal(lapack.eigh_by_division(A), linalg.eigh(A, driver="evd"))
    assert np.array_equal(A, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (90, 40), (40, 90)])
def test_singular_vectors(shape, dtype):
    A = np.random.default_rng(0).normal(size=shape).astype(dtype)
    assert equal(lapack.svd(A), linalg.svd(A, full_matrices=False))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_cholesky_and_its_solution(n, dtype):
    _, A, B = drawn(n, dtype)
    L = linalg.cholesky(A, lower=True)
    assert np.array_equal(lapack.cholesky(A), L)
    overwritten = np.asfortranarray(A.copy())
    assert np.shares_memory(lapack.cholesky(overwritten), overwritten)
    for layout in (L, np.ascontiguousarray(L)):
        assert np.array_equal(
            lapack.cholesky_solution(layout, B), linalg.cho_solve((layout, True), B)
        )


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_triangular_solution(n, dtype, transposed):
    _, A, B = drawn(n, dtype)
    L = linalg.cholesky(A, lower=True)
    part = np.pad(L, ((0, 0), (2, 1)))[:, 2:-1]
    for layout in (L, np.ascontiguousarray(L), part, np.repeat(L, 2, axis=1)[:, ::2]):
        expected = linalg.solve_triangular(layout, B, lower=True, trans=int(transposed))
        assert np.array_equal(lapack.triangular_solution(layout, B, transposed), expected)


def test_what_has_no_solution():
    with pytest.raises(linalg.LinAlgError, match="2-th leading minor"):
        lapack.cholesky(np.diag([1.0, -1.0]))
    with pytest.raises(linalg.LinAlgError, match="diagonal 1"):
        lapack.triangular_solution(np.diag([1.0, 0.0]), np.ones((2, 1)))


def test_other_arguments_are_refused():
    with pytest.raises(ImportError, match="LAPACK that Striate cannot call: its dpotrf is"):
        scipy_routines.address_of("lapack", "dpotrf", "ciri")
