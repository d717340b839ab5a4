"""Decompositions by SciPy's LAPACK, called so that other threads of Python run meanwhile.

The functions of `scipy.linalg` hold the GIL: a main thread that waits for one cannot see Ctrl-C.
Results are theirs, bit for bit.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError

from .scipy_routines import address_of

Array = npt.NDArray[Any]

# The arguments of each routine: see `address_of`.
_ARGUMENTS = {
    "potrf": "cirii",
    "potrs": "ciiririi",
    "trtrs": "ccciiririi",
    "syevd": "ccirirriiii",
    "syevr": "cccirirriirirriiriiii",
    "gesdd": "ciirirriririii",
}


def cholesky(A: Array) -> Array:
    """Return the lower L with L Lᵀ = A, and overwrite A with it if its order is Fortran's.

    Raises
    ------
    LinAlgError
        If A is not positive definite.
    """
    L, n = np.asfortranarray(A), len(A)
    if info := _call("potrf", "L", n, L, n):
        raise LinAlgError(f"{info}-th leading minor of the array is not positive definite")
    for j in range(1, n):
        L[:j, j] = 0
    return L


def cholesky_solution(L: Array, B: Array) -> Array:
    """Return the X of L Lᵀ X = B."""
    L, X, n = np.asfortranarray(L), np.array(B, order="F"), len(L)
    _call("potrs", "L", n, X.shape[1], L, n, X, n)
    return X


def triangular_solution(L: Array, B: Array, transposed: bool = False) -> Array:
    """Return the X of L X = B, with a lower L, or of Lᵀ X = B.

    Raises
    ------
    LinAlgError
        If the diagonal of L has a zero.
    """
    X, n, triangle = np.array(B, order="F"), len(L), "L"
    if not L.flags.f_contiguous:
        L, triangle, transposed = L.T, "U", not transposed
    if L.strides[0] != L.itemsize or L.strides[1] < n * L.itemsize:  # a part of a matrix has these
        L = np.asfortranarray(L)
    stride, trans = L.strides[1] // L.itemsize, "T" if transposed else "N"
    arguments = (triangle, trans, "N", n, X.shape[1], L, stride, X, n)
    if info := _call("trtrs", *arguments):
        raise LinAlgError(f"singular matrix: resolution failed at diagonal {info - 1}")
    return X


def eigh(A: Array, n_last: int | None = None) -> tuple[Array, Array]:
    """Return eigenvalues in ascending order, and eigenvectors as columns, by the RRR method.

    Parameters
    ----------
    A : ndarray of shape (n, n)
        Symmetric; its lower half is read.
    n_last : int, default=None
        How many of the largest to return; None for all.
    """
    A, n, m = np.array(A, order="F"), len(A), ctypes.c_int()
    k = n if n_last is None else n_last
    w, Z = np.empty(n, A.dtype), np.empty((n, k), A.dtype, order="F")
    zero, pairs = np.zeros(1, A.dtype), np.empty(2 * k, np.intc)
    bounds = (zero, zero, n - k + 1, n, zero)
    given = ("V", "A" if n_last is None else "I", "L", n, A, n, *bounds, m, w, Z, n, pairs)
    _with_workspace("syevr", A.dtype, *given)
    return w[:k], Z


def eigh_by_division(A: Array) -> tuple[Array, Array]:
    """Return all eigenvalues and eigenvectors as `eigh` does, by divide and conquer."""
    A, n = np.array(A, order="F"), len(A)
    w = np.empty(n, A.dtype)
    _with_workspace("syevd", A.dtype, "V", "L", n, A, n, w)
    return w, A


def svd(A: Array) -> tuple[Array, Array, Array]:
    """Return U, the singular values in descending order and Vᵀ, both with min(A.shape) vectors."""
    A = np.array(A, order="F")
    m, n = A.shape
    k = min(m, n)
    U, s, V = (
        np.empty((m, k), A.dtype, order="F"),
        np.empty(k, A.dtype),
        np.empty((k, n), A.dtype, order="F"),
    )
    work, integers = np.empty(1, A.dtype), np.empty(8 * k, np.intc)
    given = ("S", m, n, A, m, s, U, m, V, k)
    _call("gesdd", *given, work, -1, integers)
    work = np.empty(_size(work), A.dtype)
    if info := _call("gesdd", *given, work, len(work), integers):
        raise LinAlgError(f"the singular values did not converge (gesdd: {info})")
    return U, s, V


def _with_workspace(name: str, dtype: npt.DTypeLike, *arguments: Any) -> None:
    """Ask a routine how much workspace is best, and call it with that."""
    work, integers = np.empty(1, dtype), np.empty(1, np.intc)
    _call(name, *arguments, work, -1, integers, -1)
    work, integers = np.empty(_size(work), dtype), np.empty(integers[0], np.intc)
    if info := _call(name, *arguments, work, len(work), integers, len(integers)):
        raise LinAlgError(f"the eigenvalues did not converge ({name}: {info})")


def _size(work: Array) -> int:
    """Return a number of a workspace query, which float32 may have rounded down."""
    return int(work[0] if work.dtype == np.float64 else np.nextafter(work[0], np.float32(np.inf)))


@cache
def _routine(name: str, dtype: np.dtype[Any]) -> Any:
    arguments, letter = _ARGUMENTS[name], {"float32": "s", "float64": "d"}[dtype.name]
    address = address_of("lapack", letter + name, arguments)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(address)


def _call(name: str, *arguments: Any) -> int:
    """Call a routine without the GIL; return `info`, its last argument."""
    info, dtype = ctypes.c_int(), next(a.dtype for a in arguments if isinstance(a, np.ndarray))
    kept = [_by_reference(each) for each in (*arguments, info)]
    _routine(name, dtype)(
        *(
            each.ctypes.data if isinstance(each, np.ndarray) else ctypes.addressof(each)
            for each in kept
        )
    )
    return info.value


def _by_reference(value: Any) -> Any:
    if isinstance(value, str):
        return ctypes.c_char(value.encode())
    return ctypes.c_int(value) if isinstance(value, int) else value
