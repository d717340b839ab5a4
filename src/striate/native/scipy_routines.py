"""Addresses of the routines of SciPy's BLAS and LAPACK."""

import ctypes
import importlib
import re

import scipy
from numba.extending import get_cython_function_address

_KINDS = {"c": "char", "i": "int"}


def address_of(library: str, name: str, arguments: str) -> int:
    """Return the address of a routine, after a look at its C signature.

    Parameters
    ----------
    library : {"blas", "lapack"}
    name : str
        With the letter of its type, such as "dgemm".
    arguments : str
        A letter each: c for a character, i for an integer, r for floating-point numbers.

    Raises
    ------
    ImportError
        If the routine takes other arguments, such as integers of 64 bits.
    """
    module = importlib.import_module(f"scipy.linalg.cython_{library}")
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    signature = (get_name(module.__pyx_capi__[name]) or b"").decode()
    given = [_KINDS.get(each, rf"__pyx_t\w+_{name[0]}") for each in arguments]
    expected = r"void \(" + ", ".join(rf"{each} \*" for each in given) + r"\)"
    if not re.fullmatch(expected, signature):
        raise ImportError(
            f"SciPy {scipy.__version__} has a {library.upper()} that Striate cannot call: its "
            f"{name} is {signature!r}. Install a version of SciPy that pyproject.toml of Striate "
            "allows."
        )
    return int(get_cython_function_address(module.__name__, name))
